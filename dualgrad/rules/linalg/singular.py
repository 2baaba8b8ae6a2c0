"""Singular values and vectors.

Written with the cotangents of the literature, which are the conjugates of ours: `conj` on the way in and out. Vectors are
determined up to a sign or phase (and more where values are equal or zero, see degenerate.py): functions that do not depend
on it, such as u f(s) u^H, have derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.functions import overridable
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._table.structure import OfMatrices
from dualgrad._trace.level import anywhere, is_differentiated
from dualgrad.rules.linalg.degenerate import (
    cotangent_within,
    groups,
    largest,
    level_out,
    nan_where_lost,
    no_special_basis,
    pairs_within,
    shared_evenly,
    shared_groups,
    tolerance,
    uneven,
    with_nan_derivatives,
)
from dualgrad.rules.matrices import adjoint, conj, diagonal, hermitian_part, inverse_where, total
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, constant, handwritten

# ---- svd, svdvals ----------------------------------------------------------------------------------

# With a = u S v^H, w = v^H and P = u^H da v = H + K, Hermitian and skew-Hermitian parts, u and v turn within their spans by
#     u^H du = D * H + G * K,   v^H dv = D * H - G * K,   D_ij = 1 / (s_j - s_i),   G_ij = 1 / (s_i + s_j):
# both are skew-Hermitian, and (u^H du) S - S (v^H dv) is P without the diagonal of H. The diagonal of K is the phase, which
# u and v share evenly. Out of their spans move du = (1 - u u^H) da v / s and dv = (1 - v v^H) da^H u / s. Kept apart this
# way, the polar factor u v^H is differentiated exactly even where singular values are equal. What completes u (or v) to a
# square matrix, u_0, follows: du_0 = -u du^H u_0.
#
# Where singular values are equal, u and v turn together. Where they are zero, each turns in its own null space; then P
# there is any matrix, and of what a function does with it (G, in degenerate.py) the cotangents tell the diagonal.
#
# One function, u f(s) v^H or u f(s) u^H or v f(s) v^H or all of them, has u^H ubar + v^H vbar = 2 f P there, with one Hermitian
# P, and f' P is the Hermitian part of the cotangent of u^H a v: so that sum is for `cotangent_within`.


@overridable
def singular_vectors(a: Value, *, full_matrices: bool = False, moved: bool = False) -> Any:
    """Return the singular value decomposition with vectors; `moved` is for pushforwards (see `eigh_moved`)."""
    return np.linalg.svd(a, full_matrices=full_matrices)


class _Degeneracy:
    """Which singular values are equal, and which are zero, to rounding."""

    def __init__(self, a: Value, s: Value) -> None:
        m, n = shape_of(a)[-2:]
        self.group = groups(s, max(m, n))
        last = self.group == self.group[..., -1:]
        self.zero = last & (s[..., -1:] <= tolerance(s, max(m, n)))
        self.same = pairs_within(self.group)
        self.null = self.zero[..., None, :] & self.zero[..., :, None]
        # A sole zero of a real square matrix has vectors without freedom but for signs: nothing is hidden there.
        lone = m == n and dtype_of(a).kind != "c"
        self.hidden = self.null & ~(lone & (np.sum(self.zero, axis=-1) == 1))[..., None, None]
        self.any = anywhere(self.same) or anywhere(self.zero)
        self.is_hiding = anywhere(self.same) or anywhere(self.hidden)


# What turns the vectors u and w = v^H of equal values, as (left, right): u left, right w.
Turn: TypeAlias = "Callable[[Any, Value, Value, bool], tuple[Value, Value]]"


def _singular_vectors_turned(a: Value, full_matrices: bool, turn: Turn) -> Any:
    ans = np.linalg.svd(a, full_matrices=full_matrices)
    u, s, w = ans
    found = _Degeneracy(a, s)
    if not found.any:
        return ans
    for row in np.argwhere((found.same.any(axis=-1) | found.zero).any(axis=-1)):
        index = tuple(row)
        rank = int(np.sum(~found.zero[index]))
        u_all, w_all = u[index], w[index]
        if rank < shape_of(s)[-1] and not full_matrices:
            # A vector of the null space may turn to any other one, so all of them are needed.
            u_all, _, w_all = np.linalg.svd(a[index])
        blocks = [places for _, places in shared_groups(found.group[index][None, :rank])]
        if rank < shape_of(s)[-1]:
            blocks.append(slice(rank, None))
        for places in blocks:
            if places.stop is not None:
                level_out(s, (*index, places))
            left, right = turn(index, u_all[:, places], w_all[places], places.stop is None)
            u_all[:, places], w_all[places] = u_all[:, places] @ left, right @ w_all[places]
        u[index], w[index] = u_all[:, : shape_of(u)[-1]], w_all[: shape_of(w)[-2]]
    return ans


def _no_special_vectors(index: Any, u: Value, w: Value, is_null: bool) -> tuple[Value, Value]:
    left = no_special_basis(u.shape[-1], u.dtype)
    return left, adjoint(no_special_basis(w.shape[-2], w.dtype, np.e) if is_null else left)


def _singular_vectors_in_no_special_basis(a: Value, *, full_matrices: bool = False, moved: bool = False) -> Any:
    if isinstance(a, np.ndarray):
        return _singular_vectors_turned(a, full_matrices, _no_special_vectors)
    ans = singular_vectors(a, full_matrices=full_matrices, moved=moved)
    u, s, w = ans
    if is_differentiated(u) and _Degeneracy(a, s).is_hiding:
        return ans._replace(U=with_nan_derivatives(u), Vh=with_nan_derivatives(w))
    return ans


@overridable
def singular_vectors_in_direction(a: Value, t: Value, *, full_matrices: bool = False) -> Any:
    """Return the decomposition with vectors for which `t` is diagonal where values are equal or zero; a constant."""
    shape = np.broadcast_shapes(a.shape, t.shape)
    t = np.broadcast_to(t, shape)

    def turn(index: Any, u: Value, w: Value, is_null: bool) -> tuple[Value, Value]:
        p = adjoint(u) @ t[index] @ adjoint(w)
        if is_null:
            left, _, right = np.linalg.svd(p)
            return left, right
        turned = np.linalg.eigh(hermitian_part(p))[1][:, ::-1]
        return turned, adjoint(turned)

    return _singular_vectors_turned(np.broadcast_to(a, shape), full_matrices, turn)


constant(singular_vectors_in_direction, structure=OfMatrices(many=True))


def _singular_vectors_along(
    tangents: tuple[Value, ...], a: Value, *, full_matrices: bool = False, moved: bool = False
) -> tuple[Any, Any]:
    """Return the decomposition, in the basis in which the tangent is diagonal where values are equal, and its tangent."""
    ans = _in_basis_of(tangents[0], a, full_matrices, moved=True)
    return ans, _singular_vectors_jvp(tangents, ans, a, full_matrices=full_matrices)


def _in_basis_of(t: Value, a: Value, full_matrices: bool, moved: bool) -> Any:
    ans = singular_vectors(a, full_matrices=full_matrices, moved=moved)
    if not is_differentiated(a) and not is_differentiated(t) and _Degeneracy(a, ans[1]).any:
        ans = singular_vectors_in_direction(a, t, full_matrices=full_matrices)
    return ans


def _singular_vectors_jvp(
    tangents: tuple[Value, ...], ans: Value, /, a: Value, *, full_matrices: bool = False, moved: bool = False
) -> tuple[Value, ...]:
    (t,) = tangents
    (m, n), s = shape_of(a)[-2:], ans[1]
    u, u_0, w, w_0 = _parts(ans)
    found = _Degeneracy(a, s)
    right = np.matmul(t, adjoint(w))
    p = np.matmul(adjoint(u), right)
    h = hermitian_part(p)
    even, odd = _inverse_differences(s, found) * h, _inverse_sums(s, found) * (p - h)
    if found.any:
        even, odd = even + nan_where_lost(h, p, found.same), odd + nan_where_lost(p - h, p, found.null)
    du = np.matmul(u, even + odd)
    dw = np.matmul(adjoint(even - odd), w)
    if m > n:
        du = du + _over(right - np.matmul(u, p), s, found, t)
    if n > m:
        out = np.matmul(adjoint(t), u)
        dw = dw + adjoint(_over(out - np.matmul(adjoint(w), adjoint(p)), s, found, t))
    if u_0 is not None:
        du = np.concatenate([du, -np.matmul(u, np.matmul(adjoint(du), u_0))], axis=-1)
    if w_0 is not None:
        dw = np.concatenate([dw, -np.matmul(np.matmul(w_0, adjoint(dw)), w)], axis=-2)
    return du, np.real(np.add.reduce(conj(u) * right, axis=-2)), dw


def _parts(ans: Value) -> tuple[Value, ...]:
    """Return u and w, and apart from them what completes them to square matrices (or None)."""
    u, s, w = ans
    k = shape_of(s)[-1]
    u, u_0 = (u, None) if shape_of(u)[-1] == k else (u[..., :k], u[..., k:])
    w, w_0 = (w, None) if shape_of(w)[-2] == k else (w[..., :k, :], w[..., k:, :])
    return u, u_0, w, w_0


def _inverse_differences(s: Value, found: _Degeneracy) -> Value:
    return inverse_where(s[..., None, :] - s[..., :, None], found.same | np.eye(shape_of(s)[-1], dtype=bool))


def _inverse_sums(s: Value, found: _Degeneracy) -> Value:
    return inverse_where(s[..., None, :] + s[..., :, None], found.null)


def _over(beyond: Value, s: Value, found: _Degeneracy, whole: Value) -> Value:
    """Return columns divided by the singular values, also as a pullback: what goes to a zero is not seen."""
    zero = found.zero[..., None, :]
    divided = beyond * inverse_where(s[..., None, :], zero)
    return divided + nan_where_lost(beyond, whole, zero) if found.any else divided


def _singular_vectors_vjp(
    ct: Value,
    wanted: tuple[bool, ...],
    ans: Value,
    /,
    a: Value,
    *,
    full_matrices: bool = False,
    moved: bool = False,
) -> tuple[Value, ...]:
    (m, n), s = shape_of(a)[-2:], ans[1]
    of_u, of_s, of_w = (None if c is None else conj(c) for c in ct)
    u, u_0, w, w_0 = _parts(ans)
    # From here on everything is said of v, as of u.
    v = adjoint(w)
    of_v, v_0 = (None if x is None else adjoint(x) for x in (of_w, w_0))
    of_u, of_v = _of_span(of_u, u, u_0), _of_span(of_v, v, v_0)
    found = _Degeneracy(a, s)
    left: Value = None if of_u is None else np.matmul(adjoint(u), of_u)
    right: Value = None if of_v is None else np.matmul(adjoint(v), of_v)
    inner: Value = None if of_s is None else diagonal(of_s)
    if left is not None or right is not None:
        plus = left if right is None else right if left is None else left + right
        minus = left if right is None else -right if left is None else left - right
        odd = minus * _inverse_sums(s, found)
        inner = total(inner, hermitian_part(plus * _inverse_differences(s, found)) + odd - hermitian_part(odd))
    if inner is None:
        return (None,)
    if found.any and is_differentiated(ans[0]):
        inner = inner + np.where(found.same | found.hidden, np.nan, 0)
    elif found.any:
        inner = inner + _between_equal_values(left, right, (of_u, of_v), of_s, s, found, not moved)
    pulled = np.matmul(np.matmul(u, inner), w)
    if m > n and of_u is not None:
        pulled = pulled + np.matmul(_over(of_u - np.matmul(u, left), s, found, of_u), w)
    if n > m and of_v is not None:
        pulled = pulled + np.matmul(u, adjoint(_over(of_v - np.matmul(v, right), s, found, of_v)))
    return (conj(pulled),)


def _of_span(of_u: Value, u: Value, u_0: Value) -> Value:
    """Return the cotangent of u alone, given that of u and its completion, which follows it."""
    if of_u is None or u_0 is None:
        return of_u
    k = shape_of(u)[-1]
    of_u, of_0 = of_u[..., :k], of_u[..., k:]
    inside = np.matmul(adjoint(u_0), of_0)
    # The completion is any basis of its space: a smooth function does not see it turn.
    turns = nan_where_lost(inside - adjoint(inside), of_0, ~np.eye(shape_of(inside)[-1], dtype=bool))
    return of_u - np.matmul(u_0, np.matmul(adjoint(of_0), u)) + np.sum(turns, axis=(-2, -1), keepdims=True)


def _between_equal_values(
    left: Value,
    right: Value,
    of_vectors: tuple[Value, ...],
    of_s: Value,
    s: Value,
    found: _Degeneracy,
    told_by_vectors: bool,
) -> Value:
    # Where there is no cotangent, one of zeros may have been left out: nothing follows from its absence.
    size = largest(s)
    parts = [x for x in of_vectors if x is not None]
    values = None if of_s is None else diagonal(of_s)
    lost: Value = 0
    plus: Value = None
    if parts:
        # A smooth function does not see its vectors turn within their spaces, so the cotangents are Hermitian there.
        whole = np.concatenate(parts if values is None else [*parts, values * size], axis=-2)
        for n in (left, right):
            if n is not None:
                lost = lost + nan_where_lost(n - adjoint(n), whole, found.null)
        plus = left if right is None else right if left is None else left + right
        lost = lost + nan_where_lost(plus - adjoint(plus), whole, found.same)
    if of_s is not None:
        beside = [x * inverse_where(size, size == 0) for x in parts]
        lost = lost + nan_where_lost(values, np.concatenate([values, *beside], axis=-2), found.hidden)
        if plus is not None and told_by_vectors:
            lost = lost + cotangent_within(plus, values, found.same)
        else:
            lost = lost + uneven(values, found.same)
    return lost


handwritten(
    singular_vectors,
    _singular_vectors_jvp,
    _singular_vectors_vjp,
    keep=("ans",),
    call=_singular_vectors_in_no_special_basis,
    value_and_jvp=_singular_vectors_along,
    outputs=3,
    structure=OfMatrices(),
    samples=cases(),
)


# Of a function of the values alone more is known: equal values share their cotangent evenly, and that of a zero is 0, as
# of any function of the matrix that is smooth; elsewhere these are subgradients. Its pullback reads the vectors, and where
# that is differentiated too, the values must come with them, from one decomposition.


@overridable
def singular_values(a: Value) -> Any:
    """Return the decomposition, of which only the values may be used: the vectors are for the rules."""
    return singular_vectors(a)


def _singular_values_along(tangents: tuple[Value, ...], a: Value) -> tuple[Any, tuple[Value, ...]]:
    ans = _in_basis_of(tangents[0], a, full_matrices=False, moved=False)
    return ans, _singular_vectors_jvp(tangents, ans, a)


def _singular_values_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    u, s, w = ans
    of_s = ct[1]
    if of_s is None:
        return (None,)
    found = _Degeneracy(a, s)
    if found.any and not is_differentiated(of_s):
        # An infinite one becomes NaN.
        of_s = np.where(found.zero, of_s * 0, shared_evenly(of_s, found.group))
    return (conj(np.matmul(u * of_s[..., None, :], w)),)


handwritten(
    singular_values,
    _singular_vectors_jvp,
    _singular_values_vjp,
    keep=("ans",),
    call=singular_vectors,
    value_and_jvp=_singular_values_along,
    outputs=3,
    structure=OfMatrices(),
    samples=cases(),
)


@overridable
def fixed_singular_values(x: Value) -> Value:
    """Return the singular values of what is not differentiated; in the table it has no derivative."""
    return np.linalg.svd(x, compute_uv=False)


constant(fixed_singular_values, structure=OfMatrices())


def _svdvals(x: Value) -> Value:
    x = as_operand(x)
    return singular_values(x)[1] if is_differentiated(x) else fixed_singular_values(x)


composite(
    np.linalg.svdvals,
    _svdvals,
    samples=cases(
        case(A(3, 3)), case(A(2, 4)), case(A(4, 2)), case(A(2, 3, 2)), case(A(2, 3, is_complex=True)), case(A(1, 1))
    ),
)


def _svd(a: Value, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    a = as_operand(a)
    if hermitian:
        return _svd_of_hermitian(a, compute_uv)
    if not compute_uv:
        return np.linalg.svdvals(a)
    m, n = shape_of(a)[-2:]
    return singular_vectors(a, full_matrices=bool(full_matrices) and m != n)


# NumPy's named tuple, which has no public name.
_SVDResult: Any = type(np.linalg.svd(np.eye(1)))


def _svd_of_hermitian(a: Value, compute_uv: Any) -> Any:
    w, v = np.linalg.eigh(a)
    order = np.argsort(np.abs(w), axis=-1)[..., ::-1]
    w = np.take_along_axis(w, order, axis=-1)
    # Not abs, whose derivative at 0 counts as 0: u s w would lose what moves there.
    sign = np.where(w < 0, -1, 1).astype(dtype_of(w))
    s = w * sign
    if not compute_uv:
        return s
    u = np.take_along_axis(v, order[..., None, :], axis=-1)
    return _SVDResult(u, s, adjoint(u * sign[..., None, :]))


composite(
    np.linalg.svd,
    _svd,
    samples=cases(case(A(2, 3), compute_uv=False), case(A(3, 2), False, False), case(A(2, 2, 2), compute_uv=False)),
)
