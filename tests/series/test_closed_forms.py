"""Coefficients that are known in closed form, to order 10, and the price of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from dualgrad import taylor
from tests.series.counting import applications

ORDER = 10
ORDERS = range(ORDER + 1)


@functools.cache
def bernoulli(n: int) -> Fraction:
    """Return the Bernoulli number B_n, from sum_k C(n + 1, k) B_k = 0."""
    if n == 0:
        return Fraction(1)
    return -sum((math.comb(n + 1, k) * bernoulli(k) for k in range(n)), Fraction(0)) / (n + 1)


def tangent_number(k: int) -> Fraction:
    """Return the coefficient of x**k in tan(x) (Abramowitz & Stegun 4.3.67)."""
    n, odd = divmod(k + 1, 2)
    return Fraction(0) if odd else abs(bernoulli(2 * n)) * 2 ** (2 * n) * (2 ** (2 * n) - 1) / math.factorial(2 * n)


def binomial(a: float, k: int) -> float:
    return math.prod((a - i) / (i + 1) for i in range(k))


CLOSED: dict[str, tuple[Callable[[Any], Any], Callable[[int], Any]]] = {
    "exp": (np.exp, lambda k: 1 / math.factorial(k)),
    "expm1": (np.expm1, lambda k: 1 / math.factorial(k) if k else 0),
    "exp2": (np.exp2, lambda k: math.log(2) ** k / math.factorial(k)),
    "sin": (np.sin, lambda k: (0, 1, 0, -1)[k % 4] / math.factorial(k)),
    "cos": (np.cos, lambda k: (1, 0, -1, 0)[k % 4] / math.factorial(k)),
    "sinh": (np.sinh, lambda k: k % 2 / math.factorial(k)),
    "tan": (np.tan, tangent_number),
    "tanh": (np.tanh, lambda k: (-1) ** (k // 2) * tangent_number(k)),
    "geometric": (lambda x: 1 / (1 - x), lambda k: 1),
    "reciprocal": (lambda x: np.reciprocal(1 + x), lambda k: (-1) ** k),
    "log1p": (np.log1p, lambda k: (-1) ** (k + 1) / k if k else 0),
    "log": (lambda x: np.log(1 - x), lambda k: -1 / k if k else 0),
    "arctan": (np.arctan, lambda k: (0, 1, 0, -1)[k % 4] / k if k else 0),
    "arctanh": (np.arctanh, lambda k: k % 2 / k if k else 0),
    "arcsin": (np.arcsin, lambda k: binomial(-0.5, k // 2) * (-1) ** (k // 2) / k if k % 2 else 0),
    "sqrt": (lambda x: np.sqrt(1 + x), lambda k: binomial(0.5, k)),
    "cbrt": (lambda x: np.cbrt(1 + x), lambda k: binomial(1 / 3, k)),
    "power": (lambda x: (1 + x) ** 2.5, lambda k: binomial(2.5, k)),
    "negative power": (lambda x: (1 + x) ** -3, lambda k: binomial(-3, k)),
    "power at zero": (lambda x: x**4, lambda k: k == 4),
    "bernoulli": (lambda x: (x + 1) / np.expm1(x + 1), lambda k: taylor_of_bernoulli(k)),
    "catalan": (lambda x: 2 / (1 + np.sqrt(1 - 4 * x)), lambda k: math.comb(2 * k, k) // (k + 1)),
    "fibonacci": (lambda x: x / (1 - x - x * x), lambda k: round(((1 + 5**0.5) / 2) ** k / 5**0.5)),
    "bell": (lambda x: np.exp(np.expm1(x)), lambda k: (1, 1, 2, 5, 15, 52, 203, 877, 4140, 21147, 115975)[k] / fact(k)),
}


def fact(k: int) -> int:
    return math.factorial(k)


def taylor_of_bernoulli(k: int) -> float:
    """Return the coefficient of t**k in x / (e**x - 1) at x = 1 + t, from sum_n B_n x**n / n! about 0."""
    return sum(float(bernoulli(n)) / fact(n) * math.comb(n, k) for n in range(k, 70))


@pytest.mark.parametrize("name", CLOSED)
def test_coefficients_in_closed_form(name: str) -> None:
    f, closed = CLOSED[name]

    found = taylor(f, 0.0, 1.0, ORDER)

    np.testing.assert_allclose(found, [float(closed(k)) for k in ORDERS], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", CLOSED)
def test_the_direction_scales_the_coefficients(name: str) -> None:
    f, closed = CLOSED[name]

    found = taylor(lambda p: np.sum(f(p["x"])), {"x": np.zeros(2)}, {"x": np.array([0.5, -2.0])}, ORDER)

    expected = [float(closed(k)) * (0.5**k + (-2.0) ** k) for k in ORDERS]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_the_series_of_the_inverse_is_geometric() -> None:
    a = np.array([[0.1, 0.5], [0.3, -0.2]])

    found = taylor(np.linalg.inv, np.eye(2), -a, ORDER)

    for k, c in enumerate(found):
        np.testing.assert_allclose(c, np.linalg.matrix_power(a, k), rtol=1e-12)


def test_the_determinant_is_the_characteristic_polynomial() -> None:
    a = np.random.default_rng(0).standard_normal((4, 4))

    found = taylor(lambda t: np.linalg.det(t * np.eye(4) - a), 0.0, 1.0, 6)

    np.testing.assert_allclose(found, [*np.poly(a)[::-1], 0, 0], rtol=1e-10, atol=1e-12)


def test_eigenvalues_move_as_perturbation_theory_says() -> None:
    # Of [[1, t], [t, -1]]: -+ sqrt(1 + t**2).
    found = taylor(lambda t: np.linalg.eigvalsh(np.diag([1.0, -1.0]) + t * np.eye(2)[::-1]), 0.0, 1.0, ORDER)

    expected = [binomial(0.5, k // 2) if k % 2 == 0 else 0.0 for k in ORDERS]
    np.testing.assert_allclose(found, [[-c, c] for c in expected], rtol=1e-12, atol=1e-13)


COUNTED: dict[str, tuple[Callable[[Any], Any], float]] = {
    "exp": (lambda x: np.exp(x), 2.0),
    "sin": (lambda x: np.sin(x), 2.0),
    "tanh": (lambda x: np.tanh(x), 2.0),
    "log": (lambda x: np.log(x), 2.0),
    "sqrt": (lambda x: np.sqrt(x), 2.0),
    "division": (lambda x: x / (1 + x), 2.0),
    "logsumexp": (lambda x: np.max(x) + np.log(np.sum(np.exp(x - np.max(x)))), 2.0),
    "norm": (lambda x: np.linalg.norm(x), 2.0),
    "prod": (lambda x: np.prod(x), 3.0),
    "inv": (lambda x: np.linalg.inv(np.diag(x)), 2.0),
    "solve": (lambda x: np.linalg.solve(np.diag(x), x), 3.0),
    "power": (lambda x: x**2.5, 3.0),
}


@pytest.mark.parametrize("name", COUNTED)
def test_cost_grows_as_the_formulas_say(name: str) -> None:
    f, exponent = COUNTED[name]
    # Of an argument with all coefficients: products with a line would have few terms.
    counts = [
        applications(lambda x: f(np.exp(x[0])), [np.array([0.7, 1.3])], [np.ones(2)], order) for order in (1, 8, 16, 32)
    ]

    assert counts == sorted(counts)
    assert counts[3] <= 2**exponent * counts[2]
    assert counts[1] <= 8**exponent * counts[0]


def test_high_orders_of_elementary_functions_need_no_deep_recursion() -> None:
    found = taylor(lambda x: np.tanh(np.sin(x)) / np.exp(x), 0.3, 0.5, 200)

    np.testing.assert_allclose(sum(found), np.tanh(np.sin(0.8)) / np.exp(0.8), rtol=1e-14)


def test_an_order_beyond_pythons_recursion_is_an_error_that_says_so() -> None:
    with pytest.raises(RecursionError, match=r"numpy\.power up to order 1000"):
        taylor(lambda x: x**2.5, 1.0, 1.0, 1000)
