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


PLACES = [order, largest, one_of_each, the_last_stays, along_an_axis]


def written(body: Body) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        y = x**2
        body(x, y)
        return y

    return f


@pytest.mark.parametrize("body", MASKS + PLACES, ids=lambda f: f.__name__)
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


@pytest.mark.parametrize("body", MASKS + PLACES, ids=lambda f: f.__name__)
def test_what_is_written_agrees_with_numpy(body: Body) -> None:
    f = written(body)

    np.testing.assert_allclose(vmap(f)(X), np.stack([f(x) for x in X]))


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


def test_adding_at_places_that_differ_says_what_to_write() -> None:
    def body(x: Any, y: Any) -> None:
        np.add.at(y, np.argmax(x, 0), x[0])

    with pytest.raises(ConversionError, match=r"numpy\.add\.at under vmap.*one-hot"):
        vmap(written(body))(X)
