"""How changes of shape and order run on a batch: every axis moves one to the right."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.record import Primitive
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.batch import all_batched, flat, moved, one_by_one, rank_of
from dualgrad._trace.level import bind

Operands = tuple[Value, ...]
Params = dict[str, Any]


def repeat(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, repeats = operands
    if batched[1]:
        return one_by_one(record, batched, operands, params)
    axis = params.get("axis")
    if axis is None:
        return bind(record, (flat(a), repeats), {"axis": 1})
    return bind(record, (a, repeats), {"axis": moved(axis, rank_of(a))})


# ---- shapes ----------------------------------------------------------------------------------------


def reshape(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    shape = params.get("shape", -1)
    shape = shape if isinstance(shape, (tuple, list)) else (shape,)
    size, *rest = shape_of(a)
    if -1 in shape and 0 in (size, *rest):
        shape = np.empty(rest).reshape(shape).shape
    if params.get("order", "C") in ("C", "K", None):
        return np.reshape(a, (size, *shape))
    # In Fortran's order the batch axis runs last.
    return np.moveaxis(np.reshape(np.moveaxis(a, 0, -1), (*shape, size), order=params["order"]), -1, 0)


def transpose(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    axes = params.get("axes")
    axes = tuple(range(rank_of(a), 0, -1)) if axes is None else moved(tuple(axes), rank_of(a))
    return np.transpose(a, (0, *axes))


def swapped_matrices(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    return np.swapaxes(operands[0], -1, -2)


def expand_dims(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    axis = params["axis"]
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return np.expand_dims(a, moved(tuple(axes), rank_of(a) + len(axes)))


def squeeze(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    axis = params.get("axis")
    if axis is None:
        return np.squeeze(a, tuple([k for k, n in enumerate(shape_of(a)) if n == 1 and k > 0]))
    return np.squeeze(a, moved(axis, rank_of(a)))


def flip(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    axis = params.get("axis")
    return np.flip(a, tuple(range(1, rank_of(a) + 1)) if axis is None else moved(axis, rank_of(a)))


def flip_first(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    return np.flip(operands[0], 1)


def flip_second(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    return np.flip(operands[0], 2)


def roll(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    axis = params.get("axis")
    if axis is None:
        return np.reshape(np.roll(flat(a), params["shift"], 1), shape_of(a))
    return np.roll(a, params["shift"], moved(axis, rank_of(a)))


def broadcast_to(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    shape = params["shape"]
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    size, *rest = shape_of(a)
    a = np.reshape(a, (size, *(1,) * (len(shape) - len(rest)), *rest))
    return np.broadcast_to(a, (size, *shape))


def concatenate(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    operands = tuple(all_batched(batched, operands))
    axis = params.get("axis", 0)
    if axis is None:
        return bind(record, tuple([flat(x) for x in operands]), {**params, "axis": 1})
    return bind(record, operands, {**params, "axis": moved(axis, rank_of(operands[0]))})


def stack(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    operands = tuple(all_batched(batched, operands))
    return bind(record, operands, {**params, "axis": moved(params.get("axis", 0), rank_of(operands[0]) + 1)})
