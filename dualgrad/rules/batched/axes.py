"""How functions along axes, and changes of shape, run on a batch: every axis moves one to the right."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.record import Primitive
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.batch import (
    BatchRule,
    all_batched,
    batching,
    flat,
    one_by_one,
)
from dualgrad._trace.level import bind
from dualgrad.rules.indexing.taking import on_diagonal
from dualgrad.rules.reductions.products import recurrence
from dualgrad.rules.reductions.sorting import arranged, put_back

Operands = tuple[Value, ...]
Params = dict[str, Any]


def moved(axis: Any, ndim: int) -> Any:
    """Return where an axis of a member (or a tuple of them) is in the batch."""
    if isinstance(axis, (tuple, list)):
        return tuple([moved(k, ndim) for k in axis])
    return axis % ndim + 1 if -ndim <= axis < ndim else axis + 1 if axis >= 0 else axis - 1


def _rank(x: Value) -> int:
    return len(shape_of(x)) - 1


# ---- reductions ------------------------------------------------------------------------------------


def reduction(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    """Run a reduction along several axes at once, or (None) all of them."""
    (a,) = operands
    axis = params.get("axis")
    # A number has no axis, and NumPy reduces it along axis 0 all the same.
    axes = moved(axis, _rank(a)) if axis is not None and _rank(a) else tuple(range(1, _rank(a) + 1))
    return bind(record, (a,), {**params, "axis": axes})


batching(reduction, np.sum, np.mean, np.prod, np.max, np.amax, np.min, np.amin, np.var, np.std)


def _norm(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    # np.linalg.norm takes one or two axes, and with None the norm of everything.
    (a,) = operands
    rank = _rank(a)
    if params.get("axis") is not None:
        return bind(record, (a,), {**params, "axis": moved(params["axis"], rank)})
    found = bind(record, (flat(a),), {"axis": 1})
    return np.reshape(found, (shape_of(a)[0], *(1,) * rank)) if params.get("keepdims") else found


batching(_norm, np.linalg.norm)


def one_axis(default: int | None) -> BatchRule:
    """Return the rule of functions along one axis, where None stands for the flat array."""

    def rule(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
        operands = tuple(all_batched(batched, operands)) if len(operands) > 1 else operands
        axis = params.get("axis", default)
        if axis is None:
            return bind(record, tuple([flat(x) for x in operands]), {**params, "axis": 1})
        return bind(record, operands, {**params, "axis": moved(axis, _rank(operands[0]))})

    return rule


batching(one_axis(None), np.cumsum, np.cumprod)
batching(one_axis(-1), np.sort, np.partition, np.diff)
batching(one_axis(0), recurrence)


def _sorting(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    operands = tuple(all_batched(batched, operands))
    axis = params["axis"]
    if axis is not None:
        return bind(record, operands, {"axis": moved(axis, _rank(operands[0]))})
    answer = bind(record, tuple([flat(x) for x in operands]), {"axis": 1})
    return np.reshape(answer, shape_of(operands[1])) if record.key is put_back else answer


batching(_sorting, arranged, put_back)


def _repeat(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, repeats = operands
    if batched[1]:
        return one_by_one(record, batched, operands, params)
    axis = params.get("axis")
    if axis is None:
        return bind(record, (flat(a), repeats), {"axis": 1})
    return bind(record, (a, repeats), {"axis": moved(axis, _rank(a))})


batching(_repeat, np.repeat)

# ---- shapes ----------------------------------------------------------------------------------------


def _reshape(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
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


batching(_reshape, np.reshape, np.ravel)


def _transpose(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    axes = params.get("axes")
    axes = tuple(range(_rank(a), 0, -1)) if axes is None else moved(tuple(axes), _rank(a))
    return np.transpose(a, (0, *axes))


batching(_transpose, np.transpose)


def _named_axes(*names: str, **defaults: Any) -> BatchRule:
    """Return the rule of functions whose parameters of these names are axes."""

    def rule(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
        (a,) = operands
        found = {**defaults, **params}
        return bind(record, (a,), {**found, **{name: moved(found[name], _rank(a)) for name in names}})

    return rule


batching(_named_axes("axis1", "axis2"), np.swapaxes)
batching(_named_axes("axis1", "axis2", axis1=0, axis2=1), np.diagonal)
batching(_named_axes("source", "destination"), np.moveaxis)
batching(_named_axes("axes", axes=(0, 1)), np.rot90)


def _swapped_matrices(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    return np.swapaxes(operands[0], -1, -2)


batching(_swapped_matrices, np.matrix_transpose, np.linalg.matrix_transpose)


def _on_diagonal(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    shape = params["shape"]
    axes = {name: moved(params.get(name, k), len(shape)) for k, name in enumerate(("axis1", "axis2"))}
    return bind(record, operands, {**params, **axes, "shape": (shape_of(operands[0])[0], *shape)})


batching(_on_diagonal, on_diagonal)


def _expand_dims(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    axis = params["axis"]
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return np.expand_dims(a, moved(tuple(axes), _rank(a) + len(axes)))


batching(_expand_dims, np.expand_dims)


def _squeeze(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    axis = params.get("axis")
    if axis is None:
        return np.squeeze(a, tuple([k for k, n in enumerate(shape_of(a)) if n == 1 and k > 0]))
    return np.squeeze(a, moved(axis, _rank(a)))


batching(_squeeze, np.squeeze)


def _flip(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    axis = params.get("axis")
    return np.flip(a, tuple(range(1, _rank(a) + 1)) if axis is None else moved(axis, _rank(a)))


def _flip_first(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    return np.flip(operands[0], 1)


def _flip_second(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    return np.flip(operands[0], 2)


batching(_flip, np.flip)
batching(_flip_first, np.flipud)
batching(_flip_second, np.fliplr)


def _roll(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    axis = params.get("axis")
    if axis is None:
        return np.reshape(np.roll(flat(a), params["shift"], 1), shape_of(a))
    return np.roll(a, params["shift"], moved(axis, _rank(a)))


batching(_roll, np.roll)


def _triangle(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    if _rank(a) == 1:
        # NumPy makes a matrix of a vector, every row of it the vector.
        size, n = shape_of(a)
        a = np.broadcast_to(np.reshape(a, (size, 1, n)), (size, n, n))
    return bind(record, (a,), params)


batching(_triangle, np.tril, np.triu)


def _broadcast_to(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    (a,) = operands
    shape = params["shape"]
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    size, *rest = shape_of(a)
    a = np.reshape(a, (size, *(1,) * (len(shape) - len(rest)), *rest))
    return np.broadcast_to(a, (size, *shape))


batching(_broadcast_to, np.broadcast_to)


def _joining(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    operands = tuple(all_batched(batched, operands))
    axis = params.get("axis", 0)
    if axis is None:
        return bind(record, tuple([flat(x) for x in operands]), {**params, "axis": 1})
    return bind(record, operands, {**params, "axis": moved(axis, _rank(operands[0]) + (record.key is np.stack))})


batching(_joining, np.concatenate, np.stack)
