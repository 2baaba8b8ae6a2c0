"""What NumPy's versions do differently: under a transformation they do what the installed one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.polynomial import polynomial

from dualgrad import grad, jacfwd, jacrev, jvp, vjp, vmap
from dualgrad._table import versions
from dualgrad._table.record import record_of
from dualgrad.testing import check_grads

X = np.array([2.0, 1.0, 3.0, 1.0])
NOT_FINITE = (
    np.full((2, 2), np.nan),
    np.diag([1.0, np.inf]),
    np.array([[[1.0, 2.0], [0.5, 3.0]], [[1.0, np.nan], [2.0, 3.0]]]),
)


def assert_like_numpys(f: Callable[[Any], Any], x: Any) -> None:
    """Compare value, shape and dtype in both modes with what NumPy does, or the error with NumPy's."""
    t = np.ones_like(x)
    try:
        expected = f(x)
    except Exception as error:
        with pytest.raises(type(error)):
            vjp(f, x)
        with pytest.raises(type(error)):
            jvp(f, (x,), (t,))
        return
    for found in (vjp(f, x)[0], jvp(f, (x,), (t,))[0]):
        np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(x.dtype).eps)
        assert np.asarray(found).dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [None, 2, -2, "nuc", 1, "fro"])
@pytest.mark.parametrize("a", NOT_FINITE)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_condition_numbers_of_what_is_not_finite_are_numpys(a: Any, p: Any, dtype: Any) -> None:
    assert_like_numpys(lambda a: np.linalg.cond(a, p), a.astype(dtype))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_condition_numbers_that_are_not_finite_have_derivatives_that_are_not() -> None:
    cond: Any = np.linalg.cond
    for a in NOT_FINITE[:2] if versions.cond_takes_what_is_not_finite else ():
        assert not np.isfinite(grad(cond)(a)).all()
        assert not np.isfinite(jacfwd(cond)(a)).all()
    check_grads(lambda a: np.linalg.cond(a)[0] if a.ndim > 2 else np.linalg.cond(a), (NOT_FINITE[2][0],))


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
def test_cross_products_take_the_vectors_that_numpys_takes(size: int) -> None:
    assert_like_numpys(lambda x: np.cross(x[:size], x[::-1][:size]), X)


def descending(x: Any) -> Any:
    """Return `x` sorted, the largest number first, or as it is sorted where NumPy cannot."""
    if not versions.sort_descends:
        return np.sort(x)
    y = 1.0 * x
    y.sort(descending=True)
    sort: Any = np.sort
    return (y + sort(x, descending=True)) / 2


def test_sorting_from_the_largest_number_shares_ties_and_keeps_nan_last() -> None:
    assert_like_numpys(descending, X)
    assert_like_numpys(descending, np.append(X, np.nan))
    expected = np.array([[0, 0, 1, 0], [1, 0, 0, 0], [0, 0.5, 0, 0.5], [0, 0.5, 0, 0.5]])
    order = [0, 1, 2, 3] if versions.sort_descends else [2, 3, 1, 0]
    for d in (jacfwd, jacrev):
        np.testing.assert_array_equal(d(descending)(X), expected[order])
    np.testing.assert_array_equal(vmap(descending)(np.stack([X, -X])), np.stack([descending(X), descending(-X)]))


def test_roots_of_a_batch_are_real_where_those_of_each_member_are() -> None:
    real, turning = np.array([1.0, -3.0, 2.0]), np.array([1.0, 0.0, 2.0])
    for rows in ([real, 2 * real + 1], [real, turning], [turning, turning]):
        expected = np.stack([np.roots(row) for row in rows])
        found = vmap(np.roots)(np.stack(rows))
        np.testing.assert_allclose(found, expected, rtol=1e-14)
        assert found.dtype == expected.dtype


def test_what_numpy_lacks_is_not_in_the_table() -> None:
    for name in ("in1d", "unstack", "cumulative_sum", "cumulative_prod", "matvec", "vecmat"):
        assert getattr(versions, name) is getattr(np, name, None)
    for fun in (versions.polyvalnd, versions.real, versions.imag, versions.clip):
        assert fun is None or record_of(fun) is not None


def test_polynomials_of_any_number_of_variables() -> None:
    valued = polynomial.polyval2d if versions.polyvalnd is None else lambda x, y, c: versions.polyvalnd((x, y), c)
    c = np.arange(6.0).reshape(2, 3)

    assert_like_numpys(lambda x: valued(x, x, c), X)
    check_grads(lambda x: valued(x, 2 * x, c), (X,))
