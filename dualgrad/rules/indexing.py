"""Indexing: `x[index]` of every kind, and its transpose, which scatters a cotangent into zeros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dualgrad._core.dispatch import bind
from dualgrad._core.functions import getitem, overridable
from dualgrad._core.level import Tracer
from dualgrad._core.primitive import RECORDS, Primitive, Pull, Word, register
from dualgrad._core.signature import Normaliser
from dualgrad._core.space import Space, Value, space_of
from dualgrad.rules.define import handwritten
from dualgrad.rules.samples import A, case, cases

# An index is split into what is static (integers, slices, None, Ellipsis: a parameter) and its arrays, which are operands.
# In the static part, a Slot stands for each array.


class Slot:
    """The place of an array in an index."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


_STATIC = frozenset((int, slice, type(None), type(Ellipsis)))
_NUMBERS = frozenset((float, complex, int))


def split_index(index: Any) -> tuple[Any, tuple[Value, ...]]:
    """Return an index as (static part, arrays)."""
    if type(index) in _STATIC:
        return index, ()
    arrays: list[Value] = []
    parts: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        if type(part) in _STATIC or isinstance(part, np.integer):
            parts.append(part)
            continue
        parts.append(Slot(len(arrays)))
        arrays.append(_index_array(part))
    return tuple(parts), tuple(arrays)


def _index_array(part: Any) -> Value:
    found = part if hasattr(part, "dtype") else np.asarray(part)
    if found.dtype.kind not in "iub":
        if found.size == 0 and found is not part:
            return found.astype(np.intp)
        raise IndexError(
            f"An index is an integer, a slice or an array of integers or booleans; it is of dtype {found.dtype} here."
        )
    return found


def join_index(index: Any, arrays: Sequence[Value]) -> Any:
    """Return the index that `split_index` took apart."""
    if not arrays:
        return index
    return tuple([arrays[part.number] if type(part) is Slot else part for part in index])


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


def _getitem(a: Value, *arrays: Value, index: Any) -> Value:
    if arrays and not isinstance(a, Tracer) and any([isinstance(i, Tracer) for i in arrays]):
        # A plain array cannot be asked for places that differ between the members of a batch.
        return bind(RECORDS[getitem], (a, *arrays), {"index": index})  # type: ignore[arg-type]
    # A Python number is differentiated as the array without axes that it stands for.
    return (np.asarray(a) if type(a) in _NUMBERS else a)[join_index(index, arrays)]


def _getitem_jvp(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, index: Any) -> Value:
    return _getitem(tangents[0], *operands[1:], index=index)


def _getitem_transpose(ct: Value, a: Space, *arrays: Value, index: Any) -> Value:
    return scatter(ct, *arrays, index=index, shape=a.shape)


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
            one = scatter(ct, *arrays, index=param["index"], shape=kept[0][0].shape)
            total = one if total is None else total + one
        else:
            together.append((ct, param["index"]))
    if together:
        indices = tuple([index for _, index in together])
        many = scatter_many(*[ct for ct, _ in together], indices=indices, shape=kept[0][0].shape)
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
    )
)


# ---- its transposes --------------------------------------------------------------------------------


@overridable
def scatter(ct: Value, *arrays: Value, index: Any, shape: tuple[int, ...]) -> Value:
    """Return zeros of a shape with `ct` added at an index; the transpose of indexing."""
    buffer = np.zeros(shape, ct.dtype)
    _add_at(buffer, index, arrays, ct)
    return buffer


def _add_at(buffer: np.ndarray[Any, Any], index: Any, arrays: Sequence[Value], ct: Value) -> None:
    if not arrays:
        buffer[index] += ct
    elif any(x.dtype.kind != "b" for x in arrays):
        # Integer arrays may name a place twice, and then both contributions count.
        np.add.at(buffer, join_index(index, arrays), ct)
    else:
        buffer[join_index(index, arrays)] += ct


@overridable
def scatter_many(*cts: Value, indices: tuple[Any, ...], shape: tuple[int, ...]) -> Value:
    """Return zeros of a shape with each of `cts` added at its own index."""
    buffer = np.zeros(shape, np.result_type(*[ct.dtype for ct in cts]))
    for ct, index in zip(cts, indices, strict=True):
        buffer[index] += ct
    return buffer


def _scatter_jvp(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, **params: Any) -> Value:
    return scatter(tangents[0], *operands[1:], **params)


def _scatter_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, *operands: Value, index: Any, shape: Any
) -> tuple[Value, ...]:
    return (ct[join_index(index, operands[1:])], *[None for _ in operands[1:]])


def _scatter_many_jvp(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, indices: Any, shape: Any) -> Value:
    moved = [(t, index) for t, index in zip(tangents, indices, strict=True) if t is not None]
    return scatter_many(*[t for t, _ in moved], indices=tuple([index for _, index in moved]), shape=shape)


def _scatter_many_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, *operands: Value, indices: Any, shape: Any
) -> tuple[Value, ...]:
    return tuple([ct[index] if want else None for want, index in zip(wanted, indices, strict=True)])


handwritten(
    scatter,
    _scatter_jvp,
    _scatter_vjp,
    keep=("*",),
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
    samples=cases(case(A(), A(2), indices=(1, slice(1, 3)), shape=(4,))),
)
