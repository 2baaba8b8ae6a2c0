"""The pseudoinverse. Written with the cotangents of the literature, which are the conjugates of ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.functions import overridable
from dualgrad._table.space import Value, shape_of
from dualgrad._table.structure import OfMatrices
from dualgrad.rules.matrices import adjoint, conj, of_triangle, onto_triangle, transposed
from dualgrad.rules.samples import A, SymmetricA, case, cases
from dualgrad.rules.words import handwritten

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


def _pinv_with_hermitian(a: Value, rcond: Any = None, hermitian: Any = False, **cutoff: Any) -> Value:
    if not hermitian or 0 in shape_of(a)[-2:]:
        return np.linalg.pinv(a, rcond, **cutoff)
    if shape_of(a)[-1] != shape_of(a)[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    return pinv_of_hermitian(a, rcond=rcond, **cutoff)


handwritten(
    np.linalg.pinv,
    _pinv_jvp,
    _pinv_vjp,
    keep=("ans", "a"),
    call=_pinv,
    desugar=_pinv_with_hermitian,
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

# ---- pinv(hermitian=True) --------------------------------------------------------------------------

# NumPy reads the lower triangle and believes the other.


@overridable
def pinv_of_hermitian(a: Value, *, rcond: Any = None, rtol: Any = _NOT_GIVEN) -> Value:
    """Return the pseudoinverse of the Hermitian matrix of which `a` holds the lower triangle."""
    cutoff = {} if rtol is _NOT_GIVEN else {"rtol": rtol}
    return np.linalg.pinv(a, rcond, hermitian=True, **cutoff)


def _reads_lower(params: dict[str, Any]) -> bool:
    return False


def _pinv_of_hermitian_jvp(
    tangents: tuple[Value, ...], ans: Value, /, a: Value, *, rcond: Any = None, rtol: Any = None
) -> Value:
    return _pinv_jvp((of_triangle(tangents[0]),), ans, of_triangle(a))


def _pinv_of_hermitian_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, rcond: Any = None, rtol: Any = None
) -> tuple[Value, ...]:
    (pulled,) = _pinv_vjp(ct, wanted, ans, of_triangle(a))
    return (conj(onto_triangle(conj(pulled))),)


handwritten(
    pinv_of_hermitian,
    _pinv_of_hermitian_jvp,
    _pinv_of_hermitian_vjp,
    keep=("ans", "a"),
    structure=OfMatrices(is_upper=_reads_lower),
    samples=cases(
        case(SymmetricA(3, 3)),
        case(SymmetricA(2, 2, 2)),
        case(SymmetricA(2, 2, is_complex=True), rcond=1e-10),
        case(A(3, 3), rtol=1e-10),
    ),
)
