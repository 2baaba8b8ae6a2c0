"""Custom functions that close over values being differentiated."""

from __future__ import annotations

import functools
import itertools
import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dualgrad import (
    checkpoint,
    custom_jvp,
    custom_vjp,
    derivative,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    record,
    sparse,
    taylor,
    vmap,
)
from dualgrad.errors import BatchLoopWarning, RuleError
from dualgrad.testing import check_grads

MODES: dict[str, Any] = {"derivative": derivative, "grad": grad}
JACOBIANS: list[Any] = [jacfwd, jacrev]
X = np.array([0.5, 1.5])
P = np.array([0.7, -0.4, 1.2])


def wave(a: Any, word: str) -> Any:
    """Return x -> sin(a x), which closes over a."""
    f = custom_jvp(lambda x: np.sin(a * x))
    if word != "vjp":
        f.defjvp(lambda primals, tangents: (f(*primals), a * np.cos(a * primals[0]) * tangents[0]))
    if word != "jvp":
        f.defvjp(lambda x: (np.sin(a * x), x), lambda x, ct: (a * np.cos(a * x) * ct,))
    return f


def plain_wave(a: Any, word: str) -> Any:
    return lambda x: np.sin(a * x)


WORDS = ["jvp", "vjp", "both"]
each_word = pytest.mark.parametrize("word", WORDS)


def program(make: Callable[[Any, str], Any], word: str) -> Callable[[Any], Any]:
    return lambda p: np.sum(make(p[0] * p[1], word)(p * p[2]) * p) + make(p[2], word)(2.0)


@each_word
def test_all_derivatives_are_those_of_the_code_and_the_rule(word: str) -> None:
    f, plain = program(wave, word), program(plain_wave, word)

    check_grads(f, (P,), order=3)
    np.testing.assert_allclose(grad(f)(P), grad(plain)(P))
    np.testing.assert_allclose(hessian(f)(P), hessian(plain)(P))
    for outer, inner in itertools.product(JACOBIANS, JACOBIANS):
        np.testing.assert_allclose(outer(inner(f))(P), hessian(plain)(P))
    np.testing.assert_allclose(grad(checkpoint(f))(P), grad(plain)(P))
    np.testing.assert_allclose(linearize(f, P)[1](X[[0, 1, 0]]), grad(plain)(P) @ X[[0, 1, 0]])
    np.testing.assert_allclose(taylor(f, P, P, 4), taylor(plain, P, P, 4))
    np.testing.assert_allclose(record(grad(f))(P)(2 * P), grad(plain)(2 * P))


def over_a_batch(make: Callable[[Any, str], Any], word: str) -> Callable[[Any], Any]:
    """Return a function whose argument all members share, which close over a batch."""
    return lambda x: np.sum(vmap(lambda a: make(a, word)(x))(P) ** 2)


@each_word
def test_batches(word: str) -> None:
    f, plain = program(wave, word), program(plain_wave, word)
    batch = np.stack([P, 2 * P, P - 1])

    for run, expected in (
        (vmap(f), vmap(plain)),
        (vmap(grad(f)), vmap(grad(plain))),
        (vmap(hessian(f)), vmap(hessian(plain))),
        (grad(lambda s: np.sum(vmap(f)(s) ** 2)), grad(lambda s: np.sum(vmap(plain)(s) ** 2))),
        (vmap(lambda p: vmap(lambda x: wave(p[0], word)(x))(p)), vmap(lambda p: np.sin(p[0] * p))),
        (vmap(lambda p: vmap(lambda a: wave(a, word)(p))(p)), vmap(lambda p: np.sin(np.outer(p, p)))),
        (grad(over_a_batch(wave, word)), grad(over_a_batch(plain_wave, word))),
        (jacfwd(grad(over_a_batch(wave, word))), jacfwd(grad(over_a_batch(plain_wave, word)))),
    ):
        np.testing.assert_allclose(run(batch), expected(batch))


@each_word
@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(MODES, MODES)))
def test_a_value_of_a_transformation_further_in_or_out_than_the_arguments(word: str, outer: str, inner: str) -> None:
    expected = np.cos(0.7 * 1.3) - 0.7 * 1.3 * np.sin(0.7 * 1.3)

    further_in = MODES[outer](lambda x: MODES[inner](lambda a: wave(a, word)(x))(1.3))
    further_out = MODES[outer](lambda a: MODES[inner](lambda x: wave(a, word)(x))(0.7))

    assert float(further_in(0.7)) == pytest.approx(expected)
    assert float(further_out(1.3)) == pytest.approx(expected)


@each_word
def test_plain_arguments(word: str) -> None:
    for d in MODES.values():
        assert float(d(lambda a: wave(a, word)(0.7))(1.3)) == pytest.approx(0.7 * np.cos(0.7 * 1.3))


@pytest.mark.parametrize("mode", MODES)
def test_by_its_arguments_the_rule_counts_and_by_what_it_closes_over_the_code(mode: str) -> None:
    def f(a: Any) -> Any:
        by_jvp, by_vjp = custom_jvp(lambda x: a * x), custom_vjp(lambda x: a * x)
        by_jvp.defjvp(lambda primals, tangents: (by_jvp(*primals), 100.0 * a * tangents[0]))
        by_vjp.defvjp(lambda x: (a * x, None), lambda _, ct: (100.0 * a * ct,))
        return by_jvp(a) + by_vjp(a)

    assert float(MODES[mode](f)(2.0)) == 2 * (200.0 + 2.0)
    assert float(MODES[mode](MODES[mode](f))(2.0)) == 2 * (100.0 + 1.0)


def test_a_value_that_only_the_rule_reads() -> None:
    def f(a: Any) -> Any:
        @custom_vjp
        def scaled(x: Any) -> Any:
            return x

        scaled.defvjp(lambda x: (x, None), lambda _, ct: (a * ct,))
        return scaled(a) ** 2

    assert float(grad(f)(3.0)) == 18.0
    assert float(derivative(f)(3.0)) == 18.0
    assert float(grad(grad(f))(3.0)) == float(derivative(grad(f))(3.0)) == 2 * (3.0 * 3.0 + 3.0)


@dataclass
class Model:
    w: Any
    name: str

    def apply(self, x: Any) -> Any:
        return np.tanh(self.w * x)


def renamed(a: Any) -> Any:
    f = custom_vjp(lambda x: np.tanh(a * x))
    f.defvjp(lambda x: (f(x), f(x)), lambda y, ct: (a * (1 - y**2) * ct,))
    return lambda x: f(x)


def closing(a: Any) -> dict[str, Callable[[Any], Any]]:
    """Return functions x -> tanh(a x) that close over a in all ways there are."""

    def helper(x: Any, scale: Any = a) -> Any:
        return np.tanh(scale * x)

    def keyword(x: Any, *, scale: Any = a) -> Any:
        return np.tanh(scale * x)

    def even(x: Any, n: int) -> Any:
        return np.tanh(a * x) if n == 0 else odd(x, n - 1)

    def odd(x: Any, n: int) -> Any:
        return even(x, n - 1)

    trees = {"layers": [(a, "first")]}
    model = Model(a, "tanh")
    part = functools.partial(lambda b, x: np.tanh(b * x), a)
    numbers = np.array([a, 1.0])
    return {
        "cell": lambda x: np.tanh(a * x),
        "tree": lambda x: np.tanh(trees["layers"][0][0] * x),
        "default": lambda x: helper(x),
        "keyword": lambda x: keyword(x),
        "partial": part,
        "partial in a cell": lambda x: part(x),
        "method": model.apply,
        "object": lambda x: model.apply(x),
        "recursive": lambda x: even(x, 2),
        "made by grad": grad(lambda x: np.log(np.cosh(a * x)) / a),
        "made by derivative": lambda x: derivative(lambda y: np.log(np.cosh(a * y)))(x) / a,
        "made by vmap": lambda x: vmap(lambda y: np.tanh(a * y))(x * np.ones(1))[0],
        "made by checkpoint": checkpoint(lambda x: np.tanh(a * x)),
        "with a rule": renamed(a),
        "array of objects": lambda x: np.tanh(numbers[0] * x),
    }


@pytest.mark.parametrize("way", closing(1.0))
@pytest.mark.parametrize("mode", MODES)
def test_wherever_it_closes_over_them(way: str, mode: str) -> None:
    def f(a: Any) -> Any:
        g = custom_jvp(closing(a)[way])
        g.defjvp(lambda primals, tangents: (g(*primals), a * (1 - g(*primals) ** 2) * tangents[0]))
        return g(3 * a)

    expected = derivative(lambda a: np.tanh(3 * a**2))
    assert float(MODES[mode](f)(0.4)) == pytest.approx(float(expected(0.4)))
    assert float(MODES[mode](MODES[mode](f))(0.4)) == pytest.approx(float(derivative(expected)(0.4)))


@pytest.mark.parametrize("wrap", [lambda f: f, functools.partial], ids=["function", "partial"])
def test_functions_among_the_arguments_close_over_values_too(wrap: Any) -> None:
    @custom_jvp
    def applied(g: Any, x: Any) -> Any:
        return g(x)

    applied.defjvp(lambda primals, tangents: (applied(*primals), jvp(primals[0], primals[1:], tangents[1:])[1]))

    def f(p: Any) -> Any:
        return applied(wrap(lambda x: np.sin(p[0] * x)), p[1]) * p[2]

    check_grads(f, (P,), order=2)
    np.testing.assert_allclose(vmap(grad(f))(np.stack([P, P]))[1], grad(f)(P))


def test_a_linear_function_whose_kernel_is_differentiated() -> None:
    def f(k: Any) -> Any:
        @custom_jvp
        def smoothed(x: Any) -> Any:
            return np.convolve(x, k, "same")

        smoothed.defjvp(lambda primals, tangents: (smoothed(*primals), smoothed(*tangents)))
        return np.sum(smoothed(np.sin(k)) ** 2)

    check_grads(f, (P,), order=2)


def test_a_solver_with_parameters_closed_over() -> None:
    def loss(p: Any) -> Any:
        a = np.array([[2.0, 0.0], [0.0, 3.0]]) + np.outer(p[:2], p[:2])

        @custom_vjp
        def solve(b: Any) -> Any:
            x = np.zeros_like(b)
            for _ in range(200):
                x = x + 0.2 * (b - a @ x)
            return x

        solve.defvjp(lambda b: (solve(b), None), lambda _, ct: (np.linalg.solve(a.T, ct),))
        return np.sum(solve(p[1:]) ** 2)

    check_grads(loss, (P,), order=2)


def black_box(a: Any) -> Any:
    f = custom_jvp(lambda x: math.sin(a * x))
    f.defjvp(lambda primals, tangents: (f(*primals), a * np.cos(a * primals[0]) * tangents[0]))
    return f


@pytest.mark.filterwarnings("ignore::dualgrad.errors.BatchLoopWarning")
def test_code_that_does_not_run_on_them_is_an_error() -> None:
    runs: list[Callable[[], Any]] = [
        lambda: grad(lambda a: black_box(a)(a))(1.0),
        lambda: derivative(lambda a: black_box(a)(a))(1.0),
        lambda: hessian(lambda p: black_box(p[0])(p[1]))(X),
        lambda: vmap(grad(lambda a: black_box(a)(a)))(X),
        lambda: derivative(lambda x: derivative(lambda a: black_box(a)(x))(1.0))(1.0),
    ]
    for run in runs:
        with pytest.raises(RuleError, match=r"closes over a value being differentiated.*Pass it as an argument"):
            run()
    assert float(grad(lambda x: grad(black_box(2.0))(x))(1.0)) == pytest.approx(-4 * np.sin(2.0))
    # The levels of the arguments are further in.
    assert float(grad(lambda a: np.sin(a) + grad(wave(a, "jvp"))(1.0))(1.0)) == pytest.approx(
        2 * np.cos(1.0) - np.sin(1.0)
    )


def test_an_error_of_the_function_comes_out_as_it_is() -> None:
    def f(a: Any) -> Any:
        @custom_jvp
        def g(x: Any) -> Any:
            raise LookupError(f"{a} is too large")

        g.defjvp(lambda primals, tangents: (g(*primals), tangents[0]))
        return g(a)

    for d in MODES.values():
        with pytest.raises(LookupError, match="too large"):
            d(f)(1.0)


class Opaque:
    def __init__(self, a: Any) -> None:
        self.a = a


@each_word
@pytest.mark.parametrize("reads", ["all", "rule"])
@pytest.mark.parametrize("d", MODES.values(), ids=MODES)
def test_a_value_in_an_object_is_an_error(word: str, reads: str, d: Any) -> None:
    def f(a: Any) -> Any:
        held = Opaque(a)
        code: Any = (lambda x: held.a * x) if reads == "all" else (lambda x: x)
        g = custom_jvp(code)
        if word != "vjp":
            g.defjvp(lambda primals, tangents: (code(primals[0]), held.a * tangents[0]))
        if word != "jvp":
            g.defvjp(lambda x: (code(x), None), lambda _, ct: (held.a * ct,))
        return g(a)

    with pytest.raises(RuleError, match="Pass it as an argument"):
        d(f)(2.0)


def test_a_value_further_in_in_an_object_is_an_error() -> None:
    def f(x: Any) -> Any:
        def inner(a: Any) -> Any:
            held = Opaque(a)
            g = custom_vjp(lambda x: held.a * x)
            g.defvjp(lambda x: (held.a * x, None), lambda _, ct: (held.a * ct,))
            return g(x)

        return grad(inner)(2.0)

    for d in MODES.values():
        with pytest.raises(RuleError, match="Pass it as an argument"):
            d(f)(1.0)


def test_an_object_that_holds_one_and_is_read_for_something_else_is_fine() -> None:
    def f(a: Any) -> Any:
        held = Opaque(a)
        held.n = 3  # type: ignore[attr-defined]
        g = custom_jvp(lambda x: held.n * x)  # type: ignore[attr-defined]
        g.defjvp(lambda primals, tangents: (g(*primals), held.n * tangents[0]))  # type: ignore[attr-defined]
        return g(a)

    assert float(grad(f)(2.0)) == 3.0


def test_a_rule_that_forgets_the_tangent_is_seen_here_too() -> None:
    def f(a: Any) -> Any:
        g = custom_jvp(lambda x: a * x)
        g.defjvp(lambda primals, tangents: (a * primals[0], a))
        return g(a)

    with pytest.raises(RuleError, match="linear in its tangents"):
        grad(f)(2.0)


def test_wrong_counts_are_those_of_the_users_rule() -> None:
    def f(a: Any) -> Any:
        g = custom_vjp(lambda x: a * x)
        g.defvjp(lambda x: (a * x, None), lambda _, ct: (a * ct, ct))
        return g(a)

    with pytest.raises(RuleError, match=r"one cotangent per argument \(1\); it returned 2 values"):
        grad(f)(2.0)


def test_what_is_not_replaced_stays_the_same_object() -> None:
    calls = 0
    seen: list[str] = []

    def f(a: Any) -> Any:
        @custom_vjp
        def g(x: Any) -> Any:
            nonlocal calls
            calls += 1
            seen.append("code")
            return a * x

        def bwd(_: Any, ct: Any) -> Any:
            nonlocal calls
            calls += 1
            seen.append("bwd")
            return (a * ct,)

        g.defvjp(lambda x: (a * x, None), bwd)
        return g(a)

    assert float(grad(f)(2.0)) == 4.0
    assert calls == len(seen) > 1
    assert seen[-1] == "code" or seen[-1] == "bwd"


def test_trees_as_arguments_results_and_closures() -> None:
    def f(p: Any) -> Any:
        scales = types.MappingProxyType({"unused": "text"})
        params = {"w": p[0], "pair": (p[1], 2)}

        @custom_jvp
        def g(x: Any, n: int = 2) -> Any:
            return {"y": params["w"] * x["u"] ** n, "z": [params["pair"][0], len(scales)]}

        @g.defjvp
        def rule(primals: Any, tangents: Any) -> Any:
            (x, n), (t, _) = primals, tangents
            return g(x), {"y": params["w"] * n * x["u"] ** (n - 1) * t["u"], "z": [0.0, None]}

        found = g({"u": p})
        return np.sum(found["y"]) * found["z"][0]

    check_grads(f, (P,), order=2)


def test_sparsity() -> None:
    f = lambda x: wave(x[0], "jvp")(x)

    pattern = sparse.jacobian_sparsity(f, P).toarray()

    assert pattern[:, 0].all()
    assert np.diag(pattern).all()
    np.testing.assert_allclose(sparse.jacobian(f, P).toarray(), jacfwd(f)(P))


def test_members_run_one_by_one_where_they_have_to() -> None:
    def member(x: Any, a: Any) -> Any:
        f = custom_jvp(lambda x: a * x if x > 1 else x)
        f.defjvp(lambda primals, tangents: (f(*primals), a * tangents[0] if primals[0] > 1 else tangents[0]))
        return f(x)

    with pytest.warns(BatchLoopWarning):
        found = vmap(grad(lambda x: member(x, x)))(X)

    np.testing.assert_allclose(found, [1.0, 3.0])


@pytest.mark.parametrize("transform", [grad, jacfwd])
def test_compiled_code_that_closes_over_a_value_says_so_with_plain_arguments_too(transform: Any) -> None:
    def outer(a: Any) -> Any:
        @custom_jvp
        def root(b: Any) -> Any:
            return math.sin(a) * b

        root.defjvp(lambda primals, tangents: (root(*primals), tangents[0]))
        return root(2.0)

    with pytest.raises(RuleError, match=r"closes over a value being differentiated.*Pass the value as an argument"):
        transform(outer)(1.0)


@pytest.mark.parametrize("transform", [grad, jacfwd, hessian])
def test_a_write_into_what_is_closed_over_raises(transform: Any) -> None:
    # Its value would change, and not its derivative.
    def f(z: Any) -> Any:
        y = z * np.array([1.0, 2.0])

        @custom_jvp
        def h(t: Any) -> Any:
            y[0] = 0.0
            return np.sum(y * t)

        h.defjvp(lambda primals, tangents: (h(*primals), np.sum(y) * tangents[0]))
        return h(z) + np.sum(y)

    with pytest.raises((ValueError, RuleError), match="read-only"):
        transform(f)(0.7)


@pytest.mark.parametrize("transform", [grad, jacfwd, hessian])
def test_a_write_of_a_custom_function_into_its_argument_raises(transform: Any) -> None:
    @custom_jvp
    def h(t: Any) -> Any:
        t[0] = 0.0
        return np.sum(t * t)

    h.defjvp(lambda primals, tangents: (h(*primals), 2 * np.sum(primals[0] * tangents[0])))

    def f(z: Any) -> Any:
        y = z * np.array([1.0, 2.0])
        return h(y) + np.sum(y)

    with pytest.raises((ValueError, RuleError), match="read-only"):
        transform(f)(0.7)
