"""`grad` and `value_and_grad`: arguments, results, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, value_and_grad
from dualgrad.errors import NotScalarError

X = np.array([1.0, 2.0, 3.0])


def test_the_gradient_has_shape_and_dtype_of_the_argument() -> None:
    for dtype in (np.float32, np.float64):
        found = grad(lambda x: np.sum(x**3))(X.astype(dtype))

        assert found.dtype == dtype
        np.testing.assert_allclose(found, 3 * X**2)


def test_the_gradient_is_writable_and_shares_no_memory() -> None:
    x = X.copy()
    found = grad(lambda x: np.sum(x))(x)
    found += 1.0

    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(grad(lambda x: np.sum(x))(x), np.ones(3))


def test_two_gradients_of_one_call_share_no_memory() -> None:
    first, second = grad(lambda x, y: np.sum(x + y), (0, 1))(X, X.copy())

    assert not np.shares_memory(first, second)


def test_a_result_of_size_one_and_any_shape_will_do() -> None:
    for shape in ((), (1,), (1, 1)):
        np.testing.assert_array_equal(grad(lambda x: np.sum(x).reshape(shape))(X), np.ones(3))


def test_argnums_choose_by_position() -> None:
    f = lambda x, y, z: x * y**2 * z**3

    assert float(grad(f)(2.0, 3.0, 1.0)) == 9.0
    assert float(grad(f, 1)(2.0, 3.0, 1.0)) == 12.0
    assert float(grad(f, -1)(2.0, 3.0, 1.0)) == 54.0
    assert [float(g) for g in grad(f, (2, 0))(2.0, 3.0, 1.0)] == [54.0, 9.0]
    assert isinstance(grad(f, (1,))(2.0, 3.0, 1.0), tuple)


def test_argnames_choose_however_the_argument_is_passed() -> None:
    f = lambda x, y=3.0: x * y**2

    assert float(grad(f, argnames="y")(2.0)) == 12.0
    assert float(grad(f, argnames="y")(2.0, 5.0)) == 20.0
    assert float(grad(f, argnames="y")(2.0, y=5.0)) == 20.0
    assert float(grad(f, argnames=("y", "x"))(2.0)[1]) == 9.0
    assert float(grad(f, 1)(2.0, y=5.0)) == 20.0


def test_argnums_and_argnames_together_give_a_tuple() -> None:
    found = grad(lambda x, y: x * y, 0, argnames="y")(2.0, 5.0)

    assert [float(g) for g in found] == [5.0, 2.0]


def test_the_same_argument_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="twice"):
        grad(lambda x: x, 0, argnames="x")(2.0)


@pytest.mark.parametrize(("options", "message"), [({"argnums": 3}, "argument 3"), ({"argnames": "w"}, "'w'")])
def test_an_argument_that_is_not_there_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        grad(lambda x, y: x * y, **options)(1.0, 2.0)


@pytest.mark.parametrize("options", [{"argnums": "x"}, {"argnums": 1.5}, {"argnums": True}, {"argnames": 0}])
def test_argnums_are_ints_and_argnames_strings(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        grad(lambda x: x, **options)


def test_value_and_grad_runs_the_function_once() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return x**2

    value, gradient = value_and_grad(f)(3.0)

    assert (float(value), float(gradient), len(calls)) == (9.0, 6.0, 1)


def test_auxiliary_data_comes_back_plain() -> None:
    f = lambda x: (np.sum(x**2), {"twice": 2 * x, "name": "a"})

    gradient, aux = grad(f, has_aux=True)(X)
    (value, other), second = value_and_grad(f, has_aux=True)(X)

    np.testing.assert_array_equal(gradient, 2 * X)
    np.testing.assert_array_equal(second, 2 * X)
    assert type(aux["twice"]) is np.ndarray
    assert type(other["twice"]) is np.ndarray
    assert aux["name"] == "a"
    assert float(value) == 14.0


def test_has_aux_needs_a_pair() -> None:
    with pytest.raises(TypeError, match="pair"):
        grad(lambda x: x, has_aux=True)(1.0)


def test_the_derived_function_keeps_name_and_docstring() -> None:
    def loss(x: float) -> float:
        """What is lost."""
        return x

    assert grad(loss).__name__ == "loss"
    assert grad(loss).__doc__.endswith("loss by x, a function made by dualgrad.\n\nWhat is lost.")  # type: ignore[union-attr]


def test_something_else_than_a_function_is_refused() -> None:
    with pytest.raises(TypeError, match="takes a function"):
        grad(3.0)  # type: ignore[arg-type]


def test_a_function_that_ignores_its_argument_has_gradient_zero() -> None:
    np.testing.assert_array_equal(grad(lambda x: 3.0)(X), np.zeros(3))
    assert float(grad(lambda x: 3)(1.0)) == 0.0


def test_an_exception_of_the_function_goes_through_and_leaves_nothing_behind() -> None:
    def failing(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        grad(failing)(1.0)
    assert float(grad(lambda x: x**2)(3.0)) == 6.0


def test_of_a_complex_argument_it_is_dfdx_minus_i_dfdy() -> None:
    z = 1.0 + 2.0j

    assert complex(grad(lambda z: np.abs(z) ** 2)(z)) == pytest.approx(2 * np.conj(z))
    assert complex(grad(lambda z: np.imag(z))(z)) == -1j


def test_a_complex_result_is_refused() -> None:
    with pytest.raises(NotScalarError, match="complex"):
        grad(lambda z: z**2)(1.0 + 2.0j)
