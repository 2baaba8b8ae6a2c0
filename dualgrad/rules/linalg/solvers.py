"""Least squares, tensor equations, condition numbers and ranks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table import versions
from dualgrad._table.facets import BATCH
from dualgrad._table.functions import overridable
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._table.structure import OfMatrices
from dualgrad._trace.level import Tracer, anywhere
from dualgrad.rules.linalg import _batched
from dualgrad.rules.matrices import adjoint, conj
from dualgrad.rules.samples import A, SymmetricA, case, cases
from dualgrad.rules.words import composite, constant, handwritten

constant(np.linalg.matrix_rank, structure=OfMatrices())

# ---- lstsq -----------------------------------------------------------------------------------------

# The shortest x that minimises |b - a x|, which is pinv(a) b. At constant rank, with p = pinv(a) and the residual
# e = b - a x (Golub & Pereyra 1973, applied to b):
#     dx = p (db - da x) + p p^H da^H e + (1 - p a) da^H p^H x.


@overridable
def least_squares(a: Value, b: Value, *, rcond: Any = None) -> Value:
    """Return the least-squares solution of a x = b for columns b; of stacks, for each matrix with its columns."""
    *stack, m, n = shape_of(a)
    if not stack:
        return np.linalg.lstsq(a, b, rcond)[0]
    # NumPy's takes one matrix. A formula for all at once, by way of their singular values, would have other digits.
    count, k = math.prod(stack), shape_of(b)[-1]
    pairs = zip(np.reshape(a, (count, m, n)), np.reshape(b, (count, m, k)), strict=True)
    found = [np.linalg.lstsq(one, columns, rcond)[0] for one, columns in pairs]
    return np.reshape(np.stack(found) if found else np.zeros(0, np.result_type(a, b)), (*stack, n, k))


def _relative_cutoff(a: Value, rcond: Any) -> Any:
    """Return the share of the largest singular value below which one counts as zero, as lstsq has it."""
    eps = np.finfo(dtype_of(a)).eps
    if rcond is None:
        return eps * max(shape_of(a)[-2:])
    return eps if rcond < 0 else rcond


def _least_squares_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, b: Value, *, rcond: Any = None) -> Value:
    ta, tb = tangents
    p = np.linalg.pinv(a, _relative_cutoff(a, rcond))
    if ta is None:
        return np.matmul(p, tb)
    moved = -np.matmul(ta, ans) if tb is None else tb - np.matmul(ta, ans)
    h = adjoint(ta)
    error = b - np.matmul(a, ans)
    inside = np.matmul(h, np.matmul(adjoint(p), ans))
    found = np.matmul(p, moved + np.matmul(adjoint(p), np.matmul(h, error)))
    return found + inside - np.matmul(p, np.matmul(a, inside))


def _least_squares_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, b: Value, *, rcond: Any = None
) -> tuple[Value, ...]:
    p, c = np.linalg.pinv(a, _relative_cutoff(a, rcond)), conj(ct)
    of_b = np.matmul(adjoint(p), c)
    if not wanted[0]:
        return None, conj(of_b)
    error = b - np.matmul(a, ans)
    beyond = c - np.matmul(p, np.matmul(a, c))
    found = np.matmul(error, adjoint(np.matmul(p, of_b))) - np.matmul(of_b, adjoint(ans))
    found = found + np.matmul(np.matmul(adjoint(p), ans), adjoint(beyond))
    return conj(found), conj(of_b) if wanted[1] else None


handwritten(
    least_squares,
    _least_squares_jvp,
    _least_squares_vjp,
    keep=("ans", "a", "b"),
    says=(BATCH(_batched.least_squares),),
    samples=cases(
        case(A(4, 2), A(4, 2)),
        case(A(2, 4), A(2, 1)),
        case(A(3, 2, is_complex=True), A(3, 2, is_complex=True), rcond=1e-10),
        case(A(3, 2), A(3, 2, is_complex=True)),
    ),
)


def _lstsq(a: Value, b: Value, rcond: Any = None) -> tuple[Value, ...]:
    a, b = as_operand(a), as_operand(b)
    is_vector = len(shape_of(b)) == 1
    columns = b[:, None] if is_vector else b
    if len(shape_of(a)) != 2 or len(shape_of(columns)) != 2 or shape_of(a)[0] != shape_of(columns)[0]:
        raise np.linalg.LinAlgError("Incompatible dimensions")
    m, n = shape_of(a)
    x = least_squares(a, columns, rcond=rcond)
    s = np.linalg.svdvals(a)
    rank = np.linalg.matrix_rank(a, rtol=_relative_cutoff(a, rcond))
    residuals = np.zeros(0, dtype_of(s))
    if m > n and anywhere(rank == n):
        error = columns - np.matmul(a, x)
        residuals = np.add.reduce(np.real(error * conj(error)), axis=0)
        if anywhere(rank != n):
            # None for some members of a batch only: what needs to know for how many raises.
            residuals = residuals[np.broadcast_to(rank == n, shape_of(residuals))]
    return x[:, 0] if is_vector else x, residuals, rank if isinstance(rank, Tracer) else np.intc(rank), s


composite(
    np.linalg.lstsq,
    _lstsq,
    samples=cases(
        case(A(4, 2), A(4)),
        case(A(4, 2), A(4, 3), None),
        case(A(2, 4), A(2), rcond=1e-8),
        case(A(3, 3), A(3, 2), rcond=-1),
        case(A(4, 2, is_complex=True), A(4)),
        case(A(4, 2), A(4, is_complex=True)),
    ),
)

# ---- tensorsolve, tensorinv ------------------------------------------------------------------------


def _tensorsolve(a: Value, b: Value, axes: Any = None) -> Value:
    a, b = as_operand(a), as_operand(b)
    if axes is not None:
        order = list(range(len(shape_of(a))))
        for k in axes:
            order.remove(k)
            order.append(k)
        a = np.transpose(a, order)
    shape = shape_of(a)[-(len(shape_of(a)) - len(shape_of(b))) :]
    n = math.prod(shape)
    if math.prod(shape_of(a)) != n**2:
        raise np.linalg.LinAlgError(
            "Input arrays must satisfy the requirement prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])"
        )
    return np.reshape(np.linalg.solve(np.reshape(a, (n, n)), np.reshape(b, (-1,))), shape)


composite(
    np.linalg.tensorsolve,
    _tensorsolve,
    samples=cases(
        case(A(2, 3, 6), A(2, 3)),
        case(A(2, 3, 3, 2), A(2, 3)),
        case(A(3, 2, 6), A(3, 2), ()),
        case(A(2, 6, 3), A(6), axes=(0, 2)),
        case(A(4, 2, 2, is_complex=True), A(4)),
    ),
)


def _tensorinv(a: Value, ind: int = 2) -> Value:
    a = as_operand(a)
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    shape = shape_of(a)
    matrix = np.reshape(a, (math.prod(shape[ind:]), -1))
    return np.reshape(np.linalg.inv(matrix), shape[ind:] + shape[:ind])


composite(
    np.linalg.tensorinv,
    _tensorinv,
    samples=cases(case(A(2, 3, 6)), case(A(6, 3, 2), ind=1), case(A(2, 2, 4, is_complex=True), 2)),
)

# ---- cond ------------------------------------------------------------------------------------------


# Before 2.3, NumPy returns a complex number here, whose imaginary part is 0.
_REAL_FROBENIUS = np.linalg.cond(np.eye(1, dtype=complex), "fro").dtype.kind == "f"


def _cond(x: Value, p: Any = None) -> Value:
    x = as_operand(x)
    shape = shape_of(x)
    if math.prod(shape) == 0 and math.prod(shape[-2:]) == 0:
        raise np.linalg.LinAlgError("cond is not defined on empty arrays")
    with np.errstate(all="ignore"):
        if versions.cond_takes_what_is_not_finite and (p is None or p in {2, -2, "nuc"}):
            lost = ~np.all(np.isfinite(x), axis=(-2, -1))
            if anywhere(lost):
                return _cond_of_finite(x, p, lost)
        if p is None or p in {2, -2}:
            s = np.linalg.svdvals(x)
            size = s[..., 0]
            found = s[..., -1] / size if p == -2 else size / s[..., -1]
        else:
            size = np.linalg.norm(x, p, axis=(-2, -1))
            found = size * _norm_of_inverse(x, p)
        unknown = np.isnan(found) & ~np.any(np.isnan(x), axis=(-2, -1))
        if not anywhere(unknown):
            return found
        # NumPy gives the zero matrix inf. As 1 / 0, so that the derivative is not finite either. (The norm will not do: where it
        # is 0, so is its derivative.)
        total = np.real(np.sum(x, axis=(-2, -1))) + 0.0
        return np.where(unknown, np.where(size == 0, 1 / total, np.inf), found)[()]


def _cond_of_finite(x: Value, p: Any, lost: Value) -> Value:
    """Return condition numbers; of matrices that are not finite NaN or infinity, as are their derivatives."""
    finite = np.where(lost[..., None, None], np.eye(*shape_of(x)[-2:], dtype=dtype_of(x)), x)
    # NaN or infinite, whatever else is in the matrix.
    size = np.max(np.abs(x), axis=(-2, -1)) * np.inf
    return np.where(lost, size, _cond(finite, p))[()]


def _norm_of_inverse(x: Value, p: Any) -> Value:
    if shape_of(x)[-1] != shape_of(x)[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    singular = np.linalg.slogdet(x)[0] == 0
    if not anywhere(singular):
        return np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))
    regular = np.where(singular[..., None, None], np.eye(shape_of(x)[-1], dtype=dtype_of(x)), x)
    return np.where(singular, np.inf, np.linalg.norm(np.linalg.inv(regular), p, axis=(-2, -1)))


composite(
    np.linalg.cond,
    _cond,
    samples=cases(
        case(A(3, 3)),
        case(A(2, 3)),
        case(A(4, 2), -2),
        case(A(2, 3, 3), 2),
        *[case(SymmetricA(3, 3), p) for p in ("fro", "nuc", 1, -1, np.inf, -np.inf)],
        case(A(2, 2, 2), p=1),
        *([case(SymmetricA(2, 2, is_complex=True), "fro")] if _REAL_FROBENIUS else []),
    ),
)
