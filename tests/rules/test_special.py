"""sinc and i0 at zero and far from it, against numbers of an independent computation with 60 digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import derivative, grad
from dualgrad.rules.elementwise.special import bessel_i, sinc_derivative


def nth(f: Any, n: int) -> Any:
    for _ in range(n):
        f = derivative(f)
    return f


@pytest.mark.parametrize("order", range(9))
def test_derivatives_of_sinc_at_zero_are_exact_to_any_order(order: int) -> None:
    # sinc(x) = sum of (-1)^k (pi x)^(2k) / (2k + 1)!
    expected = 0.0 if order % 2 else (-1) ** (order // 2) * np.pi**order / (order + 1)

    np.testing.assert_allclose(nth(np.sinc, order)(0.0), expected, rtol=1e-14)


@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("x", [1e-12, 1e-5, 1e-3, 0.02])
def test_derivatives_of_sinc_near_zero_follow_their_series(order: int, x: float) -> None:
    terms = [
        (-1) ** k * np.pi ** (2 * k) * x ** (2 * k - order) * np.prod(np.arange(2 * k - order + 1, 2 * k + 1.0))
        / np.prod(np.arange(1.0, 2 * k + 2))
        for k in range((order + 1) // 2, 12)
    ]  # fmt: skip

    np.testing.assert_allclose(nth(np.sinc, order)(x), np.sum(terms), rtol=1e-13)


@pytest.mark.parametrize("order", range(7))
def test_series_and_recurrence_of_sinc_meet(order: int) -> None:
    edge = order + 1.0

    below, above = sinc_derivative(np.array([edge, edge * (1 + 1e-15)]), order=order)

    np.testing.assert_allclose(below, above, atol=2e-15)


def test_sinc_of_single_precision_stays_single() -> None:
    assert grad(lambda x: np.sum(np.sinc(x)))(np.array([0, 0.5], np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("order", "x", "expected"),
    [
        # DLMF 10.29: I_0' = I_1, I_0'' = (I_0 + I_2) / 2; values of I_n(1) and I_n(10), Abramowitz & Stegun table 9.8.
        (1, 1.0, 0.565159103992485),
        (1, -1.0, -0.565159103992485),
        (2, 1.0, (1.266065877752008 + 0.135747669767038) / 2),
        (1, 10.0, 2670.98830370125),
    ],
)
def test_derivatives_of_i0_are_bessel_functions(order: int, x: float, expected: float) -> None:
    np.testing.assert_allclose(nth(np.i0, order)(x), expected, rtol=1e-13)


def test_derivatives_of_i0_at_zero() -> None:
    # I_0(x) = sum of (x / 2)^(2k) / k!^2
    found = [nth(np.i0, n)(0.0) for n in range(7)]

    np.testing.assert_allclose(found, [1, 0, 1 / 2, 0, 3 / 8, 0, 5 / 16], atol=1e-15)


def test_bessel_functions_are_right_where_they_are_huge() -> None:
    # I_1 / I_0 = 1 - 1/(2 x) - 1/(8 x^2) - 1/(8 x^3) - ... (Hankel's expansion)
    x = np.array([200.0, 700.0])

    ratio = bessel_i(x, order=1) / np.i0(x)

    np.testing.assert_allclose(ratio, 1 - 1 / (2 * x) - 1 / (8 * x**2) - 1 / (8 * x**3), rtol=1e-9)
    with np.errstate(over="ignore"):
        assert bessel_i(np.array([-750.0]), order=1) == -np.inf


def test_i0_of_a_complex_number_is_numpys_error() -> None:
    with pytest.raises(TypeError, match="complex"):
        grad(lambda z: np.real(np.i0(z)))(1j)
