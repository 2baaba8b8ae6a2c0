"""Sets: members come from their first place in the arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import hessian, jacfwd, jacrev, jvp

X = np.array([2.0, -1.0, 2.0, 0.5, -1.0])
Y = np.array([0.5, 9.0, 2.0])


@pytest.mark.parametrize("jacobian", [jacfwd, jacrev])
def test_the_first_of_equal_entries_stands_for_all(jacobian: Any) -> None:
    expected = np.eye(5)[[1, 3, 0]]

    np.testing.assert_array_equal(jacobian(np.unique)(X), expected)
    np.testing.assert_array_equal(jacobian(lambda x: np.unique_all(x).values)(X), expected)
    np.testing.assert_array_equal(jacobian(lambda x: np.sort(np.unique_values(x)))(X), expected)


def test_all_that_is_said_of_a_set_is_numpys() -> None:
    found = jvp(lambda x: np.unique(x, True, True, True), (X,), (X,))

    for got, wanted in zip(found[0], np.unique(X, True, True, True), strict=True):
        np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(found[1][0], found[0][0])


def test_named_tuples_keep_their_names() -> None:
    def f(x: Any) -> Any:
        found = np.unique_counts(x)
        assert type(found) is type(np.unique_counts(X))
        np.testing.assert_array_equal(found.counts, [2, 1, 2])
        np.testing.assert_array_equal(np.unique_inverse(x).inverse_indices, [2, 0, 2, 1, 0])
        return found.values

    np.testing.assert_array_equal(jvp(f, (X,), (X,))[1], [-1, 0.5, 2])


def test_rows_are_members_too() -> None:
    rows = np.array([[1.0, 2.0], [0.0, 5.0], [1.0, 2.0]])

    value, t = jvp(lambda a: np.unique(a, axis=0), (rows,), (10 * rows,))

    np.testing.assert_array_equal(value, [[0, 5], [1, 2]])
    np.testing.assert_array_equal(t, 10 * value)


def test_nan_is_a_member_once_or_each_for_itself() -> None:
    x = np.array([np.nan, 1.0, np.nan])
    for equal in (True, False):
        value, t = jvp(lambda x, equal=equal: np.unique(x, equal_nan=equal), (x,), (np.array([5.0, 7.0, 5.0]),))

        np.testing.assert_array_equal(value, np.unique(x, equal_nan=equal))
        np.testing.assert_array_equal(t, [7, 5, 5][: len(value)])


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.3.0", reason="sorted= is a parameter of NumPy 2.3")
def test_members_without_an_order_are_numpys() -> None:
    x = np.random.default_rng(0).permutation(50) / 7
    value, t = jvp(lambda x: np.unique(x, sorted=False), (x,), (3 * x,))

    np.testing.assert_array_equal(value, np.unique(x, sorted=False))
    np.testing.assert_array_equal(t, 3 * value)


@pytest.mark.parametrize("fun", [np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d])
def test_two_sets_move_with_the_array_that_a_member_is_from(fun: Any) -> None:
    value, t = jvp(lambda x, y: fun(x, y), (X, Y), (10 * X, 100 * Y))
    only_second = np.array([v == 9.0 for v in value])

    np.testing.assert_array_equal(value, fun(X, Y))
    np.testing.assert_array_equal(t, np.where(only_second, 100, 10) * value)


def test_indices_of_an_intersection_are_numpys() -> None:
    (values, i, j), _ = jvp(lambda x: np.intersect1d(x, Y, return_indices=True), (X,), (X,))

    np.testing.assert_array_equal(values, X[i])
    np.testing.assert_array_equal(values, Y[j])


def test_sets_nest() -> None:
    np.testing.assert_allclose(hessian(lambda x: np.sum(np.unique(x) ** 3))(X), np.diag([12.0, -6.0, 0.0, 3.0, 0.0]))
