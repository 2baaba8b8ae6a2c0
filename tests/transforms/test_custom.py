"""`custom_jvp` and `custom_vjp`: either rule alone serves both modes and all orders."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from dualgrad import custom_jvp, custom_vjp, derivative, grad, hessian, jacfwd, jacrev, jvp, value_and_grad, vjp
from dualgrad.errors import RuleError
from dualgrad.testing import check_grads

MODES: dict[str, Any] = {"derivative": derivative, "grad": grad}
PAIRS = list(itertools.product(MODES, MODES))
X = np.array([0.5, 1.5])


def by_jvp() -> Any:
    @custom_jvp
    def cube(x: Any) -> Any:
        return x**3

    @cube.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        return cube(x), 3 * x**2 * t

    return cube


def by_vjp() -> Any:
    @custom_vjp
    def cube(x: Any) -> Any:
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, ct: (3 * x**2 * ct,))
    return cube


def by_both() -> Any:
    cube = by_jvp()
    cube.defvjp(lambda x: (x**3, x), lambda x, ct: (3 * x**2 * ct,))
    return cube


MAKERS = {"jvp": by_jvp, "vjp": by_vjp, "both": by_both}
each_rule = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@each_rule
@pytest.mark.parametrize("mode", MODES)
def test_the_first_derivative_is_the_rules(make: Any, mode: str) -> None:
    assert float(MODES[mode](make())(2.0)) == 12.0


@each_rule
@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_the_second_derivative_is_right_in_every_nesting(make: Any, outer: str, inner: str) -> None:
    assert float(MODES[outer](MODES[inner](make()))(2.0)) == pytest.approx(12.0)


@each_rule
@pytest.mark.parametrize("names", list(itertools.product(MODES, repeat=3)), ids="-".join)
def test_the_third_derivative_is_right_in_every_nesting(make: Any, names: tuple[str, ...]) -> None:
    f = make()
    for name in names:
        f = MODES[name](f)

    assert float(f(2.0)) == pytest.approx(6.0)


@each_rule
def test_arrays_and_all_checks(make: Any) -> None:
    check_grads(make(), (X,), order=2)
    np.testing.assert_allclose(hessian(lambda x: np.sum(make()(x)))(X), np.diag(6 * X))


@each_rule
def test_plain_values_run_the_function_itself(make: Any) -> None:
    assert make()(2.0) == 8.0
    assert make().__name__ == "cube"


def test_the_rule_is_what_counts_and_not_the_function() -> None:
    @custom_jvp
    def f(x: Any) -> Any:
        return x

    f.defjvp(lambda primals, tangents: (primals[0], 7.0 * tangents[0]))
    g = custom_vjp(lambda x: x)
    g.defvjp(lambda x: (x, None), lambda _, ct: (7.0 * ct,))

    for d in MODES.values():
        assert float(d(f)(1.0)) == 7.0
        assert float(d(g)(1.0)) == 7.0


def test_with_both_rules_each_mode_uses_its_own() -> None:
    @custom_jvp
    def f(x: Any) -> Any:
        return x

    f.defjvp(lambda primals, tangents: (primals[0], 2.0 * tangents[0]))
    f.defvjp(lambda x: (x, None), lambda _, ct: (3.0 * ct,))

    assert float(derivative(f)(1.0)) == 2.0
    assert float(grad(f)(1.0)) == 3.0


def trees_by_jvp() -> Any:
    @custom_jvp
    def f(p: Any, n: int, s: Any) -> Any:
        return {"y": p["w"] * p["b"] * s, "z": s**n}

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (p, n, s), (tp, tn, ts) = primals, tangents
        assert tn is None
        y = tp["w"] * p["b"] * s + p["w"] * tp["b"] * s + p["w"] * p["b"] * ts
        return f(p, n, s), {"y": y, "z": n * s ** (n - 1) * ts}

    return f


def trees_by_vjp() -> Any:
    @custom_vjp
    def f(p: Any, n: int, s: Any) -> Any:
        return {"y": p["w"] * p["b"] * s, "z": s**n}

    def bwd(kept: Any, ct: Any) -> Any:
        p, n, s = kept
        ds = np.sum(ct["y"] * p["w"] * p["b"]) + n * s ** (n - 1) * ct["z"]
        return {"w": ct["y"] * p["b"] * s, "b": np.sum(ct["y"] * p["w"] * s)}, None, ds

    f.defvjp(lambda p, n, s: (f(p, n, s), (p, n, s)), bwd)
    return f


@pytest.mark.parametrize("make", [trees_by_jvp, trees_by_vjp])
def test_several_arguments_with_trees(make: Any) -> None:
    f = make()

    check_grads(lambda w, b, s: f({"w": w, "b": b}, 3, s), (X, 2.0, 1.5), order=2)
    found = grad(lambda p, s: np.sum(f(p, 3, s)["y"]), (0, 1))({"w": X, "b": 2.0}, 1.5)
    np.testing.assert_allclose(found[0]["w"], [3.0, 3.0])
    assert float(found[0]["b"]) == 3.0
    assert float(found[1]) == 4.0


@pytest.mark.parametrize("make", [trees_by_jvp, trees_by_vjp])
def test_one_of_several_arguments_alone(make: Any) -> None:
    f = make()

    for d in MODES.values():
        assert float(d(lambda s: f({"w": X, "b": 2.0}, 3, s)["z"])(2.0)) == 12.0
        assert float(d(lambda s: f(p={"w": X, "b": 2.0}, s=s, n=3)["z"])(2.0)) == 12.0


def test_fwd_gives_the_value_and_bwd_its_residuals() -> None:
    seen = []

    @custom_vjp
    def f(x: Any) -> Any:
        return np.exp(x)

    def fwd(x: Any) -> Any:
        y = np.exp(x)
        return y, {"y": y, "note": "kept"}

    def bwd(residuals: Any, ct: Any) -> Any:
        seen.append(residuals["note"])
        return (ct * residuals["y"],)

    f.defvjp(fwd, bwd)
    value, found = value_and_grad(f)(1.0)

    assert float(value) == float(found) == pytest.approx(np.e)
    assert seen == ["kept"]


@each_rule
def test_gradients_pass_through_functions_around_it(make: Any) -> None:
    cube = make()
    f = lambda x: np.sum(np.sin(cube(2 * x)) * x)

    expected = np.sin(8 * X**3) + X * np.cos(8 * X**3) * 24 * X**2
    np.testing.assert_allclose(grad(f)(X), expected)
    np.testing.assert_allclose(jvp(f, (X,), (np.ones(2),))[1], expected.sum())


@each_rule
def test_jacobians_of_it(make: Any) -> None:
    for d in (jacfwd, jacrev):
        np.testing.assert_allclose(d(make())(X), np.diag(3 * X**2))


def test_a_closure_over_plain_values_is_fine() -> None:
    a = 3.0
    f = custom_jvp(lambda x: a * x)
    f.defjvp(lambda primals, tangents: (a * primals[0], a * tangents[0]))

    assert float(grad(f)(1.0)) == 3.0


def test_a_residual_returned_as_cotangent_is_copied() -> None:
    kept = np.array([1.0, 2.0])
    f = custom_vjp(lambda x: np.sum(kept * x))
    f.defvjp(lambda x: (np.sum(kept * x), kept), lambda residuals, ct: (residuals,))

    found = grad(f)(X)
    found += 100.0

    np.testing.assert_array_equal(kept, [1.0, 2.0])
    np.testing.assert_array_equal(grad(f)(X), [1.0, 2.0])


def test_a_cotangent_returned_as_it_came_is_copied() -> None:
    f = custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x, None), lambda _, ct: (ct,))
    ct = np.ones(2)

    (pulled,) = vjp(f, X)[1](ct)
    pulled += 1.0

    np.testing.assert_array_equal(ct, [1.0, 1.0])


def test_none_as_cotangent_is_zero() -> None:
    f = custom_vjp(lambda x, y: x)
    f.defvjp(lambda x, y: (x, None), lambda _, ct: (ct, None))

    assert [float(g) for g in grad(f, (0, 1))(1.0, 2.0)] == [1.0, 0.0]


def test_without_a_rule_differentiating_raises_and_calling_does_not() -> None:
    @custom_jvp
    def bare(x: Any) -> Any:
        return x

    assert bare(1.0) == 1.0
    with pytest.raises(RuleError, match="bare has no rule"):
        grad(bare)(1.0)


def test_keyword_only_arguments_are_refused() -> None:
    @custom_jvp
    def f(x: Any, *, n: int = 2) -> Any:
        return x**n

    f.defjvp(lambda primals, tangents: (primals[0], tangents[0]))
    with pytest.raises(TypeError, match="keyword-only"):
        grad(lambda x: f(x, n=3))(1.0)
