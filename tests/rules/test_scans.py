"""Running sums and differences at the edges: numbers, empty axes, too few entries, what is prepended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacfwd, jacrev, jvp, vjp


def test_cumsum_of_a_number_has_one_entry() -> None:
    value, t = jvp(np.cumsum, (3.0,), (2.0,))

    assert value.shape == t.shape == (1,)
    assert grad(lambda x: np.cumsum(x)[0])(3.0) == 1.0


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_jacobians_of_cumsum_agree_in_both_modes(axis: Any) -> None:
    x = np.arange(6.0).reshape(2, 3)

    found = jacrev(lambda x: np.cumsum(x, axis=axis))(x)

    np.testing.assert_array_equal(found, jacfwd(lambda x: np.cumsum(x, axis=axis))(x))
    assert np.isin(found, (0, 1)).all()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("length", [0, 1, 2, 4])
def test_transpose_of_diff_for_every_length(n: int, length: int) -> None:
    x = np.arange(2.0 * length).reshape(2, length)
    value, pullback = vjp(lambda x: np.diff(x, n=n), x)
    ct = np.random.default_rng(0).standard_normal(value.shape)

    (pulled,) = pullback(ct)

    assert pulled.shape == x.shape
    for k in range(length):
        t = np.zeros_like(x)
        t[1, k] = 1.0
        np.testing.assert_allclose(pulled[1, k], np.sum(ct * np.diff(t, n=n)), atol=1e-12)


def test_diff_of_order_zero_ignores_what_is_prepended_as_numpy_does() -> None:
    value, t = jvp(lambda x: np.diff(x, n=0, prepend=1.0), (np.arange(3.0),), (np.ones(3),))

    np.testing.assert_array_equal(value, np.diff(np.arange(3.0), n=0, prepend=1.0))
    np.testing.assert_array_equal(t, np.ones(3))


def test_only_the_prepended_value_is_differentiated() -> None:
    for plain in ([5.0, 6.0], np.array([5.0, 6.0]), np.array([5, 6])):
        g = grad(lambda x, plain=plain: np.diff(plain, prepend=x)[0])(1.0)
        assert g == -1.0


def test_diff_complains_as_numpy_does() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        vjp(lambda x: np.diff(x, n=-1), np.ones(3))
    with pytest.raises(ValueError, match="at least one dimensional"):
        vjp(lambda x: np.diff(x, prepend=0.0), 3.0)
    with pytest.raises(IndexError):
        vjp(lambda x: np.diff(x, axis=1), np.ones(3))


def test_ediff1d_refuses_ends_that_do_not_fit_the_dtype() -> None:
    with pytest.raises(TypeError, match="to_end"):
        grad(lambda x: np.sum(np.ediff1d(np.arange(3), to_end=x)))(np.ones(1))


@pytest.mark.skipif(not hasattr(np, "cumulative_sum"), reason="NumPy 2.1")
def test_cumulative_functions_complain_as_numpy_does() -> None:
    for f in (np.cumulative_sum, np.cumulative_prod):
        with pytest.raises(ValueError, match="axis"):
            vjp(f, np.ones((2, 2)))


def test_dtype_of_a_scan_is_honoured() -> None:
    x = np.array([1, 2, 3], np.float32)
    for f in (np.cumsum, np.cumprod):
        value, pullback = vjp(lambda x, f=f: f(x, dtype=np.float64), x)

        assert value.dtype == np.float64
        assert pullback(np.ones(3))[0].dtype == np.float32
