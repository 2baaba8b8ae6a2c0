"""Traced arrays are written to as NumPy arrays are: programs that assign, in place and through views, differentiate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacfwd, jacrev, jvp, vmap
from dualgrad.errors import ConversionError
from dualgrad.testing import check_grads

X = np.array([1.1, 2.0, -0.7, 1.3])


def shifted(x: Any) -> Any:
    y = np.zeros_like(x)
    y[1:] = x[:-1] ** 2
    return y


def in_place(x: Any) -> Any:
    y = x.copy()
    y *= 2
    y += x
    y -= 1.0
    y /= 3 + x**2
    y **= 2
    return y


def where_mask(x: Any) -> Any:
    y = x * 1.0
    y[y > 0] += x[0] * y[y > 0]
    y[x < 0] = x[1]
    return y


def through_slices(x: Any) -> Any:
    y = np.zeros_like(x)
    view = y[1:]
    inner = view[1:]
    y[:] = x
    view *= 3
    inner[0] = x[0] * x[1]
    y[3] += x[2]
    return np.concatenate([y, view, inner])


def rows(x: Any) -> Any:
    m = np.outer(x, x)
    row = m[1]
    row += x
    m[:, 2] = 0.0
    m[0] = m[1] * row[0]
    return m * np.arange(4.0)


def fancy(x: Any) -> Any:
    y = np.ones_like(x)
    y[np.array([0, 2, 2])] = x[:3]
    y[[1, 3]] *= x[np.array([3, 0])]
    return y


def mixed_index(x: Any) -> Any:
    m = np.zeros_like(np.outer(x, x))
    m[np.array([0, 2]), 1:3] = np.outer(x[:2], x[2:])
    m[..., np.newaxis, 3] = x[:, None]
    m[1, ::-2] = x[:2]
    return m


def into_out(x: Any) -> Any:
    y = np.empty_like(x)
    np.multiply(x, 2.0, out=y)
    np.add(y[:2], x[2:], out=y[:2])
    np.sin(y, out=y, where=x > 0)
    quotient, rest = np.empty_like(x), np.empty_like(x)
    np.divmod(y, 0.3, out=(quotient, rest))
    return y * 2 + rest


def at(x: Any) -> Any:
    y = np.zeros_like(x)
    np.add.at(y, [0, 1, 1], x[:3])
    np.multiply.at(y, np.array([1, 1]), x[0])
    np.subtract.at(y, 2, x[3])
    return y


def by_functions(x: Any) -> Any:
    y, m = np.zeros_like(x), np.zeros_like(np.outer(x, x))
    np.copyto(y, x**2)
    np.copyto(y, x, where=[True, False, False, True])
    np.put(y, [1, -1], x[:2] ** 3)
    np.putmask(y, [False, False, True, False], x * 2)
    np.place(y, np.array([True, False, False, False]), x[1:])
    np.fill_diagonal(m, x)
    np.put_along_axis(m, np.array([[1], [0], [3], [2]]), x[:, None] ** 2, 1)
    return m + y


def by_methods(x: Any) -> Any:
    y, z = x * 1.0, x * 2.0
    y.fill(x[2])
    z.put([0, 1], x[2:])
    full = np.full_like(x, x[1])
    full[0] = y[0]
    return y * z * full


def recurrence(x: Any) -> Any:
    y = np.zeros_like(x, shape=(6,))
    y[0] = x[0]
    for i in range(5):
        y[i + 1] = 0.5 * y[i] * x[i % 4] + np.sin(x[(i + 1) % 4])
    return y


def swapped(x: Any) -> Any:
    y = x * 1.0
    y[0], y[1] = y[1] * 1.0, y[0] * 1.0
    y[:2] = y[1:3]
    y[1:] = y[:-1]
    return y


def scalars(x: Any) -> Any:
    total = x[0]
    total += x[1]
    y = np.zeros_like(x)
    y[2] = total
    y[...] += total * x
    y[()] = y * 2
    return y


def shared_tangents(x: Any) -> Any:
    # The derivatives of `a` and `b` are one array until the write: those of `a` stay.
    a = x * x + np.sin(x)
    b = a + 0
    b[1] = x[0]
    return b * x + a * a


def shared_cotangents(x: Any) -> Any:
    a = np.exp(x)
    z = np.reshape(a, (2, 2)).copy()
    z[0] = x[:2]
    w = a * np.ravel(z)
    y = np.copy(w)
    y[2] = 0
    return w + y


def numpys_integers(x: Any) -> Any:
    table = np.outer(x, x)
    for i in np.arange(3):
        row = table[i]
        row *= 2.0 + i
    column = table[:, np.int64(1)]
    column += x
    return table


PROGRAMS: list[Callable[[Any], Any]] = [
    shifted,
    in_place,
    where_mask,
    through_slices,
    rows,
    fancy,
    mixed_index,
    into_out,
    at,
    by_functions,
    by_methods,
    recurrence,
    swapped,
    scalars,
    shared_tangents,
    shared_cotangents,
    numpys_integers,
]
each_program = pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)


@each_program
def test_values_are_numpys(f: Callable[[Any], Any]) -> None:
    expected = f(X)

    value, _ = jvp(f, (X,), (np.ones(4),))

    np.testing.assert_allclose(value, expected, rtol=1e-14)
    np.testing.assert_array_equal(X, [1.1, 2.0, -0.7, 1.3])


@each_program
def test_derivatives_agree_with_differences(f: Callable[[Any], Any]) -> None:
    check_grads(f, (X,), order=2, rtol=1e-5)


@each_program
def test_modes_agree_when_nested(f: Callable[[Any], Any]) -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.sin(f(x)))

    expected = jacfwd(jacfwd(loss))(X)

    for found in (hessian(loss)(X), jacrev(grad(loss))(X), jacrev(jacfwd(loss))(X)):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("f", [f for f in PROGRAMS if f is not where_mask], ids=lambda f: f.__name__)
def test_batches_are_written_to(f: Callable[[Any], Any]) -> None:
    batch = X + 0.01 * np.arange(3.0)[:, None]

    np.testing.assert_allclose(vmap(f)(batch), [f(x) for x in batch], rtol=1e-12)
    np.testing.assert_allclose(vmap(jacrev(f))(batch), [jacfwd(f)(x) for x in batch], rtol=1e-9, atol=1e-12)


def test_a_mask_that_differs_between_members_takes_one_number() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y[x > 0] = 5.0 * x[0]
        return y

    batch = np.array([[1.0, -2.0, 3.0], [-1.0, 2.0, 3.0]])

    np.testing.assert_array_equal(vmap(f)(batch), [f(x) for x in batch])


@pytest.mark.parametrize("d", [jacfwd, jacrev])
def test_the_argument_of_the_caller_is_not_changed(d: Any) -> None:
    def f(x: Any) -> Any:
        x *= 2
        x[0] = 7.0
        return x

    x = X.copy()

    np.testing.assert_array_equal(d(f)(x), np.diag([0.0, 2.0, 2.0, 2.0]))
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize("d", [jacfwd, jacrev])
@pytest.mark.parametrize(
    "view",
    [
        lambda y: y[:, None].reshape(4),
        lambda y: y.T,
        lambda y: np.flip(y),
        lambda y: y.real,
        lambda y: np.einsum("i->i", y),
        lambda y: np.lib.stride_tricks.sliding_window_view(y, 1)[:, 0],
    ],
    ids=["reshape", "transpose", "flip", "real", "einsum", "windows"],
)
def test_what_shares_memory_otherwise_raises_while_it_is_in_use(d: Any, view: Any) -> None:
    def write(x: Any) -> Any:
        y = 1.0 * x
        z = view(y)
        y += 1.0
        return z

    def write_later(x: Any) -> Any:
        y = 1.0 * x
        total = np.sum(view(y))
        y += total
        return y

    with pytest.raises(ConversionError, match="shares memory"):
        d(write)(X)
    np.testing.assert_array_equal(d(write_later)(X), np.eye(4) + 1.0)


M = np.array([[1.1, 2.0, -0.7], [1.3, 0.4, 3.2]])


def reshaped_in_place(x: Any) -> Any:
    y = x * 1.0
    y.shape = (3, -1)
    y[0] = 5 * x[0, 0]
    return y**2


def one_flat_place(x: Any) -> Any:
    y = x * 1.0
    y.flat[4] = x[0, 0] ** 2
    y.flat[1:3] *= 3
    return y**2


def many_flat_places(x: Any) -> Any:
    y = x * 1.0
    y.flat[[0, 4]] = x[1, 1:]
    y.flat[x.ravel() > 1.5] = x[0, 0]
    return y * x


def too_few_flat_numbers(x: Any) -> Any:
    y = np.zeros_like(x)
    y.flat = x[0, :2] ** 2
    return y * x


def too_many_flat_numbers(x: Any) -> Any:
    y = np.zeros_like(x)
    y.flat = np.arange(9.0) * x[0, 0]
    return y * x


def one_flat_number(x: Any) -> Any:
    y = np.zeros_like(x)
    y.flat = x[0, 1]
    y.flat = []
    return y * x


def real_part_of_real_numbers(x: Any) -> Any:
    y = np.zeros_like(x)
    y.real = x**2
    return y * x


@pytest.mark.parametrize(
    "f",
    [
        reshaped_in_place,
        one_flat_place,
        many_flat_places,
        too_few_flat_numbers,
        too_many_flat_numbers,
        one_flat_number,
        real_part_of_real_numbers,
    ],
)
@pytest.mark.filterwarnings(
    "ignore:Setting the shape on a NumPy array:DeprecationWarning"
)  # of plain ones, by NumPy 2.5
def test_attributes_are_assigned_as_numpys(f: Callable[[Any], Any]) -> None:
    np.testing.assert_array_equal(jvp(f, (M,), (M,))[0], f(M))
    check_grads(f, (M,))
    np.testing.assert_allclose(jacfwd(f)(M), jacrev(f)(M), rtol=1e-14)
    np.testing.assert_array_equal(vmap(f)(np.stack([M, 2 + M])), [f(M), f(2 + M)])


def test_flat_sees_what_is_written_later_and_the_reverse() -> None:
    def f(x: Any) -> Any:
        y = 1.0 * x
        flat, row = y.flat, y[1]
        y[0] = 7.0 * x[1]
        flat[5] = x[0, 0]
        return np.concatenate([flat, row])

    expected = np.array([9.1, 2.8, 22.4, 1.3, 0.4, 1.1, 1.3, 0.4, 1.1])
    np.testing.assert_allclose(jvp(f, (M,), (M,))[0], expected)
    np.testing.assert_allclose(jvp(f, (M,), (M,))[1], expected)


@pytest.mark.parametrize("d", [jacfwd, jacrev])
@pytest.mark.parametrize("relative", [lambda y: y[1:], lambda y: y.T, lambda y: y.flat], ids=["slice", "T", "flat"])
def test_shape_is_not_changed_in_place_while_memory_is_shared(d: Any, relative: Any) -> None:
    def of_the_owner(x: Any) -> Any:
        y = 1.0 * x
        z = relative(y)
        y.shape = (6,)
        return z

    def of_the_other(x: Any) -> Any:
        y = 1.0 * x
        z = relative(y)
        z.shape = (-1, 1)
        return y

    for f in (of_the_owner, of_the_other):
        with pytest.raises(ConversionError, match=r"x = x\.reshape\(shape\)"):
            d(f)(M)


@pytest.mark.parametrize("d", [jacfwd, jacrev])
def test_attributes_that_are_not_assigned_say_what_to_write(d: Any) -> None:
    for name, message in (("real", r"x\[\.\.\.\] = value \+ 1j"), ("imag", "1j"), ("dtype", "astype")):
        with pytest.raises(ConversionError, match=message):
            d(lambda x, name=name: setattr(x * (1 + 1j), name, 2.0))(M)
    with pytest.raises(TypeError, match="imaginary part"):
        d(lambda x: setattr(x * 2, "imag", 2.0))(M)
    with pytest.raises(ValueError, match="reshape"):
        d(lambda x: setattr(x * 2, "shape", (5,)))(M)


def test_a_plain_buffer_names_what_to_write_instead() -> None:
    def f(x: Any) -> Any:
        buffer = np.zeros(4)
        buffer[0] = x[0]
        return buffer

    with pytest.raises((ConversionError, ValueError)) as caught:
        jacfwd(f)(X)

    error: BaseException | None = caught.value
    messages = []
    while error is not None:
        messages.append(str(error))
        error = error.__cause__
    assert "np.zeros_like(x) or np.zeros(shape, like=x)" in " ".join(messages)


@pytest.mark.parametrize("make", [np.zeros, np.ones, np.empty])
def test_arrays_of_any_shape_are_made_like_a_traced_one(make: Any) -> None:
    def f(x: Any) -> Any:
        y = make((2, 4), like=x)
        y[0] = x
        y[1] = x**2
        return np.sum(y * y[::-1])

    def by_hand(x: Any) -> Any:
        return 2 * np.sum(x**3)

    np.testing.assert_allclose(grad(f)(X), grad(by_hand)(X), rtol=1e-12)
    np.testing.assert_allclose(jacfwd(f)(X), grad(by_hand)(X), rtol=1e-12)
    np.testing.assert_allclose(vmap(f)(X[None]), [by_hand(X)], rtol=1e-12)


def test_wrong_shapes_and_kinds_raise_and_change_nothing() -> None:
    def f(x: Any) -> Any:
        y = 1.0 * x
        with pytest.raises(ValueError, match="broadcast"):
            y[1:] = np.ones(2)
        with pytest.raises(IndexError):
            y[9] = 1.0
        with pytest.raises(TypeError, match="complex"):
            y[0] = 1j
        with pytest.raises(TypeError, match="cast"):
            y += 1j
        return y

    np.testing.assert_array_equal(jacrev(f)(X), np.eye(4))
    np.testing.assert_array_equal(jacfwd(f)(X), np.eye(4))


def test_an_inner_value_does_not_outlive_its_transformation_in_an_outer_array() -> None:
    def outer(x: Any) -> Any:
        y = np.zeros_like(x)

        def inner(k: Any) -> Any:
            y[0] = k
            return k**2

        return grad(inner)(x[0])

    with pytest.raises(ConversionError, match="inner transformation"):
        grad(outer)(X)


def test_single_precision_stays_single() -> None:
    def f(x: Any) -> Any:
        y = np.zeros_like(x)
        y[1:] = x[1:] * np.float64(2.0)
        y += 1
        return np.sum(y)

    x = X.astype(np.float32)

    assert grad(f)(x).dtype == np.float32


def test_a_loop_of_writes_copies_nothing() -> None:
    buffers = []

    def f(x: Any) -> Any:
        y = np.zeros_like(x)
        for i in range(len(x)):
            y[i] = x[i] * 2.0
            buffers.append(id(y._value))
        return np.sum(y)

    np.testing.assert_array_equal(grad(f)(np.ones(50)), np.full(50, 2.0))

    assert len(set(buffers[1:])) == 1


@pytest.mark.parametrize("place", [4, -5])
@pytest.mark.parametrize("d", [jacfwd, jacrev, vmap])
def test_put_out_of_bounds_raises_as_numpys_does(d: Any, place: int) -> None:
    def f(x: Any) -> Any:
        y = np.zeros_like(x)
        np.put(y, [0, place], 2 * x)
        return y

    with pytest.raises(IndexError, match="out of bounds"):
        f(X)
    with pytest.raises(IndexError, match="out of bounds"):
        d(f)(np.stack([X, X]) if d is vmap else X)
