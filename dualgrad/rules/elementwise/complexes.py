"""Parts of complex numbers: real, imag, angle, real_if_close. (conj and abs are ufuncs, see ufuncs.py.)

A cotangent is moved by the transpose without conjugation. The imaginary part of t is the real part of -i t; hence
<c, imag(t)> = <-i c, t>, and the interpreters take real parts.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table import versions
from dualgrad._table.facets import PATTERN
from dualgrad._table.facts import AS_BODY, VIEW
from dualgrad._table.functions import as_constant
from dualgrad._table.record import Word
from dualgrad._table.space import Space, Value, dtype_of
from dualgrad._table.structure import Numberwise
from dualgrad._trace.level import decide
from dualgrad.rules.elementwise._patterns import imag_pattern
from dualgrad.rules.samples import A, analytic, case, cases
from dualgrad.rules.words import composite, constant, linear

# ---- real, imag ------------------------------------------------------------------------------------


def _real_transpose(ct: Value, val: Space) -> Value:
    return ct


def _imag_transpose(ct: Value, val: Space) -> Value:
    return ct * -1j if val.dtype.kind == "c" else np.zeros_like(ct)


_parts = analytic(-2, 2, case(A(2, 3, is_complex=True)), case(A(is_complex=True)))

linear(np.real, _real_transpose, samples=_parts, word=Word.ELEMENTWISE, facts=VIEW)
linear(
    np.imag,
    _imag_transpose,
    says=(PATTERN(imag_pattern),),
    samples=_parts,
    word=Word.ELEMENTWISE,
    facts=VIEW,
)
if versions.real is not None:
    _complex_parts = cases(case(A(2, 3, is_complex=True)), case(A(is_complex=True)), case(A(0, is_complex=True)))
    linear(versions.real, _real_transpose, samples=_complex_parts, word=Word.ELEMENTWISE, signature="val")
    linear(
        versions.imag,
        _imag_transpose,
        says=(PATTERN(imag_pattern),),
        samples=_complex_parts,
        word=Word.ELEMENTWISE,
        signature="val",
    )

# ---- angle -----------------------------------------------------------------------------------------


def _angle(z: Value, deg: bool = False) -> Value:
    # By arctan2, whose rule is safe at 1e200. The angle of a real number, 0 or pi, is constant.
    found = (
        np.arctan2(np.imag(z), np.real(z)) if dtype_of(z).kind == "c" else np.arctan2(np.zeros_like(z), as_constant(z))
    )
    return found * (180 / np.pi) if deg else found


composite(
    np.angle,
    _angle,
    samples=cases(
        case(A(2, 3, is_complex=True, low=0.3)),
        case(A(is_complex=True, low=-2, high=-0.3)),
        case(A(3, is_complex=True, low=0.3), True),
        case(A(3, is_complex=True, low=0.3), deg=True),
        case(A(0, is_complex=True)),
    ),
)

# ---- real_if_close ---------------------------------------------------------------------------------


def _real_if_close(a: Value, tol: float = 100) -> Value:
    a = as_operand(a)
    return np.real(a) if decide(functools.partial(_turns_real, tol), a) else a


def _turns_real(tol: float, numbers: Any) -> bool:
    return dtype_of(np.real_if_close(numbers, tol)).kind != "c"


composite(
    np.real_if_close,
    _real_if_close,
    samples=cases(case(A(2)), case(A(2, is_complex=True)), case(A(3, is_complex=True), 10), case(A(2), tol=1000)),
    facts=AS_BODY,
)

# ---- tests of each number --------------------------------------------------------------------------

constant(np.iscomplex, np.isreal, structure=Numberwise())
