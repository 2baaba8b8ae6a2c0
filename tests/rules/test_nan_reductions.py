"""Functions that skip NaN: what is skipped has derivative 0, and never NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacfwd, jacrev

X = np.array([[1.0, np.nan, -2.0], [np.nan, np.nan, np.nan], [3.0, 3.0, 0.5]])
FUNCTIONS = [
    np.nansum,
    np.nanprod,
    np.nanmax,
    np.nanmin,
    np.nanmean,
    np.nanvar,
    np.nanstd,
    np.nancumsum,
    np.nancumprod,
    np.nanmedian,
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("fun", FUNCTIONS)
@pytest.mark.parametrize("axis", [0, 1, None])
def test_what_is_nan_has_derivative_zero(fun: Any, axis: Any) -> None:
    for jacobian in (jacfwd, jacrev):
        found = jacobian(lambda x: fun(x, axis=axis))(X)

        assert np.all(found[..., np.isnan(X)] == 0)
        assert np.all(np.isfinite(found))
    np.testing.assert_allclose(
        jacfwd(lambda x: fun(x, axis=axis))(X), jacrev(lambda x: fun(x, axis=axis))(X), atol=1e-15
    )


@pytest.mark.parametrize(
    ("fun", "plain"),
    [
        (np.nansum, np.sum),
        (np.nanprod, np.prod),
        (np.nanmax, np.max),
        (np.nanmin, np.min),
        (np.nanmean, np.mean),
        (np.nanvar, np.var),
        (np.nanstd, np.std),
        (np.nanmedian, np.median),
    ],
)
def test_the_derivative_is_that_of_the_rest(fun: Any, plain: Any) -> None:
    x = np.array([2.0, np.nan, 5.0, 5.0, np.nan, -1.0])
    rest = ~np.isnan(x)

    np.testing.assert_allclose(grad(fun)(x)[rest], grad(plain)(x[rest]), rtol=1e-14)
    np.testing.assert_allclose(hessian(fun)(x)[np.ix_(rest, rest)], hessian(plain)(x[rest]), rtol=1e-13, atol=1e-15)


def test_ties_of_nanmax_share_evenly() -> None:
    np.testing.assert_array_equal(grad(np.nanmax)(np.array([np.nan, 3.0, 3.0, 1.0])), [0, 0.5, 0.5, 0])
    np.testing.assert_array_equal(grad(np.nanmin)(np.array([np.nan, -np.inf, 3.0])), [0, 1, 0])
    np.testing.assert_array_equal(grad(np.nanmax)(np.array([np.nan, -np.inf, -np.inf])), [0, 0.5, 0.5])


def test_initial_wins_over_a_slice_that_is_all_nan() -> None:
    x = np.array([[np.nan, np.nan], [1.0, 5.0]])

    def f(x: Any) -> Any:
        return np.nanmax(x, axis=1, initial=2.0)

    np.testing.assert_array_equal(f(x), [2, 5])
    np.testing.assert_array_equal(jacrev(f)(x), [np.zeros((2, 2)), [[0, 0], [0, 1]]])


def test_nanprod_is_exact_with_zeros() -> None:
    np.testing.assert_array_equal(grad(np.nanprod)(np.array([0.0, 2.0, np.nan, 3.0])), [6, 0, 0, 0])


def test_nanstd_of_equal_numbers_has_derivative_zero() -> None:
    np.testing.assert_array_equal(grad(np.nanstd)(np.array([0.1, np.nan, 0.1, 0.1])), np.zeros(4))


def test_numpys_warnings_are_given() -> None:
    x = np.array([np.nan, np.nan])
    for fun, match in (
        (np.nanmean, "Mean of empty"),
        (np.nanvar, "Degrees of freedom"),
        (np.nanmax, "All-NaN"),
        (np.nanmedian, "All-NaN"),
    ):
        with pytest.warns(RuntimeWarning, match=match):
            np.testing.assert_array_equal(grad(fun)(x), [0, 0])


def test_a_mask_needs_a_beginning() -> None:
    with pytest.raises(ValueError, match="initial"):
        grad(lambda x: np.nanmax(x, where=[True, False]))(np.array([1.0, 2.0]))


def test_a_dtype_of_integers_is_numpys_error() -> None:
    with pytest.raises(TypeError, match="inexact"):
        grad(lambda x: np.nanmean(x, dtype=int))(np.array([1.0, 2.0]))
