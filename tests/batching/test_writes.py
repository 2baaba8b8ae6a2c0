"""Writing at places that differ between the members of a batch: masks and indices that come of the numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacfwd, jacrev, vmap
from dualgrad.errors import ConversionError

Body = Callable[[Any, Any], None]
X = np.random.default_rng(3).normal(size=(3, 3, 4))


def whole_mask(x: Any, y: Any) -> None:
    y[x > 0] = 3 * x[0, 0]


def rows(x: Any, y: Any) -> None:
    y[x[:, 0] > 0] = 5.0


def column_of_rows(x: Any, y: Any) -> None:
    y[x[:, 0] > 0, 1] = 3 * x[0, 0]


def slice_of_rows(x: Any, y: Any) -> None:
    y[x[:, 0] > 0, -3:-1] = 5.0


def columns(x: Any, y: Any) -> None:
    y[..., x[0] > 0] = 3 * x[0, 0]


def part_of_columns(x: Any, y: Any) -> None:
    y[1:, x[0] > 0] = 5.0


def part_of_a_row(x: Any, y: Any) -> None:
    y[-1, x[0] > 0] = 3 * x[0, 0]


def behind_a_new_axis(x: Any, y: Any) -> None:
    y[None, x[:, 1] > 0, None, 2] = 3 * x[0, 0]


def all_or_nothing(x: Any, y: Any) -> None:
    y[x[0, 0] > 0] = 3 * x[1, 1]


def doubled(x: Any, y: Any) -> None:
    y[x > 0] *= 2


def computed_from_another(x: Any, y: Any) -> None:
    y[x > 0] = x[0, 0] * x[x > 0] ** 3 + x[1, 1] / np.cosh(-x[x > 0])


def rows_by_a_row(x: Any, y: Any) -> None:
    y[x[:, 0] > 0] += x[1] * np.arange(4.0) - y[x[:, 0] > 0]


def columns_from_other_rows(x: Any, y: Any) -> None:
    y[1:, x[0] > 0] = 2 * np.sqrt(1 + x[:-1, x[0] > 0] ** 2)


def through_a_row(x: Any, y: Any) -> None:
    y[2][x[0] > 0] -= x[0, 0]


def one_of_two_masks(x: Any, y: Any) -> None:
    mask = x > 0
    chosen = y[mask]
    same = chosen
    chosen *= x[mask]
    y[~mask] /= 3.0
    y[mask] = 1.0 - same


def where_squares_are_large(x: Any, y: Any) -> None:
    y[y > 0.5] = np.maximum(2.0 ** y[y > 0.5], x[0, 1])


def rows_of_a_column(x: Any, y: Any) -> None:
    y[x[:, 1] > 0, 2] *= x[x[:, 1] > 0, 1]


def apart_from_an_integer(x: Any, y: Any) -> None:
    z = np.stack([y, x * y])
    z[1, 1:, x[0] > 0] *= x[0, 0]
    y[...] = z[1] + z[0]


SELECTIONS = [
    doubled,
    computed_from_another,
    rows_by_a_row,
    columns_from_other_rows,
    through_a_row,
    one_of_two_masks,
    where_squares_are_large,
    rows_of_a_column,
    apart_from_an_integer,
]
MASKS = [
    whole_mask,
    rows,
    column_of_rows,
    slice_of_rows,
    columns,
    part_of_columns,
    part_of_a_row,
    behind_a_new_axis,
    all_or_nothing,
]


def order(x: Any, y: Any) -> None:
    y[np.argsort(x[:, 0])] = x**3


def largest(x: Any, y: Any) -> None:
    y[np.argmax(x[:, 0]), 1:3] += x[0, 2:]


def one_of_each(x: Any, y: Any) -> None:
    y[x.argmax(0), [0, 1, 2, 3]] = x[0] ** 3


def the_last_stays(x: Any, y: Any) -> None:
    y[0 * np.argmin(x, 1), 1] = x[:, 2] ** 3


def along_an_axis(x: Any, y: Any) -> None:
    np.put_along_axis(y, np.argsort(x, 1), x**3, 1)


def added(x: Any, y: Any) -> None:
    np.add.at(y, (np.argmax(x, 0), [0, 1, 1, 2]), x[0] ** 2)


def added_to_rows(x: Any, y: Any) -> None:
    np.add.at(y, np.argmax(x, 0), x[0] ** 2)
    behind: Any = (slice(None), np.argmin(x, 1))
    np.add.at(y[1:], behind, 2.0)


def subtracted_from_a_product_of_places(x: Any, y: Any) -> None:
    np.subtract.at(y, (np.argmax(x, 0)[:, None], np.argmin(x, 1)), x[0, 0])


def multiplied_more_than_once(x: Any, y: Any) -> None:
    np.multiply.at(y, (np.argmax(x, 0), 0 * np.argmin(x, 0)), x[1])


def multiplied_once(x: Any, y: Any) -> None:
    np.multiply.at(y, np.argsort(x[:, 0]), x)


def squared(x: Any, y: Any) -> None:
    np.square.at(y, (np.argmax(x, 0), 1))


def raised(x: Any, y: Any) -> None:
    np.maximum.at(y[1], np.argmax(x, 1), x[:, 2])


def added_where_a_mask_says(x: Any, y: Any) -> None:
    np.add.at(y, x > 0, 3 * x[0, 0])


def added_at_one_place(x: Any, y: Any) -> None:
    np.add.at(y, np.argmax(x[:, 0]), x[1])


PLACES = [order, largest, one_of_each, the_last_stays, along_an_axis]
PLACES += [
    added,
    added_to_rows,
    subtracted_from_a_product_of_places,
    multiplied_more_than_once,
    multiplied_once,
    squared,
    raised,
    added_where_a_mask_says,
    added_at_one_place,
]


def written(body: Body) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        y = x**2
        body(x, y)
        return y

    return f


@pytest.mark.parametrize("body", MASKS + SELECTIONS + PLACES, ids=lambda f: f.__name__)
def test_writes_of_a_batch_are_those_of_its_members_in_every_nesting(body: Body) -> None:
    f = written(body)

    def s(x: Any) -> Any:
        return np.sum(np.sin(f(x)))

    for transformed in (
        f,
        grad(s),
        jacfwd(f),
        jacrev(f),
        hessian(s),
        jacrev(grad(s)),
        jacfwd(jacfwd(s)),
        jacrev(jacfwd(s)),
    ):
        one_by_one = np.stack([transformed(x) for x in X])
        np.testing.assert_allclose(vmap(transformed)(X), one_by_one, atol=1e-12)
        two = np.stack([X, X[::-1]])
        np.testing.assert_allclose(vmap(vmap(transformed))(two), np.stack([one_by_one, one_by_one[::-1]]), atol=1e-12)


@pytest.mark.parametrize("body", MASKS + SELECTIONS + PLACES, ids=lambda f: f.__name__)
def test_what_is_written_agrees_with_numpy(body: Body) -> None:
    f = written(body)

    np.testing.assert_allclose(vmap(f)(X), np.stack([f(x) for x in X]))


@pytest.mark.parametrize("body", [*MASKS, *SELECTIONS, *PLACES], ids=lambda f: f.__name__)
@pytest.mark.parametrize("d", [jacfwd, jacrev])
def test_writes_of_a_batch_are_differentiated_as_those_of_its_members(d: Any, body: Body) -> None:
    f = written(body)
    expected = np.zeros((3, 3, 4, 3, 3, 4))
    for k, x in enumerate(X):
        expected[k, :, :, k] = d(f)(x)

    np.testing.assert_allclose(d(vmap(f))(X), expected, atol=1e-12)


# What NumPy raises for each member, or what has no one shape.
NO_SHAPE: dict[str, Callable[[Any], Any]] = {
    "returned": lambda x: x[x > 0],
    "sum": lambda x: np.sum(x[x > 0]),
    "method": lambda x: x[x > 0].sum(),
    "mean": lambda x: np.mean(x[x > 0]),
    "size": lambda x: x * x[x > 0].size,
    "len": lambda x: x * len(x[x > 0]),
    "reduce": lambda x: np.add.reduce(x[x > 0]),
    "keyword": lambda x: np.sin(x[x > 0], where=True),
    "item": lambda x: x[x > 0][0],
    "loop": lambda x: sum(t for t in x[x > 0]),
    "branch": lambda x: x if x[x > 0] else -x,
    "float": lambda x: float(x[x > 0]),
    "asarray": lambda x: np.asarray(x[x > 0]),
    "array": lambda x: np.array([x[x > 0], 1.0]),
    "concatenate": lambda x: np.concatenate([x[x > 0], x[0]]),
    "where": lambda x: np.where(x > 0, x[x > 0], 0.0),
    "matmul": lambda x: x[x > 0] @ x[x > 0],
    "dot": lambda x: np.dot(x[x > 0], x[x > 0]),
    "two masks": lambda x: x[x > 0] * x[x < 0],
    "other axes": lambda x: x[x > 0] * x[0],
    "one axis": lambda x: x[x > 0] * np.ones(1),
    "a list": lambda x: x[x > 0] * [1.0],
    "traced first": lambda x: np.multiply(x[0, 0], x[x > 0]),
    "mask and places": lambda x: x[x[:, 0] > 0, np.array([0])],
    "added to all": lambda x: x + x[x > 0],
    "apart": lambda x: np.stack([x, x])[0, :, x[0] > 0] * x[:, x[0] > 0],
}


@pytest.mark.parametrize("d", [lambda f: f, jacfwd, jacrev])
@pytest.mark.parametrize("name", NO_SHAPE)
def test_what_needs_the_shape_of_what_a_mask_selects_raises(d: Any, name: str) -> None:
    with pytest.raises(ConversionError, match=r"x\[mask\] under vmap.*np\.where\(mask, x, 0\)"):
        vmap(d(NO_SHAPE[name]))(X)


NO_PLACE: dict[str, Body] = {
    "another mask": lambda x, y: y.__setitem__(x < 0, x[x > 0]),
    "everywhere": lambda x, y: y.__setitem__(slice(None), x[x > 0]),
    "other axes": lambda x, y: y.__setitem__(x[:, 0] > 0, x[x > 0]),
    "all in place": lambda x, y: np.add(y, x[x > 0], out=y),
    "out": lambda x, y: np.multiply(x[x > 0], 2.0, out=y),
    "plain array": lambda x, y: np.copyto(y, x[x > 0]),
}


@pytest.mark.parametrize("name", NO_PLACE)
def test_what_a_mask_selects_is_written_to_where_the_same_mask_selects(name: str) -> None:
    with pytest.raises(ConversionError, match=r"x\[mask\] under vmap"):
        vmap(written(NO_PLACE[name]))(X)


def test_what_a_mask_selects_is_changed_in_place_in_its_dtype() -> None:
    def scaled(factor: Any) -> Callable[[Any], Any]:
        def f(x: Any) -> Any:
            y = np.copy(x)
            y[x > 1] *= factor
            return y

        return f

    counts = np.arange(4)
    small = np.arange(4, dtype=np.float32)

    assert vmap(scaled(3))(counts).tolist() == [0, 1, 6, 9]
    assert vmap(scaled(np.float64(0.5)))(small).dtype == np.float32
    with pytest.raises(TypeError, match="same_kind"):
        vmap(scaled(0.5))(counts)


def test_hidden_numbers_raise_no_warnings() -> None:
    def f(x: Any) -> Any:
        y = np.zeros_like(x)
        y[x > 0] = np.sqrt(x[x > 0]) + np.log(x[x > 0]) + 1 / x[x > 0]
        return y

    x = np.array([[4.0, -1.0], [0.0, 1.0]])
    with np.errstate(all="raise"):
        np.testing.assert_allclose(vmap(f)(x), [[2.25 + np.log(4.0), 0.0], [0.0, 2.0]])
    np.testing.assert_allclose(vmap(grad(lambda x: np.sum(f(x))))(x), [[7 / 16, 0.0], [0.0, 0.5]])


@pytest.mark.parametrize("d", [lambda f: f, jacfwd, jacrev])
@pytest.mark.parametrize(
    "index",
    [
        lambda x: x[:, :1] > 0,
        lambda x: x[:1, 0] > 0,
        lambda x: (x[:, 1:3] > 0, 0),
        lambda x: (slice(None), x[0, :1] > 0),
        lambda x: (0, slice(None), x[0] > 0),
        lambda x: (slice(1), x > 0),
    ],
)
def test_a_mask_of_another_shape_is_refused_as_numpy_refuses_it(d: Any, index: Any) -> None:
    def body(x: Any, y: Any) -> None:
        y[index(x)] = 5.0

    f = written(body)

    with pytest.raises(IndexError):
        f(X[0])
    with pytest.raises(IndexError, match="boolean index did not match"):
        vmap(d(f))(X)


@pytest.mark.parametrize("shape", [(1, 4), (1, 1, 4)])
def test_surplus_axes_of_length_one_are_taken_as_numpy_takes_them(shape: tuple[int, ...]) -> None:
    def body(x: Any, y: Any) -> None:
        y[0] = np.reshape(x[1] ** 3, shape)

    f = written(body)

    np.testing.assert_allclose(vmap(f)(X), np.stack([f(x) for x in X]))


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.maximum, np.logaddexp])
def test_places_that_differ_count_each_index_as_numpy_does(ufunc: Any) -> None:
    rng = np.random.default_rng(5)
    places, values = rng.integers(-6, 6, (4, 20)), rng.normal(size=(4, 20))

    def f(start: Any, places: Any, values: Any) -> Any:
        y = np.copy(start)
        ufunc.at(y, places, values)
        return y

    expected = np.zeros((4, 6))
    for k in range(4):
        ufunc.at(expected[k], places[k], values[k])
    np.testing.assert_allclose(vmap(f)(np.zeros((4, 6)), places, values), expected, rtol=1e-14)
    np.testing.assert_allclose(vmap(f)(np.zeros((4, 6), np.float32), places, values), expected, rtol=1e-5)
    with pytest.raises(TypeError, match="same_kind"):
        vmap(f)(np.zeros((4, 6), int), places, values)
    with pytest.raises(IndexError):
        vmap(f)(np.zeros((4, 6)), places + 3, values)
    with pytest.raises(ValueError, match="broadcast"):
        vmap(f)(np.zeros((4, 6)), places, values[:, :3])


def test_sums_at_places_that_differ_take_one_pass() -> None:
    def f(places: Any, values: Any) -> Any:
        y = np.zeros_like(values)
        np.add.at(y, places, values)
        return y

    n = 100_000
    found = vmap(f)(np.zeros((2, n), int), np.ones((2, n)))

    assert found[:, 0].tolist() == [n, n]
    assert not found[:, 1:].any()
