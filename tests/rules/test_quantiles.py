"""Medians and quantiles: ties, ends, NaN, and the share of q."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacfwd, jacrev, jvp, vmap
from dualgrad.errors import NoRuleError

X = np.array([3.0, 1.0, 2.0, 5.0])
METHODS = [
    "linear",
    "lower",
    "higher",
    "midpoint",
    "nearest",
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "median_unbiased",
    "normal_unbiased",
]


def test_the_median_is_one_entry_or_between_two() -> None:
    median: Any = np.median
    np.testing.assert_array_equal(grad(median)(X[:3]), [0, 0, 1])
    np.testing.assert_array_equal(grad(median)(X), [0.5, 0, 0.5, 0])


def test_ties_of_the_median_share_evenly() -> None:
    x = np.array([2.0, 1.0, 2.0, 2.0, 7.0])

    for f in (np.median, np.nanmedian, lambda x: np.quantile(x, 0.5), lambda x: np.nanpercentile(x, 50)):
        np.testing.assert_allclose(grad(f)(x), [1 / 3, 0, 1 / 3, 1 / 3, 0])
        np.testing.assert_allclose(jacfwd(f)(x), [1 / 3, 0, 1 / 3, 1 / 3, 0])


@pytest.mark.parametrize("method", METHODS)
def test_values_are_numpys_at_all_the_edges_of_methods(method: Any) -> None:
    edges = (0.0, 0.1, 0.25, 0.5, 0.6, 0.75, 1.0)
    for fun, q, n in itertools.product((np.quantile, np.nanquantile), edges, (1, 2, 4, 5)):
        x = np.array([3.0, 1.0, 2.0, 5.0, 4.5])[:n]
        value, t = jvp(lambda x, fun=fun, q=q: fun(x, q, method=method), (x,), (x,))

        np.testing.assert_allclose(value, np.quantile(x, q, method=method), rtol=1e-15, err_msg=f"{q} of {n} numbers")
        # The quantile is a weighted mean of the entries, so along x it moves by itself.
        np.testing.assert_allclose(t, value, rtol=1e-14, err_msg=f"{q} of {n} numbers")


@pytest.mark.parametrize("method", METHODS)
def test_quantiles_that_skip_nan_are_those_of_the_rest(method: Any) -> None:
    x = np.array([[3.0, np.nan, 1.0], [np.nan, np.nan, 2.0], [5.0, 4.0, 0.0], [1.0, 7.0, 9.0]])
    q = np.array([0.0, 0.2, 0.7, 1.0])

    value, t = jvp(lambda x: np.nanquantile(x, q, axis=0, method=method), (x,), (np.nan_to_num(x),))

    np.testing.assert_allclose(value, np.nanquantile(x, q, axis=0, method=method), rtol=1e-15)
    np.testing.assert_allclose(t, value, rtol=1e-14)


def test_the_derivative_by_q_is_the_slope_between_two_entries() -> None:
    assert grad(lambda q: np.quantile(X, q))(0.5) == 3 * (3.0 - 2.0)
    np.testing.assert_allclose(grad(lambda q: np.percentile(X, q))(90.0), 3 * (5.0 - 3.0) / 100)
    assert grad(lambda q: np.quantile(X, q, method="lower"))(0.5) == 0
    assert grad(lambda q: np.quantile(X, q, method="weibull"))(0.01) == 0


def test_nan_goes_to_the_result_of_a_median() -> None:
    x = np.array([1.0, np.nan, 2.0])

    assert np.isnan(jvp(np.median, (x,), (np.ones(3),))[0])
    assert np.isnan(jvp(lambda x: np.quantile(x, 0.1), (x,), (np.ones(3),))[0])
    nanmedian: Any = np.nanmedian
    np.testing.assert_array_equal(grad(nanmedian)(x), [0.5, 0, 0.5])


def test_a_slice_of_nan_has_derivative_zero() -> None:
    x = np.array([[np.nan, np.nan], [1.0, 4.0]])

    for f in (
        lambda x: np.nanmedian(x, axis=1),
        lambda x: np.nanquantile(x, 0.5, axis=1),
        lambda x: np.nanpercentile(x, 50, axis=1),
    ):
        with pytest.warns(RuntimeWarning, match="All-NaN"):
            found = jacrev(f)(x)
        with pytest.warns(RuntimeWarning, match="All-NaN"):
            pushed = jacfwd(f)(x)
        expected = np.zeros((2, 2, 2))
        expected[1, 1] = 0.5
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(pushed, expected)


def test_weights_choose_the_entry_and_have_no_derivative() -> None:
    w = np.array([1.0, 0.0, 5.0, 1.0])

    gx, gw = grad(lambda x, w: np.quantile(x, 0.5, weights=w, method="inverted_cdf"), argnums=(0, 1))(X, w)

    np.testing.assert_array_equal(gx, [0, 0, 1, 0])
    np.testing.assert_array_equal(gw, np.zeros(4))


def test_what_has_no_weight_is_not_the_quantile_zero() -> None:
    def f(x: Any) -> Any:
        return np.quantile(x, 0, weights=[1, 0, 1, 1], method="inverted_cdf")

    # NumPy 2.0 itself takes the entry without weight.
    assert jvp(f, (X,), (X,)) == (2.0, 2.0)
    np.testing.assert_array_equal(grad(f)(X), [0, 0, 1, 0])


@pytest.mark.parametrize(
    ("f", "match"),
    [
        (lambda x: np.quantile(x, 1.1), "range"),
        (lambda x: np.percentile(x, -1), "range"),
        (lambda x: np.quantile(x, 0.5, method="median"), "not a valid method"),  # type: ignore[call-overload]
        (lambda x: np.quantile(x, 0.5, weights=np.ones(4)), "inverted_cdf"),
        (lambda x: np.quantile(x, 0.5, weights=-np.ones(4), method="inverted_cdf"), "non-negative"),
        (lambda x: np.quantile(x, 0.5, weights=np.zeros(4), method="inverted_cdf"), "all zero"),
        (lambda x: np.quantile(x, 0.5, axis=3), "axis 3"),
    ],
)
def test_errors_are_numpys(f: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        grad(f)(X)


def test_complex_quantiles_are_refused() -> None:
    with pytest.raises(TypeError, match="real"):
        grad(lambda z: np.real(np.quantile(z, 0.5)))(np.array([1j, 2.0]))


def test_an_order_of_axes_that_numpy_gets_wrong_raises() -> None:
    with pytest.raises(NoRuleError, match=r"q\.ravel"):
        grad(lambda x: np.sum(np.nanquantile(x, np.ones((2, 2)) / 2, axis=(0, 1))))(np.ones((2, 3, 4)))


def test_a_batch_of_probabilities() -> None:
    q = np.array([0.1, 0.5, 0.9])

    found = vmap(lambda q: np.quantile(X, q))(q)

    np.testing.assert_allclose(found, np.quantile(X, q))
    np.testing.assert_allclose(vmap(grad(lambda q: np.quantile(X, q)))(q), [3, 3, 6])


def test_single_precision_stays_single() -> None:
    x = X.astype(np.float32)

    for q in (0, 0.3, np.float32(0.3)):
        value, t = jvp(lambda x, q=q: np.quantile(x, q), (x,), (x,))
        assert value.dtype == t.dtype == np.quantile(x, q).dtype == np.float32
