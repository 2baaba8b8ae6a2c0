"""Tails and extremes: full relative precision, no overflow on the way to a derivative that is an ordinary number."""

from __future__ import annotations

import math
from decimal import Context, Decimal, localcontext
from typing import Any

import numpy as np
import pytest

from tests.rules.orders import assert_derivatives


def sigmoid(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp())


def tanh(x: Decimal) -> Decimal:
    return 2 * sigmoid(2 * x) - 1


def sech(x: Decimal) -> Decimal:
    return 2 / (x.exp() + (-x).exp())


LN2 = Decimal(2).ln(Context(prec=400))
# Each with its first two derivatives.
SIGMOIDS: dict[str, tuple[Any, Any, Any]] = {
    "tanh": (np.tanh, lambda x: sech(x) ** 2, lambda x: -2 * tanh(x) * sech(x) ** 2),
    "logistic": (
        lambda x: 1 / (1 + np.exp(-x)),
        lambda x: sigmoid(x) * sigmoid(-x),
        lambda x: sigmoid(x) * sigmoid(-x) * (1 - 2 * sigmoid(x)),
    ),
    "logaddexp": (lambda x: np.logaddexp(x, 0.0), sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "logaddexp2": (
        lambda x: np.logaddexp2(0.0, x),
        lambda x: sigmoid(x * LN2),
        lambda x: LN2 * sigmoid(x * LN2) * sigmoid(-x * LN2),
    ),
    "sech": (
        lambda x: 1 / np.cosh(x),
        lambda x: -sech(x) * tanh(x),
        lambda x: sech(x) * (tanh(x) ** 2 - sech(x) ** 2),
    ),
}


@pytest.mark.parametrize("x", [-300.0, -40.0, -3.0, 5.0, 19.0, 30.0, 300.0])
@pytest.mark.parametrize("name", SIGMOIDS)
def test_tails_keep_their_digits(name: str, x: float) -> None:
    f, first, second = SIGMOIDS[name]
    with localcontext(prec=400):
        expected = float(first(Decimal(x))), float(second(Decimal(x)))

    assert_derivatives(f, x, *expected, rtol=1e-11)


SATURATED: dict[str, Any] = {
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "squared logistic": lambda x: 1 / (1 + np.exp(-x)) ** 2,
    "root of a logistic": lambda x: (1 + np.exp(-x)) ** -0.5,
    "logistic by logaddexp": lambda x: np.exp(-np.logaddexp(0.0, -x)),
    "1 / cosh": lambda x: 1 / np.cosh(x),
    "1 / cosh ** 2": lambda x: 1 / np.cosh(x) ** 2,
    "cosh ** -1": lambda x: np.cosh(x) ** -1,
    "reciprocal of cosh": lambda x: np.reciprocal(np.cosh(x)),
    "sum of two exp": lambda x: 2 / (np.exp(x) + np.exp(-x)),
    "Gumbel": lambda x: np.exp(-np.exp(-x)),
    "tanh of exp": lambda x: np.tanh(np.exp(x)),
    "arctan of exp": lambda x: np.arctan(np.exp(x)),
    "arctan of sinh": lambda x: np.arctan(np.sinh(x)),
    "tanh": np.tanh,
    "bell": lambda x: np.exp(-x * x),
}


@pytest.mark.parametrize("x", [-800.0, 800.0])
@pytest.mark.parametrize("name", SATURATED)
def test_saturated_functions_are_flat_to_second_order(name: str, x: float) -> None:
    assert_derivatives(SATURATED[name], x, 0.0, 0.0)


@pytest.mark.parametrize("x", [-800.0, 800.0])
def test_half_saturated_functions_are_straight_to_second_order(x: float) -> None:
    assert_derivatives(lambda x: x / (1 + np.exp(-x)), x, float(x > 0), 0.0)
    assert_derivatives(lambda x: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0.0), x, float(x > 0), 0.0)
    assert_derivatives(lambda x: np.logaddexp(x, 0.0), x, float(x > 0), 0.0)
    assert_derivatives(lambda x: x / np.expm1(x), x, -float(x < 0), 0.0)


INF = np.inf


@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2])
@pytest.mark.parametrize(
    ("x", "y", "share"),
    [
        (0.0, -INF, 1.0),
        (-INF, 0.0, 0.0),
        (INF, 0.0, 1.0),
        (0.0, INF, 0.0),
        (INF, -INF, 1.0),
        (-INF, INF, 0.0),
        (INF, INF, 0.5),
        (-INF, -INF, 0.5),
    ],
)
def test_infinite_logarithms_of_sums_have_shares(f: Any, x: float, y: float, share: float) -> None:
    assert_derivatives(lambda x: f(x, y), x, share, 0.0)
    assert_derivatives(lambda y: f(x, y), y, 1.0 - share, 0.0)


@pytest.mark.parametrize("x", [0.0, 1e-160, 1e-9, 1e-4, 1e-3, 0.01, 0.1, 0.3, 0.9, 1.5, -1e-3])
def test_sinc_is_exact_near_zero_to_fourth_order(x: float) -> None:
    # The series of the sine, term by term.
    expected = []
    for k in range(1, 5):
        terms = []
        for m in range((k + 1) // 2, 40):
            size = math.pi ** (2 * m) / math.factorial(2 * m + 1) * math.perm(2 * m, k)
            terms.append((-1) ** m * size * x ** (2 * m - k))
        expected.append(math.fsum(terms))

    assert_derivatives(np.sinc, x, *expected, rtol=1e-9)


@pytest.mark.parametrize("s", [1e200, 1e-200, -1e200, 1e-160])
def test_extremes_neither_overflow_nor_vanish(s: float) -> None:
    sign, size = float(np.sign(s)), abs(s)

    assert_derivatives(lambda x: np.hypot(x, 3 * s), 4 * s, 0.8 * sign)
    assert_derivatives(lambda x: np.abs(x + 3j * s), 4 * s, 0.8 * sign)
    assert_derivatives(lambda x: np.arctan2(x, s), s, 0.5 / s)
    assert_derivatives(lambda x: np.arctan2(s, x), s, -0.5 / s)
    assert_derivatives(lambda x: x / s, s, 1 / s, 0.0)
    assert_derivatives(lambda x: s / x, s, -1 / s)
    assert_derivatives(np.arcsinh, s, 1 / size if size > 1 else 1.0)
    assert_derivatives(np.log, size, 1 / size)
    assert_derivatives(np.sqrt, size, 0.5 / np.sqrt(size))
    assert_derivatives(np.arctan, s, 1.0 if size < 1 else 0.0)


@pytest.mark.parametrize("x", [1e4, -1e4, 1e300])
def test_softmax_of_large_numbers_is_flat(x: float) -> None:
    def shifted(x: Any) -> Any:
        v = np.stack([x, 0.0, -1.0])
        return v - np.max(v)

    assert_derivatives(lambda x: (np.exp(shifted(x)) / np.sum(np.exp(shifted(x))))[0], x, 0.0, 0.0)
    assert_derivatives(lambda x: shifted(x)[0] - np.log(np.sum(np.exp(shifted(x)))), x, float(x < 0), 0.0)
    assert_derivatives(lambda x: np.logaddexp.reduce(np.stack([x, 0.0, -1.0])), x, float(x > 0), 0.0)


@pytest.mark.parametrize("n", range(6))
@pytest.mark.parametrize("x", [0.0, -2.0, 1.5])
def test_powers_by_whole_numbers_are_exact_to_fourth_order(n: int, x: float) -> None:
    expected = []
    factor = 1.0
    for k in range(4):
        factor *= n - k
        expected.append(factor * x ** (n - k - 1) if factor else 0.0)

    for exponent in (n, float(n), np.float64(n), np.array(n), np.array(float(n))):
        assert_derivatives(lambda x: x**exponent, x, *expected)
    # An exponent that is differentiated as well, and does not move along x.
    assert_derivatives(lambda x: np.power(x, n + 0.0 * x), x, expected[0])


@pytest.mark.parametrize("y", [0.5, 1.0, 2.0, 3.0])
def test_zero_to_a_power_does_not_move_with_the_exponent(y: float) -> None:
    assert_derivatives(lambda y: np.power(0.0, y), y, 0.0, 0.0)


@pytest.mark.parametrize("x", [0.3, 1.0, 4.0])
def test_a_number_to_itself(x: float) -> None:
    value, slope = x**x, 1 + math.log(x)

    assert_derivatives(lambda x: x**x, x, value * slope, value * (slope**2 + 1 / x), rtol=1e-11)


@pytest.mark.parametrize("x", [1e-200, 1e-9, -1e-5, 0.3])
def test_second_derivatives_of_inverse_functions_near_zero(x: float) -> None:
    slope = 1 / math.sqrt(1 - x * x)

    assert_derivatives(np.arcsin, x, slope, x * slope**3)
    assert_derivatives(np.arccos, x, -slope, -x * slope**3)
    assert_derivatives(np.arctanh, x, slope**2, 2 * x * slope**4)


@pytest.mark.parametrize("x", [0.0, 1e-9, 0.7, 1e4, 1e9, -1e60])
def test_second_derivatives_of_hypot_with_one_long_leg(x: float) -> None:
    r = math.hypot(x, 1)

    assert_derivatives(lambda x: np.hypot(x, 1.0), x, x / r, 1 / r**3, -3 * x / r**5)
    assert_derivatives(lambda y: np.hypot(y, x), 1.0, 1 / r, x / r * (x / r) / r)
