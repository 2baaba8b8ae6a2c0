"""Derivatives of functions that take derivatives: every nesting of the two modes, and the classical paradoxes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from dualgrad import derivative, grad, jacfwd, jacrev, jvp, vjp


def by_jvp(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: jvp(f, (x,), (1.0,))[1]


def by_vjp(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: vjp(f, x)[1](1.0)[0]


MODES: dict[str, Any] = {
    "derivative": derivative,
    "grad": grad,
    "jacfwd": jacfwd,
    "jacrev": jacrev,
    "jvp": by_jvp,
    "vjp": by_vjp,
}
PAIRS = list(itertools.product(MODES, MODES))


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_an_inner_derivative_does_not_see_the_outer_perturbation(outer: str, inner: str) -> None:
    # d/dx [x * d/dy (x + y)] = 1; confusion of the two perturbations gives 2. (Siskind & Pearlmutter 2005)
    d, e = MODES[outer], MODES[inner]

    assert float(d(lambda x: x * e(lambda y: x + y)(1.0))(1.0)) == 1.0


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_a_closed_over_value_is_a_constant_to_the_inner_level_only(outer: str, inner: str) -> None:
    # d/dx [x * d/dy (x * y ** 2)] at y = x: d/dx (x * 2 x x) = 6 x ** 2.
    d, e = MODES[outer], MODES[inner]

    assert float(d(lambda x: x * e(lambda y: x * y**2)(x))(2.0)) == pytest.approx(24.0)


@pytest.mark.parametrize("names", list(itertools.product(("derivative", "grad"), repeat=4)), ids="-".join)
def test_fourth_derivatives_in_every_order_of_modes(names: tuple[str, ...]) -> None:
    f: Callable[[Any], Any] = lambda x: np.sin(2.0 * x) * x**3
    for name in names:
        f = MODES[name](f)

    x = 0.7
    expected = 24 * np.cos(2 * x) * 2 - 6 * 6 * x * 4 * np.sin(2 * x) - 4 * 3 * x**2 * 8 * np.cos(2 * x)
    expected += x**3 * 16 * np.sin(2 * x)
    assert float(f(x)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_a_function_returned_from_a_derivative_keeps_its_own_perturbation(outer: str, inner: str) -> None:
    # The "amazing bug" of nested closures (Manzyuk et al. 2019): differentiating a curried shift twice.
    d, e = MODES[outer], MODES[inner]

    def shifted(x: Any) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        return lambda f: lambda y: f(x + y)

    def inner_at(x: Any) -> Any:
        return e(lambda y: shifted(x)(lambda z: z**3)(y))(0.0)

    assert float(d(inner_at)(2.0)) == pytest.approx(12.0)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_the_inner_function_may_ignore_its_own_argument(outer: str, inner: str) -> None:
    d, e = MODES[outer], MODES[inner]

    assert float(d(lambda x: e(lambda y: x * x + 0 * y)(3.0) + x)(2.0)) == 1.0


def test_generators_inside_a_function_differentiate() -> None:
    def powers(x: Any) -> Iterator[Any]:
        power = x
        while True:
            yield power
            power = power * x

    f = lambda x: sum(itertools.islice(powers(x), 3))

    assert float(grad(f)(2.0)) == 1 + 4 + 12
    assert float(derivative(grad(f))(2.0)) == 2 + 12


def test_a_loop_that_takes_derivatives_of_derivatives_is_right() -> None:
    # Newton's method for the minimum of cosh(a x) - x, differentiated by a: a sinh(a x) = 1.
    def minimum(a: Any) -> Any:
        x: Any = 0.5
        for _ in range(8):
            slope = grad(lambda y: np.cosh(a * y) - y)
            x = x - slope(x) / derivative(slope)(x)
        return x

    closed = lambda a: np.arcsinh(1 / a) / a
    for d in (grad, derivative):
        assert float(d(minimum)(1.3)) == pytest.approx(float(d(closed)(1.3)), rel=1e-10)


def test_threads_take_nested_derivatives_at_once() -> None:
    shared = np.linspace(0.1, 1.0, 5)

    def work(seed: int) -> float:
        rng = np.random.default_rng(seed)
        worst = 0.0
        for _ in range(250):
            a = rng.uniform(0.5, 2.0)
            inner = lambda x, a=a: grad(lambda y: np.sum(np.sin(a * y) * shared) * x)(x)
            found = derivative(inner)(a)
            s, c = np.sin(a * a * 1.0), np.cos(a * a * 1.0)
            # inner(x) = x a cos(a x) S, so its derivative is a S (cos(a x) - a x sin(a x)).
            expected = a * shared.sum() * (c - a * a * s)
            worst = max(worst, abs(float(found) - expected) / (1 + abs(expected)))
        return worst

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(work, range(8))) < 1e-12


def test_a_zero_cotangent_that_moves_is_not_dropped_beside_a_pole() -> None:
    # The root makes a NaN, so the tape is swept with strong zeros; y is 0 but it is being differentiated.
    def f(p: Any) -> Any:
        return p[1] * np.sin(p[0]) + np.where(p[2] > 0, np.sqrt(p[2]), 0.0)

    expected = np.zeros((3, 3))
    expected[0, 1] = expected[1, 0] = np.cos(0.3)
    for outer in (jacfwd, jacrev):
        for inner in (jacfwd, jacrev):
            np.testing.assert_allclose(outer(inner(f))(np.array([0.3, 0.0, 0.0])), expected, atol=1e-15)


def test_a_zero_with_a_tangent_of_zero_stays_silent_beside_a_pole() -> None:
    # At 0 the derivative of the power is 0, and its own is infinite; the branch is not taken.
    def f(x: Any) -> Any:
        return np.where(x > 0, x**1.5 + np.sqrt(x), 0.0)

    assert jvp(grad(f), (0.0,), (1.0,)) == (0.0, 0.0)
