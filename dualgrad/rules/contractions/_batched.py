"""How products of matrices and of arrays of any dimension run on a batch."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from dualgrad._table.facets import BatchRule
from dualgrad._table.record import Primitive
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.batch import aligned, all_batched, flat, widened
from dualgrad._trace.level import bind

Operands = tuple[Value, ...]
Params = dict[str, Any]


def matmul(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, b = operands
    rank_a, rank_b = len(shape_of(a)) - batched[0], len(shape_of(b)) - batched[1]
    if rank_a == 0 or rank_b == 0:
        raise ValueError("matmul: an operand has no axes; multiply by numbers with *.")
    if not batched[1] and rank_b <= 2:
        # One large product instead of many small ones: (size, ..., k) @ (k, n).
        if rank_b == 2 and type(a) is np.ndarray and a.size:
            *front, k = a.shape
            return np.reshape(np.matmul(np.reshape(a, (-1, k)), b), (*front, shape_of(b)[1]))
        return np.tensordot(a, b, (-1, max(rank_b - 2, 0)))
    if not batched[0] and rank_a <= 2 and rank_b == 1:
        return np.matmul(b, a) if rank_a == 1 else np.matmul(b, np.transpose(a))
    # Vectors become matrices, and lose the axis again.
    if rank_a == 1:
        a = a[..., None, :]
    if rank_b == 1:
        b = b[..., None]
    found = np.matmul(*aligned(batched, (a, b)))
    if rank_b == 1:
        found = found[..., 0]
    if rank_a == 1:
        found = found[..., 0] if rank_b == 1 else found[..., 0, :]
    return found


def with_core(rank_a: int, rank_b: int) -> BatchRule:
    """Return the rule of a generalised ufunc of two operands with so many core axes each."""

    def rule(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
        a, b = operands
        loop_a = len(shape_of(a)) - batched[0] - rank_a
        loop_b = len(shape_of(b)) - batched[1] - rank_b
        if batched[0] and loop_a < loop_b:
            a = widened(a, loop_b - loop_a)
        if batched[1] and loop_b < loop_a:
            b = widened(b, loop_a - loop_b)
        return bind(record, (a, b), params)

    return rule


def _summed(axes: Any, rank_a: int, rank_b: int) -> tuple[list[int], list[int]]:
    """Return the axes of np.tensordot as two lists."""
    if isinstance(axes, (int, np.integer)):
        n = int(axes)
        return list(range(rank_a - n, rank_a)), list(range(n))
    left, right = ([k] if isinstance(k, (int, np.integer)) else list(k) for k in axes)
    return [int(k) % rank_a for k in left], [int(k) % rank_b for k in right]


def tensordot(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    ranks = [len(shape_of(x)) - b for x, b in zip(operands, batched, strict=True)]
    return _contracted(batched, operands, _summed(params.get("axes", 2), *ranks))


def _contracted(batched: tuple[bool, ...], operands: Operands, axes: tuple[list[int], list[int]]) -> Value:
    """Return the products of members summed over axes of both, counted from the front."""
    a, b = operands
    left, right = axes
    rank_a, rank_b = len(shape_of(a)) - batched[0], len(shape_of(b)) - batched[1]
    if not batched[1]:
        return np.tensordot(a, b, ([k + 1 for k in left], right))
    if not batched[0]:
        free = rank_a - len(left)
        return np.moveaxis(np.tensordot(a, b, (left, [k + 1 for k in right])), free, 0)
    # Both: as a stack of products of matrices.
    size, *dims_a = shape_of(a)
    _, *dims_b = shape_of(b)
    free_a = [k for k in range(rank_a) if k not in left]
    free_b = [k for k in range(rank_b) if k not in right]
    rows = np.transpose(a, (0, *[k + 1 for k in free_a], *[k + 1 for k in left]))
    columns = np.transpose(b, (0, *[k + 1 for k in right], *[k + 1 for k in free_b]))
    m = int(np.prod([dims_a[k] for k in free_a], dtype=int))
    inner = int(np.prod([dims_a[k] for k in left], dtype=int))
    n = int(np.prod([dims_b[k] for k in free_b], dtype=int))
    found = np.matmul(np.reshape(rows, (size, m, inner)), np.reshape(columns, (size, inner, n)))
    return np.reshape(found, (size, *[dims_a[k] for k in free_a], *[dims_b[k] for k in free_b]))


def dot(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    rank_b = len(shape_of(operands[1])) - batched[1]
    return _last_axes(batched, operands, max(rank_b - 2, 0))


def inner(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    rank_b = len(shape_of(operands[1])) - batched[1]
    return _last_axes(batched, operands, rank_b - 1)


def _last_axes(batched: tuple[bool, ...], operands: Operands, axis: int) -> Value:
    """Return products summed over the last axis of the first operand and an axis of the second; numbers are factors."""
    ranks = [len(shape_of(x)) - b for x, b in zip(operands, batched, strict=True)]
    if 0 in ranks:
        return np.multiply(*aligned(batched, operands))
    return _contracted(batched, operands, ([ranks[0] - 1], [axis]))


def outer(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, b = [flat(x) if many else np.ravel(x) for x, many in zip(operands, batched, strict=True)]
    return a[..., :, None] * b[..., None, :]


def vdot(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, b = [flat(x) for x in all_batched(batched, operands)]
    return np.vecdot(a, b)


def contract(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    # One more letter, for the batch axis, in front of whatever has it.
    inputs, _, output = params["subscripts"].partition("->")
    letter = next(c for c in string.ascii_letters if c not in params["subscripts"])
    terms = [letter + term if b else term for term, b in zip(inputs.split(","), batched, strict=True)]
    return bind(record, operands, {**params, "subscripts": f"{','.join(terms)}->{letter}{output}"})
