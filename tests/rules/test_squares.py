"""Even powers of roots where the root is zero: all of their derivatives exist there, in every nesting of the modes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import derivative, extend, grad, hessian, jacfwd, jacrev, taylor, vmap

ZERO = np.zeros(3)
EYE = np.eye(3)
MODES: tuple[Any, ...] = (jacfwd, jacrev)
SPREAD = 2 / 3 * (EYE - 1 / 3)

SQUARES: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "norm": (lambda x: np.linalg.norm(x) ** 2, ZERO, 2 * EYE),
    "norm, a float": (lambda x: np.linalg.norm(x) ** 2.0, ZERO, 2 * EYE),
    "norm, a product": (lambda x: (lambda r: r * r)(np.linalg.norm(x)), ZERO, 2 * EYE),
    "norm, a function": (lambda x: np.square(np.linalg.norm(x)), ZERO, 2 * EYE),
    "norm, a power": (lambda x: np.power(np.linalg.norm(x), 2), ZERO, 2 * EYE),
    "norm, to the fourth": (lambda x: np.linalg.norm(x) ** 4, ZERO, 0 * EYE),
    "norms of rows": (lambda x: np.sum(np.linalg.norm(np.stack([x, x + EYE[2]]), axis=1) ** 2), ZERO, 4 * EYE),
    "norm, kept": (lambda x: np.sum(np.linalg.norm(x, axis=0, keepdims=True) ** 2), ZERO, 2 * EYE),
    "vector norm": (lambda x: np.linalg.vector_norm(x) ** 2, ZERO, 2 * EYE),
    "root of a sum": (lambda x: np.sqrt(np.sum(x**2)) ** 2, ZERO, 2 * EYE),
    "abs": (lambda x: np.sum(np.abs(x) ** 2), np.array([0.0, 1.0, -2.0]), 2 * EYE),
    "fabs": (lambda x: np.sum(np.fabs(x) ** 2), np.array([0.0, 1.0, -2.0]), 2 * EYE),
    "operator": (lambda x: np.sum(abs(x) ** 2), np.array([0.0, 1.0, -2.0]), 2 * EYE),
    "complex abs": (lambda x: np.sum(np.abs((1 + 2j) * x) ** 2), np.array([0.0, 1.0, 0.0]), 10 * EYE),
    "hypot": (lambda x: np.hypot(x[0], x[1]) ** 2 + np.hypot(3.0 * x[2], 0.0) ** 2, ZERO, np.diag([2, 2, 18])),
    "std": (lambda x: np.std(x) ** 2, np.ones(3), SPREAD),
    "rounded std": (lambda x: np.std(x) ** 2, np.full(3, 0.1), SPREAD),
    "std of columns": (lambda x: np.sum(np.std(np.stack([x, 2 * x]), axis=1, ddof=1) ** 2), ZERO, 7.5 * SPREAD),
    "root": (lambda x: np.sum(np.sqrt(x) ** 2), np.array([0.0, 1.0, 4.0]), 0 * EYE),
    "abs of a norm": (lambda x: abs(np.linalg.norm(x)) ** 2, ZERO, 2 * EYE),
}


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(MODES, MODES)))
@pytest.mark.parametrize("name", SQUARES)
def test_the_second_derivatives_are_those_of_what_is_under_the_root(name: str, outer: Any, inner: Any) -> None:
    f, x, expected = SQUARES[name]
    np.testing.assert_allclose(outer(inner(f))(x), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", SQUARES)
def test_values_are_not_changed(name: str) -> None:
    f, x, _ = SQUARES[name]
    seen: list[float] = []

    def noting(x: Any) -> Any:
        found = f(x)
        seen.append(float(f"{found:.17g}"))
        return found

    grad(noting)(x)
    np.testing.assert_allclose(seen, [float(f(x))], rtol=1e-15, atol=1e-32)


@pytest.mark.parametrize("transform", [grad, derivative])
def test_a_squared_root_has_its_first_derivative_too(transform: Any) -> None:
    assert transform(lambda x: np.sqrt(x) ** 2)(0.0) == 1.0
    assert transform(lambda x: np.sqrt(x) ** 4)(0.0) == 0.0
    assert transform(transform(lambda x: np.sqrt(x) ** 4))(0.0) == 2.0
    assert transform(lambda x: np.sqrt(3 * x) ** 2)(0.0) == 3.0


def test_fourth_derivatives() -> None:
    found = jacfwd(jacfwd(jacfwd(grad(lambda x: np.linalg.norm(x) ** 4))))(np.zeros(2))
    np.testing.assert_allclose(found.reshape(4, 4), [[24, 0, 0, 8], [0, 8, 8, 0], [0, 8, 8, 0], [8, 0, 0, 24]])


def _norm_of_own() -> Any:
    @extend.overridable
    def length(x: Any) -> Any:
        return np.sqrt(np.sum(x * x))

    def slope(x: Any, ans: Any) -> Any:
        return x / np.where(ans == 0, 1, ans)

    extend.handwritten(
        length,
        lambda tangents, ans, x: np.sum(tangents[0] * slope(x, ans)),
        lambda ct, wanted, ans, x: (ct * slope(x, ans),),
        keep=("ans", "x"),
        samples=extend.cases(extend.case(extend.A(3))),
        says=(extend.UNDER(extend.Root(lambda x: np.sum(x * x))),),
    )
    return length


def _root_of_own() -> Any:
    @extend.overridable
    def root(x: Any) -> Any:
        return np.sqrt(x)

    extend.elementwise(
        root,
        lambda t, ans: t / ans * 0.5,
        poles=True,
        samples=extend.cases(extend.case(extend.A(low=0.5))),
        says=(extend.UNDER(extend.Root(lambda x: x, operand=np.square)),),
    )
    return lambda x: root(np.sum(x * x))


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(MODES, MODES)))
@pytest.mark.parametrize("own", [_norm_of_own, _root_of_own])
@pytest.mark.usefixtures("own_functions")
def test_a_root_of_ones_own_says_what_it_is_the_root_of(own: Callable[[], Any], outer: Any, inner: Any) -> None:
    length = own()
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(outer(inner(lambda x: length(x) ** 2))(ZERO), 2 * EYE)
        np.testing.assert_allclose(taylor(lambda x: length(x) ** 2, ZERO, EYE[0], 3), [0, 0, 1, 0])


def test_batches() -> None:
    points = np.array([[0.0, 0.0], [1.0, 2.0]])
    found = vmap(hessian(lambda x: np.linalg.norm(x) ** 2))(points)
    np.testing.assert_allclose(found, [2 * np.eye(2)] * 2, atol=1e-14)
    found = hessian(lambda x: np.sum(vmap(lambda row: np.linalg.norm(row) ** 2)(x)))(points)
    np.testing.assert_allclose(found.reshape(4, 4), 2 * np.eye(4), atol=1e-14)


def test_an_array_that_is_written_to_is_no_root_any_more() -> None:
    def f(x: Any) -> Any:
        r = np.abs(x)
        r[0] = 0.0
        return np.sum(r**2)

    np.testing.assert_array_equal(hessian(f)(np.zeros(2)), np.diag([0.0, 2.0]) * 0)
    np.testing.assert_array_equal(jacfwd(jacfwd(f))(np.zeros(2)), np.diag([0.0, 2.0]) * 0)


def test_single_precision_stays() -> None:
    found = hessian(lambda x: np.linalg.norm(x) ** 2)(np.zeros(2, np.float32))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, 2 * np.eye(2))


def test_power_series() -> None:
    np.testing.assert_allclose(taylor(lambda t: np.abs(t) ** 2, 0.0, 3.0, 3), [0, 0, 9, 0])
    np.testing.assert_allclose(taylor(lambda x: np.linalg.norm(x) ** 2, ZERO, EYE[0] + EYE[2], 3), [0, 0, 2, 0])
    with np.errstate(all="ignore"):
        # The root itself has infinite coefficients.
        np.testing.assert_allclose(taylor(lambda t: np.sqrt(t) ** 2, 0.0, 3.0, 2), [0, 3, 0])
