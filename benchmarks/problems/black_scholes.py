"""The formula of Black and Scholes for a million options: all their sensitivities from one sweep."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Data, Problem, Variables

# NumPy has no error function. Abramowitz and Stegun (1964), 26.2.17, is what option codes (PARSEC's, Hull's) use.
POLYNOMIAL = (0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429)
NEAR, DENSITY = 0.2316419, 0.3989422804014327
RATE = 0.03


def _distribution(xp: Any, x: Any) -> Any:
    """Return the distribution function of the standard normal distribution."""
    k = 1.0 / (1.0 + NEAR * xp.abs(x))
    a, b, c, d, e = POLYNOMIAL
    tail = DENSITY * xp.exp(-0.5 * x * x) * (k * (a + k * (b + k * (c + k * (d + k * e)))))
    return xp.where(x > 0.0, 1.0 - tail, tail)


def total_price(xp: Any, x: Variables, data: Data) -> Any:
    spot, strike, time, volatility = x
    width = volatility * xp.sqrt(time)
    d1 = (xp.log(spot / strike) + (RATE + 0.5 * volatility**2) * time) / width
    d2 = d1 - width
    return xp.sum(spot * _distribution(xp, d1) - strike * xp.exp(-RATE * time) * _distribution(xp, d2))


def _distribution_and_slope(x: Any) -> tuple[Any, Any]:
    """Return `_distribution` and the derivative of the approximation."""
    k = np.abs(x)
    k *= NEAR
    k += 1.0
    np.reciprocal(k, out=k)
    value, slope = POLYNOMIAL[-1] * k, (5.0 * POLYNOMIAL[-1]) * k
    for i in range(len(POLYNOMIAL) - 2, -1, -1):
        value += POLYNOMIAL[i]
        value *= k
        slope += (i + 1) * POLYNOMIAL[i]
        if i:
            slope *= k
    bell = x * x
    bell *= -0.5
    np.exp(bell, out=bell)
    bell *= DENSITY
    # d tail / dx = -x tail + bell * polynomial'(k) * dk/dx, and dk/dx = -NEAR sign(x) k^2.
    value *= bell
    slope *= k
    slope *= k
    slope *= bell
    slope *= NEAR
    slope += np.abs(x) * value
    return np.where(x > 0.0, 1.0 - value, value), slope


def gradient_by_hand(x: Variables, data: Data) -> Variables:
    spot, strike, time, volatility = x
    root = np.sqrt(time)
    width = volatility * root
    ratio = np.log(spot / strike)
    d1 = volatility * volatility
    d1 *= 0.5
    d1 += RATE
    d1 *= time
    d1 += ratio
    d1 /= width
    discount = np.exp(-RATE * time)
    p1, slope1 = _distribution_and_slope(d1)
    p2, slope2 = _distribution_and_slope(d1 - width)
    kept = strike * discount
    ct1, ct2 = spot * slope1, -kept * slope2
    both = ct1 + ct2
    # d1 = ratio / width + RATE root / volatility + width / 2; d2 = d1 - width.
    ct_ratio = both / width
    ct_width = 0.5 * (ct1 - ct2) - ct_ratio * ratio / width
    ct_drift = both * (RATE / volatility)
    ct_time = (ct_width * volatility + ct_drift) / (2.0 * root) + (RATE * kept) * p2
    ct_volatility = ct_width * root - ct_drift * root / volatility
    return p1 + ct_ratio / spot, -discount * p2 - ct_ratio / strike, ct_time, ct_volatility


def options(rng: np.random.Generator, n: int) -> tuple[Variables, Data]:
    spot, strike = rng.uniform(50.0, 150.0, n), rng.uniform(50.0, 150.0, n)
    return (spot, strike, rng.uniform(0.2, 2.0, n), rng.uniform(0.1, 0.6, n)), {}


PROBLEMS = (
    Problem(
        name="Black-Scholes, 10^6 options",
        overhead_bound=False,
        function=total_price,
        hand=gradient_by_hand,
        make=options,
        size={"n": 10**6},
        small={"n": 8},
        measure_memory=True,
    ),
)
