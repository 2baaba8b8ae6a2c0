"""What differences cannot see of meshgrid, ix_, vander and sliding_window_view."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacobian
from dualgrad.errors import ConversionError

windows: Any = np.lib.stride_tricks.sliding_window_view
vander: Any = np.vander


def test_each_coordinate_counts_as_often_as_it_occurs() -> None:
    def total(sparse: bool) -> Any:
        return grad(lambda x, y: sum(np.sum(g) for g in np.meshgrid(x, y, sparse=sparse)), argnums=(0, 1))

    dense, thin = total(False)(np.ones(2), np.ones(3)), total(True)(np.ones(2), np.ones(3))
    np.testing.assert_array_equal(dense[0], [3, 3])
    np.testing.assert_array_equal(dense[1], [2, 2, 2])
    np.testing.assert_array_equal(np.concatenate(thin), np.ones(5))


def test_grids_of_three_axes_are_numpys() -> None:
    x = np.arange(3.0)
    for indexing in ("xy", "ij"):
        jac = jacobian(lambda x, i=indexing: np.stack(np.meshgrid(x, x[:2], x[:1], indexing=i)))(x)
        expected = np.stack(np.meshgrid(x, x[:2], x[:1], indexing=indexing))
        np.testing.assert_array_equal(jac @ x, expected)
    with pytest.raises(ValueError, match="indexing"):
        jacobian(lambda x: np.meshgrid(x, x, indexing="yx")[0])(x)  # type: ignore[arg-type, call-overload]


def test_powers_are_exact_at_zero() -> None:
    np.testing.assert_array_equal(jacobian(lambda x: vander(x, 4)[0])(np.zeros(1)), [[0], [0], [1], [0]])
    np.testing.assert_array_equal(hessian(lambda x: vander(x, 4)[0, 1])(np.zeros(1)), [[2]])


def test_powers_have_numpys_dtype() -> None:
    x = np.ones(2, np.float32)

    def f(x: Any) -> Any:
        powers = vander(x)
        assert powers.dtype == vander(np.ones(2, np.float32)).dtype
        return np.sum(powers)

    assert grad(f)(x).dtype == np.float32
    with pytest.raises(ValueError, match="one-dimensional"):
        grad(lambda x: np.sum(vander(x)))(np.ones((2, 2)))


def test_a_number_counts_in_every_window_that_holds_it() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(windows(x, 3)))(np.ones(5)), [1, 2, 3, 2, 1])


@pytest.mark.parametrize(
    ("error", "match", "window", "options"),
    [
        (ConversionError, "writeable", 2, {"writeable": True}),
        (ValueError, "larger", 4, {}),
        (ValueError, "negative", -1, {}),
        (ValueError, "each axis", (2, 2), {}),
        (np.exceptions.AxisError, "axis", 2, {"axis": 1}),
    ],
)
def test_windows_without_a_meaning_raise(error: type[Exception], match: str, window: Any, options: Any) -> None:
    with pytest.raises(error, match=match):
        grad(lambda x: np.sum(windows(x, window, **options)))(np.ones(3))


def test_strides_raise_and_say_what_to_use() -> None:
    with pytest.raises(ConversionError, match="sliding_window_view"):
        grad(lambda x: np.sum(np.lib.stride_tricks.as_strided(x, (2, 2), x.strides * 2)))(np.ones(3, np.float32))
