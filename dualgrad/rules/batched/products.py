"""How products of matrices, and functions of matrices, run on a batch."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from dualgrad._table.record import Primitive
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.batch import (
    IN_ONE_PLACE,
    BatchRule,
    aligned,
    all_batched,
    batching,
    elementwise,
    flat,
    one_by_one,
    widened,
)
from dualgrad._trace.level import bind
from dualgrad.rules.contractions.einsum import contract
from dualgrad.rules.contractions.vectors import cross_vectors
from dualgrad.rules.linalg.degenerate import adrift, told, unseen
from dualgrad.rules.linalg.eigen import eigenvalues, eigh_moved
from dualgrad.rules.linalg.pinv import pinv_of_hermitian
from dualgrad.rules.linalg.qr import reduced_qr
from dualgrad.rules.linalg.singular import singular_values, singular_vectors
from dualgrad.rules.linalg.solvers import least_squares
from dualgrad.rules.linalg.systems import cofactors

Operands = tuple[Value, ...]
Params = dict[str, Any]

# ---- stacks of matrices ----------------------------------------------------------------------------

# NumPy takes stacks of matrices by itself.


def _as_stack(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    if len(operands) > 1 and any(batched[1:]):
        return one_by_one(record, batched, operands, params)
    return bind(record, operands, params)


batching(
    _as_stack,
    np.linalg.inv,
    np.linalg.det,
    np.linalg.slogdet,
    np.linalg.cholesky,
    np.linalg.eigh,
    np.linalg.pinv,
    np.linalg.eig,
    np.linalg.eigvals,
    cofactors,
    eigenvalues,
    eigh_moved,
    pinv_of_hermitian,
    reduced_qr,
    singular_values,
    singular_vectors,
)
batching(elementwise, unseen, told, adrift)


def _solve(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
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


batching(_solve, np.linalg.solve)


def _least_squares(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, b = operands
    if batched[0] or len(shape_of(a)) > 2:
        return bind(record, tuple(all_batched(batched, operands)), params)
    # The columns of all members beside each other.
    size, m, k = shape_of(b)
    found = bind(record, (a, np.reshape(np.moveaxis(b, 0, 1), (m, size * k))), params)
    return np.moveaxis(np.reshape(found, (shape_of(a)[1], size, k)), 1, 0)


batching(_least_squares, least_squares)

# ---- products --------------------------------------------------------------------------------------


def _matmul(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
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


batching(_matmul, np.matmul)
IN_ONE_PLACE.add(np.matmul)


def _with_core(rank_a: int, rank_b: int) -> BatchRule:
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


batching(_with_core(1, 1), np.vecdot, cross_vectors)
if hasattr(np, "matvec"):  # NumPy 2.2
    batching(_with_core(2, 1), np.matvec)
    batching(_with_core(1, 2), np.vecmat)
    IN_ONE_PLACE.update((np.matvec, np.vecmat))


def _contracted(axes: Any, rank_a: int, rank_b: int) -> tuple[list[int], list[int]]:
    """Return the axes of np.tensordot as two lists."""
    if isinstance(axes, (int, np.integer)):
        n = int(axes)
        return list(range(rank_a - n, rank_a)), list(range(n))
    left, right = ([k] if isinstance(k, (int, np.integer)) else list(k) for k in axes)
    return [int(k) % rank_a for k in left], [int(k) % rank_b for k in right]


def _tensordot(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, b = operands
    rank_a, rank_b = len(shape_of(a)) - batched[0], len(shape_of(b)) - batched[1]
    left, right = _contracted(params.get("axes", 2), rank_a, rank_b)
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


def _dot(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, b = operands
    rank_a, rank_b = len(shape_of(a)) - batched[0], len(shape_of(b)) - batched[1]
    if rank_a == 0 or rank_b == 0:
        return np.multiply(*aligned(batched, operands))
    last = rank_b - 1 if record.key is np.inner else max(rank_b - 2, 0)
    return _tensordot(record, batched, operands, {"axes": ([rank_a - 1], [last])})


batching(_tensordot, np.tensordot)
batching(_dot, np.dot, np.inner)


def _outer(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, b = [flat(x) if many else np.ravel(x) for x, many in zip(operands, batched, strict=True)]
    return a[..., :, None] * b[..., None, :]


batching(_outer, np.outer)


def _vdot(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    a, b = [flat(x) for x in all_batched(batched, operands)]
    return np.vecdot(a, b)


batching(_vdot, np.vdot)


def _contract(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    # One more letter, for the batch axis, in front of whatever has it.
    inputs, _, output = params["subscripts"].partition("->")
    letter = next(c for c in string.ascii_letters if c not in params["subscripts"])
    terms = [letter + term if b else term for term, b in zip(inputs.split(","), batched, strict=True)]
    return bind(record, operands, {**params, "subscripts": f"{','.join(terms)}->{letter}{output}"})


batching(_contract, contract)
