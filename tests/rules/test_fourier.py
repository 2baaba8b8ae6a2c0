"""Fourier transforms where differences cannot look: cut and filled spectra, symmetries, out=."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacfwd, jacrev, jvp
from dualgrad.errors import ConversionError

X = np.array([1.0, -2.0, 0.5, 3.0, 1.5])


@pytest.mark.parametrize("fun", [np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.ihfft])
@pytest.mark.parametrize("n", [None, 1, 2, 3, 5, 6, 9])
def test_columns_of_the_jacobian_are_the_transforms_of_unit_vectors(fun: Any, n: int | None) -> None:
    def parts(x: Any) -> Any:
        y = fun(x, n)
        return np.stack([np.real(y), np.imag(y)])

    expected = np.stack([parts(e) for e in np.eye(5)], -1)

    np.testing.assert_allclose(jacrev(parts)(X), expected, atol=1e-15)
    np.testing.assert_allclose(jacfwd(parts)(X), expected, atol=1e-15)


@pytest.mark.parametrize("fun", [np.fft.irfft, np.fft.hfft])
@pytest.mark.parametrize("n", [None, 1, 2, 3, 7, 8, 9, 12])
def test_half_spectra_count_each_frequency_as_often_as_it_occurs(fun: Any, n: int | None) -> None:
    expected = np.stack([fun(e, n) for e in np.eye(5)], -1)
    imaginary = np.stack([fun(1j * e, n) for e in np.eye(5)], -1)

    np.testing.assert_allclose(jacrev(lambda x: fun(x, n))(X), expected, atol=1e-15)
    np.testing.assert_allclose(jacrev(lambda x: fun(1j * x, n))(X), imaginary, atol=1e-15)


def test_energy_is_the_same_on_both_sides() -> None:
    for norm, factor in (("backward", 5.0), ("ortho", 1.0), ("forward", 0.2)):
        g = grad(lambda x, norm=norm: np.sum(np.abs(np.fft.fft(x, norm=norm)) ** 2))(X)

        np.testing.assert_allclose(g, factor * 2 * X)


def test_out_takes_a_traced_answer_only_in_a_traced_array() -> None:
    def f(x: Any) -> Any:
        out = np.zeros_like(x) + 0j * x
        np.fft.fft(x, out=out)
        return np.sum(np.real(out))

    np.testing.assert_allclose(grad(f)(X), [5, 0, 0, 0, 0], atol=1e-14)
    with pytest.raises(ConversionError, match="plain array"):
        grad(lambda x: np.sum(np.real(np.fft.fft(x, out=np.zeros(5, complex)))))(X)


def test_an_axis_that_occurs_twice_is_transformed_twice() -> None:
    a = np.arange(6.0).reshape(2, 3)

    value, t = jvp(lambda a: np.fft.fftn(a, axes=(0, 1, 1)), (a,), (a,))

    np.testing.assert_allclose(value, np.fft.fftn(a, axes=(0, 1, 1)))
    np.testing.assert_allclose(t, value)


def test_lengths_and_axes_must_match() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        grad(lambda x: np.sum(np.real(np.fft.fftn(x, s=(2, 2), axes=(0,)))))(X)


def test_shifts_move_the_middle() -> None:
    np.testing.assert_array_equal(jacrev(np.fft.fftshift)(X), np.roll(np.eye(5), 2, axis=0))
    np.testing.assert_array_equal(jacfwd(np.fft.ifftshift)(X), np.roll(np.eye(5), -2, axis=0))
