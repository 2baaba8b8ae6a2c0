"""What differences cannot see of where, select, clip, choose, compress and nan_to_num."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jvp, vjp
from dualgrad.errors import ConversionError, NoRuleError
from dualgrad.testing import check_grads

NEW_CLIP = pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="min= and max= came with NumPy 2.1")


def clip_cotangents(a: Any, lower: Any, upper: Any) -> tuple[float, ...]:
    """Return the derivatives of clip, the same in both modes."""
    _, pull = vjp(np.clip, a, lower, upper)
    pulled = tuple(float(g) for g in pull(1.0))
    pushed = []
    for k in range(3):
        tangents = tuple(1.0 if j == k else 0.0 for j in range(3))
        pushed.append(float(jvp(np.clip, (a, lower, upper), tangents)[1]))
    assert tuple(pushed) == pulled
    return pulled


# ---- where -----------------------------------------------------------------------------------------


def test_the_branch_of_where_that_is_not_taken_contributes_zero() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.where(x > 0, np.log(np.abs(x)) * np.sqrt(x), 0.0))

    x = np.array([-1.0, 0.0, 1.0])
    with np.errstate(all="ignore"):
        gradient = grad(f)(x)
        _, pushed = jvp(f, (x,), (np.ones(3),))

    np.testing.assert_array_equal(gradient, [0.0, 0.0, 1.0])
    assert pushed == 1.0


def test_where_of_a_condition_alone_returns_indices() -> None:
    found: list[Any] = []

    def f(x: Any) -> Any:
        found.extend(np.where(x))
        return np.sum(x[np.where(x > 1)])

    gradient = grad(f)(np.array([0.0, 2.0, 3.0]))

    np.testing.assert_array_equal(found, [[1, 2]])
    np.testing.assert_array_equal(gradient, [0.0, 1.0, 1.0])


def test_where_is_constant_in_its_condition() -> None:
    gradient = grad(lambda x: np.sum(np.where(x, 2.0, 3.0) * x))(np.array([0.0, 5.0]))

    np.testing.assert_array_equal(gradient, [3.0, 2.0])


def test_where_of_two_arguments_raises() -> None:
    with pytest.raises(TypeError, match="'y'"):
        grad(lambda x: np.where(x > 0, x))(1.0)


def test_where_keeps_single_precision_beside_a_python_number() -> None:
    x = np.ones(2, np.float32)

    out, pull = vjp(lambda x: np.where(x > 0, x, 0.0), x)
    (gradient,) = pull(out)

    assert [out.dtype, gradient.dtype] == [np.float32, np.float32]


# ---- clip ------------------------------------------------------------------------------------------


def test_at_a_bound_of_clip_the_number_passes() -> None:
    assert clip_cotangents(1.0, 1.0, 2.0) == (1.0, 0.0, 0.0)
    assert clip_cotangents(2.0, 1.0, 2.0) == (1.0, 0.0, 0.0)
    assert clip_cotangents(1.0, 1.0, 1.0) == (1.0, 0.0, 0.0)


def test_outside_the_bounds_of_clip_the_bound_passes() -> None:
    assert clip_cotangents(0.0, 1.0, 2.0) == (0.0, 1.0, 0.0)
    assert clip_cotangents(3.0, 1.0, 2.0) == (0.0, 0.0, 1.0)
    assert clip_cotangents(0.0, 1.0, 1.0) == (0.0, 1.0, 0.0)
    assert clip_cotangents(2.0, 1.0, 1.0) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("a", [0.0, 1.0, 1.5, 2.0, 3.0])
def test_clip_between_crossed_bounds_is_the_upper_one(a: float) -> None:
    assert clip_cotangents(a, 2.0, 1.0) == (0.0, 0.0, 1.0)


def test_clip_of_nan_keeps_the_derivative_of_its_lane() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.clip(x, 0.0, 1.0)))(np.array([np.nan, 0.5])), [1.0, 1.0])


def test_a_bound_of_clip_may_be_none() -> None:
    x = np.array([-1.0, 0.5, 2.0])

    np.testing.assert_array_equal(grad(lambda x: np.sum(np.clip(x, 0.0, None)))(x), [0.0, 1.0, 1.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.clip(x, None, 1.0)))(x), [1.0, 1.0, 0.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(x.clip(max=1.0)))(x), [1.0, 1.0, 0.0])


@NEW_CLIP
def test_clip_takes_its_bounds_under_their_short_names() -> None:
    x = np.array([-1.0, 0.5, 2.0])

    np.testing.assert_array_equal(grad(lambda x: np.sum(np.clip(x, min=0.0)))(x), [0.0, 1.0, 1.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.clip(x, max=1.0, min=0.0)))(x), [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(grad(lambda m: np.sum(np.clip(x, max=m)))(1.0), 1.0)
    with pytest.raises(ValueError, match="forbidden"):
        grad(lambda x: np.clip(x, 0.0, None, max=1.0))(1.0)


def test_clip_with_one_bound_by_position_raises_as_numpy_does() -> None:
    with pytest.raises(TypeError, match="a_max"):
        grad(lambda x: np.clip(x, 0.0))(1.0)


def test_clip_with_a_ufunc_keyword_is_refused() -> None:
    with pytest.raises(NoRuleError, match="where="):
        grad(lambda x: np.sum(np.clip(x, 0.0, 1.0, where=np.array([True, False]))))(np.ones(2))


# ---- select, choose --------------------------------------------------------------------------------


def test_the_first_condition_of_select_that_holds_wins() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.select([x > 0, x > -1], [x**2, 3 * x], default=5 * x))

    np.testing.assert_array_equal(grad(f)(np.array([2.0, -0.5, -3.0])), [4.0, 3.0, 5.0])


def test_select_keeps_single_precision_beside_python_numbers() -> None:
    x = np.ones(2, np.float32)
    wanted = np.select([x > 0], [x], 0.5)

    out, _ = vjp(lambda x: np.select([x > 0], [x], 0.5), x)

    assert out.dtype == wanted.dtype == np.float32


def test_select_raises_as_numpy_does() -> None:
    with pytest.raises(ValueError, match="same length"):
        grad(lambda x: np.sum(np.select([x > 0], [x, x])))(np.ones(2))
    with pytest.raises(ValueError, match="empty"):
        grad(lambda x: np.sum(np.select([], [], x)))(np.ones(2))
    with pytest.raises(TypeError, match="boolean"):
        grad(lambda x: np.sum(np.select([np.array([0, 1])], [x])))(np.ones(2))


def test_choose_raises_where_an_index_is_out_of_range() -> None:
    with pytest.raises(ValueError, match="invalid entry"):
        grad(lambda x: np.sum(np.choose([0, 2], [x, x])))(np.ones(2))
    with pytest.raises(ValueError, match="invalid entry"):
        grad(lambda x: np.sum(np.choose([0, -1], [x, x])))(np.ones(2))


def test_choose_by_floats_raises() -> None:
    with pytest.raises(TypeError, match="integers"):
        grad(lambda x: np.sum(np.choose(x, [x, x])))(np.ones(2))


def test_choose_differentiates_by_the_array_of_its_choices() -> None:
    check_grads(lambda c: np.choose(np.array([1, 0, 1]), c * c), (np.arange(6.0).reshape(2, 3),))


# ---- compress, extract -----------------------------------------------------------------------------


def test_compress_takes_a_condition_shorter_than_the_axis() -> None:
    gradient = grad(lambda x: np.sum(np.compress([False, True], x)))(np.arange(4.0))

    np.testing.assert_array_equal(gradient, [0.0, 1.0, 0.0, 0.0])


def test_compress_raises_where_a_condition_reaches_beyond_the_axis() -> None:
    with pytest.raises(IndexError):
        grad(lambda x: np.sum(np.compress([False, False, True], x)))(np.arange(2.0))


def test_extract_by_a_condition_on_the_traced_value() -> None:
    gradient = grad(lambda x: np.sum(np.extract(x > 1, x) ** 2))(np.array([[0.0, 2.0], [3.0, 1.0]]))

    np.testing.assert_array_equal(gradient, [[0.0, 4.0], [6.0, 0.0]])


# ---- nan_to_num ------------------------------------------------------------------------------------


def test_replaced_numbers_have_no_derivative() -> None:
    x = np.array([1.0, np.nan, np.inf, -np.inf])

    np.testing.assert_array_equal(grad(lambda x: np.sum(np.nan_to_num(x) * 1e-308))(x), [1e-308, 0.0, 0.0, 0.0])


def test_replaced_parts_of_complex_numbers_have_no_derivative() -> None:
    z = np.array([complex(np.nan, 2.0), complex(1.0, np.inf)])

    _, pushed = jvp(lambda z: np.nan_to_num(z, posinf=1.0), (z,), (np.array([3 + 4j, 5 + 6j]),))

    np.testing.assert_array_equal(pushed, [4j, 5.0])


def test_replacements_of_nan_to_num_are_differentiated() -> None:
    x = np.array([1.0, np.nan, np.nan])

    by_x, by_v = grad(lambda x, v: np.sum(np.nan_to_num(x, nan=v * v)), argnums=(0, 1))(x, 3.0)

    np.testing.assert_array_equal(by_x, [1.0, 0.0, 0.0])
    assert by_v == 12.0


def test_a_traced_replacement_in_a_plain_array_raises() -> None:
    # NumPy asks only its first argument what nan_to_num means.
    with pytest.raises(ConversionError, match="copyto"):
        grad(lambda v: np.sum(np.nan_to_num(np.array([1.0, np.nan]), nan=v)))(3.0)


def test_nan_to_num_in_place_is_refused() -> None:
    with pytest.raises(NoRuleError, match="copy"):
        grad(lambda x: np.sum(np.nan_to_num(x, copy=False)))(np.ones(2))
