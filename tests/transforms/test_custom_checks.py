"""`custom_jvp` and `custom_vjp`: rules that are not linear, and arguments left to their defaults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import custom_jvp, custom_vjp, derivative, grad, hessian, jacfwd, jacrev, jvp, vjp, vmap
from dualgrad.errors import RuleError
from dualgrad.testing import check_grads

X = np.array([0.5, 1.5])


def with_jvp(rule: Any) -> Any:
    @custom_jvp
    def sine(x: Any) -> Any:
        return np.sin(x)

    sine.defjvp(rule)
    return sine


def with_bwd(bwd: Any) -> Any:
    @custom_vjp
    def sine(x: Any) -> Any:
        return np.sin(x)

    sine.defvjp(lambda x: (np.sin(x), x), bwd)
    return sine


# ---- a rule that ignores what it is linear in ------------------------------------------------------


def test_a_jvp_rule_that_ignores_its_tangent_raises_in_reverse_mode() -> None:
    sine = with_jvp(lambda primals, tangents: (np.sin(primals[0]), np.cos(primals[0])))
    message = r"JVP rule of sine is linear in its tangents.*np\.cos\(primals\[0\]\) \* tangents\[0\]"

    calls: Any = (
        lambda: grad(sine)(0.5),
        lambda: vjp(sine, X)[1](X),
        lambda: jacrev(sine)(X),
        lambda: hessian(lambda x: np.sum(sine(x)))(X),
        lambda: grad(lambda x: np.sum(vmap(sine)(x)))(X),
        lambda: vmap(grad(sine))(X),
    )
    for call in calls:
        with pytest.raises(RuleError, match=message):
            call()


def test_a_bwd_that_ignores_its_cotangent_raises_in_forward_mode() -> None:
    sine = with_bwd(lambda x, ct: (np.cos(x),))
    message = r"bwd of sine is linear in its cotangents.*np\.cos\(x\) \* ct"

    calls: Any = (
        lambda: derivative(sine)(0.5),
        lambda: jvp(sine, (X,), (X,)),
        lambda: jacfwd(sine)(X),
        lambda: jvp(vmap(sine), (X,), (X,)),
        lambda: vmap(derivative(sine))(X),
    )
    for call in calls:
        with pytest.raises(RuleError, match=message):
            call()


def test_one_part_of_several_is_enough() -> None:
    f = custom_jvp(lambda x: {"a": x, "b": 2 * x})
    f.defjvp(lambda primals, tangents: ({"a": primals[0], "b": 2 * primals[0]}, {"a": tangents[0], "b": 2.0}))
    with pytest.raises(RuleError, match="does not depend"):
        grad(lambda x: f(x)["a"])(1.0)

    g = custom_vjp(lambda x, y: x + 2 * y)
    g.defvjp(lambda x, y: (x + 2 * y, None), lambda _, ct: (ct, 2.0))
    with pytest.raises(RuleError, match="does not depend"):
        derivative(lambda x: g(x, x))(1.0)


@pytest.mark.parametrize("zero", [0.0, None, np.float64(0.0), 0])
def test_zeros_may_be_constant(zero: Any) -> None:
    f = with_jvp(lambda primals, tangents: (np.sin(primals[0]), zero))
    g = with_bwd(lambda x, ct: (zero,))

    for d in (grad, derivative):
        assert float(d(f)(0.5)) == 0.0
        assert float(d(g)(0.5)) == 0.0


def test_zeros_may_be_constant_in_arrays_and_batches() -> None:
    f = with_jvp(lambda primals, tangents: (np.sin(primals[0]), np.zeros_like(primals[0])))
    g = with_bwd(lambda x, ct: (np.zeros_like(x),))

    for h in (f, g):
        np.testing.assert_array_equal(jacrev(h)(X), np.zeros((2, 2)))
        np.testing.assert_array_equal(jacfwd(h)(X), np.zeros((2, 2)))
        np.testing.assert_array_equal(vmap(grad(h))(X), np.zeros(2))
        np.testing.assert_array_equal(vmap(derivative(h))(X), np.zeros(2))


def test_a_result_without_floats_has_nothing_to_be_linear_in() -> None:
    f = custom_vjp(lambda x: {"n": int(x > 1), "y": 2 * x})
    f.defvjp(lambda x: (f(x), x), lambda x, ct: (2 * ct["y"] if ct["n"] is None else x,))
    rounded = custom_vjp(lambda x: np.floor(x).astype(int))
    rounded.defvjp(lambda x: (rounded(x), x), lambda x, ct: (x,))

    assert float(derivative(lambda x: f(x)["y"])(3.0)) == 2.0
    assert float(derivative(lambda x: x * rounded(x))(3.5)) == 3.0
    assert float(derivative(derivative(lambda x: x**2 * rounded(x)))(3.5)) == 6.0


# ---- defaults --------------------------------------------------------------------------------------


def power_by_jvp() -> Any:
    @custom_jvp
    def power(x: Any, k: Any = 2.0) -> Any:
        return x**k

    @power.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (x, k), (tx, tk) = primals, tangents
        return power(x, k), k * x ** (k - 1) * tx + np.log(x) * x**k * tk

    return power


def power_by_vjp() -> Any:
    @custom_vjp
    def power(x: Any, k: Any = 2.0) -> Any:
        return x**k

    power.defvjp(
        lambda x, k: (x**k, (x, k)),
        lambda kept, ct: (
            kept[1] * kept[0] ** (kept[1] - 1) * ct,
            np.sum(np.log(kept[0]) * kept[0] ** kept[1] * ct),
        ),
    )
    return power


@pytest.mark.parametrize("make", [power_by_jvp, power_by_vjp])
def test_a_default_left_out_counts_as_an_argument(make: Any) -> None:
    power = make()

    for d in (grad, derivative):
        assert float(d(power)(3.0)) == pytest.approx(6.0)
        assert float(d(lambda x: power(x=x))(3.0)) == pytest.approx(6.0)
        assert float(d(lambda x: power(x, k=3.0))(3.0)) == pytest.approx(27.0)
        assert float(d(lambda k: power(3.0, k))(2.0)) == pytest.approx(9 * np.log(3.0))
    np.testing.assert_allclose(vmap(power)(X), X**2)
    np.testing.assert_allclose(vmap(grad(power))(X), 2 * X)
    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(power)(x)))(X), 2 * X)
    check_grads(power, (X,), order=2)
    check_grads(power, (X, 1.5), order=2)


def test_a_default_that_is_no_float_passes_through() -> None:
    f = custom_jvp(lambda x, n=3, name="cube": x**n)

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (x, n, name), (t, tn, tname) = primals, tangents
        assert (name, tn, tname) == ("cube", None, None)
        return f(x, n), n * x ** (n - 1) * t

    assert float(grad(f)(2.0)) == float(derivative(f)(2.0)) == 12.0
    assert float(grad(f)(2.0, 2)) == 4.0


def test_too_few_arguments_are_pythons_error() -> None:
    f: Any = custom_jvp(lambda x, y, k=2.0: x * y * k)
    f.defjvp(lambda primals, tangents: (f(*primals), tangents[0]))

    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        f(1.0)


def test_functions_whose_signature_is_not_theirs() -> None:
    sine: Any = custom_jvp(np.sin)
    sine.defjvp(lambda primals, tangents: (np.sin(primals[0]), np.cos(primals[0]) * tangents[0]))
    largest = custom_jvp(max)
    largest.defjvp(lambda primals, tangents: (max(*primals), tangents[0]))

    assert float(grad(sine)(0.5)) == np.cos(0.5)
    assert float(grad(largest)(2.0, 1.0)) == 1.0
