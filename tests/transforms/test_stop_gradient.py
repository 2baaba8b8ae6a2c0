"""What counts as constant is so to every transformation, in whichever order they are nested."""

from __future__ import annotations

import functools
import re
from collections import Counter, UserDict, deque
from collections.abc import Callable
from types import SimpleNamespace
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
from dualgrad.errors import TreeError

X = np.array([[1.3, 0.7], [2.1, -0.4], [0.5, 1.9]])


def stopped(x: Any) -> Any:
    return x * stop_gradient(x) ** 2 + np.sin(x) * stop_gradient(np.sum(x))


def _vmap_inside(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: vmap(lambda s: np.sum(f(np.stack([s, s * stop_gradient(s)]))))(x)


def _gradients_by_scale(f: Callable[[Any], Any]) -> Any:
    def scaled(s: Any) -> Any:
        return np.sum(f(s * X))

    return vmap(grad(scaled))(np.array([1.0, 2.0]))


def _gradient_of_pushforwards(f: Callable[[Any], Any]) -> Any:
    def pushed(z: Any) -> Any:
        return np.sum(vmap(lambda s: jvp(f, (s * z,), (np.cos(z),))[1])(np.array([1.0, 2.0])) ** 2)

    return grad(pushed)(X)


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
    "vmap of grad": _gradients_by_scale,
    "grad of vmap of jvp": _gradient_of_pushforwards,
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

    def variance(w: Any) -> Any:
        return np.cov(x, fweights=w)

    np.testing.assert_array_equal(derivative(vmap(variance))(w), 0)


def test_writing_to_a_constant_in_a_batch_leaves_the_value_alone() -> None:
    def f(x: Any) -> Any:
        c = stop_gradient(x)
        c[0] = 0.0
        return np.sum(x) + np.sum(c)

    np.testing.assert_array_equal(vmap(f)(X), np.sum(X, axis=1) + X[:, 1])


# ---- what is no tree -------------------------------------------------------------------------------


class Row(list[Any]):
    pass


class Pair(tuple[Any, ...]):
    pass


class Table(dict[str, Any]):
    pass


class Uncopied(list[Any]):
    def __copy__(self) -> Any:
        return self


class Model:
    def __init__(self, w: Any) -> None:
        self.w = w


class Slotted:
    __slots__ = ("w",)

    def __init__(self, w: Any) -> None:
        self.w = w


ENTERED: dict[str, Callable[[Any], Any]] = {
    "objects": lambda w: stop_gradient(np.array([w, 1.0]))[0],
    "objects of no shape": lambda w: stop_gradient(np.array(w, dtype=object)),
    "objects and None": lambda w: stop_gradient(np.array([None, w]))[1],
    "objects and lists": lambda w: stop_gradient(np.array([None, [w]], dtype=object))[1][0],
    "list": lambda w: stop_gradient(Row([w]))[0],
    "list in list": lambda w: stop_gradient([Row([Row([w])])])[0][0][0],
    "tuple": lambda w: stop_gradient(Pair([w]))[0],
    "dict": lambda w: stop_gradient(Table(a=w))["a"],
    "Counter": lambda w: stop_gradient(Counter(a=w))["a"],
    "deque": lambda w: stop_gradient(deque([w], maxlen=1))[0],
    "namespace": lambda w: stop_gradient(SimpleNamespace(a=[w])).a[0],
}


@pytest.mark.parametrize("of", ENTERED.values(), ids=ENTERED)
def test_containers_that_are_no_trees_are_entered(of: Callable[[Any], Any]) -> None:
    for transform in (grad, jacfwd):
        assert transform(lambda x: x * of(x))(3.0) == 3.0
    np.testing.assert_array_equal(vmap(grad(lambda x: x * of(x)))(np.array([3.0, 4.0])), [3, 4])
    np.testing.assert_array_equal(grad(lambda x: np.sum(vmap(lambda y: y * of(y))(x)))(np.array([3.0, 4.0])), [3, 4])


def test_containers_that_are_entered_keep_their_class_and_are_not_written_to() -> None:
    def f(x: Any) -> Any:
        row, pair, table = Row([x]), Pair([x]), Table(a=x)
        row.name = pair.name = "mine"  # type: ignore[attr-defined]
        found: list[Any] = stop_gradient([row, pair, table, deque([x], maxlen=2)])

        assert [type(c) for c in found] == [Row, Pair, Table, deque]
        assert found[0].name == found[1].name == "mine"
        assert found[3].maxlen == 2
        assert row[0] is x
        assert table["a"] is x
        return x

    grad(f)(3.0)


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "object": (Model, "Model, .*(x.w), make it a dataclass, or register"),
    "slots": (Slotted, "Slotted, .*(x.w)"),
    "deep": (lambda w: [Model({"a": [Slotted(w)]})], "Model"),
    "partial": (lambda w: functools.partial(np.multiply, w), "partial"),
    "iterator": (lambda w: iter([w]), "list(x)"),
    "generator": (lambda w: (w for _ in range(1)), "list(x)"),
    "UserDict": (lambda w: UserDict(a=w), "x.data"),
    "polynomial": (lambda w: np.poly1d([w, 1.0]), "x.coeffs"),
    "records": (lambda w: np.array([(1, w)], dtype=[("a", int), ("b", object)]), "ndarray"),
    "masked objects": (lambda w: np.ma.array([w, 1.0], dtype=object), "MaskedArray"),
    "attribute of a list": (lambda w: _with_attribute(Row([1.0]), w), "plain list"),
    "list that is not copied": (lambda w: Uncopied([w]), "plain list"),
}


def _with_attribute(x: Any, w: Any) -> Any:
    x.w = w
    return x


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_objects_that_hide_a_value_are_refused(make: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(TypeError, match="^stop_gradient got a .*" + re.escape(message).replace(r"\.\*", ".*")):
        grad(lambda x: (stop_gradient(make(x)), x)[1])(3.0)


def test_objects_of_plain_values_stay_what_they_are() -> None:
    def f(x: Any) -> Any:
        for y in ("text", None, 1, 2.0, np.ones(2), np.array([None]), Model(1.0), len, lambda: x, Model, {1}, Row([1])):
            assert stop_gradient(y) is y
        return x

    grad(f)(3.0)


def test_a_list_that_contains_itself_raises() -> None:
    def f(x: Any) -> Any:
        row = Row([x])
        row.append(row)
        return stop_gradient(row)[0]

    with pytest.raises(TreeError, match="contains itself"):
        grad(f)(3.0)


def test_what_a_mask_selects_in_a_batch_is_constant_too() -> None:
    def f(x: Any) -> Any:
        y, mask = np.zeros_like(x), x > 1
        y[mask] = x[mask] * stop_gradient(x[mask])
        return np.sum(y)

    expected = np.where(X > 1, X, 0)
    np.testing.assert_array_equal(vmap(grad(f))(X), expected)
    np.testing.assert_array_equal(grad(lambda x: np.sum(vmap(f)(x)))(X), expected)
