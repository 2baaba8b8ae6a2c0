"""What differences cannot see of reshape, ravel, transpose, flip, roll, broadcast, astype and copy."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jvp, vjp
from dualgrad.testing import check_grads

LAYOUTS: dict[str, Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]] = {
    "C": lambda x: x,
    "Fortran": np.asfortranarray,
    "permuted": lambda x: np.ascontiguousarray(x.transpose(1, 0, 2)).transpose(1, 0, 2),
    "rotated": lambda x: np.ascontiguousarray(x.transpose(1, 2, 0)).transpose(2, 0, 1),
    "strided": lambda x: np.repeat(x, 2, axis=2)[:, :, ::2],
    "reversed": lambda x: np.ascontiguousarray(x[:, ::-1])[:, ::-1],
    "reversed Fortran": lambda x: np.asfortranarray(x[::-1, :, ::-1])[::-1, :, ::-1],
    "broadcast": lambda x: np.broadcast_to(x[:, :1], x.shape),
    "line": lambda x: np.asfortranarray(x[:1, :, :1]),
    "empty": lambda x: x[:, :0],
}


def both_modes(f: Callable[[Any], Any], x: np.ndarray[Any, Any]) -> None:
    """Check a rearrangement: its value is NumPy's, and it moves tangents and cotangents as it moves numbers."""
    wanted = f(x)
    # Every tangent lies in memory in C order, whatever the layout of x.
    tangent = np.arange(float(x.size)).reshape(x.shape)
    places = np.empty_like(x)
    places[...] = tangent

    value, pushed = jvp(f, (x,), (tangent,))
    _, pull = vjp(f, x)

    np.testing.assert_array_equal(value, wanted)
    cotangent = np.arange(float(wanted.size)).reshape(wanted.shape) ** 2
    (pulled,) = pull(cotangent)
    np.testing.assert_allclose(np.sum(pulled * tangent), np.sum(cotangent * pushed))
    if 0 not in x.strides:
        np.testing.assert_array_equal(pushed, f(_in_layout_of(x, tangent)))


def _in_layout_of(x: np.ndarray[Any, Any], t: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the numbers of t with the strides of x."""
    base = np.zeros(8 * max(x.size, 1))
    first = 4 * max(x.size, 1)
    found = np.lib.stride_tricks.as_strided(base[first:], x.shape, x.strides)
    found[...] = t
    return found


# ---- reshape, ravel --------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F", "A", "c", "f", "a"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_reshape_in_every_order_of_every_layout(layout: str, order: Any) -> None:
    x = LAYOUTS[layout](np.random.default_rng(0).standard_normal((2, 3, 4)))

    both_modes(lambda x: np.reshape(x, (x.shape[2], x.shape[0], x.shape[1]), order=order), x)


@pytest.mark.parametrize("order", ["C", "F", "A", "K", "k"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_ravel_in_every_order_of_every_layout(layout: str, order: Any) -> None:
    x = LAYOUTS[layout](np.random.default_rng(0).standard_normal((2, 3, 4)))

    both_modes(lambda x: np.ravel(x, order=order), x)
    both_modes(lambda x: np.ravel(x, order), x)


def test_an_unknown_order_raises_numpys_error() -> None:
    for f in (np.ravel, lambda x, order: np.reshape(x, -1, order=order)):
        with pytest.raises(ValueError, match="order"):
            grad(lambda x, f=f: np.sum(f(x, "Q")))(np.ones(3))
    with pytest.raises(ValueError, match="order"):
        grad(lambda x: np.sum(np.reshape(x, -1, order="K")))(np.ones(3))  # type: ignore[arg-type, call-overload]


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="copy= came with NumPy 2.1")
def test_reshape_raises_where_the_copy_it_may_not_make_is_needed() -> None:
    x = np.asfortranarray(np.ones((2, 3)))

    with pytest.raises(ValueError, match="copy"):
        grad(lambda x: np.sum(np.reshape(x, 6, copy=False)))(x)
    for copy in (True, None):
        np.testing.assert_array_equal(grad(lambda x, c=copy: np.sum(np.reshape(x, 6, copy=c)))(x), np.ones((2, 3)))
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.reshape(x, 6, order="F", copy=False)))(x), np.ones((2, 3)))
    with pytest.raises(ValueError, match="copy"):
        grad(lambda x: np.sum(x.reshape(6, copy=False)))(x)


def test_reshape_takes_integers_of_numpy_and_lists() -> None:
    both_modes(lambda x: np.reshape(x, [np.int64(3), -1]), np.ones((2, 3)))
    both_modes(lambda x: np.reshape(x, np.array([3, 2])), np.ones((2, 3)))
    both_modes(lambda x: x.reshape(3, -1), np.ones((2, 3)))


# ---- transpose -------------------------------------------------------------------------------------


def test_transpose_by_every_permutation() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    for axes in itertools.permutations(range(3)):
        both_modes(functools.partial(np.transpose, axes=axes), x)
        both_modes(functools.partial(np.transpose, axes=np.array(axes) - 3), x)
        np.testing.assert_array_equal(vjp(lambda x, a=axes: x.transpose(*a), x)[0], x.transpose(*axes))


@pytest.mark.parametrize("axis", range(-3, 3))
@pytest.mark.parametrize("start", range(-3, 4))
def test_rollaxis_from_everywhere_to_everywhere(axis: int, start: int) -> None:
    both_modes(lambda x: np.rollaxis(x, axis, start), np.random.default_rng(0).standard_normal((2, 3, 4)))


def test_rollaxis_beyond_the_axes_raises() -> None:
    for axis, start in ((3, 0), (-4, 0), (0, 4), (0, -4)):
        with pytest.raises(np.exceptions.AxisError):
            grad(lambda x, a=axis, s=start: np.sum(np.rollaxis(x, a, s)))(np.ones((2, 3, 4)))


def test_squeeze_of_a_longer_axis_raises_numpys_error() -> None:
    with pytest.raises(ValueError, match="not equal to one"):
        grad(lambda x: np.sum(np.squeeze(x, 0)))(np.ones((2, 3)))


# ---- flip, roll, broadcast -------------------------------------------------------------------------


def test_roll_by_arrays_of_shifts() -> None:
    x = np.random.default_rng(0).standard_normal((3, 4))

    both_modes(lambda x: np.roll(x, np.array([1, -2]), np.array([0, 1])), x)
    both_modes(lambda x: np.roll(x, [1, 2]), x)
    both_modes(lambda x: np.roll(x, np.int8(-3), (0, 1)), x)
    both_modes(lambda x: np.roll(x, 17, axis=1), x)


def test_broadcasting_to_length_zero_has_a_zero_gradient() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.broadcast_to(x, (0, 3))))(np.ones(3)), np.zeros(3))
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.broadcast_to(x, (2, 0))))(np.ones((2, 1))), np.zeros((2, 1)))


def test_broadcast_arrays_returns_a_tuple_as_numpy_does() -> None:
    shapes = []

    def f(x: Any) -> Any:
        out = np.broadcast_arrays(x, np.ones((2, 1)))
        shapes.extend([type(out), *[a.shape for a in out]])
        return np.sum(out[0] * np.array([[1.0], [2.0]]))

    np.testing.assert_array_equal(grad(f)(np.ones(3)), [3.0, 3.0, 3.0])
    assert shapes == [tuple, (2, 3), (2, 3)]


def test_atleast_of_several_returns_a_tuple_as_numpy_does() -> None:
    def f(x: Any) -> Any:
        out = np.atleast_2d(x, 1.0)
        assert type(out) is tuple
        return np.sum(out[0] * out[1])

    np.testing.assert_array_equal(grad(f)(np.ones(3)), np.ones(3))


# ---- astype, copy ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [int, bool, np.int32, "u8"])
def test_a_cast_to_integers_is_constant(dtype: Any) -> None:
    x = np.array([2.5, 0.0])

    np.testing.assert_array_equal(grad(lambda x: np.sum(x.astype(dtype) * x))(x), x.astype(dtype))


def test_a_cast_to_integers_gives_plain_integers_that_index() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(x[x.astype(int)]))(np.array([1.0, 1.0, 0.0])), [1.0, 2.0, 0.0])


def test_a_cast_from_complex_to_real_warns_and_takes_the_real_part() -> None:
    with pytest.warns(np.exceptions.ComplexWarning) as caught:
        gradient = grad(lambda z: np.sum(z.astype(float) ** 2))(np.array([1 + 2j]))

    np.testing.assert_array_equal(gradient, [2 + 0j])
    assert len(caught) == 1


def test_a_cast_to_single_precision_returns_a_double_cotangent() -> None:
    x = np.ones(2)

    out, pull = vjp(lambda x: x.astype(np.float32), x)

    assert [out.dtype, pull(out)[0].dtype] == [np.float32, np.float64]
    check_grads(lambda x: np.sin(x).astype(complex), (x,))


def test_gradients_of_copies_share_no_memory() -> None:
    x = np.ones(3)
    ct = np.ones(3)

    _, pull = vjp(np.copy, x)
    (gradient,) = pull(ct)
    gradient[0] = 7.0

    np.testing.assert_array_equal(ct, np.ones(3))


def test_a_cast_that_its_rule_forbids_raises_as_numpy_does() -> None:
    with pytest.raises(TypeError, match="safe"):
        grad(lambda x: np.sum(x.astype(np.float32, casting="safe")))(np.ones(2))
    np.testing.assert_array_equal(
        grad(lambda x: np.sum(x.astype(complex, casting="safe").real))(np.ones(2)), [1.0, 1.0]
    )


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="device= came with NumPy 2.1")
def test_a_cast_happens_on_the_cpu() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.astype(x, float, device="cpu")))(np.ones(2)), [1.0, 1.0])
    with pytest.raises(ValueError, match="cpu"):
        grad(lambda x: np.sum(np.astype(x, float, device="gpu")))(np.ones(2))  # type: ignore[arg-type, call-overload]
