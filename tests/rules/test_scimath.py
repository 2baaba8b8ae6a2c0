"""scimath: real inside the domain, complex as soon as one number is outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.lib import scimath

from dualgrad import derivative, grad, jvp, vmap

FUNCTIONS = [
    (scimath.sqrt, np.sqrt, 0.5, -0.5),
    (scimath.log, np.log, 0.5, -0.5),
    (scimath.log2, np.log2, 0.5, -0.5),
    (scimath.log10, np.log10, 0.5, -0.5),
    (scimath.arccos, np.arccos, 0.5, 1.5),
    (scimath.arcsin, np.arcsin, 0.5, -1.5),
    (scimath.arctanh, np.arctanh, 0.5, 1.5),
]


@pytest.mark.parametrize(("fun", "plain", "inside", "outside"), FUNCTIONS)
def test_inside_it_is_the_real_function(fun: Any, plain: Any, inside: float, outside: float) -> None:
    assert derivative(fun)(inside) == derivative(plain)(inside)
    assert jvp(fun, (inside,), (1.0,))[0].dtype == np.float64


@pytest.mark.parametrize(("fun", "plain", "inside", "outside"), FUNCTIONS)
def test_outside_it_is_the_complex_function(fun: Any, plain: Any, inside: float, outside: float) -> None:
    value, t = jvp(fun, (outside,), (1.0,))
    h = 1e-6

    assert value == fun(outside)
    np.testing.assert_allclose(t, (fun(outside + h) - fun(outside - h)) / (2 * h), rtol=1e-8)
    np.testing.assert_allclose(grad(lambda x: np.imag(fun(x)))(outside), np.imag(t), rtol=1e-14)


def test_one_member_of_a_batch_makes_all_complex() -> None:
    x = np.array([4.0, -9.0])

    def root(x: Any) -> Any:
        return scimath.sqrt(x)

    roots = vmap(root)

    np.testing.assert_allclose(roots(x), np.array([2, 3j]))
    assert roots(np.abs(x)).dtype == np.float64


def test_single_precision_stays_single() -> None:
    value, t = jvp(scimath.log, (np.float32(-2),), (np.float32(1),))

    assert value.dtype == t.dtype == np.complex64


def test_a_negative_base_has_complex_powers() -> None:
    gx, gp = grad(lambda x, p: np.real(scimath.power(x, p)), argnums=(0, 1))(-2.0, 0.5)

    value = scimath.power(-2.0, 0.5)
    np.testing.assert_allclose(gx, np.real(0.5 * value / -2.0), atol=1e-15)
    np.testing.assert_allclose(gp, np.real(value * scimath.log(-2.0)), rtol=1e-14)
