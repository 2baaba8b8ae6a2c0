"""What differences cannot see of real, imag, angle and real_if_close."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jvp, vjp

X = np.array([1.0, -2.0])
Z = np.array([1 + 2j, -3 + 0.5j])


def test_a_real_function_of_z_has_the_gradient_of_x_minus_i_times_that_of_y() -> None:
    np.testing.assert_array_equal(grad(lambda z: np.sum(np.real(z)))(Z), [1.0, 1.0])
    np.testing.assert_array_equal(grad(lambda z: np.sum(np.imag(z)))(Z), [-1j, -1j])
    np.testing.assert_array_equal(grad(lambda z: np.sum(z.real**2 + z.imag**2))(Z), 2 * np.conj(Z))


def test_the_parts_of_a_real_array_are_itself_and_zeros() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.real(x) ** 2))(X), 2 * X)
    np.testing.assert_array_equal(grad(lambda x: np.sum((np.imag(x) + 1) * x))(X), [1.0, 1.0])
    value, pushed = jvp(np.imag, (X,), (np.array([np.inf, 1.0]),))
    np.testing.assert_array_equal(value, [0.0, 0.0])
    np.testing.assert_array_equal(pushed, [0.0, 0.0])


def test_the_parts_of_single_precision_stay_single() -> None:
    out, pull = vjp(lambda z: np.real(z) * np.imag(z), Z.astype(np.complex64))

    assert [out.dtype, pull(out)[0].dtype] == [np.float32, np.complex64]


def test_the_angle_of_a_real_number_is_constant() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.angle(x)))(X), [0.0, 0.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.angle(x)))(np.zeros(2)), [0.0, 0.0])


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_the_angle_is_differentiated_without_overflow(scale: float) -> None:
    gradient = grad(np.angle)(scale * (3 + 4j))

    # d angle = imag(dz / z), and grad is d/dx - i d/dy.
    np.testing.assert_allclose(gradient, -1j / (3 + 4j) / scale, rtol=1e-14)


def test_real_if_close_drops_small_imaginary_parts_from_the_derivative_too() -> None:
    small = np.array([1 + 1e-15j])

    assert vjp(np.real_if_close, small)[0].dtype == np.float64
    np.testing.assert_array_equal(grad(lambda z: np.sum(np.real(np.real_if_close(z) ** 2)))(small), [2.0])
    np.testing.assert_array_equal(grad(lambda z: np.sum(np.imag(np.real_if_close(z))))(Z), [-1j, -1j])


def test_tests_for_complex_numbers_are_constant() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.where(np.isreal(x), x, 0.0)))(X), [1.0, 1.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.where(np.iscomplex(x), x, 0.0)))(X), [0.0, 0.0])


@pytest.mark.parametrize("fun", [np.arcsin, np.arccos, np.arccosh])
@pytest.mark.parametrize("z", [complex(1.5, 0.0), complex(1.5, -0.0), complex(-1.5, 0.0), complex(-1.5, -0.0)])
def test_on_a_branch_cut_the_derivative_is_that_of_its_side(fun: Any, z: complex) -> None:
    h = 1e-6
    along = (fun(complex(z.real + h, z.imag)) - fun(complex(z.real - h, z.imag))) / (2 * h)

    np.testing.assert_allclose(jvp(fun, (z,), (1.0 + 0j,))[1], along, rtol=1e-8)
