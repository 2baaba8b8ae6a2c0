"""Custom functions of arguments that are no arrays: taken apart, or refused, never overlooked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dualgrad import custom_jvp, custom_vjp, grad, jacfwd, jvp, vmap
from dualgrad.errors import ConversionError

X = np.array([[3.0, 5.0], [1.0, 2.0]])


@custom_vjp
def product(a: Any) -> Any:
    return a[0] * a[1]


product.defvjp(lambda a: (a[0] * a[1], a), lambda a, ct: (np.stack([a[1] * ct, a[0] * ct]),))


@custom_jvp
def pushed_product(a: Any) -> Any:
    return a[0] * a[1]


pushed_product.defjvp(lambda p, t: (pushed_product(*p), p[0][0] * t[0][1] + p[0][1] * t[0][0]))


@pytest.mark.parametrize("f", [product, pushed_product])
def test_arrays_of_objects_are_gathered_in_batches_too(f: Any) -> None:
    def of_objects(x: Any) -> Any:
        return f(np.array([x[0], x[1]]))

    expected = X[:, ::-1]
    np.testing.assert_array_equal(grad(of_objects)(X[0]), expected[0])
    np.testing.assert_array_equal(vmap(grad(of_objects))(X), expected)
    np.testing.assert_array_equal(grad(lambda x: np.sum(vmap(of_objects)(x)))(X), expected)
    np.testing.assert_array_equal(jvp(vmap(of_objects), (X,), (np.ones_like(X),))[1], np.sum(X, axis=1))
    np.testing.assert_array_equal(vmap(of_objects)(X), np.prod(X, axis=1))
    nested = vmap(vmap(of_objects))
    np.testing.assert_array_equal(grad(lambda x: np.sum(nested(x)))(np.stack([X, X])), [expected, expected])


class Row(list[Any]):
    pass


class Model:
    def __init__(self, values: Any) -> None:
        self.values = values

    def __getitem__(self, k: int) -> Any:
        return self.values[k]


HIDING: dict[str, tuple[Callable[[Any], Any], str]] = {
    "list": (Row, r"Pass a plain list, list\(x\)"),
    "object": (Model, r"Pass what it holds \(x.values\), make it a dataclass, or register"),
    "deque": (deque, r"list\(x\)"),
    "iterator": (iter, r"list\(x\)"),
    "namespace": (lambda x: SimpleNamespace(a=[*x]), r"x\.a"),
}


@pytest.mark.parametrize(("hide", "message"), HIDING.values(), ids=HIDING)
@pytest.mark.parametrize("f", [product, pushed_product])
def test_arguments_that_hide_a_value_are_refused(f: Any, hide: Callable[[Any], Any], message: str) -> None:
    for transform, x in ((grad, X[0]), (jacfwd, X[0]), (lambda g: vmap(grad(g)), X)):
        with pytest.raises(TypeError, match=f"product has rules of its own.*{message}"):
            transform(lambda x: f(hide([x[0], x[1]])))(x)


def test_arguments_that_hide_a_batch_that_nothing_differentiates_are_values() -> None:
    np.testing.assert_array_equal(vmap(lambda x: product(Row([x[0], x[1]])))(X), np.prod(X, axis=1))
    np.testing.assert_array_equal(vmap(lambda x: product(Model(x)))(X), np.prod(X, axis=1))


def test_what_a_mask_selects_in_a_batch_is_refused() -> None:
    def f(x: Any) -> Any:
        return np.sum(x) + 0 * product(x[x > 1])

    with pytest.raises(ConversionError, match=r"x\[mask\] under vmap"):
        vmap(grad(f))(X)


def test_a_result_that_cannot_be_looked_into_is_refused() -> None:
    @custom_vjp
    def in_a_row(x: Any) -> Any:
        return Row([x, x])

    in_a_row.defvjp(lambda x: (Row([x, x]), None), lambda kept, ct: (ct[0] + ct[1],))

    with pytest.raises(TypeError, match="returned a Row, in which dualgrad cannot look"):
        grad(lambda x: in_a_row(x)[0])(3.0)
