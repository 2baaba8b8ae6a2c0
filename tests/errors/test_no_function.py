"""Whatever takes a function says so when it gets something else: its own name, what it got, and how it is called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import dualgrad
from dualgrad import custom_jvp, custom_vjp, extend, sparse, testing, tree

X = np.array([1.0, 2.0])

# How the other arguments look where there are any that must be given. Everything else is called with what is no function alone.
OTHERS: dict[str, tuple[Any, ...]] = {
    "ggnvp": (np.sum, (X,), (X,)),
    "grad_named": ("x",),
    "hessian_operator": (X,),
    "hvp": ((X,), (X,)),
    "jacobian_operator": (X,),
    "jvp": ((X,), (X,)),
    "linearize": (X,),
    "taylor": (X, X, 2),
    "vjp": (X,),
}
TAKE_NO_FUNCTION = {"Program", "keep_memory", "stop_gradient", "strict_nans"}
WORDS: dict[str, Callable[[Any], Any]] = {
    "bilinear": lambda f: extend.bilinear(f, np.add, np.add, samples=extend.cases()),
    "composite": lambda f: extend.composite(f, np.add, samples=extend.cases()),
    "constant": extend.constant,
    "elementwise": lambda f: extend.elementwise(f, np.add, samples=extend.cases()),
    "handwritten": lambda f: extend.handwritten(f, np.add, np.add, samples=extend.cases(), keep=()),
    "linear": lambda f: extend.linear(f, np.add, samples=extend.cases()),
    "metadata": extend.metadata,
    "overridable": extend.overridable,
    "refused": lambda f: extend.refused("It has no derivative.", f),
    "structural": lambda f: extend.structural(f, np.add, samples=extend.cases()),
}
ARE_NO_WORDS = {"cases", "records", "unknown"}

no_functions = pytest.mark.parametrize(
    ("given", "kind"), [({"w": 1.0}, "dict"), (X, "ndarray"), (3.0, "float"), (None, "NoneType")]
)


def transformations() -> Iterator[str]:
    for name in dualgrad.__all__:
        if callable(getattr(dualgrad, name)) and name not in TAKE_NO_FUNCTION:
            yield name


@no_functions
@pytest.mark.parametrize("name", list(transformations()))
def test_a_transformation_names_itself_and_its_call(name: str, given: Any, kind: str) -> None:
    message = (
        rf"^{name} takes a function as its first argument; it got a {kind}, which cannot be called\. Write @?{name}\("
    )
    with pytest.raises(TypeError, match=message):
        getattr(dualgrad, name)(given, *OTHERS.get(name, ()))


@no_functions
@pytest.mark.parametrize("name", [name for name in sparse.__all__ if name.islower()])
def test_a_sparse_transformation_says_so(name: str, given: Any, kind: str) -> None:
    with pytest.raises(TypeError, match=rf"takes a function as its first argument; it got a {kind}"):
        getattr(sparse, name)(given, X)


@no_functions
@pytest.mark.parametrize("name", WORDS)
def test_a_word_for_rules_names_itself(name: str, given: Any, kind: str) -> None:
    with pytest.raises(TypeError, match=rf"^extend\.{name} takes a function as its .*argument; it got a {kind}.*Write"):
        WORDS[name](given)


def test_every_word_for_rules_is_asked() -> None:
    functions = {name for name in extend.__all__ if inspect.isfunction(getattr(extend, name))}

    assert set(WORDS) == functions - ARE_NO_WORDS


def rules() -> Iterator[tuple[Callable[[], Any], str]]:
    def twice(x: Any) -> Any:
        return 2 * x

    no: Any = {}
    samples = extend.cases()
    yield (lambda: extend.elementwise(twice, no, samples=samples), "extend.elementwise takes a function as its formula")
    yield (lambda: extend.linear(twice, no, samples=samples), "takes a function as its argument transpose")
    yield (lambda: extend.structural(twice, no, samples=samples), "argument undo; it got a dict")
    yield (lambda: extend.bilinear(twice, np.add, no, samples=samples), "argument right; it got a dict")
    yield (lambda: extend.handwritten(twice, no, twice, samples=samples, keep=()), "argument jvp; it got a dict")
    yield (lambda: extend.composite(twice, no, samples=samples), "second argument; it got a dict")
    yield (lambda: extend.refused(no, twice), "takes the reason, a str, as its first argument; it got a dict")
    yield (lambda: dualgrad.ggnvp(np.sin, no, (X,), (X,)), "ggnvp takes a function as its second argument")
    yield (lambda: custom_jvp(twice).defjvp(no), "twice.defjvp takes a function as its first argument")
    yield (lambda: custom_vjp(twice).defvjp(no, twice), "twice.defvjp takes a function as its first argument")
    yield (lambda: custom_vjp(twice).defvjp(twice, no), "twice.defvjp takes a function as its second argument")
    yield (lambda: testing.check_grads(no, (X,)), "check_grads takes a function as its first argument; it got a dict")
    yield (lambda: tree.map(no, np.sin), "tree.map takes a function as its first argument; it got a dict")


@pytest.mark.parametrize(("call", "message"), list(rules()))
def test_a_rule_that_is_no_function_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        call()


@pytest.mark.parametrize("name", ["grad", "jacobian", "vmap"])
def test_a_value_in_the_place_of_a_function_is_told_from_wrong_argnums(name: str) -> None:
    with pytest.raises(
        TypeError, match=rf"{name} takes a function as its first argument; it got a ndarray.*Write {name}\(f\)\(x\)"
    ):
        getattr(dualgrad, name)(X, np.sin)


def test_errors_of_a_hessian_name_it() -> None:
    def f(x: Any) -> Any:
        return np.sum(x)

    name: Any = "x"
    for call, message in (
        (lambda: dualgrad.hessian(f, name), "hessian: argnums is an int, or a tuple of them; it is a str here"),
        (lambda: dualgrad.hessian(f, 3)(X), "hessian was told to differentiate argument 3 of f"),
        (
            lambda: dualgrad.hessian(f, has_aux=True)(X),
            "hessian with has_aux=True needs a function that returns a pair",
        ),
    ):
        with pytest.raises(TypeError, match=re.escape(message)):
            call()
