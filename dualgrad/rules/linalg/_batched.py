"""How norms, and solvers of linear equations, run on a batch; functions of matrices take stacks."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.record import Primitive
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.batch import aligned, all_batched, flat, moved, rank_of, widened
from dualgrad._trace.level import bind

Operands = tuple[Value, ...]
Params = dict[str, Any]


def norm(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    # np.linalg.norm takes one or two axes, and with None the norm of everything.
    (a,) = operands
    rank = rank_of(a)
    if params.get("axis") is not None:
        return bind(record, (a,), {**params, "axis": moved(params["axis"], rank)})
    found = bind(record, (flat(a),), {"axis": 1})
    return np.reshape(found, (shape_of(a)[0], *(1,) * rank)) if params.get("keepdims") else found


def solve(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, b = operands
    if len(shape_of(b)) - batched[1] == 1:
        # A vector; a stack of them would be taken for a matrix.
        if not batched[0]:
            return np.moveaxis(bind(record, (a, np.swapaxes(b, 0, 1)), params), -1, 0)
        columns = b[..., None]
        if batched[1]:
            columns = widened(columns, len(shape_of(a)) - 3)
        return bind(record, (a, columns), params)[..., 0]
    return bind(record, tuple(aligned(batched, operands)), params)


def least_squares(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, b = operands
    if batched[0] or len(shape_of(a)) > 2:
        return bind(record, tuple(all_batched(batched, operands)), params)
    # The columns of all members beside each other.
    size, m, k = shape_of(b)
    found = bind(record, (a, np.reshape(np.moveaxis(b, 0, 1), (m, size * k))), params)
    return np.moveaxis(np.reshape(found, (shape_of(a)[1], size, k)), 1, 0)
