"""Products with zeros, to third order, and the linear recurrence behind them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacfwd, jacobian, jacrev, jvp, vjp
from dualgrad.rules.reductions.products import recurrence

# Without the types of its overloads, which know no Python float.
prod: Any = np.prod

FACTORS = [
    np.array([2.0, 3.0, -0.5, 4.0]),
    np.array([2.0, 0.0, -0.5, 4.0]),
    np.array([0.0, 3.0, 0.0, 4.0]),
    np.array([0.0, 3.0, 0.0, 0.0]),
    np.zeros(4),
    np.array([1e-12, 3.0, 1e-9, -2.0]),
]
each_factors = pytest.mark.parametrize("x", FACTORS, ids=["none", "one", "two", "three", "all", "tiny"])


def derivative_of_prod(x: Any, *places: int) -> float:
    return 0.0 if len(set(places)) < len(places) else float(np.prod(np.delete(x, places)))


def tensor(x: Any, order: int) -> Any:
    found = np.empty((len(x),) * order)
    for places in itertools.product(range(len(x)), repeat=order):
        found[places] = derivative_of_prod(x, *places)
    return found


# ---- prod ------------------------------------------------------------------------------------------


@each_factors
def test_prod_is_exact_with_zeros_to_third_order(x: Any) -> None:
    np.testing.assert_allclose(grad(prod)(x), tensor(x, 1), rtol=1e-15)
    np.testing.assert_allclose(jacfwd(prod)(x), tensor(x, 1), rtol=1e-15)
    np.testing.assert_allclose(hessian(prod)(x), tensor(x, 2), rtol=1e-14)
    np.testing.assert_allclose(jacrev(jacrev(prod))(x), tensor(x, 2), rtol=1e-14)
    np.testing.assert_allclose(jacfwd(jacfwd(prod))(x), tensor(x, 2), rtol=1e-14)
    np.testing.assert_allclose(jacobian(hessian(prod))(x), tensor(x, 3), rtol=1e-14)


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), (1, 0), (0, 2), (2, 0), (0, 1, 2)])
def test_prod_over_any_axes_with_zeros(axis: Any) -> None:
    x = np.random.default_rng(0).uniform(0.5, 2, (2, 3, 2))
    x[0, 1, 0] = x[1, 2, 1] = x[1, 0, 1] = 0.0
    t = np.random.default_rng(1).standard_normal(x.shape)

    def f(x: Any) -> Any:
        return np.prod(x, axis=axis)

    value, pushed = jvp(f, (x,), (t,))
    ct = np.random.default_rng(2).standard_normal(np.shape(value))
    (pulled,) = vjp(f, x)[1](ct)

    h = 1e-6
    np.testing.assert_allclose(pushed, (f(x + h * t) - f(x - h * t)) / (2 * h), atol=1e-8)
    np.testing.assert_allclose(np.sum(ct * pushed), np.sum(pulled * t), rtol=1e-13)


def test_prod_whose_value_underflows() -> None:
    np.testing.assert_array_equal(grad(prod)(np.array([1e-200, 1e-200])), [1e-200, 1e-200])


def test_prod_with_nan_keeps_what_is_known() -> None:
    np.testing.assert_array_equal(grad(prod)(np.array([np.nan, 2.0, 3.0])), [6, np.nan, np.nan])


def test_prod_of_few_or_no_factors() -> None:
    assert grad(prod)(0.0) == 1.0
    assert grad(grad(prod))(0.0) == 0.0
    np.testing.assert_array_equal(grad(prod)(np.zeros(1)), [1.0])
    assert grad(prod)(np.ones(0)).shape == (0,)
    assert grad(lambda x: np.sum(np.prod(x, axis=0)))(np.ones((0, 3))).shape == (0, 3)


def test_prod_of_complex_factors_with_a_zero() -> None:
    z = np.array([1 + 1j, 0, 2 - 1j])

    _, pullback = vjp(np.prod, z)

    np.testing.assert_allclose(pullback(1 + 0j)[0], [0, (1 + 1j) * (2 - 1j), 0])


def test_prod_stays_in_single_precision_with_zeros() -> None:
    g = grad(prod)(np.array([2, 0, 3], np.float32))

    assert g.dtype == np.float32
    np.testing.assert_array_equal(g, [0, 6, 0])


def test_initial_and_mask_of_prod() -> None:
    x = np.array([2.0, 0.0, 3.0])

    np.testing.assert_array_equal(grad(lambda x: np.prod(x, where=x != 0, initial=5.0))(x), [15, 0, 10])
    np.testing.assert_array_equal(grad(lambda x: np.prod(x, initial=x[0]))(x), [0, 12, 0])


# ---- cumprod ---------------------------------------------------------------------------------------


@each_factors
def test_cumprod_is_exact_with_zeros_to_second_order(x: Any) -> None:
    n = len(x)
    first, second = np.zeros((n, n)), np.zeros((n, n, n))
    for i in range(n):
        first[i, : i + 1] = tensor(x[: i + 1], 1)
        second[i, : i + 1, : i + 1] = tensor(x[: i + 1], 2)

    np.testing.assert_allclose(jacfwd(np.cumprod)(x), first, rtol=1e-14)
    np.testing.assert_allclose(jacrev(np.cumprod)(x), first, rtol=1e-14)
    np.testing.assert_allclose(jacfwd(jacrev(np.cumprod))(x), second, rtol=1e-14)
    np.testing.assert_allclose(jacrev(jacfwd(np.cumprod))(x), second, rtol=1e-14)


def test_cumprod_along_an_axis_with_zeros_in_some_rows() -> None:
    x = np.array([[2.0, 0.0, 3.0], [1.0, 4.0, 5.0]])

    j = jacrev(lambda x: np.cumprod(x, axis=1))(x)

    np.testing.assert_allclose(j[0, 2, 0], [0, 6, 0])
    np.testing.assert_allclose(j[1, 2, 1], [20, 5, 4])
    np.testing.assert_allclose(jacfwd(lambda x: np.cumprod(x, axis=1))(x), j)
    np.testing.assert_allclose(jacrev(lambda x: np.cumprod(x))(x), jacfwd(lambda x: np.cumprod(x))(x))


def test_cumprod_of_a_number_has_one_entry() -> None:
    value, t = jvp(np.cumprod, (3.0,), (2.0,))

    assert value.shape == t.shape == (1,)
    assert grad(lambda x: np.cumprod(x)[0])(0.0) == 1.0


# ---- recurrence ------------------------------------------------------------------------------------


def loop(a: Any, b: Any) -> Any:
    y = np.array(b)
    for i in range(1, len(b)):
        y[i] += a[i] * y[i - 1]
    return y


@pytest.mark.parametrize("n", [0, 1, 2, 31, 32, 33, 34, 65, 100, 1001])
def test_recurrence_is_the_loop(n: int) -> None:
    rng = np.random.default_rng(n)
    a, b = rng.uniform(-1.5, 1.5, (2, n, 3))
    a[n // 2 :: 7] = 0.0

    np.testing.assert_allclose(recurrence(a, b, axis=0), loop(a, b), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(recurrence(a.T, b.T, axis=1), loop(a, b).T, rtol=1e-11, atol=1e-13)


def test_recurrence_does_not_overflow_where_the_loop_does_not() -> None:
    a, b = np.full(100, 1e200), np.zeros(100)

    np.testing.assert_array_equal(recurrence(a, b, axis=0), b)


def test_recurrence_never_reads_its_first_multiplier() -> None:
    np.testing.assert_array_equal(recurrence(np.array([np.nan, 2.0]), np.array([1.0, 1.0]), axis=0), [1, 3])
