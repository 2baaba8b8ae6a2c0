"""What differences cannot see of piecewise, apply_along_axis and apply_over_axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacobian, jacrev, vmap
from dualgrad.errors import ConversionError

piecewise: Any = np.piecewise
along: Any = np.apply_along_axis

X = np.array([-1.0, 0.0, 4.0])


def test_functions_see_only_the_numbers_of_their_condition() -> None:
    # The square root of -1 would warn, and warnings are errors here.
    found = grad(lambda x: np.sum(piecewise(x, [x < 0, x > 0], [lambda v: -2 * v, np.sqrt, 7.0])))(X)
    np.testing.assert_array_equal(found, [-2, 0, 0.25])


def test_functions_need_not_act_on_each_number_apart() -> None:
    found = jacobian(lambda x: piecewise(x, [x >= 0], [lambda v: v - np.mean(v), 0.0]))(X)
    np.testing.assert_array_equal(found, [[0, 0, 0], [0, 0.5, -0.5], [0, -0.5, 0.5]])


def test_the_last_condition_that_holds_decides() -> None:
    found = jacobian(lambda x: piecewise(x, [x < 1, x < 0], [lambda v: 2 * v, lambda v: 3 * v]))(X)
    np.testing.assert_array_equal(found, np.diag([3, 2, 0]))


def test_a_number_is_taken_as_such() -> None:
    assert grad(lambda x: piecewise(x, [x < 0, x >= 0], [lambda v: -v, lambda v: v**2]))(3.0) == 6.0
    assert hessian(lambda x: piecewise(x, x < 0, [lambda v: -v, lambda v: v**2]))(3.0) == 2.0


def test_values_of_pieces_and_arguments_of_functions_are_differentiated() -> None:
    def f(t: Any) -> Any:
        return np.sum(piecewise(X * t, [X < 0], [lambda v, s: s * v, t], t))

    # -t^2 + 2 t
    assert grad(f)(5.0) == -8.0


def test_a_single_mask_may_be_given_bare() -> None:
    for mask in (X < 0, [True, False, False]):
        np.testing.assert_array_equal(jacrev(lambda x, m=mask: piecewise(x, m, [np.negative, np.square]))(X)[2, 2], 8)


def test_as_many_functions_as_conditions_are_needed() -> None:
    with pytest.raises(ValueError, match="functions are expected"):
        grad(lambda x: np.sum(piecewise(x, [x < 0], [1.0, 2.0, 3.0])))(X)
    with pytest.raises(TypeError, match="complex"):
        grad(lambda x: np.sum(piecewise(x, [x < 0], [1j])))(X)


def test_conditions_that_differ_between_members_raise() -> None:
    with pytest.raises(ConversionError, match=r"np\.where"):
        vmap(lambda x: piecewise(x, [x < 0], [np.negative, np.square]))(np.ones((2, 3)))


def test_results_of_any_shape_take_the_place_of_the_axis() -> None:
    x = np.arange(12.0).reshape(2, 3, 2)
    for function in (np.sum, np.sort, lambda v: v[:, None] * np.arange(4.0), lambda v: np.ones((2, 0))):
        for axis in (0, 1, -1):
            expected = along(function, axis, x)
            jac = jacobian(lambda x, f=function, k=axis: along(f, k, x))(x)
            assert jac.shape == expected.shape + x.shape


def test_constant_results_have_no_derivative() -> None:
    np.testing.assert_array_equal(jacobian(lambda x: along(lambda v: 1.0, 0, x))(X), np.zeros(3))


def test_calls_without_a_meaning_raise() -> None:
    with pytest.raises(ValueError, match="iteration dimensions"):
        jacobian(lambda x: along(np.sum, 0, x))(np.ones((2, 0)))
    with pytest.raises(np.exceptions.AxisError):
        jacobian(lambda x: along(np.sum, 1, x))(X)
    with pytest.raises(ValueError, match="correct shape"):
        jacobian(lambda x: np.apply_over_axes(lambda v, k: np.sum(v), x, 0))(np.ones((2, 2, 2)))
