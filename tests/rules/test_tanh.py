"""The slope of tanh: fast in bulk, right to the last digits in the tails, and to every order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import derivative, elementwise_grad, grad


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_slope_is_right_to_the_last_digits_in_bulk_and_tails(dtype: Any) -> None:
    x = np.concatenate([np.linspace(-3, 3, 4001), [-40.0, -19.0, 0.0, 0.01, 9.5, 19.0, 40.0]]).astype(dtype)

    found = grad(lambda x: np.sum(np.tanh(x)))(x)

    expected = (1 / np.cosh(x.astype(np.longdouble)) ** 2).astype(dtype)
    np.testing.assert_allclose(found, expected, rtol=30 * np.finfo(dtype).eps)


def by_definition(x: Any) -> Any:
    return (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))


@pytest.mark.parametrize("x", [-1.7, 0.0, 0.4, 2.5])
def test_derivatives_to_fourth_order(x: float) -> None:
    f: Any = np.tanh
    g: Any = by_definition
    for _ in range(4):
        f, g = derivative(f), derivative(g)
        np.testing.assert_allclose(f(x), g(x), rtol=1e-10, atol=1e-12)


def test_second_derivatives_of_many_numbers() -> None:
    x = np.linspace(-3, 3, 2000)

    tanh: Any = np.tanh
    found = elementwise_grad(elementwise_grad(tanh))(x)

    np.testing.assert_allclose(found, elementwise_grad(elementwise_grad(by_definition))(x), rtol=1e-9, atol=1e-12)
