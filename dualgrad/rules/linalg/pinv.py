"""The pseudoinverse. Written with the cotangents of the literature, which are the conjugates of ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.functions import overridable
from dualgrad._table.space import Value, shape_of
from dualgrad._table.structure import OfMatrices
from dualgrad.rules.matrices import adjoint, conj, hermitian_part, transposed
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import handwritten

# ---- of_lower_triangle -----------------------------------------------------------------------------


@overridable
def of_lower_triangle(a: Value) -> Value:
    """Return the Hermitian matrix of which `a` has the lower triangle; as a function, of the Hermitian part of `a`."""
    lower = np.tril(a, -1)
    return lower + adjoint(lower) + np.real(a) * np.eye(a.shape[-1], dtype=bool)


def _of_lower_triangle_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value) -> Value:
    return hermitian_part(tangents[0])


def _of_lower_triangle_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    return (hermitian_part(ct),)


handwritten(
    of_lower_triangle, _of_lower_triangle_jvp, _of_lower_triangle_vjp, keep=(), structure=OfMatrices(), samples=cases()
)

# ---- pinv ------------------------------------------------------------------------------------------

# Golub & Pereyra, "The differentiation of pseudo-inverses" (1973), at constant rank, with p = pinv(a):
#     dp = -p da p + p p^H da^H (1 - a p) + (1 - p a) da^H p^H p.


_NOT_GIVEN: Any = object()


def _pinv(a: Value, *, rcond: Any = None, rtol: Any = _NOT_GIVEN) -> Value:
    return np.linalg.pinv(a, rcond) if rtol is _NOT_GIVEN else np.linalg.pinv(a, rcond, rtol=rtol)


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


def _pinv_of_hermitian(a: Value, rcond: Any = None, hermitian: Any = False, **cutoff: Any) -> Value:
    if not hermitian or 0 in shape_of(a)[-2:]:
        return np.linalg.pinv(a, rcond, **cutoff)
    if shape_of(a)[-1] != shape_of(a)[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    # NumPy reads one triangle then and believes the other, and so does eigh.
    return np.linalg.pinv(of_lower_triangle(a), rcond, **cutoff)


handwritten(
    np.linalg.pinv,
    _pinv_jvp,
    _pinv_vjp,
    keep=("ans", "a"),
    call=_pinv,
    desugar=_pinv_of_hermitian,
    structure=OfMatrices(),
    samples=cases(
        case(A(2, 3)),
        case(A(3, 2), 1e-10),
        case(A(2, 3, 2)),
        case(A(2, 3, is_complex=True)),
        case(A(2, 3), rcond=1e-10),
        case(A(2, 3), rtol=1e-10),
        case(A(2, 3), rtol=None),
    ),
)
