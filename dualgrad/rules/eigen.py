"""Eigenvalues and eigenvectors.

Written with the cotangents of the literature, which are the conjugates of ours: `conj` on the way in and out.

Vectors are determined up to a sign or phase (and, where values are equal, a rotation), and derivatives take one gauge:
functions that do not depend on it, such as v f(w) v^H, have derivatives. Where eigenvalues are equal, see degenerate.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._core.functions import overridable
from dualgrad._core.level import anywhere, is_differentiated
from dualgrad._core.space import Function, Value, shape_of
from dualgrad.rules.define import constant, handwritten
from dualgrad.rules.degenerate import (
    adrift,
    groups,
    largest,
    no_special_basis,
    pairs_within,
    shared_evenly,
    shared_groups,
    unseen,
)
from dualgrad.rules.matrices import adjoint, conj, diagonal, hermitian_part, inverse_where, total
from dualgrad.rules.samples import cases

# ---- eigh, eigvalsh --------------------------------------------------------------------------------

# The function is taken as one of the Hermitian part of its operand (NumPy reads one triangle and believes the other): a
# tangent counts by its Hermitian part, and gradients are Hermitian. With P = v^H da v: dw = diag(P) and
# dv = v (P * F), F_ij = 1 / (w_j - w_i) (Giles 2008, 3.1), and 0 where w_i = w_j.


# NumPy's annotations take less than the function does.
_eigh: Function = np.linalg.eigh
_plain_eigvalsh: Function = np.linalg.eigvalsh


def _eigh_in_no_special_basis(a: Value, *, UPLO: str = "L") -> Any:
    ans = _eigh(a, UPLO=UPLO)
    w, v = ans
    if isinstance(v, np.ndarray):
        for index, places in shared_groups(groups(w)):
            inside = (*index, slice(None), places)
            v[inside] = v[inside] @ no_special_basis(places.stop - places.start, v.dtype)
    elif is_differentiated(v) and anywhere(pairs_within(groups(w))):
        return ans._replace(eigenvectors=adrift(v))
    return ans


@overridable
def eigh_in_direction(a: Value, t: Value, *, UPLO: str = "L") -> Any:
    """Return eigh(a) in the basis in which `t` is diagonal where values are equal; in the table it has no derivative."""
    shape = np.broadcast_shapes(a.shape, t.shape)
    t = np.broadcast_to(t, shape)
    ans = _eigh(np.broadcast_to(a, shape), UPLO=UPLO)
    w, v = ans
    for index, places in shared_groups(groups(w)):
        inside = (*index, slice(None), places)
        v[inside] = v[inside] @ _eigh(adjoint(v[inside]) @ hermitian_part(t[index]) @ v[inside])[1]
    return ans


constant(eigh_in_direction)


def _eigh_along(tangents: tuple[Value, ...], a: Value, *, UPLO: str = "L") -> tuple[Any, tuple[Value, ...]]:
    """Return the decomposition, in the basis in which the tangent is diagonal where values are equal, and its tangent."""
    ans = _eigh(a, UPLO=UPLO)
    (t,) = tangents
    if not is_differentiated(a) and not is_differentiated(t) and anywhere(pairs_within(groups(ans[0]))):
        ans = eigh_in_direction(a, t, UPLO=UPLO)
    return ans, _eigh_jvp(tangents, ans, a, UPLO=UPLO)


def _eigh_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, *, UPLO: str = "L") -> tuple[Value, ...]:
    w, v = ans
    moved = np.matmul(hermitian_part(tangents[0]), v)
    p = np.matmul(adjoint(v), moved)
    same = pairs_within(groups(w))
    turned = p * _inverse_differences(w, same)
    if anywhere(same):
        turned = turned + unseen(p, p, same)
    return np.real(np.add.reduce(conj(v) * moved, axis=-2)), np.matmul(v, turned)


def _eigh_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, UPLO: str = "L") -> tuple[Value, ...]:
    w, v = ans
    of_values, of_vectors = ct
    if of_values is None and of_vectors is None:
        return (None,)
    same = pairs_within(groups(w))
    n = None if of_vectors is None else np.matmul(adjoint(v), conj(of_vectors))
    inner = None if of_values is None else diagonal(of_values)
    if n is not None:
        inner = total(inner, n * _inverse_differences(w, same))
    if anywhere(same):
        in_no_special_basis = not is_differentiated(v)
        inner = inner + (_unseen_of_eigh(w, n, of_values, same) if in_no_special_basis else np.where(same, np.nan, 0))
    return (_hermitian_with(v, inner),)


def _hermitian_with(v: Value, inner: Value) -> Value:
    """Return the cotangent of the matrix, given that of the matrix in the basis v."""
    return conj(hermitian_part(np.matmul(np.matmul(v, inner), adjoint(v))))


def _unseen_of_eigh(w: Value, n: Value, of_values: Value, same: Value) -> Value:
    # Where there is no cotangent, one of zeros may have been left out: nothing follows from its absence.
    size = largest(w)
    values = None if of_values is None else diagonal(of_values)
    lost: Value = 0
    if n is not None:
        # A smooth function does not see its vectors turn within their space, so n is Hermitian there.
        whole = n if values is None else np.concatenate([n, values * size], axis=-1)
        lost = unseen(n - adjoint(n), whole, same)
    if of_values is not None:
        across = of_values[..., None, :] - of_values[..., :, None]
        whole = values if n is None else np.concatenate([values, n * inverse_where(size, size == 0)], axis=-1)
        lost = lost + unseen(across, whole, same)
    return lost


def _inverse_differences(w: Value, same: Value) -> Value:
    """Return the matrices of 1 / (w_j - w_i), and 0 on the diagonal and for pairs that count as equal."""
    return inverse_where(w[..., None, :] - w[..., :, None], same | np.eye(shape_of(w)[-1], dtype=bool))


handwritten(
    np.linalg.eigh,
    _eigh_jvp,
    _eigh_vjp,
    keep=("ans",),
    call=_eigh_in_no_special_basis,
    value_and_jvp=_eigh_along,
    outputs=2,
    samples=cases(),
)


# Of a function of the values alone more is known: equal values share their cotangent evenly, which changes nothing where
# the function is smooth, and is one of the subgradients elsewhere. Traced matrices go through eigh, so that derivatives of
# the vectors in this pullback meet those of the values there.


def _eigvalsh(a: Value, *, UPLO: str = "L") -> Value:
    return _eigh(a, UPLO=UPLO)[0] if is_differentiated(a) else _plain_eigvalsh(a, UPLO)


def _eigvalsh_along(tangents: tuple[Value, ...], a: Value, *, UPLO: str = "L") -> tuple[Value, Value]:
    (w, _), (dw, _) = _eigh_along(tangents, a, UPLO=UPLO)
    return w, dw


def _eigvalsh_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, *, UPLO: str = "L") -> Value:
    return _eigh_along(tangents, a, UPLO=UPLO)[1][0]


def _eigvalsh_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, UPLO: str = "L"
) -> tuple[Value, ...]:
    w, v = _eigh(a, UPLO=UPLO)
    return (_hermitian_with(v, diagonal(shared_evenly(ct, groups(w)))),)


handwritten(
    np.linalg.eigvalsh,
    _eigvalsh_jvp,
    _eigvalsh_vjp,
    keep=("a",),
    call=_eigvalsh,
    value_and_jvp=_eigvalsh_along,
    samples=cases(),
)
