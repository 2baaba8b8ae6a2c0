"""What counts as constant is so to every transformation, in whichever order they are nested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import (
    checkpoint,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    sparse,
    stop_gradient,
    taylor,
    vmap,
)

X = np.array([[1.3, 0.7], [2.1, -0.4], [0.5, 1.9]])


def stopped(x: Any) -> Any:
    return x * stop_gradient(x) ** 2 + np.sin(x) * stop_gradient(np.sum(x))


def _vmap_inside(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: vmap(lambda s: np.sum(f(np.stack([s, s * stop_gradient(s)]))))(x)


# What is done to one member, and what is done to the function of the whole batch.
INSIDE: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda f: f,
    "grad": lambda f: grad(lambda x: np.sum(f(x) ** 2)),
    "jvp": lambda f: lambda x: jvp(f, (x,), (np.ones(2),))[1],
    "jacfwd": lambda f: lambda x: np.sum(jacfwd(f)(x), axis=0),
    "jacrev": lambda f: lambda x: np.sum(jacrev(f)(x), axis=0),
    "checkpoint": checkpoint,
    "linearize": lambda f: lambda x: linearize(f, x)[1](np.ones(2)),
    "taylor": lambda f: lambda x: taylor(f, x, np.ones(2), 2)[2],
    "vmap": _vmap_inside,
}
OUTSIDE: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: grad(lambda z: np.sum(f(z) ** 2))(X),
    "jacfwd": lambda f: jacfwd(f)(X),
    "jacrev": lambda f: jacrev(f)(X),
    "hessian": lambda f: hessian(lambda z: np.sum(f(z) ** 2))(X),
    "jvp": lambda f: jvp(f, (X,), (np.cos(X),))[1],
    "linearize": lambda f: linearize(f, X)[1](np.cos(X)),
    "taylor": lambda f: np.stack(taylor(f, X, np.cos(X), 3)),
    "sparse": lambda f: sparse.jacobian(lambda z: np.ravel(f(z.reshape(3, 2))), X.ravel()).toarray(),
    "vmap of grad": lambda f: vmap(grad(lambda s: np.sum(f(s * X))))(np.array([1.0, 2.0])),
    "grad of vmap of jvp": lambda f: grad(
        lambda z: np.sum(vmap(lambda s: jvp(f, (s * z,), (np.cos(z),))[1])(np.array([1.0, 2.0])) ** 2)
    )(X),
}


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("inside", INSIDE)
def test_constants_in_a_batch_are_those_of_a_loop(inside: str, outside: str) -> None:
    f = INSIDE[inside](stopped)

    def loop(z: Any) -> Any:
        return np.stack([f(x) for x in z])

    np.testing.assert_allclose(OUTSIDE[outside](vmap(f)), OUTSIDE[outside](loop), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("derivative", [jacfwd, jacrev])
def test_functions_that_take_an_argument_as_constant_do_so_in_a_batch(derivative: Callable[..., Any]) -> None:
    x, w = np.array([3.0, 1.0, 2.0]), np.array([[1.0, 2.0, 3.0], [3.0, 1.0, 1.0]])
    by_weights = derivative(vmap(lambda w: np.cov(x, fweights=w)))(w)

    np.testing.assert_array_equal(by_weights, 0)


def test_writing_to_a_constant_in_a_batch_leaves_the_value_alone() -> None:
    def f(x: Any) -> Any:
        c = stop_gradient(x)
        c[0] = 0.0
        return np.sum(x) + np.sum(c)

    np.testing.assert_array_equal(vmap(f)(X), np.sum(X, axis=1) + X[:, 1])
