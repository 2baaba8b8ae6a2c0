"""Numbers wider than a double: constants in their derivatives have all of their digits, and the narrower ones stay narrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import derivative, grad, hessian, taylor, vmap

WIDE = np.longdouble
ONE = WIDE(1)
LN2, LN10, PI = np.log(WIDE(2)), np.log(WIDE(10)), np.arccos(WIDE(-1))
X = WIDE(7) / 10

# Functions, with first and second derivatives.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "exp2": (np.exp2, np.exp2(X) * LN2, np.exp2(X) * LN2**2),
    "log2": (np.log2, 1 / X / LN2, -1 / X**2 / LN2),
    "log10": (np.log10, 1 / X / LN10, -1 / X**2 / LN10),
    "logaddexp2": (
        lambda x: np.logaddexp2(x, 1),
        1 / (1 + np.exp2(1 - X)),
        LN2 * np.exp2(1 - X) / (1 + np.exp2(1 - X)) ** 2,
    ),
    "power of a float": (lambda x: 3.0**x, 3**X * np.log(WIDE(3)), 3**X * np.log(WIDE(3)) ** 2),
    "degrees": (lambda x: np.degrees(x) ** 2, 2 * X * (180 / PI) ** 2, 2 * (180 / PI) ** 2),
    "rad2deg": (np.rad2deg, 180 / PI, 0 * ONE),
    "deg2rad": (lambda x: np.deg2rad(x) ** 2, 2 * X * (PI / 180) ** 2, 2 * (PI / 180) ** 2),
    "radians": (np.radians, PI / 180, 0 * ONE),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_have_the_digits_of_the_argument(name: str) -> None:
    f, first, second = FUNCTIONS[name]

    for found, expected in (
        (derivative(f)(X), first),
        (grad(f)(X), first),
        (vmap(grad(f))(np.array([X, X]))[1], first),
        (taylor(f, X, ONE, 2)[1], first),
        (hessian(f)(X), second),
        (derivative(derivative(f))(X), second),
        (2 * taylor(f, X, ONE, 2)[2], second),
    ):
        assert found.dtype == WIDE
        assert abs(found - expected) <= 8 * np.finfo(WIDE).eps * abs(expected)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_narrower_numbers_stay_as_narrow_as_they_are(name: str, dtype: Any) -> None:
    f, first, _ = FUNCTIONS[name]

    for found in (derivative(f)(dtype(0.7)), grad(f)(dtype(0.7)), hessian(f)(dtype(0.7))):
        assert found.dtype == dtype
    np.testing.assert_allclose(float(grad(f)(dtype(0.7))), float(first), rtol=8 * float(np.finfo(dtype).eps))


def test_complex_numbers_have_wide_digits_too() -> None:
    z = np.clongdouble(0.7 + 0.2j)

    found = derivative(np.exp2)(z)

    assert found.dtype == np.clongdouble
    assert abs(found - np.exp2(z) * LN2) <= 8 * np.finfo(WIDE).eps * abs(found)
