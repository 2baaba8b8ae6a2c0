"""Places that differ between the members of a batch, in arrays that do not, at every depth of nesting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import derivative, grad, hessian, jacfwd, jacrev, jvp, vmap


def test_indices_that_differ_in_two_nested_batches_are_looked_up() -> None:
    x = np.array([[0.5, 1.5], [2.5, 0.25]])

    found = vmap(vmap(derivative(lambda x: np.interp(x, [0.0, 1.0, 3.0], [0.0, 5.0, 9.0]))))(x)

    np.testing.assert_array_equal(found, [[5.0, 2.0], [2.0, 5.0]])


def in_order(x: Any) -> Any:
    v = np.atleast_1d(x)
    return np.take_along_axis(v, np.argsort(-v, axis=0), axis=0)


@pytest.mark.parametrize("d", [jacfwd, jacrev])
@pytest.mark.parametrize("x", [np.array(0.4), np.array([0.4, 0.7, -0.1])])
def test_places_computed_from_a_batch_are_looked_up_in_a_tangent_that_is_the_same_for_all(d: Any, x: Any) -> None:
    many = vmap(d(in_order))(np.stack([x, -x]))

    np.testing.assert_array_equal(many[0], d(in_order)(x))
    np.testing.assert_array_equal(many[1], d(in_order)(-x))


def test_batches_of_places_in_an_array_being_differentiated() -> None:
    table, places = np.array([1.0, 2.0, 3.0]), np.array([[0, 2], [1, 1]])

    found = vmap(lambda k: grad(lambda t: np.sum(t[k] ** 2))(table))(places)
    pushed = vmap(lambda k: jvp(lambda t: t[k] ** 2, (table,), (np.ones(3),))[1])(places)
    bent = vmap(lambda k: hessian(lambda t: np.sum(t[k] ** 2))(table))(places)

    np.testing.assert_array_equal(found, [[2.0, 0.0, 6.0], [0.0, 8.0, 0.0]])
    np.testing.assert_array_equal(pushed, [[2.0, 6.0], [4.0, 4.0]])
    np.testing.assert_array_equal(bent, [np.diag([2.0, 0.0, 2.0]), np.diag([0.0, 4.0, 0.0])])
