"""taylor with the other transformations, inside and outside, and with rules of users."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dualgrad import (
    checkpoint,
    custom_jvp,
    custom_vjp,
    derivative,
    extend,
    grad,
    hessian,
    jacfwd,
    jacobian,
    stop_gradient,
    taylor,
    vmap,
)
from dualgrad.errors import RuleError
from tests.series.beside import assert_as_nested
from tests.series.counting import applications

X, V = np.array([0.3, 0.8]), np.array([1.0, -0.5])


# ---- nesting ---------------------------------------------------------------------------------------


def f_of(x: Any) -> Any:
    return np.sum(np.sin(x[0] * x) * np.exp(x[1])) / (1 + x @ x)


def second(x: Any) -> Any:
    return taylor(f_of, x, V, 2)[2]


def curvature(x: Any) -> Any:
    return V @ hessian(f_of)(x) @ V / 2


def test_derivatives_of_coefficients() -> None:
    for d in (grad, jacfwd, jacobian, hessian):
        np.testing.assert_allclose(d(second)(X), d(curvature)(X), rtol=1e-10)
    np.testing.assert_allclose(grad(lambda v: taylor(f_of, X, v, 2)[2])(V), hessian(f_of)(X) @ V, rtol=1e-10)


def test_coefficients_of_derivatives() -> None:
    assert_as_nested(grad(f_of), X, V)
    assert_as_nested(hessian(f_of), X, V, 3)
    assert_as_nested(jacobian(lambda x: np.tanh(x) * x[0]), X, V, 3)
    assert_as_nested(grad(checkpoint(lambda x: np.sum(np.sin(x) ** 3))), X, V)


def test_expansions_of_expansions() -> None:
    # e**(x + s + t) = sum e**x s**i t**j / (i! j!).
    found = taylor(lambda x: taylor(np.exp, x, 1.0, 3)[3], 0.5, 1.0, 3)

    np.testing.assert_allclose(found, [np.exp(0.5) / 6 / math.factorial(k) for k in range(4)])
    mixed = taylor(lambda a: taylor(lambda t: np.sin(a * t), 0.0, 1.0, 5)[5], 2.0, 1.0, 5)
    np.testing.assert_allclose(mixed, [math.comb(5, k) * 2.0 ** (5 - k) / 120 for k in range(6)])


def test_an_inner_expansion_does_not_see_the_outer_one() -> None:
    assert taylor(lambda x: x * taylor(lambda y: x + y, 1.0, 1.0, 1)[1], 1.0, 1.0, 2) == (1.0, 1.0, 0.0)
    assert float(grad(lambda x: x * taylor(lambda y: x * y * y, x, 1.0, 2)[1])(2.0)) == 24.0
    assert taylor(lambda x: x * derivative(lambda y: x * y * y)(x), 2.0, 1.0, 3) == (16.0, 24.0, 12.0, 2.0)


def test_batches() -> None:
    xs = np.array([[0.3, 0.8], [1.0, 0.2], [-0.4, 0.1]])

    inside = vmap(lambda x: taylor(f_of, x, V, 3)[3])(xs)
    outside = taylor(vmap(f_of), xs, np.broadcast_to(V, (3, 2)), 3)[3]
    along = vmap(lambda v: taylor(f_of, X, v, 2)[2])(np.eye(2))

    np.testing.assert_allclose(inside, [taylor(f_of, x, V, 3)[3] for x in xs], rtol=1e-12)
    np.testing.assert_allclose(outside, inside, rtol=1e-12)
    np.testing.assert_allclose(2 * np.sum(along), np.trace(hessian(f_of)(X)), rtol=1e-12)


def test_stopped_values_are_constant() -> None:
    assert taylor(lambda x: x * stop_gradient(x), 3.0, 1.0, 2) == (9.0, 3.0, 0.0)


# ---- rules of users --------------------------------------------------------------------------------


@custom_jvp
def exponential(x: Any) -> Any:
    return np.exp(x)


@exponential.defjvp
def _exponential_rule(primals: Any, tangents: Any) -> Any:
    y = exponential(*primals)
    return y, tangents[0] * y


@custom_jvp
def chained(x: Any) -> Any:
    return np.exp(x)


@chained.defjvp
def _chained_rule(primals: Any, tangents: Any) -> Any:
    # A function of the answer itself, with a rule of its own.
    y = chained(*primals)
    return y, tangents[0] * exponential(np.log(y))


@custom_vjp
def sine(x: Any) -> Any:
    return np.sin(x)


sine.defvjp(lambda x: (np.sin(x), np.cos(x)), lambda cosine, ct: (ct * cosine,))


@custom_jvp
def mixture(x: Any, y: Any) -> Any:
    return x * np.sin(y), y


@mixture.defjvp
def _mixture_rule(primals: Any, tangents: Any) -> Any:
    (x, y), (tx, ty) = primals, tangents
    return mixture(x, y), (tx * sine(y) + exponential(np.log(x)) * np.cos(y) * ty, ty)


def test_custom_rules_give_all_coefficients() -> None:
    for custom, plain in (
        (exponential, np.exp),
        (chained, np.exp),
        (sine, np.sin),
        (lambda x: sine(exponential(x) * sine(x)), lambda x: np.sin(np.exp(x) * np.sin(x))),
        (lambda x: np.sum(mixture(x, x**2)), lambda x: np.sum(x * np.sin(x**2) + x**2)),
    ):
        for found, expected in zip(taylor(custom, X, V, 5), taylor(plain, X, V, 5), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.usefixtures("own_functions")
def test_functions_registered_with_extend_expand() -> None:
    @extend.overridable
    def twin(x: Any) -> Any:
        return np.exp(x)

    # The rule applies a function with a JVP of its own to the answer, of which only the value is known by then.
    extend.elementwise(
        twin, lambda t, ans: t * exponential(np.log(ans)), samples=extend.cases(extend.case(extend.A(2)))
    )

    for found, expected in zip(taylor(twin, X, V, 5), taylor(np.exp, X, V, 5), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.usefixtures("own_functions")
def test_what_a_record_says_of_its_function_makes_its_series_cheaper() -> None:
    def area_of(**said: Any) -> Any:
        @extend.overridable
        def area(x: Any, y: Any) -> Any:
            return 0.5 * (x * y)

        extend.elementwise(
            area,
            lambda t, y: 0.5 * (t * y),
            lambda t, x: 0.5 * (t * x),
            samples=extend.cases(extend.case(extend.A(2), extend.A(2))),
            **said,
        )
        return area

    silent, product = area_of(), area_of(facts=extend.Facts(product=True))
    for found, expected in zip(
        taylor(lambda x: product(x, np.sin(x)), X, V, 6), taylor(lambda x: silent(x, np.sin(x)), X, V, 6), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)

    def cost(f: Any) -> int:
        return applications(lambda x: f(x[0], x[1]), [X, X], [V, V], 6)

    assert cost(product) < cost(silent)


def test_a_custom_rule_that_reads_a_closure() -> None:
    def f(x: Any) -> Any:
        @custom_jvp
        def scaled(y: Any) -> Any:
            return x * y

        scaled.defjvp(lambda primals, tangents: (x * primals[0], x * tangents[0]))
        return scaled(x)

    assert [float(c) for c in taylor(f, 3.0, 1.0, 3)] == [9.0, 6.0, 1.0, 0.0]


def test_a_custom_rule_that_reads_a_value_in_an_object_is_an_error() -> None:
    def f(x: Any) -> Any:
        held = SimpleNamespace(x=x)

        @custom_jvp
        def scaled(y: Any) -> Any:
            return held.x * y

        scaled.defjvp(lambda primals, tangents: (held.x * primals[0], held.x * tangents[0]))
        return scaled(x)

    with pytest.raises(RuleError, match="Pass it as an argument"):
        taylor(f, 1.0, 1.0, 2)
