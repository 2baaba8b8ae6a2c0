"""What differences cannot see of insert, delete, resize and trim_zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacobian, vmap
from dualgrad.errors import ConversionError

insert: Any = np.insert
delete: Any = np.delete
trim: Any = np.trim_zeros

X = np.array([1.0, 2.0, 3.0])


def test_a_number_inserted_in_two_places_counts_twice() -> None:
    np.testing.assert_array_equal(grad(lambda v: np.sum(insert(X, [0, 2], v)))(5.0), 2)
    np.testing.assert_array_equal(jacobian(lambda v: insert(X, 1, v))(5.0), [0, 1, 0, 0])


def test_inserting_into_whole_numbers_rounds_as_numpy_does() -> None:
    def f(v: Any) -> Any:
        found = insert(np.arange(2), 1, v)
        assert found.dtype == np.arange(2).dtype
        return v * found[1]

    assert grad(f)(2.5) == 2.0


@pytest.mark.filterwarnings("ignore:in the future insert:FutureWarning")
def test_a_mask_of_positions_means_what_it_means_to_numpy() -> None:
    # Before NumPy 2.1 the numbers 0 and 1.
    mask = np.array([True, False, True])
    found = jacobian(lambda x: insert(x, mask, 0.0))(X)
    np.testing.assert_array_equal(found @ X, insert(X, mask, 0.0))


def test_positions_outside_raise() -> None:
    with pytest.raises(IndexError):
        grad(lambda x: np.sum(delete(x, 3)))(X)
    with pytest.raises(IndexError):
        grad(lambda x: np.sum(insert(x, 4, 0.0)))(X)
    with pytest.raises(np.exceptions.AxisError):
        grad(lambda x: np.sum(delete(x, 0, axis=1)))(X)
    with pytest.raises(TypeError, match="complex"):
        grad(lambda x: np.sum(insert(x, 0, 1j)))(X)


def test_positions_that_differ_between_members_raise() -> None:
    with pytest.raises(ConversionError, match="vmap"):
        vmap(lambda x, k: delete(x, k))(np.ones((2, 3)), np.array([[0], [1]]))


def test_what_is_left_over_of_a_resize_counts_less_often() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.resize(x, (2, 2))))(X), [2, 1, 1])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.resize(x, 2)))(X), [1, 1, 0])
    with pytest.raises(ValueError, match="non-negative"):
        grad(lambda x: np.sum(np.resize(x, -1)))(X)


@pytest.mark.parametrize("ends", ["fb", "f", "B"])
@pytest.mark.parametrize("x", [[0, 1.0, 0, 2, 0, 0], [0.0, 0, 0], [1.0, np.nan], [0.0]], ids=str)
def test_zeros_are_trimmed_as_numpy_trims_them(ends: str, x: Any) -> None:
    x = np.array(x)
    expected = trim(x, ends)

    found = jacobian(lambda x: trim(x, ends))(x)

    np.testing.assert_array_equal(found @ np.arange(len(x)), _places(x, ends))
    assert found.shape == (len(expected), len(x))


def _places(x: Any, ends: str) -> Any:
    nonzero = np.flatnonzero(x)
    if len(nonzero) == 0:
        return np.zeros(0)
    start = nonzero[0] if "f" in ends.lower() else 0
    return np.arange(start, nonzero[-1] + 1 if "b" in ends.lower() else len(x))


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.2.0", reason="one axis only")
def test_zeros_are_trimmed_along_the_axes_asked_for() -> None:
    x = np.zeros((3, 4))
    x[1, 1:3] = 1.0
    for axis, expected in [(None, x[1:2, 1:3]), (0, x[1:2]), (-1, x[:, 1:3]), ((0, 1), x[1:2, 1:3]), ((), x)]:
        jac = jacobian(lambda x, axis=axis: trim(x, axis=axis))(x)
        np.testing.assert_array_equal(np.tensordot(jac, x, 2), expected)
    with pytest.raises(ValueError, match="trim"):
        grad(lambda x: np.sum(trim(x, "x")))(X)


def test_members_that_are_trimmed_differently_raise() -> None:
    np.testing.assert_array_equal(vmap(trim)(np.array([[0, 1.0, 2.0], [0, 3.0, 4.0]])), [[1, 2], [3, 4]])
    with pytest.raises(ConversionError, match="trim_zeros"):
        vmap(trim)(np.array([[0, 1.0, 2.0], [0, 0.0, 4.0]]))
