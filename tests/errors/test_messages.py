"""What errors say: what happened, why, and what to write instead."""

from __future__ import annotations

import inspect
import math
import pydoc
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaln

from dualgrad import custom_jvp, custom_vjp, grad, jacfwd, jvp, vjp
from dualgrad.errors import ConversionError, LeakedValueError, NoRuleError, NotScalarError, RuleError, TreeError

X = np.array([1.0, 2.0])
MODES = {"fwd": jacfwd, "rev": grad}
each_mode = pytest.mark.parametrize("d", MODES.values(), ids=MODES)


@each_mode
def test_a_value_kept_after_its_transformation_says_so(d: Any) -> None:
    kept = []

    def f(x: Any) -> Any:
        kept.append(x * 2)
        return np.sum(x)

    d(f)(X)
    for use in (np.sin, lambda y: y + 1, lambda y: y[0], np.sum):
        with pytest.raises(LeakedValueError, match=r"had ended.*has_aux=True"):
            use(kept[0])


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x, r"shape \(2,\).*jacobian"),
        (lambda x: np.argmax(x) > 0, r"bool.*carries no derivative|returned a bool"),
        (lambda x: np.array([1, 2]), r"array of dtype int.*carries no derivative"),
        (lambda x: None, "None.*without a return"),
        (lambda x: (x[0], x[1]), "tuple of 2 values.*has_aux=True"),
        (lambda x: [x[0], x[1]], "list of 2 values"),
        (lambda x: "a", "a str.*Return a float"),
        (lambda x: {"loss": x[0], "other": x[1]}, "a dict"),
        (lambda x: x[0] + 1j, "complex one.*np.real"),
    ],
)
def test_a_result_that_is_no_number_is_described(f: Any, message: str) -> None:
    with pytest.raises(NotScalarError, match=message):
        grad(f)(X)


@each_mode
def test_a_function_without_a_rule_is_named_with_its_argument(d: Any) -> None:
    with pytest.raises(NoRuleError, match=r"gammaln.*of shape \(2,\) is being differentiated") as caught:
        d(lambda x: np.sum(gammaln(x)))(X)
    for name in re.findall(r"help\((.*?)\)", str(caught.value)):
        assert inspect.getdoc(pydoc.locate(name)), f"{name} is not there, or says nothing"
    for page in re.findall(r"docs/\S+\.md", str(caught.value)):
        assert (Path(__file__).parents[2] / page).exists()


@each_mode
@pytest.mark.parametrize(
    ("convert", "message"),
    [
        (float, "float"),
        (int, r"^int\(x\) would.*int\(stop_gradient\(x\)\)"),
        (complex, "^complex.*np.exp for cmath.exp"),
        (lambda x: x.item(), r"^x\.item\(\) would.*Use x as it is"),
        (lambda x: "%f" % x, r"'%f' % x.*f'\{x:\.3f\}'"),  # noqa: UP031 - it is what is tested
        (lambda x: np.arange(0, x), r"np\.arange"),
        (lambda x: quad(lambda s: s * x, 0, 1)[0], r"scipy\.integrate\.quad"),
        (math.sin, r"math\.f\(x\).*np\.sin for math\.sin"),
        (lambda x: np.zeros(2).__setitem__(0, x), r"buffer\[i\] = x"),
    ],
    ids=["float", "int", "complex", "item", "percent", "arange", "quad", "math", "buffer"],
)
def test_a_conversion_that_loses_the_derivative_is_refused(d: Any, convert: Any, message: str) -> None:
    with pytest.raises((ConversionError, TypeError, ValueError)) as caught:
        d(convert)(2.0)
    # NumPy wraps the error of an element in one of its own.
    error = caught.value if isinstance(caught.value, ConversionError) else caught.value.__cause__
    assert isinstance(error, ConversionError)
    with pytest.raises(ConversionError, match=message):
        raise error


@each_mode
def test_a_value_being_differentiated_is_no_index(d: Any) -> None:
    with pytest.raises(TypeError, match="no integer"):
        d(lambda x: [1.0, 2.0][x])(1.0)


class Unregistered:
    def __init__(self, a: Any) -> None:
        self.a = a


@pytest.mark.parametrize("argument", [Unregistered(2.0), [Unregistered(2.0), "a"], {"p": Unregistered(2.0)}])
def test_a_class_that_is_no_container_is_told_to_register(argument: Any) -> None:
    for use in (grad(lambda p: 1.0), jacfwd(lambda p: 1.0), lambda p: vjp(lambda p: 1.0, p)):
        with pytest.raises(TypeError, match=r"Unregistered is a single leaf.*dualgrad\.tree\.register"):
            use(argument)


@pytest.mark.parametrize("argument", ["a", None, [1, 2], np.arange(3), len])
def test_what_has_no_floats_is_not_told_to_register(argument: Any) -> None:
    with pytest.raises(TypeError, match="cannot be differentiated") as caught:
        grad(lambda p: 1.0)(argument)
    assert "register" not in str(caught.value)


def test_beside_floats_an_unregistered_class_has_no_gradient() -> None:
    found = grad(lambda p: p["settings"].a * p["x"])({"settings": Unregistered(2.0), "x": 3.0})

    assert found == {"settings": None, "x": 2.0}


def test_a_wrong_tree_is_named_by_its_path() -> None:
    f = lambda p: p["w"][0] * p["b"]
    with pytest.raises(TreeError, match=r"\['w'\]"):
        jvp(f, ({"w": [1.0, 2.0], "b": 1.0},), ({"w": (1.0,), "b": 1.0},))
    with pytest.raises(ValueError, match=r"\['w'\].*shape \(3,\).*shape \(2,\)"):
        jvp(lambda p: p["w"], ({"w": X},), ({"w": np.ones(3)},))
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        vjp(lambda x: x, X)[1](np.ones(3))


@pytest.mark.parametrize("rule", [lambda p, t: t[0], lambda p, t: (p[0], t[0][:1]), lambda p, t: (p[0], (t[0],))])
@each_mode
def test_a_wrong_jvp_rule_is_named(rule: Any, d: Any) -> None:
    @custom_jvp
    def mine(x: Any) -> Any:
        return x

    mine.defjvp(rule)
    with pytest.raises(RuleError, match="JVP rule of mine"):
        d(lambda x: np.sum(mine(x)))(X)


@pytest.mark.parametrize("bwd", [lambda r, ct: ct, lambda r, ct: (ct, ct), lambda r, ct: (ct[:1],), lambda r, ct: None])
@each_mode
def test_a_wrong_vjp_rule_is_named(bwd: Any, d: Any) -> None:
    @custom_vjp
    def mine(x: Any) -> Any:
        return x

    mine.defvjp(lambda x: (x, None), bwd)
    with pytest.raises(RuleError, match="rule bwd of mine"):
        d(lambda x: np.sum(mine(x)))(X)


def test_a_wrong_fwd_is_named() -> None:
    mine = custom_vjp(lambda x: x)
    mine.defvjp(lambda x: x, lambda r, ct: (ct,))
    with pytest.raises(RuleError, match="pair"):
        grad(mine)(1.0)
