"""Putting arrays together and taking them apart: concatenate, stack, block, split, tile, repeat, append."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table import versions
from dualgrad._table.facets import BATCH, PATTERN, THIN
from dualgrad._table.facts import ARRAY, AS_BODY
from dualgrad._table.functions import astype
from dualgrad._table.index import Slot
from dualgrad._table.space import Space, Value, dtype_of, shape_of
from dualgrad._table.structure import Rearranged, axes_of
from dualgrad.batching import thin_functions as thin
from dualgrad.patterns.call import PatternCall, joined_along, numbers
from dualgrad.patterns.sets import IndexSets, take
from dualgrad.rules.arrays import _batched
from dualgrad.rules.indexing.items import scatter
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, linear


def _cast_all(arrays: Sequence[Value], dtype: Any, casting: str) -> list[Value]:
    """Return arrays in one dtype, or NumPy's error where the casting rule forbids it."""
    values = [as_operand(x) for x in arrays]
    dtype = np.result_type(*[dtype_of(x) for x in values]) if dtype is None else np.dtype(dtype)
    for x in values:
        if not np.can_cast(dtype_of(x), dtype, casting):  # type: ignore[arg-type]
            raise TypeError(
                f"Cannot cast array data from {dtype_of(x)!r} to {dtype!r} according to the rule '{casting}'"
            )
    return [x if dtype_of(x) == dtype else astype(x, dtype) for x in values]


# ---- concatenate -----------------------------------------------------------------------------------


def _concatenate(*arrays: Value, axis: Any = 0) -> Value:
    return np.concatenate(arrays, axis=axis)


def _concatenate_transpose(ct: Value, *arrays: Space, axis: Any = 0) -> tuple[Value, ...]:
    start, pieces = 0, []
    if axis is None:
        for a in arrays:
            size = _size(shape_of(a))
            pieces.append(np.reshape(ct[start : start + size], shape_of(a)))
            start += size
        return tuple(pieces)
    before = (slice(None),) * (axis % ct.ndim)
    for a in arrays:
        stop = start + shape_of(a)[axis]
        pieces.append(ct[(*before, slice(start, stop))])
        start = stop
    return tuple(pieces)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


def _concatenate_desugar(
    arrays: Any, axis: Any = 0, out: None = None, dtype: Any = None, casting: str = "same_kind"
) -> Value:
    return np.concatenate(_cast_all(arrays, dtype, casting), axis=axis)


linear(
    np.concatenate,
    _concatenate_transpose,
    call=_concatenate,
    signature="arrays, axis=0, out=None, dtype=None, casting='same_kind'",
    desugar=_concatenate_desugar,
    structure=Rearranged(many=True),
    says=(BATCH(_batched.concatenate), THIN(thin.concatenate)),
    samples=cases(
        case((A(2, 3), A(1, 3))),
        case([A(2, 3), A(2, 0), A(2, 1)], axis=-1),
        case((A(2), A(), A(1, 2)), axis=None),
        case((A(2), np.arange(3))),
        case((A(2), A(3, is_complex=True))),
        case((A(2), A(3)), 0, None, dtype="complex128", casting="safe"),
        case((A(2), A(3, is_complex=True)), casting="unsafe"),
    ),
)

# ---- stack -----------------------------------------------------------------------------------------


def _stack(*arrays: Value, axis: int = 0) -> Value:
    return np.stack(arrays, axis=axis)


def _stack_transpose(ct: Value, *arrays: Space, axis: int = 0) -> tuple[Value, ...]:
    rows = np.moveaxis(ct, axis, 0) if axis else ct
    return tuple([rows[k] for k in range(len(arrays))])


def _stack_desugar(
    arrays: Any, axis: int = 0, out: None = None, dtype: Any = None, casting: str = "same_kind"
) -> Value:
    return np.stack(_cast_all(arrays, dtype, casting), axis=axis)


linear(
    np.stack,
    _stack_transpose,
    call=_stack,
    desugar=_stack_desugar,
    structure=Rearranged(many=True),
    says=(BATCH(_batched.stack), THIN(thin.stack)),
    samples=cases(
        case((A(2, 3), A(2, 3))),
        case([A(2, 3), A(2, 3), A(2, 3)], axis=1),
        case([A(3), A(3)], -1),
        case((A(), A(), 1)),
        case((A(2), np.arange(2), A(2, is_complex=True))),
        case((A(2), A(2)), dtype="complex128", casting="safe"),
    ),
)

# ---- vstack, hstack, dstack, column_stack, append, block -------------------------------------------


def _as_tuple(arrays: Any) -> tuple[Any, ...]:
    """Return a sequence of one or more arrays as `np.atleast_*` returns it."""
    return arrays if isinstance(arrays, tuple) else (arrays,)


def _join(arrays: tuple[Value, ...], axis: int, dtype: Any, casting: Any) -> Value:
    if dtype is None and casting == "same_kind":
        return np.concatenate(arrays, axis=axis)
    return np.concatenate(arrays, axis=axis, dtype=dtype, casting=casting)


def _vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Value:
    return _join(_as_tuple(np.atleast_2d(*tup)), 0, dtype, casting)


def _hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Value:
    arrays = _as_tuple(np.atleast_1d(*tup))
    axis = 0 if len(shape_of(arrays[0])) == 1 else 1
    return _join(arrays, axis, dtype, casting)


def _dstack(tup: Any) -> Value:
    return np.concatenate(_as_tuple(np.atleast_3d(*tup)), 2)


def _column_stack(tup: Any) -> Value:
    columns = [np.reshape(x, (-1, 1)) if len(shape_of(x)) < 2 else x for x in map(as_operand, tup)]
    return np.concatenate(columns, 1)


_rows = (case((A(2), A(2))), case([A(3), A(3), [1, 2, 3]]))
_typed = (case((A(2), A(2)), dtype="complex128"), case((A(2), A(2)), dtype="complex128", casting="safe"))

composite(np.vstack, _vstack, samples=cases(*_rows, *_typed, case((A(2, 3), A(3))), case((A(), A()))))
composite(np.hstack, _hstack, samples=cases(*_rows, *_typed, case((A(2, 1), A(2, 3))), case((A(), A(2), A(0)))))
composite(np.dstack, _dstack, samples=cases(*_rows, case((A(2, 3), A(2, 3, 2))), case((A(), A()))))
composite(np.column_stack, _column_stack, samples=cases(*_rows, case((A(3), A(3, 2))), case((A(), A()))))


def _append(arr: Value, values: Value, axis: Any = None) -> Value:
    return np.concatenate((as_operand(arr), as_operand(values)), axis=axis)


composite(
    np.append,
    _append,
    samples=cases(
        case(A(2, 3), A(2)), case(A(2), A()), case(A(2, 3), A(1, 3), 0), case(A(2, 3), [[1.0], [2.0]], axis=1)
    ),
)


def _block(arrays: Any) -> Value:
    depth = _block_depth(arrays, ())
    ndim = max(depth, *[len(shape_of(x)) for x in _block_leaves(arrays)])
    return _block_join(arrays, depth, ndim)


def _block_depth(arrays: Any, place: tuple[int, ...]) -> int:
    if isinstance(arrays, tuple):
        raise TypeError(f"numpy.block: arrays{_brackets(place)} is a tuple. Only lists can be used to arrange blocks.")
    if not isinstance(arrays, list):
        return len(place)
    if not arrays:
        raise ValueError(f"numpy.block: the list at arrays{_brackets(place)} cannot be empty.")
    depths = [_block_depth(x, (*place, k)) for k, x in enumerate(arrays)]
    if len(set(depths)) > 1:
        raise ValueError(f"numpy.block: list depths are mismatched in arrays{_brackets(place)}: {depths}.")
    return depths[0]


def _brackets(place: tuple[int, ...]) -> str:
    return "".join([f"[{k}]" for k in place])


def _block_leaves(arrays: Any) -> Iterator[Value]:
    if isinstance(arrays, list):
        for x in arrays:
            yield from _block_leaves(x)
    else:
        yield arrays


def _block_join(arrays: Any, depth: int, ndim: int) -> Value:
    if isinstance(arrays, list):
        return np.concatenate([_block_join(x, depth - 1, ndim) for x in arrays], axis=-depth)
    x = as_operand(arrays)
    shape = shape_of(x)
    return np.reshape(x, (1,) * (ndim - len(shape)) + shape)


composite(
    np.block,
    _block,
    samples=cases(
        case([[A(2, 2), A(2, 1)], [A(1, 2), A()]]),
        case([A(2), 1, A(3)]),
        case([A(2, 3), A(2, 1)]),
        case(A(2)),
        case([[A(2)], [A(2)]]),
    ),
)

# ---- split, unstack --------------------------------------------------------------------------------

# Each piece is a slice, and the cotangents of all slices are added into one buffer (see reverse/_sweep.py).


def _array_split(ary: Value, indices_or_sections: Any, axis: int = 0) -> list[Value]:
    size = shape_of(ary)[axis]
    if np.iterable(indices_or_sections):
        cuts = [0, *[operator.index(k) for k in indices_or_sections], size]
    else:
        sections = operator.index(indices_or_sections)
        if sections <= 0:
            raise ValueError("number sections must be larger than 0.")
        each, extra = divmod(size, sections)
        # The first `extra` pieces have one number more.
        cuts = [k * each + min(k, extra) for k in range(sections + 1)]
    before = (slice(None),) * (axis % len(shape_of(ary)))
    # An index beyond the end gives an empty piece, and so does one before its predecessor, as slices do.
    return [ary[(*before, slice(a, b))] for a, b in itertools.pairwise(cuts)]


def _split(ary: Value, indices_or_sections: Any, axis: int = 0) -> list[Value]:
    if not np.iterable(indices_or_sections) and shape_of(ary)[axis] % indices_or_sections:
        raise ValueError("array split does not result in an equal division")
    return _array_split(ary, indices_or_sections, axis)


def _hsplit(ary: Value, indices_or_sections: Any) -> list[Value]:
    ndim = len(shape_of(ary))
    if ndim == 0:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return _split(ary, indices_or_sections, 1 if ndim > 1 else 0)


def _vsplit(ary: Value, indices_or_sections: Any) -> list[Value]:
    if len(shape_of(ary)) < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return _split(ary, indices_or_sections, 0)


def _dsplit(ary: Value, indices_or_sections: Any) -> list[Value]:
    if len(shape_of(ary)) < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return _split(ary, indices_or_sections, 2)


def _unstack(x: Value, /, *, axis: int = 0) -> tuple[Value, ...]:
    if not shape_of(x):
        raise ValueError("Input array must be at least 1-d.")
    rows = np.moveaxis(x, axis, 0)
    return tuple([rows[k] for k in range(shape_of(rows)[0])])


composite(
    np.array_split,
    _array_split,
    samples=cases(
        case(A(7), 3), case(A(2, 5), [1, 3, 9], axis=1), case(A(2, 5), 2, -1), case(A(5), (3, 2)), case(A(2), 3)
    ),
    facts=AS_BODY,
)
composite(np.split, _split, samples=cases(case(A(6), 3), case(A(6), [2, -1]), case(A(2, 4), 2, axis=1)), facts=AS_BODY)
composite(np.hsplit, _hsplit, samples=cases(case(A(4), 2), case(A(2, 4), [1])), facts=AS_BODY)
composite(np.vsplit, _vsplit, samples=cases(case(A(4, 2), 2), case(A(4, 2), [1])), facts=AS_BODY)
composite(np.dsplit, _dsplit, samples=cases(case(A(2, 2, 4), 2), case(A(2, 2, 4), [1])), facts=AS_BODY)
if versions.unstack is not None:
    composite(
        versions.unstack, _unstack, samples=cases(case(A(3, 2)), case(A(3, 2), axis=-1), case(A(2))), facts=AS_BODY
    )

# ---- tile, repeat ----------------------------------------------------------------------------------


def _tile(A: Value, reps: Any) -> Value:
    counts = tuple([operator.index(n) for n in reps]) if np.iterable(reps) else (operator.index(reps),)
    shape = shape_of(A)
    ndim = max(len(counts), len(shape))
    counts = (1,) * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - len(shape)) + shape
    if min(counts, default=0) < 0:
        raise ValueError("negative dimensions are not allowed")
    # Each axis of length n becomes two, (count, n), of which the first is broadcast.
    single = [m for n in shape for m in (1, n)]
    tiled = [m for count, n in zip(counts, shape, strict=True) for m in (count, n)]
    whole = [count * n for count, n in zip(counts, shape, strict=True)]
    return np.reshape(np.broadcast_to(np.reshape(A, single), tiled), whole)


composite(
    np.tile,
    _tile,
    samples=cases(
        case(A(3), 2),
        case(A(2, 3), (2, 1)),
        case(A(3), (2, 2)),
        case(A(2, 1, 2), [3]),
        case(A(), 3),
        case(A(), ()),
        case(A(2), 0),
        case(A(2), reps=(1,)),
    ),
    facts=ARRAY,
)


def _repeat_transpose(ct: Value, a: Space, repeats: Value, *, axis: int | None = None) -> Value:
    shape = a.shape if axis is not None and a.ndim else (a.size,)
    axis = 0 if axis is None else axis % len(shape)
    counts = np.asarray(repeats)
    if counts.size == 1:
        rows = np.reshape(ct, (*shape[: axis + 1], int(counts.item()), *shape[axis + 1 :]))
        found = np.add.reduce(rows, axis=axis + 1)
    else:
        places = np.repeat(np.arange(shape[axis]), counts)
        found = scatter(ct, places, index=(*[slice(None)] * axis, Slot(0)), shape=shape)
    return np.reshape(found, a.shape)


def _repeat_pattern(call: PatternCall) -> IndexSets:
    sets, shape = call.sets[0], shape_of(call.values[0])
    if sets is None:
        return call.nothing()
    if not call.loose[1]:
        return take(sets, np.repeat(numbers(shape), call.values[1], **call.params))
    axis = call.params.get("axis")
    return joined_along(sets, shape, axes_of(len(shape), axis), call.shape, kept=0 if axis is None else -1)


linear(
    np.repeat,
    _repeat_transpose,
    says=(BATCH(_batched.repeat), PATTERN(_repeat_pattern), THIN(thin.repeat)),
    samples=cases(
        case(A(3), 2),
        case(A(2, 3), 2),
        case(A(2, 3), 2, 1),
        case(A(2, 3), [2, 0, 1], axis=-1),
        case(A(3), np.array([1, 2, 0])),
        case(A(2, 2), np.array([2]), axis=0),
        case(A(), 3),
        case(A(2), 0),
        case(A(2, 2), repeats=1, axis=0),
    ),
)
