"""Roots of polynomials, and polynomials of roots and of matrices: roots, poly."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facets import BATCH
from dualgrad._table.functions import astype, overridable
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._table.structure import OfMatrices
from dualgrad._trace.batch import as_stack
from dualgrad.rules.agreement import agreed
from dualgrad.rules.arrays.grids import powers
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, handwritten

# ---- roots -----------------------------------------------------------------------------------------

# A simple root moves by the implicit function theorem: from p(r) = 0 follows dr = -dp(r) / p'(r). At a repeated root p' is
# 0, the root has no derivative, and the answer is infinite or NaN.


@overridable
def roots_of(p: Value) -> Value:
    """Return the roots of polynomials, whose coefficients are along the last axis."""
    if p.ndim == 1:
        return np.roots(p)
    count = p.shape[-1] - 1
    if count < 1 or np.any(p[..., 0] == 0) or np.any(p[..., -1] == 0):
        rows = p.reshape(-1, p.shape[-1])
        return np.stack([np.roots(row) for row in rows]).reshape(*p.shape[:-1], -1)
    kind = np.result_type(p, np.float32) if p.dtype.kind in "fc" else np.dtype(float)
    companion = np.zeros((*p.shape[:-1], count, count), kind)
    companion[..., np.arange(1, count), np.arange(count - 1)] = 1
    companion[..., 0, :] = -p[..., 1:] / p[..., :1]
    found = np.linalg.eigvals(companion)
    # As np.roots: real where all are, whatever the version says of eigenvalues.
    return found if kind.kind == "c" or np.any(np.imag(found)) else np.real(found)


def _slope(p: Value, roots: Value) -> Value:
    """Return the derivative of polynomials at their roots."""
    degree = shape_of(p)[-1] - 1
    total = 0 * roots
    for k in range(degree):
        total = total * roots + (degree - k) * p[..., k : k + 1]
    return total


def _roots_jvp(tangents: tuple[Value, ...], ans: Value, /, p: Value) -> Value:
    (t,) = tangents
    moved = np.matmul(np.flip(powers(ans, shape_of(p)[-1]), -1), t[..., None])[..., 0]
    with np.errstate(all="ignore"):
        return -moved / _slope(p, ans)


def _roots_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, p: Value) -> tuple[Value, ...]:
    with np.errstate(all="ignore"):
        weights = -ct / _slope(p, ans)
        return (np.matmul(weights[..., None, :], np.flip(powers(ans, shape_of(p)[-1]), -1))[..., 0, :],)


handwritten(
    roots_of,
    _roots_jvp,
    _roots_vjp,
    keep=("ans", "p"),
    says=(BATCH(as_stack),),
    samples=cases(
        case(np.array([1.0, -3.0, 2.5])), case(A(4)), case(A(2, 4, low=0.5)), case(A(3, is_complex=True)), case(A(1))
    ),
)


def _roots(p: Value) -> Value:
    p = np.atleast_1d(as_operand(p))
    if len(shape_of(p)) != 1:
        raise ValueError("Input must be a rank-1 array.")
    return roots_of(p)


_WELL_APART = np.array([2.0, -1.0, -5.0, 1.5])

composite(
    np.roots,
    _roots,
    samples=cases(
        case(_WELL_APART),
        case(A(3, low=1, high=2)),
        case(A(4, is_complex=True)),
        case(p=np.array([1.5, 2.0, 0.0])),
        case(A(2)),
    ),
)

# ---- poly ------------------------------------------------------------------------------------------


def _poly(seq_of_zeros: Value) -> Value:
    roots = np.atleast_1d(as_operand(seq_of_zeros))
    shape = shape_of(roots)
    real = _are_conjugate
    if len(shape) == 2 and shape[0] == shape[1] != 0:
        found, real = characteristic(roots), _have_conjugate_eigenvalues
    elif len(shape) == 1:
        found = _from_roots(astype(roots, np.mintypecode(dtype_of(roots).char)))
    else:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    if shape == (0,):
        return 1.0
    if dtype_of(found).kind == "c" and agreed(real, roots, "numpy.poly is real where the roots are conjugate pairs"):
        return np.real(found)
    return found


def _from_roots(roots: Value) -> Value:
    """Return the polynomials with leading coefficient 1 and the given roots along the last axis."""
    shape = shape_of(roots)
    zero = np.zeros((*shape[:-1], 1), dtype_of(roots))
    found = zero + 1
    for k in range(shape[-1]):
        found = np.concatenate([found, zero], -1) - np.concatenate([zero, found * roots[..., k : k + 1]], -1)
    return found


def _are_conjugate(numbers: np.ndarray[Any, Any]) -> bool:
    return bool(np.all(np.sort(numbers) == np.sort(np.conj(numbers))))


def _have_conjugate_eigenvalues(numbers: np.ndarray[Any, Any]) -> bool:
    return _are_conjugate(np.linalg.eigvals(numbers))


# The characteristic polynomial det(z - a) = sum of c_k z^(n-k) is smooth, also where eigenvalues are equal. Its differential
# is -trace(adj(z - a) da), and adj(z - a) = sum of b_k z^(n-1-k) with b_0 = 1, b_k = a b_(k-1) + c_k: the algorithm of
# Faddeev and LeVerrier (Gantmacher, The Theory of Matrices I, chapter IV).


@overridable
def characteristic(a: Value) -> Value:
    """Return the coefficients of the characteristic polynomials of matrices, by their eigenvalues."""
    found = _from_roots(np.linalg.eigvals(a))
    return found if a.dtype.kind == "c" else np.real(found)


def _adjugates(ans: Value, a: Value) -> list[Value]:
    n = shape_of(a)[-1]
    identity = np.eye(n, dtype=dtype_of(a))
    found = [np.broadcast_to(identity, shape_of(a))]
    for k in range(1, n):
        found.append(np.matmul(a, found[-1]) + ans[..., k, None, None] * identity)
    return found


def _characteristic_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value) -> Value:
    (t,) = tangents
    turned = np.swapaxes(t, -1, -2)
    moved = [np.sum(b * turned, axis=(-2, -1)) for b in _adjugates(ans, a)]
    return -np.stack([0 * moved[0], *moved], axis=-1)


def _characteristic_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    total = 0
    for k, b in enumerate(_adjugates(ans, a)):
        total = total - ct[..., k + 1, None, None] * b
    return (np.swapaxes(total, -1, -2),)


handwritten(
    characteristic,
    _characteristic_jvp,
    _characteristic_vjp,
    keep=("ans", "a"),
    structure=OfMatrices(),
    samples=cases(case(A(3, 3)), case(A(2, 2, 2)), case(A(1, 1)), case(A(2, 2, is_complex=True))),
)

composite(
    np.poly,
    _poly,
    samples=cases(
        case(A(3)),
        case(A(0)),
        case(A(3, is_complex=True)),
        case(A(3, 3)),
        case(seq_of_zeros=A(2, 2, is_complex=True)),
    ),
)
