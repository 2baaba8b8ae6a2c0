"""Where NumPy copies an array for the way it lies in memory, a traced one is copied too; elsewhere it is the array itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dualgrad.numpy as dnp
from dualgrad import grad, jvp, vmap
from dualgrad.errors import ConversionError
from dualgrad.testing import check_grads

X = np.arange(1.0, 7).reshape(2, 3)

WAYS: list[Callable[[Any], Any]] = [
    lambda y: dnp.ascontiguousarray(y),
    lambda y: dnp.ascontiguousarray(y[:, ::2]),
    lambda y: dnp.ascontiguousarray(y[1:]),
    lambda y: dnp.ascontiguousarray(y[1]),
    lambda y: dnp.ascontiguousarray(y[:, 1]),
    lambda y: dnp.ascontiguousarray(y[:1, 1:][0]),
    lambda y: y.astype(float, order="F", copy=False),
    lambda y: y.astype(float, order="C", copy=False),
    lambda y: y.astype(float, copy=False),
    lambda y: y.astype(np.float32, copy=False),
    lambda y: dnp.asfortranarray(y),
    lambda y: dnp.asfortranarray(y[0]),
    lambda y: dnp.asfortranarray(y[:, :1]),
    lambda y: dnp.asarray(y),
    lambda y: dnp.asarray(y, float),
    lambda y: dnp.asarray(y, order="F"),
    lambda y: dnp.asarray(y, order="A"),
    lambda y: dnp.asanyarray(y, order="C"),
    lambda y: dnp.asarray(y, np.float32),
    lambda y: dnp.array(y),
    lambda y: dnp.array(y, copy=None),
    lambda y: dnp.array(y, order="F", copy=None),
    lambda y: dnp.array(y, copy=None, ndmin=2),
    lambda y: dnp.require(y),
    lambda y: dnp.require(y, requirements="C"),
    lambda y: dnp.require(y, requirements="F"),
    lambda y: dnp.require(y, requirements=["FORTRAN", "A"]),
    lambda y: dnp.require(y, requirements="O"),
    lambda y: dnp.require(y[:], requirements="O"),
    lambda y: dnp.require(y[0], requirements=["OWNDATA", "W"]),
]
each_way = pytest.mark.parametrize("way", WAYS, ids=range(len(WAYS)))


def program(way: Callable[[Any], Any], is_written_later: bool) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        y = 1.0 * x
        w = way(y)
        if is_written_later:
            y *= 3.0 * x[0, 1]
        else:
            w *= 10.0 * x[0, 0]
        return np.sum(y**2) + np.sum(w)

    return f


@pytest.mark.parametrize("is_written_later", [False, True])
@each_way
def test_it_is_a_copy_where_numpys_is(way: Callable[[Any], Any], is_written_later: bool) -> None:
    f = program(way, is_written_later)

    np.testing.assert_allclose(jvp(f, (X,), (X,))[0], f(X), rtol=1e-6)
    if np.shares_memory(way(X), X) or way(X).dtype == float:
        check_grads(f, (X,), order=1)


@pytest.mark.parametrize("is_written_later", [False, True])
@each_way
def test_in_a_batch_it_is_so_or_a_write_raises(way: Callable[[Any], Any], is_written_later: bool) -> None:
    f = program(way, is_written_later)
    try:
        found = vmap(f)(np.stack([X, 2 * X]))
    except ConversionError:
        return
    np.testing.assert_allclose(found, [f(X), f(2 * X)], rtol=1e-6)


def test_an_array_in_c_order_is_itself_in_a_batch() -> None:
    def f(x: Any) -> Any:
        y = dnp.ascontiguousarray(x)
        y[0] *= 2.0
        return np.sum(y * x)

    np.testing.assert_allclose(vmap(f)(np.stack([X, 2 * X])), [f(X.copy()), f(2 * X)])


def test_an_array_made_of_a_scalar_is_its_own() -> None:
    def f(x: Any) -> Any:
        s = np.sum(x)
        a, b = dnp.asarray(s), dnp.asarray(s, np.float64)
        same, other = a, b
        same += 1.0
        other *= 2.0
        return s * a + b

    np.testing.assert_allclose(jvp(f, (X,), (X,))[0], f(X))
    np.testing.assert_allclose(vmap(f)(np.stack([X, X])), [f(X), f(X)])
    np.testing.assert_allclose(grad(f)(X), np.full(X.shape, 2 * np.sum(X) + 3))
