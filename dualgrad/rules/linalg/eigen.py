"""Eigenvalues and eigenvectors.

Written with the cotangents of the literature, which are the conjugates of ours: `conj` on the way in and out.

Vectors are determined up to a sign or phase (and, where values are equal, a rotation), and derivatives take one gauge:
functions that do not depend on it, such as v f(w) v^H, have derivatives. Where eigenvalues are equal, see degenerate.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.functions import overridable
from dualgrad._table.space import Function, Value, shape_of
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
    uneven,
    with_nan_derivatives,
)
from dualgrad.rules.matrices import adjoint, conj, diagonal, inverse_where, of_triangle, onto_triangle, total
from dualgrad.rules.samples import A, SymmetricA, case, cases
from dualgrad.rules.words import composite, constant, handwritten

# ---- eigh, eigvalsh --------------------------------------------------------------------------------

# NumPy reads one triangle and believes the other. So a tangent counts by the triangle that is read, which makes a Hermitian
# da, and gradients are zero in the other one. With P = v^H da v: dw = diag(P) and
# dv = v (P * F), F_ij = 1 / (w_j - w_i) (Giles 2008, 3.1), and 0 where w_i = w_j.


# NumPy's annotations take less than the function does.
_eigh: Function = np.linalg.eigh
_plain_eigvalsh: Function = np.linalg.eigvalsh


def _is_upper(UPLO: str) -> bool:
    return UPLO.upper() == "U"


def _reads_upper(params: dict[str, Any]) -> bool:
    return _is_upper(params.get("UPLO", "L"))


def _read(t: Value, UPLO: str) -> Value:
    """Return the Hermitian matrix that moves where the triangle that is read moves by that of `t`."""
    return of_triangle(t, upper=_is_upper(UPLO))


def _eigh_in_no_special_basis(a: Value, *, UPLO: str = "L") -> Any:
    ans = _eigh(a, UPLO=UPLO)
    w, v = ans
    if isinstance(v, np.ndarray):
        for index, places in shared_groups(groups(w)):
            inside = (*index, slice(None), places)
            level_out(w, (*index, places))
            v[inside] = v[inside] @ no_special_basis(places.stop - places.start, v.dtype)
    elif is_differentiated(v) and anywhere(pairs_within(groups(w))):
        return ans._replace(eigenvectors=with_nan_derivatives(v))
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
        level_out(w, (*index, places))
        v[inside] = v[inside] @ _eigh(adjoint(v[inside]) @ _read(t[index], UPLO) @ v[inside])[1]
    return ans


constant(eigh_in_direction, structure=OfMatrices(many=True))


@overridable
def eigh_moved(a: Value, *, UPLO: str = "L") -> Any:
    """Return eigh(a) for a pushforward that is differentiated itself.

    How vectors turn within their space is missing there, also where a function does not see it because its factor is 0 (but
    not the derivative of that). So what the vectors tell is not all, and no derivative may be made of it.
    """
    return _eigh(a, UPLO=UPLO)


def _eigh_along(tangents: tuple[Value, ...], a: Value, *, UPLO: str = "L") -> tuple[Any, tuple[Value, ...]]:
    """Return the decomposition, in the basis in which the tangent is diagonal where values are equal, and its tangent."""
    ans = _eigh_in_basis_of(tangents[0], eigh_moved, a, UPLO)
    return ans, _eigh_jvp(tangents, ans, a, UPLO=UPLO)


def _eigh_in_basis_of(t: Value, eigh: Function, a: Value, UPLO: str) -> Any:
    ans = eigh(a, UPLO=UPLO)
    if not is_differentiated(a) and not is_differentiated(t) and anywhere(pairs_within(groups(ans[0]))):
        ans = eigh_in_direction(a, t, UPLO=UPLO)
    return ans


def _eigh_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, *, UPLO: str = "L") -> tuple[Value, ...]:
    w, v = ans
    moved = np.matmul(_read(tangents[0], UPLO), v)
    p = np.matmul(adjoint(v), moved)
    same = pairs_within(groups(w))
    turned = p * _inverse_differences(w, same)
    if anywhere(same):
        turned = turned + nan_where_lost(p, p, same)
    return np.real(np.add.reduce(conj(v) * moved, axis=-2)), np.matmul(v, turned)


def _eigh_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, UPLO: str = "L") -> tuple[Value, ...]:
    return _pulled_back(ct, ans, UPLO, told_by_vectors=True)


def _eigh_moved_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, UPLO: str = "L"
) -> tuple[Value, ...]:
    return _pulled_back(ct, ans, UPLO, told_by_vectors=False)


def _pulled_back(ct: Value, ans: Value, UPLO: str, told_by_vectors: bool) -> tuple[Value, ...]:
    (of_values, of_vectors), (w, v) = ct, ans
    if of_values is None and of_vectors is None:
        return (None,)
    same = pairs_within(groups(w))
    n = None if of_vectors is None else np.matmul(adjoint(v), conj(of_vectors))
    inner = None if of_values is None else diagonal(of_values)
    if n is not None:
        inner = total(inner, n * _inverse_differences(w, same))
    if anywhere(same):
        if is_differentiated(v):
            inner = inner + np.where(same, np.nan, 0)
        else:
            inner = inner + _between_equal_values(w, n, of_values, same, told_by_vectors)
    return (_in_triangle(v, inner, UPLO),)


def _in_triangle(v: Value, inner: Value, UPLO: str) -> Value:
    """Return the cotangent of the triangle that is read, given that of the matrix in the basis v."""
    return conj(onto_triangle(np.matmul(np.matmul(v, inner), adjoint(v)), upper=_is_upper(UPLO)))


def _between_equal_values(w: Value, n: Value, of_values: Value, same: Value, told_by_vectors: bool) -> Value:
    # Where there is no cotangent, one of zeros may have been left out: nothing follows from its absence.
    values = None if of_values is None else diagonal(of_values)
    found: Value = 0
    if n is not None:
        # A smooth function does not see its vectors turn within their space, so n is Hermitian there.
        whole = n if values is None else np.concatenate([n, values * largest(w)], axis=-1)
        found = nan_where_lost(n - adjoint(n), whole, same)
    if values is None:
        return found
    if n is not None and told_by_vectors:
        return found + cotangent_within(n, values, same)
    return found + uneven(values, same)


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
    structure=OfMatrices(is_upper=_reads_upper),
    samples=cases(),
)
handwritten(
    eigh_moved,
    _eigh_jvp,
    _eigh_moved_vjp,
    keep=("ans",),
    call=_eigh_in_no_special_basis,
    value_and_jvp=_eigh_along,
    outputs=2,
    structure=OfMatrices(is_upper=_reads_upper),
    samples=cases(),
)


# Of a function of the values alone more is known: equal values share their cotangent evenly, which changes nothing where
# the function is smooth, and is one of the subgradients elsewhere. Its pullback reads the vectors, and where that is
# differentiated too, the values must come with them, from one decomposition.


@overridable
def eigenvalues(a: Value, *, UPLO: str = "L") -> Any:
    """Return eigh(a), of which only the values may be used: the vectors are for the rules."""
    return _eigh(a, UPLO=UPLO)


def _eigenvalues_along(tangents: tuple[Value, ...], a: Value, *, UPLO: str = "L") -> tuple[Any, tuple[Value, ...]]:
    ans = _eigh_in_basis_of(tangents[0], _eigh, a, UPLO)
    return ans, _eigh_jvp(tangents, ans, a, UPLO=UPLO)


def _eigenvalues_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, UPLO: str = "L"
) -> tuple[Value, ...]:
    w, v = ans
    if ct[0] is None:
        return (None,)
    return (_in_triangle(v, diagonal(shared_evenly(ct[0], groups(w))), UPLO),)


handwritten(
    eigenvalues,
    _eigh_jvp,
    _eigenvalues_vjp,
    keep=("ans",),
    call=_eigh,
    value_and_jvp=_eigenvalues_along,
    outputs=2,
    structure=OfMatrices(is_upper=_reads_upper),
    samples=cases(),
)


@overridable
def fixed_eigenvalues(a: Value, *, UPLO: str = "L") -> Value:
    """Return the eigenvalues of what is not differentiated; in the table it has no derivative."""
    return _plain_eigvalsh(a, UPLO)


constant(fixed_eigenvalues, structure=OfMatrices(is_upper=_reads_upper))


def _eigvalsh(a: Value, UPLO: str = "L") -> Value:
    a = as_operand(a)
    return eigenvalues(a, UPLO=UPLO)[0] if is_differentiated(a) else fixed_eigenvalues(a, UPLO=UPLO)


composite(
    np.linalg.eigvalsh,
    _eigvalsh,
    samples=cases(
        case(SymmetricA(3, 3)),
        case(SymmetricA(2, 2, 2)),
        case(SymmetricA(2, 2, is_complex=True), "U"),
        case(A(2, 2), UPLO="U"),
        case(A(0, 0)),
    ),
)
