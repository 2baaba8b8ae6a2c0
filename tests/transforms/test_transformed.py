"""What transformations return: text, pickles, copies, signatures and docstrings of functions made of functions, and their use as methods."""

from __future__ import annotations

import copy
import inspect
import multiprocessing
import pickle
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dualgrad
from dualgrad import checkpoint, grad, hessian, jacobian, multigrad, vmap
from tests.arrays.optional import optional
from tests.test_public_api import run

# What takes no function alone, or returns none; custom functions are a class of their own.
OTHERS = {
    "Program",
    "custom_jvp",
    "custom_vjp",
    "ggnvp",
    "hessian_operator",
    "hvp",
    "jacobian_operator",
    "jvp",
    "keep_memory",
    "linearize",
    "stop_gradient",
    "strict_nans",
    "taylor",
    "vjp",
}
GIVEN: dict[str, dict[str, Any]] = {"grad_named": {"argname": "x"}}
NAMES = [name for name in dualgrad.__all__ if callable(getattr(dualgrad, name)) and name not in OTHERS]
HERE = __name__
X = np.array([1.0, 2.0])

each = pytest.mark.parametrize("name", NAMES)
ways = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "pickle in Python": lambda x: pickle._loads(pickle._dumps(x, 2)),  # type: ignore[attr-defined]
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
each_way = pytest.mark.parametrize("through", ways.values(), ids=ways)


def cubed(x: Any, scale: float = 2.0) -> Any:
    """Return a multiple of the third power.

    Of a number:

        2 x^3
    """
    return scale * x**3


class Model:
    """A function with a factor, and its derivatives as methods."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.slope_at_hand = grad(self.loss)

    def loss(self, x: Any) -> Any:
        return self.factor * x**2

    slope = grad(loss, 1)

    @checkpoint
    def again(self, x: Any) -> Any:
        return self.factor * x

    def __call__(self, x: Any) -> Any:
        return self.loss(x)


@checkpoint
def decorated(x: Any) -> Any:
    return np.sin(x)


def made(name: str, f: Callable[..., Any] = cubed) -> Any:
    return getattr(dualgrad, name)(f, **GIVEN.get(name, {}))


def point(name: str) -> Any:
    return 1.5 + 1.0j if name == "holomorphic_grad" else X if name == "vmap" else 1.5


def answer(found: Any) -> str:
    return repr(found)


# ---- of all of them ------------------------------------------------------------------------------


@each
def test_it_prints_as_what_it_is(name: str) -> None:
    by = " by x" if {"argnums", "argname"} & set(inspect.signature(getattr(dualgrad, name)).parameters) else ""

    assert repr(made(name)) == f"<{name} of {HERE}.cubed{by}>"
    assert repr(made(name, vmap(cubed))) == f"<{name} of <vmap of {HERE}.cubed>{by}>"


@each
@each_way
def test_it_goes_through_pickles_and_copies(name: str, through: Any) -> None:
    g = made(name)
    back = through(g)

    assert type(back) is type(g)
    assert repr(back) == repr(g)
    assert answer(back(point(name))) == answer(g(point(name)))


@each
def test_it_has_the_name_the_signature_and_the_docstring_of_the_function(name: str) -> None:
    g = made(name)

    assert (g.__name__, g.__qualname__, g.__module__) == ("cubed", "cubed", HERE)
    assert g.__wrapped__ is cubed
    assert inspect.signature(g) == inspect.signature(cubed)
    first, _, rest = inspect.getdoc(g).partition("\n\n")  # type: ignore[union-attr]
    assert first == f"{repr(g)[1:-1]}, a function made by dualgrad."
    assert rest == inspect.getdoc(cubed)


@each
def test_it_is_a_method_of_a_class_as_functions_are(name: str) -> None:
    g, x = made(name), point(name)
    kind: Any = type("Holder", (), {"f": g})
    h = kind()
    bound = g.__get__(x, type(x))

    assert answer(bound()) == answer(g(x))
    assert kind.f is g
    assert str(inspect.signature(h.f)).startswith("(scale: ")
    assert (h.f.__self__ is h, h.f.__func__ is g, h.f.__name__) == (True, True, "cubed")
    assert h.f == h.f
    assert {h.f: 1}[h.f] == 1
    assert h.f not in (g, kind().f)
    assert inspect.getdoc(h.f) == inspect.getdoc(g)


# ---- text ----------------------------------------------------------------------------------------


def test_the_text_names_arguments_and_options() -> None:
    of = f"of {HERE}.cubed"

    assert repr(grad(cubed, 1)) == f"<grad {of} by scale>"
    assert repr(grad(cubed, (1, 0))) == f"<grad {of} by scale and x>"
    assert repr(grad(cubed, -1)) == f"<grad {of} by argument -1>"
    assert repr(grad(cubed, 3)) == f"<grad {of} by argument 3>"
    assert repr(grad(cubed, argnames="scale", has_aux=True)) == f"<grad {of} by scale, has_aux=True>"
    assert repr(multigrad(cubed, (0, 1))) == f"<multigrad {of} by x and scale>"
    assert repr(jacobian(cubed, chunk_size=3)) == f"<jacobian {of} by x, chunk_size=3>"
    assert repr(vmap(cubed, in_axes=(0, None))) == f"<vmap {of}, in_axes=(0, None)>"
    assert repr(hessian(grad(cubed))) == f"<hessian of <grad {of} by x> by x>"
    assert repr(grad(lambda *xs: xs[0])).endswith("<lambda>>")
    assert repr(vmap(np.sum)) == "<vmap of numpy.sum>"
    assert repr(vmap(abs)) == "<vmap of abs>"
    assert repr(grad(partial(cubed, scale=1.0))) == f"<grad of a partial {of} by x>"
    assert repr(grad(Model(1.0))) == f"<grad of a {HERE}.Model by x>"
    assert repr(Model(1.0).slope_at_hand) == f"<grad of {HERE}.Model.loss by x>"
    assert repr(Model(1.0).slope) == f"<bound grad of {HERE}.Model.loss by x, of a {HERE}.Model>"


def test_a_function_without_a_name_or_docstring_is_fine() -> None:
    g: Any = grad(partial(cubed, scale=1.0))

    assert g.__name__ == "grad"
    assert g.__doc__ == f"grad of a partial of {HERE}.cubed by x, a function made by dualgrad."
    assert inspect.getdoc(type(g)) == type(g).__doc__
    assert float(g(1.0)) == 3.0


def test_what_is_set_on_the_function_is_on_what_is_made_of_it_and_the_other_way_round_is_not() -> None:
    f: Any = lambda x: x
    f.label = "f"
    g: Any = grad(f)
    assert g.label == "f"
    g.label, g.__doc__ = "g", "Mine."
    assert (f.label, g.label, g.__doc__) == ("f", "g", "Mine.")
    with pytest.raises(AttributeError):
        g.other  # noqa: B018
    assert weakref.ref(g)() is g


# ---- pickles and copies --------------------------------------------------------------------------


@each_way
def test_a_decorated_function_is_pickled_by_its_name(through: Any) -> None:
    assert through(decorated) is decorated
    assert through(Model.again) is Model.again


@each_way
def test_one_that_its_own_function_holds(through: Any) -> None:
    back = through(Model(3.0).slope_at_hand)
    model = through(Model(3.0))

    assert float(back(1.0)) == 6.0
    assert float(model.slope_at_hand(1.0)) == 6.0
    if through is not copy.copy:
        model.factor = 5.0
        assert float(model.slope_at_hand(1.0)) == 10.0, "the copy's gradient is that of the copy"


@each_way
def test_a_method_is_not_taken_for_the_function_it_was_made_of(through: Any) -> None:
    model = Model(3.0)

    assert float(through(model.slope)(1.0)) == 6.0
    assert float(through(model.again)(1.0)) == 3.0
    assert float(grad(through(model.slope))(1.0)) == 6.0


@each_way
def test_attributes_that_were_set_go_along(through: Any) -> None:
    g: Any = grad(cubed)
    g.label, g.__name__ = "mine", "slope"

    back = through(g)

    assert (back.label, back.__name__, back.__qualname__) == ("mine", "slope", "cubed")


def test_what_is_made_of_a_function_without_a_name_is_not_pickled() -> None:
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(grad(lambda x: x))


SCRIPT = """
import {pickler}
from dualgrad import checkpoint, grad

@checkpoint
@grad
def slope(x, scale=2.0):
    return scale * x**3

print({pickler}.dumps(slope).hex())
print(type({pickler}.loads({pickler}.dumps(slope))) is type(slope))
"""


def test_a_decorated_function_of_a_script_is_sent_by_value_where_scripts_are(tmp_path: Path) -> None:
    optional("cloudpickle")
    sent, is_same = run(SCRIPT.format(pickler="cloudpickle"), tmp_path).split()
    code = (
        f"import pickle; print(repr(pickle.loads(bytes.fromhex({sent!r}))), pickle.loads(bytes.fromhex({sent!r}))(1.0))"
    )

    assert is_same == "True"
    assert run(code, tmp_path) == "<checkpoint of <grad of __main__.slope by x>> 6.0"
    sent, is_same = run(SCRIPT.format(pickler="pickle"), tmp_path).split()
    assert is_same == "True"


def test_a_gradient_is_sent_to_other_processes() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: Any = pool.map(grad(np.linalg.norm), [np.array([3.0, 4.0]), np.array([0.0, 2.0])])

    np.testing.assert_allclose(found, [[0.6, 0.8], [0.0, 1.0]])
