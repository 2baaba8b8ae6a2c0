"""`elementwise_grad` and `holomorphic_grad`, which check the structure they need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import elementwise_grad, grad, holomorphic_grad, jacfwd, jacrev
from dualgrad.errors import NotScalarError

X = np.array([[0.5, 1.5, 2.0], [3.0, -1.0, 0.25]])
Z = 1.0 + 2.0j


@pytest.mark.parametrize("x", [X, X[0], 0.5], ids=["matrix", "vector", "number"])
def test_the_elementwise_gradient_has_the_shape_of_the_argument(x: Any) -> None:
    found = elementwise_grad(lambda x: np.sin(x) * x)(x)

    np.testing.assert_allclose(found, np.cos(x) * x + np.sin(x))
    assert np.shape(found) == np.shape(x)


def test_it_nests() -> None:
    f = elementwise_grad(elementwise_grad(lambda x: x**3))

    np.testing.assert_allclose(f(X), 6 * X)
    np.testing.assert_allclose(grad(lambda x: np.sum(elementwise_grad(np.sin)(x)))(X), -np.sin(X))


def test_argnums_names_and_aux() -> None:
    f = lambda x, y: (x * y**2, "aux")

    found, aux = elementwise_grad(f, (0, 1), has_aux=True)(X, X + 1)
    np.testing.assert_allclose(found[0], (X + 1) ** 2)
    np.testing.assert_allclose(found[1], 2 * X * (X + 1))
    assert aux == "aux"
    np.testing.assert_allclose(elementwise_grad(lambda x, y: x * y, argnames="y")(X, X), X)


@pytest.mark.parametrize(
    "f",
    [np.cumsum, lambda x: x[::-1] * 1.0, lambda x: x * np.sum(x), lambda x: x - np.mean(x)],
    ids=["cumsum", "reversed", "times its sum", "centred"],
)
def test_a_jacobian_that_is_not_diagonal_is_noticed(f: Any) -> None:
    with pytest.raises(TypeError, match="not diagonal"):
        elementwise_grad(f)(X[0])


@pytest.mark.parametrize("x", [X, X.astype(np.float32), 0.5], ids=["matrix", "float32", "number"])
def test_complex_results_have_complex_derivatives(x: Any) -> None:
    found = elementwise_grad(lambda x: np.exp(1j * x))(x)

    np.testing.assert_allclose(found, 1j * np.exp(1j * x), rtol=1e-6)
    assert found.dtype == np.exp(1j * x).dtype
    np.testing.assert_allclose(elementwise_grad(elementwise_grad(lambda x: x**3 * (2 + 1j)))(X), 6 * X * (2 + 1j))
    np.testing.assert_allclose(elementwise_grad(lambda z: np.exp(z))(1j * X), np.exp(1j * X))


def test_a_complex_derivative_that_is_not_one_number_is_noticed() -> None:
    for f in (np.conj, lambda z: z * np.conj(z), lambda z: np.real(z) * (1 + 1j)):
        with pytest.raises(TypeError, match="Cauchy-Riemann"):
            elementwise_grad(f)(X + 1j)
    with pytest.raises(TypeError, match="not diagonal"):
        elementwise_grad(lambda x: 1j * np.cumsum(x))(X[0])


def test_another_shape_is_noticed() -> None:
    with pytest.raises(TypeError, match=r"shape \(3,\), the result \(2,\)"):
        elementwise_grad(lambda x: x[:2])(X[0])


def test_two_results_are_noticed() -> None:
    with pytest.raises(TypeError, match="returned 2"):
        elementwise_grad(lambda x: (x, x))(X)


def test_numbers_that_are_not_finite_pass() -> None:
    with np.errstate(all="ignore"):
        found = elementwise_grad(lambda x: np.sqrt(x))(np.array([0.0, 1.0]))

    assert found[0] == np.inf
    assert found[1] == 0.5


@pytest.mark.parametrize(
    ("f", "expected"),
    [(lambda z: z**3, 3 * Z**2), (np.exp, np.exp(Z)), (lambda z: 1 / z, -1 / Z**2), (np.sin, np.cos(Z))],
    ids=["cube", "exp", "inverse", "sin"],
)
def test_the_complex_derivative(f: Any, expected: complex) -> None:
    assert complex(holomorphic_grad(f)(Z)) == pytest.approx(expected)


def test_the_complex_derivative_of_arrays_and_again() -> None:
    z = np.array([Z, 2.0 - 1.0j])

    np.testing.assert_allclose(holomorphic_grad(lambda z: np.sum(z**3))(z), 3 * z**2)
    assert complex(holomorphic_grad(holomorphic_grad(lambda z: z**3))(Z)) == pytest.approx(6 * Z)


@pytest.mark.parametrize(
    "f", [np.conj, lambda z: np.abs(z) + 0j, lambda z: z * np.conj(z)], ids=["conj", "abs", "square"]
)
def test_a_function_that_is_not_holomorphic_is_noticed(f: Any) -> None:
    with pytest.raises(TypeError, match="Cauchy-Riemann"):
        holomorphic_grad(f)(Z)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("d", [elementwise_grad, holomorphic_grad, jacfwd, jacrev])
def test_the_equations_are_checked_at_the_size_of_the_numbers(d: Any, scale: float) -> None:
    np.testing.assert_allclose(d(lambda z: scale * np.exp(z))(Z), scale * np.exp(Z))
    for f in (np.conj, lambda z: z + 1e-6 * np.conj(z)):
        with pytest.raises(TypeError, match="Cauchy-Riemann"):
            d(lambda z, f=f: scale * f(z))(Z)


def test_a_real_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="complex arguments"):
        holomorphic_grad(lambda z: z)(1.0)


def test_a_real_result_is_refused() -> None:
    with pytest.raises(NotScalarError, match="real one"):
        holomorphic_grad(np.abs)(Z)


def test_an_array_as_result_is_refused() -> None:
    with pytest.raises(NotScalarError, match=r"shape \(2,\)"):
        holomorphic_grad(lambda z: z)(np.array([Z, Z]))


@pytest.mark.parametrize(
    "differentiate",
    [
        lambda: jacfwd(lambda z: np.stack([1e14 * z, np.conj(z)]))(np.array(1 + 1j)),
        lambda: jacrev(lambda z: np.stack([1e14 * z, np.conj(z)]))(np.array(1 + 1j)),
        lambda: jacfwd(lambda z: np.stack([1e5 * z, z + 0.1 * np.conj(z)]))(np.complex64(1 + 1j)),
        lambda: jacrev(lambda z: np.stack([1e14 * z[0] + z[1], z[0] + np.conj(z[1])]))(np.array([1 + 1j, 2j])),
        lambda: holomorphic_grad(lambda z: 1e14 * z[0] + np.conj(z[1]))(np.array([1 + 1j, 2j])),
        lambda: elementwise_grad(lambda z: np.where([True, False], 1e14 * z, np.conj(z)))(np.array([1 + 1j, 2j])),
    ],
)
def test_a_large_derivative_hides_no_conjugate(differentiate: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match="Cauchy-Riemann"):
        differentiate()


def test_a_large_derivative_hides_no_other_entry() -> None:
    with pytest.raises(TypeError, match="not diagonal"):
        elementwise_grad(lambda x: np.exp(x) + np.array([1.0, 0.0]) * x[1])(np.array([30.0, 0.0]))
