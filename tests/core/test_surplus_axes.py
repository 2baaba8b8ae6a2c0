"""Written values with more axes than the place, all of length 1 and in front, which NumPy drops; and no values at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacfwd, jacrev, vmap
from dualgrad.testing import check_grads

X = np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.7]])
ROWS = np.array([1, 0])


def at(index: Any, value: Callable[[Any], Any]) -> Callable[[Any, Any], None]:
    def write(y: Any, x: Any) -> None:
        y[index] = value(x)

    return write


WRITES: dict[str, Callable[[Any, Any], None]] = {
    "a row": at(0, lambda x: np.max(x, keepdims=True)),
    "a row by a row": at(0, lambda x: x[None, 1:] ** 2),
    "a column": at((slice(None), 0), lambda x: x[:1, :1]),
    "a strided column": at((slice(None, None, -1), 1), lambda x: x[None, 0, :2] * x[None, 1, :2]),
    "all": at(Ellipsis, lambda x: np.mean(x, axis=0, keepdims=True)[None]),
    "all by one number": at(slice(None), lambda x: np.sum(x, keepdims=True)[None, None]),
    "rows by their numbers": at(ROWS, lambda x: x[None, :, :1] ** 2),
    "a row named twice": at((np.array([0, 0]), slice(None)), lambda x: x[None, None]),
    "numbers": at((ROWS, np.array([2, 0])), lambda x: x[None, :, 0]),
    "a mask of rows": at(np.array([True, False]), lambda x: x[None, :1] ** 2),
    "a new axis": at(None, lambda x: x[None, None, :1]),
    "copyto": lambda y, x: np.copyto(y, x[None, :1] ** 2),
    "copyto where": lambda y, x: np.copyto(y, x[None, :1] ** 2, where=X > 0),
    "put": lambda y, x: np.put(y, [[0, 4, 5]], x[None, :1, :2]),
    "putmask": lambda y, x: np.putmask(y, X > 0, x[None, :, :1]),
    "place": lambda y, x: np.place(y, X > 0, x[None, :, :1]),
    "put_along_axis": lambda y, x: np.put_along_axis(y, np.array([[0, 2]]), x[None, :1, :2] ** 2, axis=1),
    "put_along_axis of all": lambda y, x: np.put_along_axis(y, np.array([0, 4]), x[None, :1, :2] ** 2, axis=None),
    "fill_diagonal": lambda y, x: np.fill_diagonal(y, x[None, :, :1]),
    "flat": lambda y, x: setattr(y, "flat", x[None, :, :1]),
    "no values: put": lambda y, x: np.put(y, [0, 1], x[2:]),
    "no values: put anywhere": lambda y, x: np.put(y, [0, 99], x[2:]),
    "no values: putmask": lambda y, x: np.putmask(y, X > 0, x[2:]),
    "no values: place nowhere": lambda y, x: np.place(y, X > 99, x[2:]),
    "no values: fill_diagonal": lambda y, x: np.fill_diagonal(y, x[:, 3:]),
    "no values: flat": lambda y, x: setattr(y, "flat", x[2:]),
    "no values, plain: put": lambda y, x: np.put(y, [0, 1], []),
    "no values, plain: putmask": lambda y, x: np.putmask(y, X > 0, np.zeros((0, 2))),
}


def after(name: str) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        y = 1.0 * x
        WRITES[name](y, x)
        return y * np.array([1.0, 2.0, 3.0]) * y

    return f


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("dtype", [float, complex])
def test_writes_of_surplus_axes_and_of_no_values_are_numpys(name: str, dtype: Any) -> None:
    f = after(name)
    x = X.astype(dtype) * (1 if dtype is float else 1 + 0.5j)

    check_grads(f, (x,), rtol=1e-5)
    batch = np.stack([x, 2 * x, x**2])
    np.testing.assert_allclose(vmap(f)(batch), [f(one) for one in batch], rtol=1e-12)


@pytest.mark.parametrize("name", WRITES)
def test_derivatives_of_such_writes_agree_in_every_mode(name: str) -> None:
    f = after(name)

    def loss(x: Any) -> Any:
        return np.sum(np.sin(f(x)))

    batch = np.stack([X, 2 * X])
    np.testing.assert_allclose(jacrev(f)(X), jacfwd(f)(X), rtol=1e-12)
    np.testing.assert_allclose(jacrev(grad(loss))(X), hessian(loss)(X), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(vmap(grad(loss))(batch), [grad(loss)(x) for x in batch], rtol=1e-12)
    np.testing.assert_allclose(grad(lambda b: np.sum(vmap(loss)(b)))(batch), [grad(loss)(x) for x in batch], rtol=1e-12)


def test_a_number_with_axes_is_written_where_masks_differ_between_members() -> None:
    def f(x: Any) -> Any:
        y = 1.0 * x
        y[x > 0] = x[:1, 0] ** 2
        return np.sum(y * np.array([1.0, 2.0, 3.0]))

    batch = np.stack([X, -X])
    np.testing.assert_allclose(vmap(f)(batch), [f(x) for x in batch], rtol=1e-12)
    np.testing.assert_allclose(vmap(grad(f))(batch), [grad(f)(x) for x in batch], rtol=1e-12)


@pytest.mark.parametrize("transform", [grad, jacfwd, hessian, lambda f: lambda x: vmap(f)(x[None])])
def test_place_of_no_values_is_refused_as_numpy_does(transform: Any) -> None:
    def f(x: Any) -> Any:
        y = 1.0 * x
        np.place(y, X > 0, x[2:])
        return np.sum(y)

    with pytest.raises(ValueError, match="no values to write"):
        transform(f)(X)
