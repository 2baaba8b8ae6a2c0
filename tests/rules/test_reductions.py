"""Sums, means, extremes and variances where differences cannot see: ties, NaN, empty axes, masks, half precision."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jvp, vjp

EXTREMES = (np.max, np.amax, np.min, np.amin)


def adjoint_holds(f: Callable[..., Any], x: Any, seed: int = 0) -> None:
    """Check <ct, J t> = <J^T ct, t> at a point where differences fail."""
    rng = np.random.default_rng(seed)
    t = rng.standard_normal(np.shape(x))
    _, pushed = jvp(f, (x,), (t,))
    y, pullback = vjp(f, x)
    ct = rng.standard_normal(np.shape(y))
    (pulled,) = pullback(ct)

    np.testing.assert_allclose(np.sum(ct * pushed), np.sum(pulled * t), rtol=1e-13)


# ---- max, min --------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [np.max, np.amax])
def test_ties_of_max_share_evenly(f: Any) -> None:
    x = np.array([1.0, 3.0, 3.0, 0.0, 3.0])
    np.testing.assert_allclose(grad(f)(x), [0, 1 / 3, 1 / 3, 0, 1 / 3])

    _, t = jvp(f, (x,), (np.array([9.0, 1.0, 2.0, 9.0, 6.0]),))
    assert t == 3.0


@pytest.mark.parametrize("f", [np.min, np.amin])
def test_ties_of_min_share_evenly_along_an_axis(f: Any) -> None:
    x = np.array([[1.0, 2.0], [1.0, 0.0], [5.0, 0.0]])

    g = grad(lambda x: np.sum(f(x, axis=0) * np.array([1.0, 10.0])))(x)

    np.testing.assert_allclose(g, [[0.5, 0.0], [0.5, 5.0], [0.0, 5.0]])
    adjoint_holds(lambda x: f(x, axis=0), x)
    adjoint_holds(lambda x: f(x, axis=(0, 1), keepdims=True), x)


@pytest.mark.parametrize("f", EXTREMES)
def test_second_derivative_at_a_tie_is_zero(f: Any) -> None:
    x = np.array([2.0, 2.0, 2.0])

    np.testing.assert_array_equal(hessian(f)(x), np.zeros((3, 3)))
    np.testing.assert_allclose(hessian(lambda x: f(x) ** 2)(x), np.full((3, 3), 2 / 9))


def test_zeros_of_both_signs_are_tied() -> None:
    np.testing.assert_array_equal(grad(np.max)(np.array([0.0, -0.0])), [0.5, 0.5])


@pytest.mark.parametrize("f", EXTREMES)
def test_a_nan_extreme_belongs_to_the_nan_entries(f: Any) -> None:
    x = np.array([1.0, np.nan, 2.0, np.nan])

    np.testing.assert_array_equal(grad(f)(x), [0, 0.5, 0, 0.5])


def test_an_infinite_tangent_of_a_loser_does_not_reach_the_max() -> None:
    with np.errstate(all="ignore"):
        _, t = jvp(lambda x: np.max(np.sqrt(x)), (np.array([0.0, 4.0]),), (np.ones(2),))

    assert t == 0.25


def test_infinities_can_win() -> None:
    np.testing.assert_array_equal(grad(np.max)(np.array([1.0, np.inf, np.inf])), [0, 0.5, 0.5])


def test_max_of_a_number() -> None:
    largest: Any = np.max
    assert grad(largest)(2.0) == 1.0
    assert grad(grad(largest))(2.0) == 0.0


def test_initial_takes_part_in_max() -> None:
    x = np.array([1.0, 3.0])

    np.testing.assert_array_equal(grad(lambda x: np.max(x, initial=2.0))(x), [0, 1])
    np.testing.assert_array_equal(grad(lambda x: np.max(x, initial=4.0))(x), [0, 0])
    np.testing.assert_array_equal(grad(lambda x: np.max(x, initial=4 * x[0]))(x), [4, 0])
    np.testing.assert_array_equal(grad(lambda x: np.min(x, initial=2.0, where=x > 2))(x), [0, 0])


def test_max_of_an_empty_axis_is_its_initial_value() -> None:
    value, t = jvp(lambda x, y: np.max(x, axis=1, initial=y), (np.ones((2, 0)), 3.0), (np.ones((2, 0)), 1.0))

    np.testing.assert_array_equal(value, [3.0, 3.0])
    np.testing.assert_array_equal(t, [1.0, 1.0])


def test_max_complains_as_numpy_does() -> None:
    with pytest.raises(ValueError, match="zero-size array"):
        grad(np.max)(np.ones(0))
    with pytest.raises(ValueError, match="specify 'initial'"):
        grad(lambda x: np.max(x, where=x > 0))(np.ones(2))
    with pytest.raises(IndexError):
        grad(lambda x: np.max(x, axis=2))(np.ones(2))


def test_ptp_of_equal_entries_has_zero_gradient() -> None:
    np.testing.assert_array_equal(grad(np.ptp)(np.array([2.0, 2.0])), [0, 0])
    np.testing.assert_array_equal(grad(np.ptp)(np.array([2.0, 5.0, 2.0])), [-0.5, 1, -0.5])


# ---- sum, mean -------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [np.sum, np.mean, np.prod, np.max, np.min, np.var, np.std])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (-1, 1), (2, 0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes_and_masks_agree_with_one_number_at_a_time(f: Any, axis: Any, keepdims: bool) -> None:
    x = np.random.default_rng(0).uniform(0.5, 2, (2, 3, 4))
    mask = np.random.default_rng(1).uniform(size=(2, 3, 4)) < 0.8
    mask[0] |= ~mask[1]
    extra = {"initial": 0.1} if f in (np.max,) else {"initial": 9.0} if f is np.min else {}

    for kwargs in ({}, {"where": mask, **extra}):
        value, pullback = vjp(lambda x, kw=kwargs: f(x, axis=axis, keepdims=keepdims, **kw), x)
        np.testing.assert_allclose(value, f(x, axis=axis, keepdims=keepdims, **kwargs), rtol=1e-14)
        assert np.shape(value) == np.shape(f(x, axis=axis, keepdims=keepdims, **kwargs))
        (g,) = pullback(np.ones(np.shape(value)))
        step = 1e-6
        for place in [(0, 0, 0), (1, 2, 3), (1, 0, 2)]:
            moved = [np.array(x), np.array(x)]
            moved[0][place] += step
            moved[1][place] -= step
            up, down = (np.sum(f(y, axis=axis, keepdims=keepdims, **kwargs)) for y in moved)
            np.testing.assert_allclose(g[place], (up - down) / (2 * step), rtol=1e-5, atol=1e-8)


def test_no_axes_at_all_reduce_nothing() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.sum(x, axis=()) * x))(np.array([1.0, 2.0])), [2, 4])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64])
@pytest.mark.parametrize("f", [np.sum, np.mean, np.max, np.min, np.prod, np.ptp])
def test_reductions_keep_the_dtype(f: Any, dtype: Any) -> None:
    x = np.array([1, 2, 3, 3], dtype)
    for axis in (None, 0):
        value, pullback = vjp(lambda x, axis=axis: f(x, axis=axis), x)
        (g,) = pullback(dtype(1))
        pushed = jvp(lambda x, axis=axis: f(x, axis=axis), (x,), (x,))[1]

        assert value == f(x)
        assert {np.result_type(y) for y in (value, g, pushed)} == {np.dtype(dtype)}


def test_mean_of_half_precision_does_not_overflow() -> None:
    x = np.full(100, 60000, np.float16)

    value, pullback = vjp(np.mean, x)
    assert value == 60000
    masked, _ = vjp(lambda x: np.mean(x, where=x > 0), x)
    assert masked == 60000
    assert masked.dtype == np.float16
    np.testing.assert_allclose(pullback(np.float16(1))[0], np.full(100, 0.01), rtol=1e-3)


def test_dtype_of_a_sum_is_honoured() -> None:
    x = np.array([1.5, 2.5], np.float32)

    value, pullback = vjp(lambda x: np.sum(x, dtype=np.float64), x)
    assert value.dtype == np.float64
    assert pullback(np.float64(1))[0].dtype == np.float32
    whole = grad(lambda x: np.sum(x, dtype=int) * x[0])(np.array([1.5, 2.5]))
    np.testing.assert_array_equal(whole, [3.0, 0.0])


def test_initial_of_a_sum_may_be_differentiated() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(x, initial=x[0] ** 2))(np.array([3.0, 1.0])), [7, 1])


def test_initial_alone_cannot_be_differentiated_and_says_so() -> None:
    # NumPy does not ask the initial value; it tries to store it, and that raises.
    with pytest.raises((TypeError, ValueError)):
        grad(lambda x: np.sum(np.ones(3), initial=x[0]))(np.ones(1))


def test_masked_entries_have_zero_derivative_even_if_nan() -> None:
    x = np.array([1.0, np.nan, 3.0])
    for f in (np.sum, np.mean, np.prod, np.var):
        g = grad(lambda x, f=f: f(x, where=~np.isnan(x)))(x)

        assert g[1] == 0
        assert np.isfinite(g).all()


def test_a_mask_larger_than_the_array_is_refused() -> None:
    with pytest.raises(ValueError):
        grad(lambda x: np.sum(x, where=np.ones((2, 3), bool)))(np.ones(3))


def test_mean_of_an_empty_axis_has_an_empty_gradient() -> None:
    with pytest.warns(RuntimeWarning, match="Mean of empty slice"), np.errstate(all="ignore"):
        assert grad(lambda x: np.mean(x))(np.ones(0)).shape == (0,)
    assert grad(lambda x: np.sum(np.sum(x, axis=1)))(np.ones((2, 0))).shape == (2, 0)


def test_gradient_of_a_sum_is_writable_and_unshared() -> None:
    g: Any = grad(np.sum)(np.ones(3))
    g[0] = 5

    np.testing.assert_array_equal(grad(np.sum)(np.ones(3)), [1, 1, 1])
    np.testing.assert_array_equal(g, [5, 1, 1])


# ---- average ---------------------------------------------------------------------------------------


def test_average_complains_as_numpy_does() -> None:
    x = np.ones((2, 3))
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: np.average(x, weights=np.zeros((2, 3))))(x)
    with pytest.raises(TypeError):
        grad(lambda x: np.average(x, weights=np.ones(3)))(x)
    with pytest.raises(ValueError):
        grad(lambda x: np.sum(np.average(x, axis=0, weights=np.ones(3))))(x)


def test_average_of_integers_by_its_weights() -> None:
    g = grad(lambda w: np.average(np.arange(3), weights=w))(np.array([1.0, 1.0, 2.0]))

    np.testing.assert_allclose(g, (np.arange(3) - 1.25) / 4)


# ---- var, std --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e-200, 1e200, -7.3])
@pytest.mark.parametrize(
    "kwargs", [{}, {"axis": 0}, {"ddof": 1}, {"keepdims": True}, {"where": [[True], [False], [True]]}]
)
def test_std_of_equal_entries_has_zero_derivatives(value: float, kwargs: Any) -> None:
    x = np.full((3, 3), value)

    def f(x: Any) -> Any:
        return np.sum(np.std(x, **kwargs))

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(grad(f)(x), np.zeros((3, 3)))
        assert jvp(f, (x,), (np.eye(3),))[1] == 0
        np.testing.assert_array_equal(hessian(f)(x), np.zeros((3, 3, 3, 3)))


def test_std_about_a_given_mean_of_equal_entries() -> None:
    x = np.array([0.1, 0.1, 0.1])

    np.testing.assert_array_equal(grad(lambda x: np.std(x, mean=np.mean(x, keepdims=True)))(x), np.zeros(3))
    np.testing.assert_allclose(grad(lambda x: np.std(x, mean=np.array([0.2])))(x), np.full(3, -1 / 3))


def test_std_of_one_row_at_rest_leaves_the_others_alone() -> None:
    x = np.array([[1.0, 1.0], [1.0, 3.0]])

    g = grad(lambda x: np.sum(np.std(x, axis=1)))(x)

    np.testing.assert_array_equal(g, [[0, 0], [-0.5, 0.5]])


def test_std_of_complex_equal_entries() -> None:
    x = np.full(3, 0.1 + 0.3j)

    np.testing.assert_array_equal(grad(np.std)(x), np.zeros(3))
    np.testing.assert_array_equal(grad(lambda x: np.std(x, where=[True, True, False]))(x), np.zeros(3))


def test_var_of_complex_numbers_is_real() -> None:
    z = np.array([1 + 2j, 3 - 1j, 0.5j])

    g = grad(np.var)(z)

    # df/dx - i df/dy of sum |z - m|^2 / n.
    np.testing.assert_allclose(g, 2 * np.conj(z - z.mean()) / 3)


def test_hessian_of_var_is_the_centring_matrix() -> None:
    n = 4

    np.testing.assert_allclose(
        hessian(lambda x: np.var(x))(np.arange(n) ** 1.5), 2 / n * (np.eye(n) - 1 / n), atol=1e-15
    )


def test_ddof_and_correction_are_the_same_and_exclude_each_other() -> None:
    x = np.array([1.0, 2.0, 4.0])

    np.testing.assert_array_equal(grad(lambda x: np.var(x, ddof=0.5))(x), grad(lambda x: np.var(x, correction=0.5))(x))
    with pytest.raises(ValueError, match="provided simultaneously"):
        grad(lambda x: np.var(x, ddof=1, correction=1))(x)


def test_var_without_degrees_of_freedom_has_no_derivative() -> None:
    with pytest.warns(RuntimeWarning), np.errstate(all="ignore"):
        assert np.isnan(grad(lambda x: np.var(x, ddof=1))(np.ones(1))).all()


def test_var_of_numbers_and_of_nothing() -> None:
    assert grad(np.var)(3.0) == 0.0
    assert grad(np.std)(3.0) == 0.0
    with pytest.warns(RuntimeWarning), np.errstate(all="ignore"):
        assert np.shape(grad(np.var)(np.ones(0))) == (0,)


def test_var_by_a_given_mean() -> None:
    x = np.array([1.0, 2.0])

    np.testing.assert_allclose(grad(lambda m: np.var(x, mean=m))(np.array([1.0])), [-1.0])


def test_single_precision_var_and_std() -> None:
    x = np.array([1, 2, 4], np.float32)
    for f in (np.var, np.std):
        for kwargs in ({}, {"where": x > 1}, {"ddof": 1}):
            value, pullback = vjp(lambda x, f=f, kw=kwargs: f(x, **kw), x)

            assert value == f(x, **kwargs)
            assert value.dtype == np.float32 == pullback(np.float32(1))[0].dtype


# ---- bincount --------------------------------------------------------------------------------------


def test_bincount_sums_by_group() -> None:
    group = np.array([0, 2, 2])

    g = grad(lambda w: np.sum(np.bincount(group, w, 4) ** 2))(np.array([1.0, 2.0, 3.0]))

    np.testing.assert_array_equal(g, [2, 10, 10])
