"""What differences cannot see of concatenate, stack, block, split, tile and repeat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacfwd, jvp, vjp
from dualgrad.errors import ConversionError
from dualgrad.testing import check_grads

X = np.arange(6.0).reshape(2, 3)

# ---- concatenate, stack ----------------------------------------------------------------------------


def test_an_array_concatenated_with_itself_gets_both_cotangents() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.concatenate((x, x, 2 * x)) * np.arange(9.0))

    np.testing.assert_array_equal(grad(f)(np.ones(3)), [0 + 3 + 12, 1 + 4 + 14, 2 + 5 + 16])


def test_joined_into_integers_is_constant() -> None:
    for join in (np.concatenate, np.stack, np.vstack, np.hstack):
        gradient = grad(lambda x, j=join: np.sum(j((x, x), dtype=int, casting="unsafe")) + x[0])(np.array([1.5, 2.5]))

        np.testing.assert_array_equal(gradient, [1.0, 0.0])


def test_joined_by_a_casting_rule_that_forbids_it_raises() -> None:
    for join in (np.concatenate, np.stack, np.vstack, np.hstack):
        with pytest.raises(TypeError, match="safe"):
            grad(lambda x, j=join: np.sum(j((x, x), dtype=np.float32, casting="safe")))(np.ones(2))
        with pytest.raises(TypeError, match="same_kind"):
            grad(lambda x, j=join: np.sum(j((x, x), dtype=int)))(np.ones(2))


def test_joined_in_single_precision() -> None:
    out, pull = vjp(lambda x: np.concatenate((x, x), dtype=np.float32), np.ones(2))

    assert out.dtype == np.float32
    np.testing.assert_array_equal(pull(out)[0], [2.0, 2.0])


def test_the_rows_of_one_traced_array_can_be_joined() -> None:
    for join in (np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack):
        check_grads(lambda x, j=join: j(x * x), (X,))


def test_joined_into_a_plain_buffer_raises() -> None:
    with pytest.raises(ConversionError, match="out="):
        grad(lambda x: np.sum(np.concatenate((x, x), out=np.zeros(4))))(np.ones(2))


def test_joined_shapes_that_do_not_fit_raise_numpys_error() -> None:
    with pytest.raises(ValueError, match="dimension"):
        grad(lambda x: np.sum(np.concatenate((x, X))))(np.ones(2))
    with pytest.raises(ValueError, match="same shape"):
        grad(lambda x: np.sum(np.stack((x, X))))(np.ones(2))


def test_plain_arrays_beside_a_traced_one_are_constant() -> None:
    value, pushed = jvp(lambda x: np.stack([x, 2.0, 3]), (1.0,), (5.0,))

    np.testing.assert_array_equal(value, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(pushed, [5.0, 0.0, 0.0])


# ---- block -----------------------------------------------------------------------------------------


def test_block_is_numpys_at_every_depth() -> None:
    for blocks in (
        lambda x: [[x, x[:, :1]], [x[:1], 1.0]],
        lambda x: [[[x], [x]]],
        lambda x: [x, x],
        lambda x: x,
        lambda x: [[x[0]], [x[1]]],
        lambda x: [1.0, x[0]],
    ):
        value, _ = jvp(lambda x, b=blocks: np.block(b(x)), (X,), (X,))
        np.testing.assert_array_equal(value, np.block(blocks(X)))
        check_grads(lambda x, b=blocks: np.block(b(x * x)), (X,))


def test_block_of_uneven_lists_raises() -> None:
    with pytest.raises(ValueError, match="mismatched"):
        grad(lambda x: np.sum(np.block([[x], x])))(X)
    with pytest.raises(ValueError, match="empty"):
        grad(lambda x: np.sum(np.block([[x], []])))(X)
    with pytest.raises(TypeError, match="tuple"):
        grad(lambda x: np.sum(np.block([(x, x)])))(X)


# ---- split -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sections", [1, 2, 3, 5, 9, [2], [0, 2, 2, 7], [3, 1], [-1], [-9, 20], np.array([1, 4]), ()])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_array_split_is_numpys(sections: Any, axis: int) -> None:
    x = np.arange(35.0).reshape(5, 7)
    wanted = np.array_split(x, sections, axis)

    value, pull = vjp(lambda x: np.array_split(x, sections, axis), x)

    assert type(value) is list
    for found, piece in zip(value, wanted, strict=True):
        np.testing.assert_array_equal(found, piece)
    (gradient,) = pull([np.ones_like(piece) for piece in wanted])
    pieces = np.zeros((5, 7))
    for piece in np.array_split(pieces, sections, axis):
        piece += 1
    np.testing.assert_array_equal(gradient, pieces)


def test_uneven_splits_raise() -> None:
    x = np.ones((2, 4))
    with pytest.raises(ValueError, match="equal division"):
        grad(lambda x: np.sum(np.split(x, 3, axis=1)[0]))(x)
    with pytest.raises(ValueError, match="larger than 0"):
        grad(lambda x: np.sum(np.array_split(x, 0)[0]))(x)
    with pytest.raises(ValueError, match="3 or more"):
        grad(lambda x: np.sum(np.dsplit(x, 2)[0]))(x)


def test_pieces_that_are_not_used_contribute_zero() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.split(x, 3)[1] ** 2))(np.ones(3)), [0.0, 2.0, 0.0])


# ---- tile, repeat ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
@pytest.mark.parametrize("reps", [0, 1, 3, (), (2,), (2, 1), (1, 0, 2), (2, 2, 2), np.array([2, 3]), [1, 1]])
def test_tile_is_numpys(shape: tuple[int, ...], reps: Any) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    wanted = np.tile(x, reps)

    value, pull = vjp(lambda x: np.tile(x, reps), x)
    (gradient,) = pull(np.ones_like(wanted))

    np.testing.assert_array_equal(value, wanted)
    np.testing.assert_array_equal(gradient, np.full(shape, wanted.size / x.size if x.size else 0.0))


def test_tile_a_negative_number_of_times_raises() -> None:
    with pytest.raises(ValueError, match="negative"):
        grad(lambda x: np.sum(np.tile(x, -1)))(np.ones(2))


@pytest.mark.parametrize("repeats", [0, 1, 3, [2], [1, 0, 3], np.array([0, 0, 0]), np.int8(2), True])
@pytest.mark.parametrize("axis", [0, -1, None])
def test_repeat_is_numpys(repeats: Any, axis: int | None) -> None:
    x = np.arange(9.0).reshape(3, 3)
    if axis is None and np.size(repeats) > 1:
        repeats = np.tile(repeats, 3)

    value, pull = vjp(lambda x: np.repeat(x, repeats, axis), x)
    (gradient,) = pull(np.ones_like(value))

    np.testing.assert_array_equal(value, np.repeat(x, repeats, axis))
    counts = np.broadcast_to(repeats, 9 if axis is None else 3)
    wanted = counts.reshape(3, 3) if axis is None else counts[:, None] if axis == 0 else counts
    np.testing.assert_array_equal(gradient, np.broadcast_to(wanted, (3, 3)))


def test_impossible_repeats_raise_numpys_errors() -> None:
    with pytest.raises(ValueError, match="negative"):
        grad(lambda x: np.sum(np.repeat(x, -1)))(np.ones(2))
    with pytest.raises(ValueError, match="broadcast"):
        grad(lambda x: np.sum(np.repeat(x, [1, 2, 3])))(np.ones(2))
    with pytest.raises(TypeError):
        grad(lambda x: np.sum(np.repeat(x, np.array([1.5, 2.0]))))(np.ones(2))
    with pytest.raises(np.exceptions.AxisError):
        grad(lambda x: np.sum(np.repeat(x, 2, axis=1)))(np.ones(2))


def test_a_number_can_be_repeated_along_an_axis() -> None:
    assert grad(lambda x: np.sum(np.repeat(x, 3, axis=0)))(2.0) == 3.0


@pytest.mark.parametrize("join", [np.stack, np.concatenate, np.vstack, np.hstack, np.dstack, np.column_stack])
def test_lists_of_traced_numbers_are_joined_beside_a_traced_array(join: Any) -> None:
    check_grads(lambda x: np.log(join([x, [x[1], 2.0], (3.0, x[0] * x[1])])), (np.array([1.5, 0.7]),))


@pytest.mark.parametrize("d", [grad, jacfwd])
def test_block_takes_nested_lists_of_traced_numbers(d: Any) -> None:
    # NumPy looks into the lists of np.block, but not into those of np.stack: it hands over the call.
    f = lambda x: np.linalg.det(np.block([[x[0], 1.0], [0.5, x[1]]]))

    np.testing.assert_allclose(d(f)(np.array([2.0, 3.0])), [3.0, 2.0])


@pytest.mark.parametrize("d", [grad, jacfwd])
def test_stack_of_nothing_but_lists_is_gathered_by_the_next_operation(d: Any) -> None:
    x = np.array([2.0, 3.0])

    np.testing.assert_allclose(d(lambda x: np.sum(np.stack([[x[0], 1.0], [0.5, x[1]]]) ** 2))(x), [4.0, 6.0])
    np.testing.assert_allclose(
        d(lambda x: np.linalg.det(np.stack([[x[0], 1.0], [0.5, x[1]]]) * (1 + 0 * x)))(x), [3.0, 2.0]
    )
