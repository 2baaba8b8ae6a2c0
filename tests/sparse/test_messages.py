"""Errors name the function that was called, not one that it is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from dualgrad import errors, extend, grad, sparse
from dualgrad._table.record import RECORDS

X = np.array([1.0, 2.0, 3.0])
JACOBIANS = ("jacobian", "value_and_jacobian", "plan_jacobian")
HESSIANS = ("hessian", "value_and_hessian", "value_grad_and_hessian", "plan_hessian")
ALL = (*JACOBIANS, *HESSIANS, "jacobian_sparsity", "hessian_sparsity")


def right(name: str) -> Callable[[Any], Any]:
    return np.sin if "jacobian" in name else np.sum


def wrong_calls() -> Iterator[tuple[str, str, tuple[Any, ...], dict[str, Any]]]:
    for name in ALL:
        f = right(name)
        yield name, "takes a function as its first argument; it got a dict", ({}, X), {}
        yield name, "takes one array; it got a list", (f, [1.0, 2.0]), {}
        yield name, "takes a real array", (f, X + 1j), {}
        if "jacobian" in name:
            yield name, "needs a function that returns one array of floats", (lambda x: [x, x], X), {}
        else:
            yield name, "needs a function with one real number as its result", (np.sin, X), {}
    for name in (*JACOBIANS, *HESSIANS):
        f = right(name)
        size = {"pattern": np.eye(4)}
        yield name, "takes a function as its first argument; it got a dict", ({}, X), {"pattern": np.eye(3)}
        yield name, "format is one of", (f, X), {"format": "dense"}
        yield name, "the pattern has 4 columns; x has 3 numbers", (f, X), size
        yield name, "a pattern is a matrix", (f, X), {"pattern": np.ones(3)}
    for name in JACOBIANS:
        yield name, "partition is one of", (np.sin, X), {"partition": "diagonals"}
    for name in HESSIANS:
        yield name, "the Hessian has shape (3, 3)", (np.sum, X), {"pattern": np.ones((2, 3))}
    for name in JACOBIANS[:2]:
        yield name, "needs a real function", (lambda x: x * 1j, X), {}
        yield name, "the pattern of the Jacobian does not hold", (np.cumsum, X), {"pattern": np.eye(3)}
        yield name, "the function returned 2 numbers here", (np.diff, X), {"pattern": np.eye(3)}
        for partition in ("rows", "columns"):
            ways = {"pattern": np.eye(3), "partition": partition}
            yield name, "needs a function that returns one array of floats", (lambda x: [x, x], X), ways
    for name in HESSIANS[:3]:
        wrong = {"pattern": np.eye(3)}
        yield name, "the pattern of the Hessian does not hold", (np.prod, X), wrong
        yield name, "needs a function with one real number as its result", (np.sin, X), wrong


@pytest.mark.parametrize(("name", "message", "args", "kwargs"), list(wrong_calls()))
def test_the_function_called_is_named(name: str, message: str, args: Any, kwargs: Any) -> None:
    with pytest.raises((TypeError, ValueError, errors.PatternError), match=rf"^sparse\.{name}:? {re.escape(message)}"):
        getattr(sparse, name)(*args, **kwargs)


@pytest.mark.parametrize("name", ["plan_jacobian", "plan_hessian"])
def test_a_plan_says_where_it_comes_from(name: str) -> None:
    plan = getattr(sparse, name)(right(name), X)
    title = rf"^A plan of sparse\.{name}"

    with pytest.raises(TypeError, match=f"{title} takes one array; it got a list"):
        plan([1.0, 2.0])
    with pytest.raises(ValueError, match=f"{title} is for arguments of shape"):
        plan(np.ones(4))
    with pytest.raises(ValueError, match=f"{title}: format is one of"):
        plan(X, format="dense")


@pytest.mark.parametrize("name", [*JACOBIANS[:2], *HESSIANS[:3]])
def test_values_of_another_transformation_are_refused_by_name(name: str) -> None:
    def f(p: Any) -> Any:
        return getattr(sparse, name)(lambda x: right(name)(p * x**2), X)

    with pytest.raises(TypeError, match=rf"^sparse\.{name} makes a matrix of plain numbers.*stop_gradient"):
        grad(f)(2.0)


@pytest.mark.filterwarnings("ignore::dualgrad.errors.BatchLoopWarning")
@pytest.mark.parametrize("name", ALL)
def test_the_warning_of_a_dense_pattern_names_the_function_called(name: str) -> None:
    @extend.overridable
    def mystery(x: Any) -> Any:
        return x * 1.0

    extend.handwritten(
        mystery,
        lambda tangents, ans, x: mystery(tangents[0]),
        lambda ct, wanted, ans, x: (mystery(ct),),
        keep=(),
        samples=extend.cases(extend.case(extend.A(3))),
    )
    try:
        with pytest.warns(errors.DensePatternWarning, match=f"^sparse\\.{name}: nothing is known") as caught:
            getattr(sparse, name)(lambda x: right(name)(mystery(x) ** 2), X)
    finally:
        del RECORDS[mystery]
    assert {w.filename for w in caught if w.category is errors.DensePatternWarning} == {__file__}
