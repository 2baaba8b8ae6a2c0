"""Arguments that are containers, and leaves that are no floats."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pytest

from dualgrad import derivative, grad, jvp, tree, value_and_grad, vjp

W = np.array([1.0, 2.0])


class Point(NamedTuple):
    w: Any
    b: Any


@dataclasses.dataclass
class Layer:
    w: Any
    b: Any


@dataclasses.dataclass(frozen=True)
class Frozen:
    w: Any
    b: Any


class Own:
    def __init__(self, w: Any, b: Any) -> None:
        self.w, self.b = w, b


tree.register(Own, lambda x: ((x.w, x.b), None), lambda static, children: Own(*children))

MAKERS = {
    "tuple": lambda w, b: (w, b),
    "list": lambda w, b: [w, b],
    "dict": lambda w, b: {"w": w, "b": b},
    "ordered": lambda w, b: OrderedDict(w=w, b=b),
    "namedtuple": Point,
    "dataclass": Layer,
    "frozen": Frozen,
    "registered": Own,
}


def parts(x: Any) -> tuple[Any, Any]:
    if isinstance(x, dict):
        return x["w"], x["b"]
    return (x.w, x.b) if hasattr(x, "w") else (x[0], x[1])


def loss(x: Any) -> Any:
    w, b = parts(x)
    return np.sum(w**2) * b


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_gradient_is_a_container_of_the_same_kind(make: Any) -> None:
    x = make(W, 3.0)

    found = grad(loss)(x)

    assert type(found) is type(x)
    np.testing.assert_array_equal(parts(found)[0], 6 * W)
    assert float(parts(found)[1]) == 5.0


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_tangents_and_results_are_containers_too(make: Any) -> None:
    f = lambda x: make(parts(x)[0] * parts(x)[1], parts(x)[1] ** 2)

    value, pushed = jvp(f, (make(W, 3.0),), (make(np.ones(2), 1.0),))
    _, pull = vjp(f, make(W, 3.0))
    (pulled,) = pull(make(np.ones(2), 1.0))

    assert type(value) is type(pushed) is type(pulled) is type(make(W, 3.0))
    np.testing.assert_array_equal(parts(pushed)[0], 3.0 + W)
    np.testing.assert_array_equal(parts(pulled)[0], [3.0, 3.0])
    assert float(parts(pulled)[1]) == 3.0 + 6.0


def test_second_derivatives_go_through_containers() -> None:
    f = lambda s: grad(loss)({"w": W * s, "b": s})["b"]  # s ** 2 * 5

    assert float(derivative(f)(2.0)) == 20.0
    assert float(grad(f)(2.0)) == 20.0


def test_leaves_without_floats_get_none() -> None:
    x = {"w": W, "n": 2, "flag": True, "name": "a", "idx": np.array([0, 1]), "none": None, "object": object()}

    found = grad(lambda p: np.sum(p["w"][p["idx"]] ** p["n"]) if p["flag"] else p["w"][0])(x)

    np.testing.assert_array_equal(found["w"], 2 * W)
    assert [found[k] for k in x if k != "w"] == [None] * 6
    assert list(found) == list(x)


def test_leaves_that_are_not_used_get_zeros() -> None:
    found = grad(lambda p: p[0])((1.0, W))

    np.testing.assert_array_equal(found[1], np.zeros(2))


def test_an_empty_array_is_a_leaf() -> None:
    assert grad(lambda p: p["b"] + np.sum(p["w"]))({"w": np.zeros((0, 2)), "b": 1.0})["w"].shape == (0, 2)


@pytest.mark.parametrize("x", [3, np.int64(3), np.array(3)], ids=["int", "int64", "0-d"])
def test_a_lone_integer_counts_as_a_float(x: Any) -> None:
    assert float(grad(lambda x: x**2)(x)) == 6.0
    assert float(derivative(lambda x: x**2)(x)) == 6.0


def test_an_array_of_integers_is_refused_with_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"weights is an array of dtype int.*Write weights\.astype\(float\)"):
        grad(lambda weights: np.sum(weights**2))(np.arange(3))


@pytest.mark.parametrize("x", [True, "a", None, (), {"n": 1}, object()], ids=lambda x: type(x).__name__)
def test_an_argument_without_floats_is_refused(x: Any) -> None:
    with pytest.raises(TypeError, match="cannot be differentiated"):
        grad(lambda x: 1.0)(x)


def test_masked_arrays_and_matrices_are_refused() -> None:
    with pytest.raises(TypeError, match="mask"):
        grad(lambda x: np.sum(x))(np.ma.masked_array(W, [True, False]))


def test_the_same_array_at_two_places_gets_a_gradient_at_each() -> None:
    first, second = grad(lambda p: np.sum(p[0] * 2 + p[1] * 3))((W, W))

    np.testing.assert_array_equal(first, [2.0, 2.0])
    np.testing.assert_array_equal(second, [3.0, 3.0])


def test_the_value_keeps_its_container_in_aux() -> None:
    (_, aux), _ = value_and_grad(lambda p: (p.b, p), has_aux=True)(Frozen(W, 1.0))

    assert type(aux) is Frozen
    assert type(aux.w) is np.ndarray
