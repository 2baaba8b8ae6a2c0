"""The slope of tanh: fast in bulk, right to the last digits in the tails, and to every order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import derivative, elementwise_grad, grad, holomorphic_grad, jvp


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


@pytest.mark.parametrize(
    "z", [0.3 + 1.5j, 19.0 - 1.0j, 25.0 + 1.0j, -60.0 + 2.0j, 170.0 + 0.5j, -400.0 + 1.0j, 800.0 - 2.0j]
)
def test_far_from_the_imaginary_axis_the_slope_of_complex_numbers_keeps_its_digits(z: complex) -> None:
    e = np.exp(-2 * z * np.sign(z.real))
    expected = 4 * e / (1 + e) ** 2

    for found in (
        holomorphic_grad(np.tanh)(z),
        jvp(np.tanh, (z,), (1 + 0j,))[1],
        # tan(z) = -i tanh(i z)
        holomorphic_grad(np.tan)(-1j * z),
        jvp(np.tan, (-1j * z,), (1 + 0j,))[1],
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    twice = holomorphic_grad(holomorphic_grad(np.tanh))
    np.testing.assert_allclose(twice(z), -2 * np.tanh(z) * expected, rtol=1e-12)


def test_the_slope_of_single_precision_complex_numbers_is_one_of_them() -> None:
    z = np.array([0.5 + 1j, 100 + 1j], np.complex64)

    _, found = jvp(np.tanh, (z,), (np.ones_like(z),))

    assert found.dtype == np.complex64
    np.testing.assert_allclose(found, [1 / np.cosh(z[0]) ** 2, 0], rtol=1e-5)
