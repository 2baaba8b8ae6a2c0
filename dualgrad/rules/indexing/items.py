"""Indexing: `x[index]` of every kind, and its transpose, which scatters a cotangent into zeros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dualgrad._array.dispatch import call
from dualgrad._table.facets import BATCH, PATTERN, THIN, said
from dualgrad._table.foreign import is_foreign, zeros_like
from dualgrad._table.functions import getitem, overridable
from dualgrad._table.index import Slot, join_index, split_index
from dualgrad._table.record import Primitive, Pull, Word, register
from dualgrad._table.signature import Normaliser
from dualgrad._table.space import Space, Value, like_of, space_of
from dualgrad._trace.level import Tracer
from dualgrad.batching import thin_functions as thin
from dualgrad.errors import NoRuleError
from dualgrad.rules.indexing import _batched
from dualgrad.rules.indexing._patterns import getitem_pattern, scatter_many_pattern, scatter_pattern
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import handwritten


class _IndexNormaliser(Normaliser):
    """Normalises `getitem(a, index)`: the arrays of the index become operands."""

    __slots__ = ()

    def __call__(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Value, ...], dict[str, Any], dict[str, Any]]:
        a, index = args
        static, arrays = split_index(index)
        return (a, *arrays), {"index": static}, {}


# ---- x[index] --------------------------------------------------------------------------------------


_NUMBERS = frozenset((float, complex, int))


def _getitem(a: Value, *arrays: Value, index: Any) -> Value:
    if arrays and not isinstance(a, Tracer) and any([isinstance(x, Tracer) for x in arrays]):
        # A plain array cannot be asked for what a batch of indices names.
        return call(getitem, a, join_index(index, arrays))
    # A Python number is differentiated as the array without axes that it stands for.
    return (np.asarray(a) if type(a) in _NUMBERS else a)[join_index(index, arrays)]


def _getitem_jvp(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, index: Any) -> Value:
    return _getitem(tangents[0], *operands[1:], index=index)


def _getitem_transpose(ct: Value, a: Space, *arrays: Value, index: Any) -> Value:
    return scatter(ct, *arrays, index=index, shape=a.shape, like=like_of(a))


def _getitem_keep(ans: Value, a: Value, *arrays: Value) -> tuple[Value, ...]:
    return (space_of(a), *arrays)


def _scatter_into(buffer: np.ndarray[Any, Any], ct: Value, a: Space, *arrays: Value, index: Any) -> None:
    if arrays:
        _add_at(buffer, index, arrays, ct)
    else:
        buffer[index] += ct


def _gather_scatters(cotangents: Sequence[Value], kept: Sequence[Any], params: Sequence[Any]) -> Value:
    """Return the sum of many scatters into one array, those without index arrays in one pass."""
    total = None
    together: list[tuple[Value, Any]] = []
    for ct, (_, *arrays), param in zip(cotangents, kept, params, strict=True):
        if arrays:
            one = scatter(ct, *arrays, index=param["index"], shape=kept[0][0].shape, like=like_of(kept[0][0]))
            total = one if total is None else total + one
        else:
            together.append((ct, param["index"]))
    if together:
        indices = tuple([index for _, index in together])
        many = scatter_many(
            *[ct for ct, _ in together], indices=indices, shape=kept[0][0].shape, like=like_of(kept[0][0])
        )
        total = many if total is None else total + many
    return total


_pulls = (Pull(_getitem_transpose, _getitem_keep),)


def _getitem_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, *operands: Value, index: Any) -> tuple[Value, ...]:
    return (_getitem_transpose(ct, *operands, index=index), *[None for _ in operands[1:]])


register(
    Primitive(
        key=getitem,
        word=Word.LINEAR,
        fun=_getitem,
        jvp=_getitem_jvp,
        vjp=_getitem_vjp,
        samples=cases(
            case(A(4), 1),
            case(A(3, 4), (slice(None), 2)),
            case(A(3, 4), (Ellipsis, None, slice(None, None, -2))),
            case(A(5), np.array([0, 2, 2, -1])),
            case(A(3, 4), np.array([[True, False, True, True]] * 3)),
            case(A(3, 4), (np.array([0, 0, 2]), np.array([1, 1, 3]))),
            case(A(3, 4, 2), (np.array([[0], [2]]), slice(1, 3), [0, 1])),
        ),
        normalise=_IndexNormaliser("indexing", ("a", "index"), ("a",), ("index",), {}),
        operate=_getitem,
        pulls=_pulls,
        into=_scatter_into,
        gather=_gather_scatters,
        says=said((BATCH(_batched.getitem_of_batch), PATTERN(getitem_pattern))),
    )
)


# ---- its transposes --------------------------------------------------------------------------------


@overridable
def scatter(ct: Value, *arrays: Value, index: Any, shape: tuple[int, ...], like: Value = None) -> Value:
    """Return zeros of a shape with `ct` added at an index, made by the library of `like`; the transpose of indexing."""
    buffer = _zeros(shape, ct.dtype, like, ct)
    _add_at(buffer, index, arrays, ct)
    return buffer


def _zeros(shape: tuple[int, ...], dtype: Any, *likes: Value) -> Value:
    """Return zeros made by the library of the first value that is not NumPy's."""
    for like in likes:
        if like is not None and is_foreign(like):
            return zeros_like(like, shape, dtype)
    return np.zeros(shape, dtype)


def _add_at(buffer: np.ndarray[Any, Any], index: Any, arrays: Sequence[Value], ct: Value) -> None:
    if is_foreign(buffer):
        _add_to_foreign(buffer, join_index(index, arrays), ct)
    elif not arrays:
        buffer[index] += ct
    elif any(x.dtype.kind != "b" for x in arrays):
        # Integer arrays may name a place twice, and then both contributions count.
        np.add.at(buffer, join_index(index, arrays), ct)
    else:
        buffer[join_index(index, arrays)] += ct


def _add_to_foreign(buffer: Value, index: Any, ct: Value) -> None:
    """Add at an index in another library's array, which may know neither `np.add.at` nor new axes in an assignment."""
    index = tuple([part for part in (index if isinstance(index, tuple) else (index,)) if part is not None])
    places = [k for k, part in enumerate(index) if hasattr(part, "dtype") and part.shape]
    if len(places) > 1 or any([is_foreign(index[k]) or _repeats(index, k, buffer.shape) for k in places]):
        raise NoRuleError(
            f"A {type(buffer).__module__}.{type(buffer).__name__} was indexed with an array that names places twice or is not "
            "NumPy's, or with several, and its library cannot add at these. Index with one NumPy array without repeats, or "
            "select with np.where."
        )
    part = buffer[index]
    buffer[index] = part + np.reshape(ct, part.shape)


def _repeats(index: tuple[Any, ...], k: int, shape: tuple[int, ...]) -> bool:
    """Tell whether the array at place `k` of an index, the only one there, names a place twice."""
    if index[k].dtype.kind == "b":
        return False
    axis = k - len(index) if any([part is Ellipsis for part in index[:k]]) else k
    return len(np.unique(index[k] % shape[axis])) < int(index[k].size)


@overridable
def scatter_many(*cts: Value, indices: tuple[Any, ...], shape: tuple[int, ...], like: Value = None) -> Value:
    """Return zeros of a shape with each of `cts` added at its own index."""
    dtype = np.result_type(*[ct.dtype for ct in cts])
    buffer = _zeros(shape, dtype, like, *cts)
    for ct, index in zip(cts, indices, strict=True):
        _add_at(buffer, index, (), ct)
    return buffer


def _scatter_jvp(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, **params: Any) -> Value:
    return scatter(tangents[0], *operands[1:], **params)


def _scatter_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, *operands: Value, index: Any, shape: Any, like: Value = None
) -> tuple[Value, ...]:
    return (_getitem(ct, *operands[1:], index=index), *[None for _ in operands[1:]])


def _scatter_many_jvp(
    tangents: tuple[Value, ...], ans: Value, /, *operands: Value, indices: Any, shape: Any, like: Value = None
) -> Value:
    moved = [(t, index) for t, index in zip(tangents, indices, strict=True) if t is not None]
    return scatter_many(*[t for t, _ in moved], indices=tuple([index for _, index in moved]), shape=shape, like=like)


def _scatter_many_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, *operands: Value, indices: Any, shape: Any, like: Value = None
) -> tuple[Value, ...]:
    return tuple([ct[index] if want else None for want, index in zip(wanted, indices, strict=True)])


handwritten(
    scatter,
    _scatter_jvp,
    _scatter_vjp,
    keep=("*",),
    says=(BATCH(_batched.scatter), PATTERN(scatter_pattern), THIN(thin.scatter)),
    samples=cases(
        case(A(2), index=(slice(0, 3, 2),), shape=(4,)),
        case(A(3), np.array([0, 1, 1]), index=(Slot(0),), shape=(4,)),
    ),
)
handwritten(
    scatter_many,
    _scatter_many_jvp,
    _scatter_many_vjp,
    keep=(),
    says=(BATCH(_batched.scatter_many), PATTERN(scatter_many_pattern), THIN(thin.scatter_many)),
    samples=cases(case(A(), A(2), indices=(1, slice(1, 3)), shape=(4,))),
)
