"""Sorting with ties, NaN and infinities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacfwd, jacrev, jvp, vjp

TIED = np.array([[2.0, 1.0, 2.0, 2.0, 0.0], [0.0, 3.0, 0.0, 3.0, 3.0], [1.0, 4.0, 2.0, 3.0, 1.0]])


def test_ties_of_sort_share_evenly() -> None:
    x = np.array([3.0, 1.0, 3.0])
    expected = [[0, 1, 0], [0.5, 0, 0.5], [0.5, 0, 0.5]]

    np.testing.assert_array_equal(jacfwd(np.sort)(x), expected)
    np.testing.assert_array_equal(jacrev(np.sort)(x), expected)


def test_the_last_of_a_sort_is_the_max() -> None:
    x = np.array([3.0, 1.0, 3.0, 3.0])

    np.testing.assert_array_equal(grad(lambda x: np.sort(x)[-1])(x), grad(np.max)(x))
    np.testing.assert_array_equal(grad(lambda x: np.sort(x)[0])(x), grad(np.min)(x))


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("kind", [None, "stable", "heapsort"])
def test_adjoint_identity_of_sort_holds_at_ties(axis: Any, kind: Any) -> None:
    def f(x: Any) -> Any:
        return np.sort(x, axis=axis, kind=kind)

    np.testing.assert_allclose(jacfwd(f)(TIED), jacrev(f)(TIED), rtol=1e-15)
    np.testing.assert_allclose(np.sum(jacrev(f)(TIED).reshape(15, 15), axis=0), np.ones(15))


@pytest.mark.parametrize(("kth", "axis"), [(1, 0), (2, 1), ((1, 3), -1), (7, None)])
def test_adjoint_identity_of_partition_holds_at_ties(kth: Any, axis: Any) -> None:
    def f(x: Any) -> Any:
        return np.partition(x, kth, axis=axis)

    np.testing.assert_allclose(jacfwd(f)(TIED), jacrev(f)(TIED), rtol=1e-15)
    np.testing.assert_allclose(np.sum(jacrev(f)(TIED).reshape(15, 15), axis=0), np.ones(15))


def test_partition_follows_its_own_order() -> None:
    rng = np.random.default_rng(0)
    x = rng.permutation(200).astype(float)

    value, t = jvp(lambda x: np.partition(x, 50), (x,), (2 * x,))

    np.testing.assert_array_equal(t, 2 * value)
    np.testing.assert_array_equal(vjp(lambda x: np.partition(x, 50), x)[1](value)[0], x)


def test_second_derivative_of_sort_is_zero_at_ties_too() -> None:
    x = np.array([2.0, 2.0, 1.0])
    weights = np.array([1.0, 2.0, 4.0])

    np.testing.assert_array_equal(hessian(lambda x: np.sort(x) @ weights)(x), np.zeros((3, 3)))
    np.testing.assert_allclose(hessian(lambda x: np.sum(weights * np.sort(x) ** 2))(x)[:2, :2], np.full((2, 2), 3.0))


def test_equal_entries_of_different_rows_are_not_tied() -> None:
    x = np.array([[1.0, 2.0], [2.0, 3.0]])

    _, t = jvp(lambda x: np.sort(x, axis=1), (x,), (np.array([[1.0, 2.0], [3.0, 4.0]]),))

    np.testing.assert_array_equal(t, [[1, 2], [3, 4]])


def test_nan_goes_last_and_is_tied_with_nothing() -> None:
    x = np.array([np.nan, 1.0, 1.0, np.nan])

    _, t = jvp(np.sort, (x,), (np.array([10.0, 1.0, 2.0, 20.0]),))

    np.testing.assert_array_equal(t, [1.5, 1.5, 10, 20])


def test_an_infinite_tangent_stays_at_its_entry() -> None:
    with np.errstate(all="ignore"):
        _, t = jvp(lambda x: np.sort(np.sqrt(x)), (np.array([4.0, 0.0]),), (np.ones(2),))

    np.testing.assert_array_equal(t, [np.inf, 0.25])


def test_sort_of_a_number_needs_axis_none() -> None:
    assert grad(lambda x: np.sort(x, axis=None)[0])(3.0) == 1.0
    with pytest.raises(IndexError):
        vjp(np.sort, 3.0)


def test_sort_keeps_single_precision_at_ties() -> None:
    g = grad(lambda x: np.sort(x)[0])(np.array([1, 1, 2], np.float32))

    assert g.dtype == np.float32
    np.testing.assert_array_equal(g, [0.5, 0.5, 0])


def test_sorting_in_place() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        y.sort()
        return y[0]

    np.testing.assert_array_equal(grad(f)(np.array([3.0, 1.0])), [0, 2])


@pytest.mark.parametrize(
    "index",
    [
        np.argsort,
        lambda x: np.lexsort((x,)),
        lambda x: np.argpartition(x, 1),
        lambda x: np.searchsorted(np.array([0.0, 2.0]), x),
        lambda x: np.digitize(x, [1.5]),
        np.flatnonzero,
        np.nonzero,
    ],
)
def test_places_are_constant(index: Any) -> None:
    x = np.array([3.0, 1.0, 2.0])
    place = index(x)

    np.testing.assert_array_equal(grad(lambda x: np.sum(x[index(x)] ** 2))(x), grad(lambda x: np.sum(x[place] ** 2))(x))
