"""Eigenvalues and singular values, and the pseudoinverse.

Written with the cotangents of the literature, which are the conjugates of ours: `conj` on the way in and out.

Vectors are determined up to a sign or phase (and, where values are equal, a rotation), and derivatives take one gauge:
functions that do not depend on it, such as v f(w) v^H, have derivatives. Where eigenvalues are equal, a derivative that the
rules cannot see is NaN, never a finite wrong number; of equal singular values, 1 / (s_i - s_j) counts as 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._core.functions import overridable
from dualgrad._core.gather import as_operand
from dualgrad._core.level import anywhere
from dualgrad._core.space import Function, Value, dtype_of, shape_of
from dualgrad.errors import NoRuleError
from dualgrad.rules.define import composite, handwritten
from dualgrad.rules.linalg import adjoint, conj, hermitian_part, transposed
from dualgrad.rules.samples import A, case, cases


def _inverse(x: Value) -> Value:
    """Return 1 / x, and 0 where x is 0."""
    is_zero = x == 0
    return np.where(is_zero, 0, 1 / np.where(is_zero, 1, x))


def _inverse_differences(w: Value) -> Value:
    """Return the matrices of 1 / (w_j - w_i), and 0 for pairs that are equal to rounding."""
    gaps = w[..., None, :] - w[..., :, None]
    return _inverse(np.where(_equal_pairs(w), 0, gaps))


def _equal_pairs(w: Value) -> Value:
    """Tell which values, in order of size, are equal to rounding: LAPACK rarely returns equal ones as equal."""
    n = shape_of(w)[-1]
    if n == 0:
        return np.zeros((*shape_of(w), 0), bool)
    largest = np.maximum(np.abs(w[..., :1]), np.abs(w[..., -1:]))[..., None]
    return np.abs(w[..., None, :] - w[..., :, None]) <= n * np.finfo(dtype_of(w)).eps * largest


def _diagonal(w: Value) -> Value:
    """Return diagonal matrices."""
    return w[..., None] * np.eye(shape_of(w)[-1], dtype=bool)


def _sum(total: Value, term: Value) -> Value:
    return term if total is None else total + term


# ---- eigh, eigvalsh --------------------------------------------------------------------------------

# The function is taken as one of the Hermitian part of its operand (NumPy reads one triangle and believes the other): a
# tangent counts by its Hermitian part, and gradients are Hermitian. With P = v^H da v: dw = diag(P) and
# dv = v (P * F), F_ij = 1 / (w_j - w_i) (Giles 2008, 3.1).


# Where eigenvalues are equal (to rounding), the vectors are any basis of their space, and their derivative within it
# does not exist: as soon as da couples them, dv is NaN. The reverse mode sees more of the function. With N = v^H ct_v, a
# function of the vectors alone that is smooth there has a Hermitian N within such a space, and only moves the space as
# a whole: the coupling counts 0. A function of both, such as v f(w) v^H, moves by f'(w) there, which neither
# cotangent tells; it is NaN unless N is 0 there and the cotangents of the equal values are equal. (At a = 1,
# v w^2 v^H = a^2 moves by 2 da; with 1 / (w_i - w_j) = 0 everything of da off the diagonal would be lost.)


def _couples(w: Value) -> Value:
    """Tell which different places hold eigenvalues that are equal to rounding."""
    return _equal_pairs(w) & ~np.eye(shape_of(w)[-1], dtype=bool)


def _is_large(part: Value, whole: Value) -> Value:
    """Tell where numbers are more than rounding errors beside the largest of `whole`."""
    rounding = 100 * shape_of(whole)[-1] * np.finfo(dtype_of(whole)).eps
    return np.abs(part) > rounding * np.max(np.abs(whole), axis=(-2, -1), keepdims=True)


def _eigh_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, *, UPLO: str = "L") -> tuple[Value, ...]:
    w, v = ans
    moved = np.matmul(hermitian_part(tangents[0]), v)
    p = np.matmul(adjoint(v), moved)
    turned = p * _inverse_differences(w)
    coupled = _couples(w)
    if anywhere(coupled):
        turned = np.where(coupled & _is_large(p, p), np.nan, turned)
    return np.real(np.add.reduce(conj(v) * moved, axis=-2)), np.matmul(v, turned)


def _eigh_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, UPLO: str = "L") -> tuple[Value, ...]:
    w, v = ans
    of_values, of_vectors = ct
    inner = None
    if of_values is not None:
        inner = _diagonal(of_values)
    if of_vectors is not None:
        n = np.matmul(adjoint(v), conj(of_vectors))
        turned = n * _inverse_differences(w)
        coupled = _couples(w)
        if anywhere(coupled):
            lost = _is_large(n - adjoint(n) if of_values is None else n, n)
            if of_values is not None:
                across = of_values[..., None, :] - of_values[..., :, None]
                lost = lost | _is_large(across, _diagonal(of_values))
            turned = np.where(coupled & lost, np.nan, turned)
        inner = _sum(inner, turned)
    if inner is None:
        return (None,)
    return (conj(hermitian_part(np.matmul(np.matmul(v, inner), adjoint(v)))),)


handwritten(np.linalg.eigh, _eigh_jvp, _eigh_vjp, keep=("ans",), outputs=2, samples=cases())

# NumPy's annotations take less than the function does.
_eigh: Function = np.linalg.eigh


def _eigvalsh(a: Value, UPLO: str = "L") -> Value:
    # Through eigh, so that the second derivative sees vectors and values together.
    return _eigh(a, UPLO=UPLO)[0]


composite(np.linalg.eigvalsh, _eigvalsh, samples=cases())

# ---- svdvals ---------------------------------------------------------------------------------------

# ds = Re diag(u^H da v): with a = u diag(s) w.


def _svdvals_jvp(tangents: tuple[Value, ...], ans: Value, /, x: Value) -> Value:
    u, _, w = reduced_svd(x)
    return np.real(np.add.reduce(conj(u) * np.matmul(tangents[0], adjoint(w)), axis=-2))


def _svdvals_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, x: Value) -> tuple[Value, ...]:
    u, _, w = reduced_svd(x)
    return (conj(np.matmul(u * ct[..., None, :], w)),)


handwritten(
    np.linalg.svdvals,
    _svdvals_jvp,
    _svdvals_vjp,
    keep=("x",),
    samples=cases(
        case(A(3, 3)), case(A(2, 4)), case(A(4, 2)), case(A(2, 3, 2)), case(A(2, 3, is_complex=True)), case(A(1, 1))
    ),
)

# ---- svd -------------------------------------------------------------------------------------------

# With a = u S v^H and P = u^H da v = H + K, Hermitian and skew-Hermitian parts, u and v turn within their spans by
#     u^H du = D * H + G * K,   v^H dv = D * H - G * K,   D_ij = 1 / (s_j - s_i),   G_ij = 1 / (s_i + s_j):
# both are skew-Hermitian, and (u^H du) S - S (v^H dv) is P without the diagonal of H. The diagonal of K is the phase, which
# u and v share evenly. Out of their spans move du = (1 - u u^H) da v / s and dv = (1 - v v^H) da^H u / s. Kept apart this
# way, the polar factor u v^H is differentiated exactly even where singular values are equal.


@overridable
def reduced_svd(a: Value) -> Any:
    """Return the singular value decomposition without the vectors of the null spaces."""
    return np.linalg.svd(a, full_matrices=False)


def _reduced_svd_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    (t,) = tangents
    u, s, w = ans
    right = np.matmul(t, adjoint(w))
    p = np.matmul(adjoint(u), right)
    h = hermitian_part(p)
    even = _inverse_differences(s) * h
    odd = (p - h) * _inverse(s[..., None, :] + s[..., :, None])
    du = np.matmul(u, even + odd)
    dw = np.matmul(adjoint(even - odd), w)
    m, n = shape_of(a)[-2:]
    if m > n:
        du = du + (right - np.matmul(u, p)) * _inverse(s)[..., None, :]
    if n > m:
        dw = dw + _inverse(s)[..., :, None] * (np.matmul(adjoint(u), t) - np.matmul(p, w))
    return du, np.real(np.add.reduce(conj(u) * right, axis=-2)), dw


def _reduced_svd_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    u, s, w = ans
    of_u, of_s, of_w = (None if c is None else conj(c) for c in ct)
    if of_u is None and of_w is None:
        return (None,) if of_s is None else (conj(np.matmul(u * of_s[..., None, :], w)),)
    left: Value = None if of_u is None else np.matmul(adjoint(u), of_u)
    right: Value = None if of_w is None else np.matmul(w, adjoint(of_w))
    plus = left if right is None else right if left is None else left + right
    minus = left if right is None else -right if left is None else left - right
    odd = minus * _inverse(s[..., None, :] + s[..., :, None])
    inner = hermitian_part(plus * _inverse_differences(s)) + odd - hermitian_part(odd)
    if of_s is not None:
        inner = inner + _diagonal(of_s)
    found = np.matmul(np.matmul(u, inner), w)
    m, n = shape_of(a)[-2:]
    if m > n and of_u is not None:
        found = found + np.matmul((of_u - np.matmul(u, left)) * _inverse(s)[..., None, :], w)
    if n > m and of_w is not None:
        found = found + np.matmul(u, _inverse(s)[..., :, None] * (of_w - np.matmul(adjoint(right), w)))
    return (conj(found),)


handwritten(reduced_svd, _reduced_svd_jvp, _reduced_svd_vjp, keep=("ans",), outputs=3, samples=cases())


def _svd(a: Value, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    a = as_operand(a)
    if hermitian:
        if compute_uv:
            raise NoRuleError(
                "numpy.linalg.svd is not differentiated with hermitian=True and compute_uv=True. "
                "Write numpy.linalg.eigh, or leave hermitian out."
            )
        return np.sort(np.abs(np.linalg.eigvalsh(a)), axis=-1)[..., ::-1]
    if not compute_uv:
        return np.linalg.svdvals(a)
    m, n = shape_of(a)[-2:]
    if full_matrices and m != n:
        raise NoRuleError(
            f"numpy.linalg.svd of a matrix of shape {(m, n)} is not differentiated with full_matrices=True: the vectors of the "
            "null space are arbitrary. Write full_matrices=False, or compute_uv=False where only the values are wanted."
        )
    return reduced_svd(a)


composite(
    np.linalg.svd,
    _svd,
    samples=cases(case(A(2, 3), compute_uv=False), case(A(3, 2), False, False), case(A(2, 2, 2), compute_uv=False)),
)

# ---- pinv ------------------------------------------------------------------------------------------

# Golub & Pereyra, "The differentiation of pseudo-inverses" (1973), at constant rank, with p = pinv(a):
#     dp = -p da p + p p^H da^H (1 - a p) + (1 - p a) da^H p^H p.


def _pinv(a: Value, *, rcond: Any = None, rtol: Any = None) -> Value:
    return np.linalg.pinv(a, rcond) if rtol is None else np.linalg.pinv(a, rtol=rtol)


def _pinv_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, *, rcond: Any = None, rtol: Any = None) -> Value:
    (t,) = tangents
    p, h = ans, adjoint(tangents[0])
    outer = np.matmul(np.matmul(p, adjoint(p)), h)
    inner = np.matmul(h, np.matmul(adjoint(p), p))
    moved = np.matmul(np.matmul(p, t), p)
    return outer - np.matmul(np.matmul(outer, a), p) + inner - np.matmul(p, np.matmul(a, inner)) - moved


def _pinv_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, rcond: Any = None, rtol: Any = None
) -> tuple[Value, ...]:
    p, c = ans, conj(ct)
    outer = np.matmul(np.matmul(p, adjoint(p)), c)
    inner = np.matmul(c, np.matmul(adjoint(p), p))
    turned = outer - np.matmul(np.matmul(outer, a), p) + inner - np.matmul(p, np.matmul(a, inner))
    return (conj(adjoint(turned)) - np.matmul(np.matmul(transposed(p), ct), transposed(p)),)


handwritten(
    np.linalg.pinv,
    _pinv_jvp,
    _pinv_vjp,
    keep=("ans", "a"),
    call=_pinv,
    samples=cases(
        case(A(2, 3)),
        case(A(3, 2), 1e-10),
        case(A(2, 3, 2)),
        case(A(2, 3, is_complex=True)),
        case(A(2, 3), rcond=1e-10),
        case(A(2, 3), rtol=1e-10),
    ),
)
