"""The Cholesky factor."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._table.structure import OfMatrices
from dualgrad.rules.matrices import adjoint, conj, of_triangle, onto_triangle, transposed
from dualgrad.rules.samples import A, SymmetricA, case, cases
from dualgrad.rules.words import handwritten

# NumPy reads one triangle and believes the other. So a tangent counts by the triangle that is read, which makes a Hermitian
# da, and gradients are zero in the other one. a = L L^H moves as dL = L Phi(inv(L) da inv(L)^H),
# where Phi takes the lower triangle and half the diagonal (Giles 2008, as given by S. F. Walter).


def _reads_upper(params: dict[str, Any]) -> bool:
    return bool(params.get("upper", False))


def _lower_half(a: Value) -> Value:
    n = shape_of(a)[-1]
    dtype = np.float32 if dtype_of(a).char in "fF" else np.float64
    half: Value = np.diag(np.full(n, 0.5, dtype))
    return a * (np.tri(n, dtype=dtype) - half)


def _cholesky_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, *, upper: bool = False) -> Value:
    lower = adjoint(ans) if upper else ans
    half = np.linalg.solve(lower, of_triangle(tangents[0], upper=upper))
    moved = np.matmul(lower, _lower_half(adjoint(np.linalg.solve(lower, adjoint(half)))))
    return adjoint(moved) if upper else moved


def _cholesky_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, upper: bool = False
) -> tuple[Value, ...]:
    # In the conjugate convention: inv(L)^H Phi(L^H ct) inv(L), its Hermitian part, said of one triangle.
    lower = adjoint(ans) if upper else ans
    inner = _lower_half(np.matmul(adjoint(lower), transposed(ct) if upper else conj(ct)))
    if type(lower) is np.ndarray:
        # NumPy has no triangular solver, and its general one does many times the work.
        inverse = _inverse_of_lower(lower)
        return (conj(onto_triangle(np.matmul(np.matmul(adjoint(inverse), inner), inverse), upper=upper)),)
    half = np.linalg.solve(adjoint(lower), inner)
    return (conj(onto_triangle(adjoint(np.linalg.solve(adjoint(lower), adjoint(half))), upper=upper)),)


def _inverse_of_lower(a: Value) -> Value:
    """Return the inverses of lower triangular plain matrices, by halves: products of matrices are what BLAS does best."""
    n = a.shape[-1]
    if n <= 32:
        return np.linalg.inv(a)
    k = n // 2
    first, last = _inverse_of_lower(a[..., :k, :k]), _inverse_of_lower(a[..., k:, k:])
    found = np.zeros_like(a)
    found[..., :k, :k], found[..., k:, k:] = first, last
    found[..., k:, :k] = -np.matmul(last, np.matmul(a[..., k:, :k], first))
    return found


handwritten(
    np.linalg.cholesky,
    _cholesky_jvp,
    _cholesky_vjp,
    keep=("ans",),
    structure=OfMatrices(is_upper=_reads_upper),
    samples=cases(
        case(SymmetricA(3, 3)),
        case(SymmetricA(2, 2, 2)),
        case(SymmetricA(2, 2, is_complex=True)),
        case(SymmetricA(2, 2), upper=True),
        case(A(0, 0)),
    ),
)
