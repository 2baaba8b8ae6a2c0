"""Eigenvalues and eigenvectors of matrices that are not Hermitian.

Written with the cotangents of the literature, which are the conjugates of ours: `conj` on the way in and out. Where
eigenvalues are equal, see degenerate.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.functions import overridable
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._table.structure import OfMatrices
from dualgrad._trace.level import anywhere, is_differentiated
from dualgrad.rules.linalg.degenerate import (
    nan_where_lost,
    no_special_basis,
    pairs_within,
    shared_evenly,
    with_nan_derivatives,
)
from dualgrad.rules.matrices import adjoint, conj, diagonal, inverse_where, total, transposed
from dualgrad.rules.samples import A, SymmetricA, case, cases
from dualgrad.rules.words import constant, handwritten

# ---- eig -------------------------------------------------------------------------------------------

# With P = inv(v) da v: dw = diag(P), and before normalisation dv = u = v (P * F), F_ij = 1 / (w_j - w_i) (Giles 2008, 3.1).
# LAPACK makes vectors of length 1 whose largest component, the k-th, is real; to stay so, each loses
# v (Re(v^H u) + i Im(u_k) / v_k).


def _clusters(w: Value) -> Value:
    """Return a number for each eigenvalue: the same for those that are equal to rounding."""
    n = shape_of(w)[-1]
    if n == 0:
        return np.zeros(shape_of(w), int)
    near = 100 * n * np.finfo(dtype_of(w)).eps * _size(w)
    return np.argmax(np.abs(w[..., None, :] - w[..., :, None]) <= near, axis=-1)


def _size(w: Value) -> Value:
    return np.max(np.abs(w), axis=-1)[..., None, None]


@overridable
def is_defective(v: Value) -> Value:
    """Tell whether eigenvectors depend on each other, to rounding; in the table it has no derivative."""
    n = v.shape[-1]
    return np.linalg.cond(v) * (n * np.finfo(v.dtype).eps) > 0.1 if n else np.zeros(v.shape[:-2], bool)


constant(is_defective, structure=OfMatrices())


def _inverse(v: Value) -> Value:
    """Return the inverse of eigenvectors, and NaN where they depend on each other: there is no derivative there."""
    lost = is_defective(v)
    if not anywhere(lost):
        return np.linalg.inv(v)
    lost = lost[..., None, None]
    return np.where(lost, np.nan, np.linalg.inv(np.where(lost, np.eye(shape_of(v)[-1]), v)))


def _turn(v: Value, w: Value, turn: Any) -> None:
    """Replace the vectors of equal eigenvalues by other ones in their space, in place."""
    cluster = _clusters(w)
    for row in np.argwhere(pairs_within(cluster).any(axis=(-2, -1))):
        index = tuple(row)
        for label in np.unique(cluster[index]):
            places = np.flatnonzero(cluster[index] == label)
            if len(places) > 1:
                of_matrix = v[index]
                of_matrix[:, places] = _normalised(of_matrix[:, places] @ turn(index, places))


def _normalised(v: Value) -> Value:
    v = v / np.linalg.norm(v, axis=0)
    if v.dtype.kind == "c":
        largest = np.take_along_axis(v, np.argmax(np.abs(v), axis=0)[None], axis=0)
        v = v * (np.conj(largest) / np.abs(largest))
    return v


def _is_real(v: Value, a: Value) -> bool:
    """Tell whether vectors of a real matrix are real, whatever dtype NumPy's version gives them."""
    return a.dtype.kind != "c" and not np.any(np.imag(v))


def _eig_in_no_special_basis(a: Value) -> Any:
    ans = np.linalg.eig(a)
    w, v = ans
    if not isinstance(v, np.ndarray):
        hiding = is_differentiated(v) and anywhere(pairs_within(_clusters(w)))
        return ans._replace(eigenvectors=with_nan_derivatives(v)) if hiding else ans

    def turn(index: Any, places: Value) -> Value:
        kind = v.real.dtype if _is_real(v[index][:, places], a) else v.dtype
        return no_special_basis(len(places), kind)

    _turn(v, w, turn)
    return ans


@overridable
def eig_in_direction(a: Value, t: Value) -> Any:
    """Return eig(a) in the basis in which `t` is diagonal where values are equal; in the table it has no derivative."""
    shape = np.broadcast_shapes(a.shape, t.shape)
    t = np.broadcast_to(t, shape)
    ans = np.linalg.eig(np.broadcast_to(a, shape))
    w, v = ans

    def turn(index: Any, places: Value) -> Value:
        p: Value = (_inverse(v[index]) @ t[index] @ v[index])[np.ix_(places, places)]
        p = p.real if _is_real(v[index][:, places], a) and t.dtype.kind != "c" else p
        turned: Value = np.linalg.eig(p)[1] if np.isfinite(p).all() else np.eye(len(places))
        # Real vectors stay real; if the tangent couples them otherwise, their derivative is NaN.
        return turned if np.can_cast(turned.dtype, v.dtype) else np.eye(len(places))

    _turn(v, w, turn)
    return ans


constant(eig_in_direction, structure=OfMatrices(many=True))


def _eig_along(tangents: tuple[Value, ...], a: Value) -> tuple[Any, tuple[Value, ...]]:
    """Return the decomposition, in the basis in which the tangent is diagonal where values are equal, and its tangent."""
    ans = np.linalg.eig(a)
    (t,) = tangents
    if not is_differentiated(a) and not is_differentiated(t) and anywhere(pairs_within(_clusters(ans[0]))):
        ans = eig_in_direction(a, t)
    return ans, _eig_jvp(tangents, ans, a)


def _anchor(v: Value) -> Value:
    """Tell which component of each vector LAPACK made real: the largest one."""
    n = shape_of(v)[-1]
    if n == 0:
        return np.zeros(shape_of(v), bool)
    size = np.abs(v)
    near = 4 * np.finfo(dtype_of(v)).eps
    place = np.argmax(np.where(np.abs(np.imag(v)) <= near * size, size, -1), axis=-2)
    return np.arange(n)[:, None] == place[..., None, :]


def _inverse_differences(w: Value, same: Value) -> Value:
    return inverse_where(w[..., None, :] - w[..., :, None], same | np.eye(shape_of(w)[-1], dtype=bool))


def _eig_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    w, v = ans
    inverse, moved = _inverse(v), np.matmul(tangents[0], v)
    p = np.matmul(inverse, moved)
    same = pairs_within(_clusters(w))
    turned = p * _inverse_differences(w, same)
    if anywhere(same):
        turned = turned + nan_where_lost(p, p, same)
    u = np.matmul(v, turned)
    along = np.real(np.add.reduce(conj(v) * u, axis=-2))
    if dtype_of(v).kind == "c":
        anchor = _anchor(v)
        fixed = np.real(np.add.reduce(v * anchor, axis=-2))
        along = along + 1j * (np.imag(np.add.reduce(u * anchor, axis=-2)) / fixed)
    return np.add.reduce(inverse * transposed(moved), axis=-1), u - v * along[..., None, :]


def _eig_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    w, v = ans
    of_w, of_v = (None if c is None else conj(c) for c in ct)
    if of_w is None and of_v is None:
        return (None,)
    same = pairs_within(_clusters(w))
    inner, h = None if of_w is None else diagonal(of_w), None
    if of_v is not None:
        along = np.add.reduce(conj(v) * of_v, axis=-2)
        of_u = of_v - v * np.real(along)[..., None, :]
        if dtype_of(v).kind == "c":
            anchor = _anchor(v)
            fixed = np.real(np.add.reduce(v * anchor, axis=-2))
            of_u = of_u - anchor * (1j * (np.imag(along) / fixed))[..., None, :]
        h = np.matmul(adjoint(v), of_u)
        inner = total(inner, h * conj(_inverse_differences(w, same)))
    if anywhere(same):
        inner = inner + (np.where(same, np.nan, 0) if is_differentiated(v) else _unseen(w, h, of_w, same))
    return (_with_vectors(v, inner),)


def _with_vectors(v: Value, inner: Value) -> Value:
    """Return the cotangent of the matrix, given that of inv(v) a v."""
    return conj(np.matmul(np.matmul(adjoint(_inverse(v)), inner), adjoint(v)))


def _unseen(w: Value, h: Value, of_w: Value, same: Value) -> Value:
    # Where there is no cotangent, one of zeros may have been left out: nothing follows from its absence.
    size = _size(w)
    values = None if of_w is None else diagonal(of_w)
    lost: Value = 0
    if h is not None:
        # A smooth function does not see its vectors replaced by others in their space.
        lost = nan_where_lost(h, h if values is None else np.concatenate([h, values * size], axis=-1), same)
    if of_w is not None:
        across = of_w[..., None, :] - of_w[..., :, None]
        whole = values if h is None else np.concatenate([values, h * inverse_where(size, size == 0)], axis=-1)
        lost = lost + nan_where_lost(across, whole, same)
    return lost


handwritten(
    np.linalg.eig,
    _eig_jvp,
    _eig_vjp,
    keep=("ans",),
    call=_eig_in_no_special_basis,
    value_and_jvp=_eig_along,
    outputs=2,
    structure=OfMatrices(),
    samples=cases(
        case(SymmetricA(3, 3)),
        case(np.array([[1.0, 2.0, 0.5], [-2.0, 1.0, 0.3], [0.1, 0.4, 2.0]])),
        case(np.array([[[0.2, 1.0], [-2.0, 0.5]], [[1.0, 2.0], [0.5, 3.0]]])),
        case(A(3, 3, is_complex=True)),
        case(A(2, 2, 2, is_complex=True)),
        case(A(1, 1)),
    ),
)

# ---- eigvals ---------------------------------------------------------------------------------------

# The values of eig itself, whose order the pullback relies on. Of a function of the values alone more is known, as in
# eigvalsh: equal values share their cotangent evenly.


def _eigvals(a: Value) -> Value:
    return np.linalg.eig(a)[0]


def _eigvals_along(tangents: tuple[Value, ...], a: Value) -> tuple[Value, Value]:
    (w, _), (dw, _) = _eig_along(tangents, a)
    return w, dw


def _eigvals_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value) -> Value:
    return _eigvals_along(tangents, a)[1]


def _eigvals_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    w, v = np.linalg.eig(a)
    return (_with_vectors(v, conj(diagonal(shared_evenly(ct, _clusters(w))))),)


handwritten(
    np.linalg.eigvals,
    _eigvals_jvp,
    _eigvals_vjp,
    keep=("a",),
    call=_eigvals,
    value_and_jvp=_eigvals_along,
    structure=OfMatrices(),
    samples=cases(
        case(SymmetricA(3, 3)),
        case(np.array([[1.0, 2.0, 0.5], [-2.0, 1.0, 0.3], [0.1, 0.4, 2.0]])),
        case(A(2, 3, 3, is_complex=True)),
        case(A(1, 1)),
    ),
)
