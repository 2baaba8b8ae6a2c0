"""What differences cannot see of take, diagonals and triangles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad

take: Any = np.take


def test_a_place_taken_twice_gets_both_cotangents() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(take(x, [1, 1, -1])))(np.ones(3)), [0, 2, 1])


def test_take_wraps_and_clips() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(take(x, [-4, 5], mode="wrap")))(np.ones(3)), [0, 0, 2])
    np.testing.assert_array_equal(grad(lambda x: np.sum(take(x, [-4, 5], mode="clip")))(np.ones(3)), [1, 0, 1])


def test_take_outside_raises() -> None:
    with pytest.raises(IndexError):
        grad(lambda x: np.sum(take(x, [3])))(np.ones(3))
    with pytest.raises(TypeError, match="integers"):
        grad(lambda x: np.sum(take(x, [1.0])))(np.ones(3))


def test_numbers_outside_a_triangle_or_diagonal_count_for_nothing() -> None:
    x = np.array([[1.0, np.inf], [2.0, 3.0]])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.tril(x)))(x), [[1, 0], [1, 1]])
    np.testing.assert_array_equal(grad(lambda x: np.trace(x))(x), np.eye(2))
