"""The QR decomposition, in every mode. Written with the cotangents of the literature, the conjugates of ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.foreign import reduce
from dualgrad._table.functions import overridable
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._table.structure import OfMatrices
from dualgrad._trace.level import anywhere, may_be_anywhere
from dualgrad.errors import NoRuleError
from dualgrad.rules.matrices import adjoint, conj, transposed
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, constant, handwritten

# ---- qr --------------------------------------------------------------------------------------------

# With a = q r, k = min(m, n), a_1 and r_1 the first k columns, and C = q^H da_1 inv(r_1): O = q^H dq is skew-Hermitian and
# dr inv(r) upper triangular with a real diagonal (LAPACK's r has one), so with the strictly lower part L of a matrix
#     O = L(C) - L(C)^H + i Im diag(C),   dq = q O + (1 - q q^H) da_1 inv(r_1),   dr = q^H da - O r
# (Walter & Lehmann 2010 for the real square case). The pullback is its transpose: with M = q^H ct_q - ct_r r^H and
# K = L(M - M^H) + i Im diag(M), which is what arrives at C,
#     ct_a = q ct_r,   and its first k columns get (q K + (1 - q q^H) ct_q) inv(r_1)^H.


@overridable
def reduced_qr(a: Value) -> Any:
    """Return the QR decomposition with as many columns of q as a has independent ones."""
    return np.linalg.qr(a)


def _strictly_lower(a: Value) -> Value:
    n = shape_of(a)[-1]
    return a * np.tri(n, k=-1, dtype=bool)


def _imaginary_diagonal(a: Value) -> Value:
    return 1j * (np.imag(a) * np.eye(shape_of(a)[-1], dtype=bool))


def _over_r(x: Value, ans: Value, a: Value, of_columns: bool) -> Value:
    """Return x inv(r_1), or x inv(r_1)^H; NaN where a column depends on those before it: there is no derivative there."""
    m, n = shape_of(a)[-2:]
    k = min(m, n)
    r = ans[1][..., :, :k]
    pivots = reduce(np.add, r * np.eye(k, dtype=bool), -2)
    zero = pivots == 0
    if may_be_anywhere(zero):
        # Of a real square q the last column follows from the others, and nothing is divided by the last pivot.
        needed = k - 1 if m <= n and dtype_of(a).kind != "c" else k
        lost = np.any(zero[..., :needed], axis=-1)[..., None, None]
        r = r + np.eye(k) * np.where(zero, 1, 0)[..., None, :]
        x = np.where(lost, np.nan, x)
    left = conj(r) if of_columns else transposed(r)
    return transposed(np.linalg.solve(left, transposed(x)))


def _reduced_qr_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    (t,) = tangents
    q, r = ans
    m, n = shape_of(a)[-2:]
    p = np.matmul(adjoint(q), t)
    moved = _over_r(t[..., :, : min(m, n)], ans, a, False)
    c = np.matmul(adjoint(q), moved)
    lower = _strictly_lower(c)
    turn = lower - adjoint(lower)
    if dtype_of(a).kind == "c":
        turn = turn + _imaginary_diagonal(c)
    dq = np.matmul(q, turn)
    if m > n:
        dq = dq + moved - np.matmul(q, c)
    return dq, np.triu(p - np.matmul(turn, r))


def _reduced_qr_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    q, r = ans
    m, n = shape_of(a)[-2:]
    of_q, of_r = (None if c is None else conj(c) for c in ct)
    if of_q is None and of_r is None:
        return (None,)
    inner: Value = 0
    if of_q is not None:
        inner = np.matmul(adjoint(q), of_q)
    projected = inner
    if of_r is not None:
        of_r = np.triu(of_r)
        inner = inner - np.matmul(of_r, adjoint(r))
    columns = _strictly_lower(inner - adjoint(inner))
    if dtype_of(a).kind == "c":
        columns = columns + _imaginary_diagonal(inner)
    columns = np.matmul(q, columns)
    if m > n and of_q is not None:
        columns = columns + of_q - np.matmul(q, projected)
    found = _over_r(columns, ans, a, True)
    if n > m:
        found = np.concatenate([found, np.zeros_like(a[..., :, m:])], axis=-1)
    if of_r is not None:
        found = found + np.matmul(q, of_r)
    return (conj(found),)


handwritten(
    reduced_qr,
    _reduced_qr_jvp,
    _reduced_qr_vjp,
    keep=("ans", "a"),
    outputs=2,
    structure=OfMatrices(),
    samples=cases(case(A(3, 3)), case(A(2, 4)), case(A(4, 2)), case(A(3, 2, is_complex=True))),
)

# What completes q to a square matrix is, in LAPACK, a function of q: a product of reflections 1 - V T V^H whose first columns
# are q is 1 - W inv(W_1)^H W^H with W = E - q, where E holds the first columns of the unit matrix and W_1 the first rows of W.
# (W = V T V_1^H.) Where a column needed no reflection W_1 is singular, and LAPACK's choice jumps: then any basis of the
# space serves, and the one at hand is taken along by projection.


@overridable
def complete_q(a: Value) -> Value:
    """Return the columns that complete q; in the table it has no derivative."""
    return np.linalg.qr(a, mode="complete")[0][..., a.shape[-1] :]


constant(complete_q, structure=OfMatrices())


def _completion(a: Value, q: Value) -> Value:
    m, n = shape_of(a)[-2:]
    unit = np.eye(m, dtype=dtype_of(q))
    w = unit[:, :n] - q
    # The determinant of W_1 is the product of factors of size 1 or more, one for each reflection, and 0 for none.
    if not anywhere(np.abs(np.linalg.det(w[..., :n, :])) < 0.5):
        return unit[:, n:] - np.matmul(w, np.linalg.solve(adjoint(w[..., :n, :]), adjoint(w[..., n:, :])))
    rest = complete_q(a)
    rest = rest - np.matmul(q, np.matmul(adjoint(q), rest))
    lower = np.linalg.cholesky(np.matmul(adjoint(rest), rest))
    return adjoint(np.linalg.solve(lower, adjoint(rest)))


# NumPy's named tuple, which has no public name.
_QRResult: Any = type(np.linalg.qr(np.eye(1)))


def _qr(a: Value, mode: Any = "reduced") -> Any:
    a = as_operand(a)
    if mode in ("raw", "e", "economic"):
        raise NoRuleError(
            f"numpy.linalg.qr is not differentiated with mode={mode!r}, which returns the vectors of LAPACK's reflections. "
            "Write mode='reduced' or mode='complete'."
        )
    if mode not in ("reduced", "complete", "r", "f", "full"):
        raise ValueError(f"Unrecognized mode '{mode}'")
    q, r = reduced_qr(a)
    if mode == "r":
        return r
    m, n = shape_of(a)[-2:]
    if mode == "complete" and m > n:
        q = np.concatenate([q, _completion(a, q)], axis=-1)
        r = np.concatenate([r, np.zeros((*shape_of(r)[:-2], m - n, n), dtype_of(r))], axis=-2)
    return _QRResult(q, r)


composite(
    np.linalg.qr,
    _qr,
    samples=cases(
        case(A(3, 3)),
        case(A(2, 4)),
        case(A(4, 2)),
        case(A(4, 2), "complete"),
        case(A(2, 3), mode="complete"),
        case(A(3, 2), mode="r"),
        case(A(2, 3, 2)),
        case(A(2, 3, 2), mode="complete"),
        case(A(3, 3, is_complex=True)),
        case(A(2, 3, is_complex=True)),
        case(A(3, 2, is_complex=True), mode="complete"),
        case(A(1, 1)),
        case(A(3, 1), mode="complete"),
    ),
)
