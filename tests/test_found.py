"""Cases in which a derivative was once lost or wrong, found by hunting; each stays right, or an error."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from dualgrad import checkpoint, derivative, grad, jacfwd, jacrev, jvp, stop_gradient, vjp
from dualgrad.errors import ConversionError, LeakedValueError, RuleError

X = np.array([1.3, 0.7])


class Box:
    """A class that dualgrad knows nothing of."""

    v: Any


@pytest.mark.parametrize("d", [jacfwd, jacrev])
def test_a_result_that_hides_values_in_an_object_is_refused(d: Any) -> None:
    def f(x: Any) -> Box:
        box = Box()
        box.v = x * x
        return box

    with pytest.raises(TypeError, match="returned a Box"):
        d(f)(1.0)
    with pytest.raises(TypeError, match="returned a generator"):
        d(lambda x: (y for y in [x]))(1.0)


@pytest.mark.parametrize("d", [grad, jacfwd, jacrev])
def test_a_value_of_an_ended_transformation_cannot_be_returned(d: Any) -> None:
    kept: list[Any] = []

    def leaking(x: Any) -> Any:
        kept.append(x)
        return x * x

    grad(leaking)(2.0)

    with pytest.raises(LeakedValueError):
        d(lambda y: kept[0])(1.0)


@pytest.mark.parametrize("dtype", [object, str])
def test_casts_to_what_has_no_derivative_raise(dtype: type) -> None:
    with pytest.raises(ConversionError, match="stop_gradient"):
        grad(lambda x: np.sum(x.astype(dtype)))(X)


def test_writing_to_a_stopped_value_changes_nothing_that_is_kept() -> None:
    def f(a: Any) -> Any:
        e = np.exp(a)
        total = np.sum(e)
        c = stop_gradient(e)
        c -= c.max()
        return total

    np.testing.assert_allclose(grad(f)(X), np.exp(X))


def test_writing_to_the_value_of_a_vjp_changes_no_pullback() -> None:
    value, pullback = vjp(np.exp, X)
    value *= 0

    np.testing.assert_allclose(pullback(np.ones(2))[0], np.exp(X))


def test_what_numpy_returns_unchanged_is_the_same_array() -> None:
    def f(a: Any) -> Any:
        b = a * a
        c = b.astype(float, copy=False)
        b *= 2
        return np.sum(c * c)

    np.testing.assert_allclose(grad(f)(X), 16 * X**3)


def test_writing_to_an_array_that_asarray_has_read_raises() -> None:
    def f(a: Any) -> Any:
        b = a * a
        c = np.asarray(b)
        b *= 2
        return np.sum(c * c)

    with pytest.raises(ConversionError, match="shares memory"):
        grad(f)(X)


def test_a_checkpointed_function_that_changes_is_noticed() -> None:
    def f(x: Any) -> Any:
        y = x
        for k in (1.0, 2.0, 3.0):
            y = checkpoint(lambda q: q * k)(y)
        return y

    with pytest.raises(RuleError, match="ran again"):
        grad(f)(1.0)


def test_matrices_are_refused() -> None:
    m = np.array([[1.0, 2.0], [3.0, 4.0]]).view(np.matrix)

    for f in (lambda y: np.sum(m * y), lambda y: np.sum(y * m)):
        with pytest.raises(TypeError, match="matrix"):
            grad(f)(np.ones((2, 2)))


def test_pickling_raises() -> None:
    with pytest.raises(ConversionError, match="Pickling"):
        grad(lambda x: pickle.loads(pickle.dumps(x)) ** 2)(2.0)


def test_complex_jacobians_agree_in_both_modes_or_raise() -> None:
    z = np.array([1 + 2j, 3 - 1j])

    for f in (lambda z: np.abs(z) ** 2, lambda z: np.exp(z) * z[::-1], lambda z: np.real(z) * np.imag(z)):
        np.testing.assert_allclose(jacfwd(f)(z), jacrev(f)(z))
    for d in (jacfwd, jacrev):
        with pytest.raises(TypeError, match="Cauchy-Riemann"):
            d(lambda z: np.conj(z))(z)
        np.testing.assert_allclose(d(lambda x: np.exp(1j * x))(1.0), 1j * np.exp(1j))


def test_a_positional_out_is_not_ignored() -> None:
    buffer = np.zeros(2)

    with pytest.raises(ConversionError, match="out="):
        jvp(lambda x: np.take(x, [0, 1], 0, buffer), (X,), (X,))


def test_the_second_derivative_of_a_power_at_exponent_zero_is_right() -> None:
    # d2/dxdy x ** y = x ** (y - 1) (1 + y log x), at y = 0: 1 / x.
    y = np.array([0.0])
    for outer, inner in ((grad, grad), (derivative, grad)):
        found = outer(lambda x, inner=inner: inner(lambda s: np.sum(x ** (y + s)))(0.0))(1.7)
        assert float(found) == pytest.approx(1 / 1.7)


def test_a_checkpointed_function_may_write_to_its_argument() -> None:
    def step(y: Any, x: Any) -> Any:
        y[0] = x[0] ** 2 * y[1]
        return y * 2

    def loss(step: Any) -> Any:
        return lambda x: np.sum(step(x * 1, x) ** 2)

    np.testing.assert_allclose(grad(loss(checkpoint(step)))(X), grad(loss(step))(X), rtol=1e-14)


@pytest.mark.parametrize("d", [grad, jacfwd, jacrev])
@pytest.mark.parametrize("index", [None, True, (None, Ellipsis), np.array([[0, 1], [1, 0]])], ids=str)
def test_a_value_as_large_as_the_array_may_be_broadcast_where_it_is_written(d: Any, index: Any) -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]])

    def f(x: Any) -> Any:
        y = np.zeros_like(x)
        y[index] = x**3
        return np.sum(y)

    np.testing.assert_allclose(d(f)(x), 3 * x**2, strict=True)
