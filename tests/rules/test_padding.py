"""What differences cannot see of np.pad, and the values that it pads with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacobian, vmap
from dualgrad.errors import NoRuleError
from dualgrad.testing import check_grads

pad: Any = np.pad


@pytest.mark.parametrize(
    ("mode", "option", "shape"),
    [
        ("constant", "constant_values", ()),
        ("constant", "constant_values", (2,)),
        ("constant", "constant_values", (2, 2)),
        ("linear_ramp", "end_values", ()),
        ("linear_ramp", "end_values", (2, 1)),
        ("linear_ramp", "end_values", (2, 2)),
    ],
)
def test_what_is_padded_with_is_differentiated(mode: str, option: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, values = rng.standard_normal((2, 3)), rng.standard_normal(shape)

    def f(x: Any, values: Any) -> Any:
        return pad(x, ((2, 1), (1, 3)), mode, **{option: values})

    check_grads(lambda x, values: f(x, values) ** 2, (x, values))
    np.testing.assert_allclose(f(x, values), vmap(f)(x[None], values[None])[0], rtol=1e-12)


def test_each_padded_number_counts_once() -> None:
    ones = np.ones((2, 3))
    found = grad(lambda v: np.sum(pad(ones * v[2], ((1, 0), (0, 2)), constant_values=(v[0], v[1]))))(np.ones(3))
    # One row of 3 before, and two columns of 3 after.
    np.testing.assert_array_equal(found, [3, 6, 6])


def test_edges_and_reflections_send_back_to_where_they_came_from() -> None:
    x = np.ones(3)
    np.testing.assert_array_equal(grad(lambda x: np.sum(pad(x, (2, 1), "edge")))(x), [3, 1, 2])
    np.testing.assert_array_equal(grad(lambda x: np.sum(pad(x, (0, 4), "wrap")))(x), [3, 2, 2])
    np.testing.assert_array_equal(jacobian(lambda x: pad(x, (1, 0), "reflect", reflect_type="odd")[0])(x), [2, -1, 0])


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_odd_reflections_are_numpys_for_every_width(mode: str, n: int) -> None:
    x = np.random.default_rng(0).standard_normal(n)
    for width in [(0, 1), (3, 0), (4, 4), (9, 13)]:
        expected = pad(x, width, mode, reflect_type="odd")
        found = jacobian(lambda x, w=width: pad(x, w, mode, reflect_type="odd"))(x) @ x
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_an_infinite_number_stays_where_it_is() -> None:
    x = np.array([1.0, np.inf, 2.0])
    expected = pad(x, 1, "reflect", reflect_type="odd")

    def kept(x: Any) -> Any:
        found = pad(x, 1, "reflect", reflect_type="odd")
        np.testing.assert_array_equal([float(str(y)) for y in found], expected)
        return found[1]

    np.testing.assert_array_equal(grad(kept)(x), [1, 0, 0])


def test_ties_of_a_maximum_share() -> None:
    x = np.array([2.0, 2.0, 1.0])
    np.testing.assert_array_equal(grad(lambda x: pad(x, (1, 0), "maximum")[0])(x), [0.5, 0.5, 0])


def test_the_median_of_nan_is_nan() -> None:
    assert np.isnan(pad(np.array([1.0, np.nan, 3.0]), 1, "median")[0])

    def f(x: Any) -> Any:
        found = pad(x, 1, "median")
        assert np.isnan(found[0])
        return found[1]

    grad(f)(np.array([1.0, np.nan, 3.0]))


def test_widths_may_be_a_dict() -> None:
    x = np.ones((2, 3))
    np.testing.assert_array_equal(
        grad(lambda x: np.sum(pad(x, {-1: (1, 2), 0: 1}, "edge") ** 2))(x), 2 * np.array([[4, 2, 6], [4, 2, 6]])
    )


def test_functions_write_into_the_vector() -> None:
    def mirrored(vector: Any, width: tuple[int, int], axis: int, kwargs: dict[str, Any]) -> None:
        vector[: width[0]] = kwargs["times"] * vector[width[0]] * (axis + 1)

    found = jacobian(lambda t: pad(t * np.ones((1, 1)), ((1, 0), (1, 0)), mirrored, times=t))(3.0)
    expected = jacobian(lambda t: np.stack([np.stack([2 * t**3, t**2]), np.stack([2 * t**2, t])]))(3.0)
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(
    ("error", "match", "args", "kwargs"),
    [
        (NoRuleError, "empty", (1, "empty"), {}),
        (ValueError, "not supported", (1, "nearest"), {}),
        (ValueError, "stat_length", (1, "edge"), {"stat_length": 1}),
        (ValueError, "negative", (-1,), {}),
        (ValueError, "stat_length of 0", (1, "maximum"), {"stat_length": 0}),
        (TypeError, "integral", (1.5,), {}),
        (TypeError, "complex", (1,), {"constant_values": 1j}),
    ],
)
def test_calls_without_a_meaning_raise(
    error: type[Exception], match: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    with pytest.raises(error, match=match):
        grad(lambda x: np.sum(pad(x, *args, **kwargs)))(np.ones(2))


def test_an_empty_axis_can_only_be_padded_with_constants() -> None:
    with pytest.raises(ValueError, match="empty axis"):
        jacobian(lambda x: pad(x, 1, "edge"))(np.ones((0, 2)))
