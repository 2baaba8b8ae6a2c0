"""Writing at places that differ between the members of a batch: masks and indices that come of the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacfwd, jacrev, vmap
from tests.batching.bodies import MASKS, PLACES, SELECTIONS, Body, X, written


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


def test_values_are_placed_where_there_are_any() -> None:
    def f(x: Any) -> Any:
        y = np.copy(x)
        np.place(y, x > 1, [])
        return y

    np.testing.assert_array_equal(vmap(f)(np.ones((2, 3))), np.ones((2, 3)))
    with pytest.raises(ValueError, match="no values to write"):
        vmap(f)(np.array([[0.0, 1.0], [1.0, 2.0]]))


def test_put_out_of_bounds_raises_in_whichever_member() -> None:
    def f(x: Any, places: Any) -> Any:
        y = np.copy(x)
        np.put(y, places, 1.0)
        return y

    with pytest.raises(IndexError, match="out of bounds"):
        vmap(f)(np.zeros((2, 3)), np.array([[0, 1], [2, 3]]))
