"""Histograms: edges, outliers, densities, and what is constant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacrev, jvp, vmap
from dualgrad.errors import ConversionError

A = np.array([0.0, 0.5, 0.5, 1.0, 2.0, np.nan, 7.0])
W = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
EDGES = np.array([0.0, 0.5, 1.0, 2.0])


def test_a_weight_counts_in_its_bin_and_outside_in_none() -> None:
    value, t = jvp(lambda w: np.histogram(A, EDGES, weights=w)[0], (W,), (W,))

    np.testing.assert_array_equal(value, [1, 6, 24])
    np.testing.assert_array_equal(t, [1, 6, 24])


def test_counts_are_constant_and_integers() -> None:
    counts, _ = jvp(lambda a: np.histogram(a, EDGES)[0], (A,), (np.ones(7),))

    assert counts.dtype == np.intp
    np.testing.assert_array_equal(counts, [1, 2, 2])
    np.testing.assert_array_equal(grad(lambda a: np.sum(a) + np.sum(np.histogram(a, EDGES)[0]))(A), np.ones(7))


def test_edges_from_the_data_move_with_its_range() -> None:
    jacobian = jacrev(lambda a: np.histogram(a, 4)[1])(np.array([3.0, 1.0, 5.0]))

    np.testing.assert_allclose(jacobian[:, 0], 0)
    np.testing.assert_allclose(jacobian[:, 1], [1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_allclose(jacobian[:, 2], [0, 0.25, 0.5, 0.75, 1])


@pytest.mark.parametrize("bins", ["auto", "fd", "doane", "scott", "stone", "rice", "sturges", "sqrt"])
def test_estimators_choose_the_bins_and_have_no_derivative(bins: str) -> None:
    a = np.array([0.3, 1.1, 0.4, 2.0, 1.7, 0.9])
    for limits in (None, (0, 2)):
        (counts, edges), _ = jvp(lambda a, r=limits: np.histogram(a, bins, r), (a,), (a,))

        np.testing.assert_array_equal(counts, np.histogram(a, bins, limits)[0])
        np.testing.assert_allclose(edges, np.histogram_bin_edges(a, bins, limits))
    with pytest.raises(ConversionError, match="number of bins"):
        vmap(lambda a: np.histogram(a, bins)[0])(np.stack([a, a]))


def test_a_density_does_not_change_with_all_weights() -> None:
    _, t = jvp(lambda w: np.histogram(A[:5], EDGES, density=True, weights=w)[0], (W[:5],), (W[:5],))

    np.testing.assert_allclose(t, 0, atol=1e-16)


def test_equal_numbers_get_a_range_around_them() -> None:
    value, _ = jvp(lambda a: np.histogram(a, 2)[1], (np.ones(3),), (np.ones(3),))

    np.testing.assert_array_equal(value, [0.5, 1, 1.5])


def test_two_dimensions_are_rows_and_columns() -> None:
    x, y, w = np.array([0.1, 0.9, 0.9, 5.0]), np.array([0.1, 0.1, 0.9, 0.5]), np.array([1.0, 2.0, 4.0, 8.0])

    def f(w: Any) -> Any:
        bins: Any = [np.array([0, 0.5, 1]), 2]
        limits: Any = [None, (0, 1)]
        return np.histogram2d(x, y, bins=bins, range=limits, weights=w)

    (h, xe, ye), _ = jvp(f, (w,), (w,))

    np.testing.assert_array_equal(h, [[1, 0], [2, 4]])
    np.testing.assert_array_equal(xe, [0, 0.5, 1])
    np.testing.assert_array_equal(ye, [0, 0.5, 1])
    np.testing.assert_array_equal(grad(lambda w: f(w)[0][1, 1])(w), [0, 0, 1, 0])


@pytest.mark.parametrize(
    ("f", "match"),
    [
        (lambda w: np.histogram(A, [0, 2, 1], weights=w), "monotonically"),
        (lambda w: np.histogram(A, 0, weights=w), "positive"),
        (lambda w: np.histogram(A, 3, weights=w), "finite"),
        (lambda w: np.histogram(A, 3, (1, 0), weights=w), "larger"),
        (lambda w: np.histogram(A, 3, (0, 1), weights=w[1:]), "same shape"),
        (lambda w: np.histogramdd([A, A], [2, 2, 2], weights=w), "dimension"),
        (lambda w: np.histogramdd([A, A], 2, range=[(0, 1)], weights=w), "one entry per dimension"),
    ],
)
def test_errors_are_numpys(f: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        jvp(f, (W,), (W,))


def test_estimators_take_no_weights() -> None:
    with pytest.raises(TypeError, match="weighted"):
        jvp(lambda w: np.histogram(A[:5], "auto", weights=w), (W[:5],), (W[:5],))
