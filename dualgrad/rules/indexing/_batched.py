"""How indexing, diagonals and triangles, and their transposes, run on a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dualgrad._array.dispatch import call
from dualgrad._table.functions import getitem
from dualgrad._table.index import Slot, join_index
from dualgrad._table.record import Primitive
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.batch import all_batched, batch_size, moved, rank_of
from dualgrad._trace.level import bind
from dualgrad.errors import ConversionError

Operands = tuple[Value, ...]
Params = dict[str, Any]


class _BatchIndex(NamedTuple):
    """An index into a whole batch, and where NumPy puts the axes of its arrays: `width` axes, from `found` to `wanted`."""

    index: Any
    arrays: tuple[Value, ...]
    width: int
    found: int
    wanted: int


def batch_index(index: Any, arrays: Sequence[Value], batched: Sequence[bool], ndim: int, size: int) -> _BatchIndex:
    """Return the index that does to a batch (batch axis in front) what an index does to each member.

    `batched` tells which index arrays differ between members.
    """
    if not arrays:
        parts = index if isinstance(index, tuple) else (index,)
        return _BatchIndex((slice(None), *parts), (), 0, 0, 0)
    for x, many in zip(arrays, batched, strict=True):
        if many and x.dtype.kind == "b":
            raise ConversionError(
                "x[mask] under vmap, with a mask that differs between the members of the batch: so would the shapes. "
                "Write np.where(mask, x, 0) and go on with arrays of full shape."
            )
    parts = tuple(index)
    advanced = [k for k, part in enumerate(parts) if type(part) is Slot or isinstance(part, (int, np.integer))]
    together = advanced == list(range(advanced[0], advanced[-1] + 1))
    rank = max(len(shape_of(x)) - b if x.dtype.kind != "b" else 1 for x, b in zip(arrays, batched, strict=True))
    # How many axes of the answer come before those of the arrays.
    before = sum(_axes_made(part, parts, arrays, ndim) for part in parts[: advanced[0]]) if together else 0
    if not any(batched):
        # The slice in front separates nothing, but arrays apart go to the very front.
        return _BatchIndex((slice(None), *parts), tuple(arrays), rank, before + 1 if together else 0, before + 1)
    # One more array, which counts the members; with it the arrays are apart unless everything is at the front.
    aligned = [_with_rank(x, rank) if many else x for x, many in zip(arrays, batched, strict=True)]
    members = np.arange(size).reshape(size, *(1,) * rank)
    return _BatchIndex((Slot(len(arrays)), *parts), (*aligned, members), rank, 1, before + 1)


def _with_rank(x: Value, rank: int) -> Value:
    shape = shape_of(x)
    return np.reshape(x, (shape[0], *(1,) * (rank + 1 - len(shape)), *shape[1:]))


def _axes_made(part: Any, parts: Sequence[Any], arrays: Sequence[Value], ndim: int) -> int:
    """Return how many axes of the answer one static part of an index makes."""
    if part is not Ellipsis:
        return 1
    used = sum(
        arrays[p.number].ndim if type(p) is Slot and arrays[p.number].dtype.kind == "b" else 1
        for p in parts
        if p is not None and p is not Ellipsis
    )
    return ndim - used


def getitem_of_batch(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, *arrays = operands
    if not batched[0]:
        if len(arrays) == 1 and _is_first(params["index"]) and arrays[0].dtype.kind != "b":
            # A table looked up by a batch of indices.
            return call(getitem, a, arrays[0])
        a = np.broadcast_to(a, (batch_size(batched, operands), *shape_of(a)))
    size, *shape = shape_of(a)
    where = batch_index(params["index"], arrays, batched[1:], len(shape), size)
    # By name: a plain array cannot be asked for what a batch of an outer level names.
    answer = call(getitem, a, join_index(where.index, where.arrays))
    return moved_axes(answer, where.found, where.wanted, where.width)


def _is_first(index: Any) -> bool:
    return len(index) == 1 and type(index[0]) is Slot


def moved_axes(x: Value, start: int, stop: int, count: int) -> Value:
    """Return a value with `count` axes moved from `start` to `stop`."""
    if start == stop or count == 0:
        return x
    return np.moveaxis(x, tuple(range(start, start + count)), tuple(range(stop, stop + count)))


def scatter(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    ct, *arrays = operands
    size = batch_size(batched, operands)
    if not batched[0]:
        ct = np.broadcast_to(ct, (size, *shape_of(ct)))
    shape = params["shape"]
    where = batch_index(params["index"], arrays, batched[1:], len(shape), size)
    ct = moved_axes(ct, where.wanted, where.found, where.width)
    return bind(record, (ct, *where.arrays), {"index": where.index, "shape": (size, *shape)})


def scatter_many(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    operands = tuple(all_batched(batched, operands))
    indices = tuple([(slice(None), *(i if isinstance(i, tuple) else (i,))) for i in params["indices"]])
    return bind(record, operands, {"indices": indices, "shape": (shape_of(operands[0])[0], *params["shape"])})


def on_diagonal(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    shape = params["shape"]
    axes = {name: moved(params.get(name, k), len(shape)) for k, name in enumerate(("axis1", "axis2"))}
    return bind(record, operands, {**params, **axes, "shape": (shape_of(operands[0])[0], *shape)})


def triangle(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    if rank_of(a) == 1:
        # NumPy makes a matrix of a vector, every row of it the vector.
        size, n = shape_of(a)
        a = np.broadcast_to(np.reshape(a, (size, 1, n)), (size, n, n))
    return bind(record, (a,), params)
