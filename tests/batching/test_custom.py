"""Custom functions under `vmap`: one call for the whole batch, and their rules in force on both sides of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import dualgrad.numpy as dnp
from dualgrad import custom_jvp, custom_vjp, grad, hessian, jacfwd, jacobian, jacrev, jvp, linearize, vjp, vmap
from dualgrad.errors import RuleError

RNG = np.random.default_rng(2)
X = RNG.standard_normal((4, 3))
S = np.array([0.5, 1.0, -2.0, 3.0])


class Note:
    """A residual that is no array."""


# The rules say ten times the derivative, so that it shows whose derivative is taken.


def by_jvp() -> Any:
    @custom_jvp
    def f(x: Any, s: Any) -> Any:
        return np.sin(x) * s

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (x, s), (tx, ts) = primals, tangents
        return f(x, s), 10 * (np.cos(x) * s * tx + np.sin(x) * ts)

    return f


def by_vjp() -> Any:
    @custom_vjp
    def f(x: Any, s: Any) -> Any:
        return np.sin(x) * s

    def fwd(x: Any, s: Any) -> Any:
        return np.sin(x) * s, {"x": x, "s": s, "note": Note(), "n": 3, "text": "kept", "fixed": np.ones(2)}

    def bwd(kept: Any, ct: Any) -> Any:
        assert type(kept["note"]) is Note
        assert type(kept["n"]) is int
        assert kept["text"] == "kept"
        assert type(kept["fixed"]) is np.ndarray
        assert kept["fixed"].shape == (2,)
        x, s = kept["x"], kept["s"]
        return 10 * np.cos(x) * s * ct, 10 * np.sum(np.sin(x) * ct)

    f.defvjp(fwd, bwd)
    return f


def by_both() -> Any:
    f = by_vjp()
    f.defjvp(by_jvp().defjvp(lambda primals, tangents: by_jvp()._jvp(primals, tangents)))
    return f


each_rule = pytest.mark.parametrize("make", [by_jvp, by_vjp, by_both])


@each_rule
def test_values_are_those_of_the_members(make: Any) -> None:
    f = make()

    np.testing.assert_allclose(vmap(f)(X, S), np.sin(X) * S[:, None])
    np.testing.assert_allclose(vmap(f, (0, None))(X, 2.0), np.sin(X) * 2)
    np.testing.assert_allclose(vmap(lambda x, s: f(s=s, x=x))(X, S), np.sin(X) * S[:, None])
    np.testing.assert_allclose(vmap(f)(X[:0], S[:0]), np.zeros((0, 3)))


@each_rule
def test_the_rule_counts_outside_of_the_vmap(make: Any) -> None:
    f = make()

    by_x, by_s = grad(lambda x, s: np.sum(vmap(f)(x, s)), (0, 1))(X, S)
    np.testing.assert_allclose(by_x, 10 * np.cos(X) * S[:, None])
    np.testing.assert_allclose(by_s, 10 * np.sum(np.sin(X), axis=1))
    tangent = jvp(vmap(f), (X, S), (np.ones((4, 3)), np.ones(4)))[1]
    np.testing.assert_allclose(tangent, 10 * (np.cos(X) * S[:, None] + np.sin(X)))
    np.testing.assert_allclose(linearize(vmap(f), X, S)[1](np.ones((4, 3)), np.ones(4)), tangent)
    assert jacfwd(vmap(f))(X, S).shape == (4, 3, 4, 3)
    np.testing.assert_allclose(jacfwd(vmap(f))(X, S), jacrev(vmap(f))(X, S))


@each_rule
def test_the_rule_counts_inside_of_the_vmap(make: Any) -> None:
    f = make()

    np.testing.assert_allclose(vmap(grad(lambda x, s: np.sum(f(x, s))))(X, S), 10 * np.cos(X) * S[:, None])
    np.testing.assert_allclose(
        vmap(lambda x, s: jvp(f, (x, s), (x, s))[1])(X, S), 10 * S[:, None] * (np.cos(X) * X + np.sin(X))
    )
    np.testing.assert_allclose(vmap(jacobian(f))(X, S)[:, 1, 1], 10 * np.cos(X[:, 1]) * S)


@each_rule
def test_an_argument_that_all_share_sums_its_cotangents(make: Any) -> None:
    f = make()

    by_x, by_s = grad(lambda x, s: np.sum(vmap(f, (0, None))(x, s)), (0, 1))(X, 2.0)
    np.testing.assert_allclose(by_x, 20 * np.cos(X))
    np.testing.assert_allclose(by_s, 10 * np.sum(np.sin(X)))
    by_x = grad(lambda x: np.sum(vmap(f, (None, 0))(x, S)))(X[0])
    np.testing.assert_allclose(by_x, 10 * np.cos(X[0]) * S.sum())


@each_rule
def test_second_derivatives_use_the_rule_in_every_order(make: Any) -> None:
    f = make()
    around = lambda x: np.sum(vmap(f)(x, S))
    loop = lambda x: sum(np.sum(f(x[k], s)) for k, s in enumerate(S))

    expected = hessian(loop)(X)
    np.testing.assert_allclose(hessian(around)(X), expected, atol=1e-12)
    np.testing.assert_allclose(jacrev(jacrev(around))(X), expected, atol=1e-12)
    np.testing.assert_allclose(jacfwd(jacfwd(around))(X), expected, atol=1e-12)
    between = grad(lambda x: np.sum(vmap(grad(lambda x, s: np.sum(f(x, s))))(x, S)))(X)
    inside = vmap(lambda x, s: grad(lambda y: np.sum(grad(lambda z: np.sum(f(z, s)))(y)))(x))(X, S)
    np.testing.assert_allclose(between, np.einsum("ijkl->ij", expected), atol=1e-12)
    np.testing.assert_allclose(inside, between, atol=1e-12)


@each_rule
def test_nested_vmaps_use_the_rule(make: Any) -> None:
    f = make()
    pairs = vmap(vmap(f, (None, 0)), (0, None))

    np.testing.assert_allclose(pairs(X, S), np.sin(X)[:, None] * S[:, None])
    by_x, by_s = grad(lambda x, s: np.sum(pairs(x, s)), (0, 1))(X, S)
    np.testing.assert_allclose(by_x, 10 * np.cos(X) * S.sum())
    np.testing.assert_allclose(by_s, np.full(4, 10 * np.sin(X).sum()))
    between = vmap(lambda x: grad(lambda x: np.sum(vmap(f, (None, 0))(x, S)))(x))(X)
    np.testing.assert_allclose(between, by_x)
    np.testing.assert_allclose(jvp(pairs, (X, S), (X, S))[1], 10 * S[:, None] * (np.cos(X) * X + np.sin(X))[:, None])


@pytest.mark.parametrize("word", ["jvp", "vjp"])
def test_the_whole_batch_is_one_call(word: str) -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append("f")
        return x**2

    if word == "jvp":
        custom = custom_jvp(f)
        custom.defjvp(lambda primals, tangents: (custom(*primals), 2 * primals[0] * tangents[0]))
    else:
        custom = custom_vjp(f)
        custom.defvjp(lambda x: (f(x), x), lambda x, ct: (2 * x * ct,))

    vmap(custom)(S)
    assert calls == ["f"]
    grad(lambda s: np.sum(vmap(custom)(s)))(S)
    assert len(calls) <= 3


def test_what_cannot_be_differentiated_otherwise_stays_hidden() -> None:
    lookup = custom_jvp(lambda x: np.floor(x) + np.packbits(np.array([1], np.uint8))[0])
    lookup.defjvp(lambda primals, tangents: (lookup(*primals), 5 * tangents[0]))

    np.testing.assert_allclose(grad(lambda s: np.sum(vmap(lookup)(s)))(S), np.full(4, 5.0))


def trees() -> Any:
    @custom_vjp
    def f(p: Any, i: Any, name: str) -> Any:
        return {"y": dnp.take(p["w"], i) * p["b"], "odd": i % 2, "name": name, "two": 2, "flat": 1.5}

    def fwd(p: Any, i: Any, name: str) -> Any:
        return f(p, i, name), (p, i)

    def bwd(kept: Any, ct: Any) -> Any:
        p, i = kept
        return {"w": 10 * ct["y"] * p["b"] * (np.arange(3) == i), "b": 10 * ct["y"] * dnp.take(p["w"], i)}, None, None

    f.defvjp(fwd, bwd)
    return f


def test_trees_integers_and_leaves_that_are_no_numbers() -> None:
    f = trees()
    i = np.array([0, 2, 1, 2])
    p = {"w": X, "b": 2.0}
    axes = ({"w": 0, "b": None}, 0)

    found = vmap(lambda p, i: f(p, i, "member"), axes)(p, i)
    np.testing.assert_allclose(found["y"], 2 * X[range(4), i])
    np.testing.assert_array_equal(found["odd"], i % 2)
    assert found["name"] == "member"
    np.testing.assert_array_equal(found["two"], [2] * 4)
    np.testing.assert_array_equal(found["flat"], [1.5] * 4)

    slope = grad(lambda p: np.sum(vmap(lambda p, i: f(p, i, "member")["y"], axes)(p, i)))(p)
    np.testing.assert_allclose(slope["w"], 20 * np.eye(3)[i])
    np.testing.assert_allclose(slope["b"], 10 * np.sum(X[range(4), i]))
    inside = vmap(lambda p, i: grad(lambda p: f(p, i, "member")["y"])(p), axes)(p, i)
    np.testing.assert_allclose(inside["b"], 10 * X[range(4), i])


def test_integers_alone_may_be_the_batch() -> None:
    f = trees()
    i = np.array([0, 2, 2])
    p = {"w": X[0], "b": 2.0}

    slope = grad(lambda p: np.sum(vmap(lambda i: f(p, i, "n")["y"])(i)))(p)
    np.testing.assert_allclose(slope["w"], [20.0, 0.0, 40.0])
    nested = vmap(vmap(lambda i: f(p, i, "n")["odd"]))(np.stack([i, i + 0]))
    np.testing.assert_array_equal(nested, np.stack([i % 2] * 2))


def test_none_as_cotangent_is_zero_for_every_member() -> None:
    f = custom_vjp(lambda x, p: x * p["a"])
    f.defvjp(lambda x, p: (x * p["a"], p["a"]), lambda a, ct: (ct * a, None))

    found = grad(lambda x, p: np.sum(vmap(f, (0, None))(x, p)), (0, 1))(S, {"a": 3.0})

    np.testing.assert_allclose(found[0], np.full(4, 3.0))
    assert float(found[1]["a"]) == 0.0


def test_cotangents_that_are_the_same_for_all_members() -> None:
    f = custom_vjp(lambda x, y: x + y)
    f.defvjp(lambda x, y: (x + y, None), lambda kept, ct: (np.float64(7.0), np.float64(5.0)))

    by_x, by_y = grad(lambda x, y: np.sum(vmap(f, (0, None))(x, y)), (0, 1))(S, 1.0)

    np.testing.assert_allclose(by_x, np.full(4, 7.0))
    assert float(by_y) == 20.0


def test_a_closure_over_a_batched_value() -> None:
    def member(x: Any, a: Any) -> Any:
        f = custom_jvp(lambda x: a * x)
        f.defjvp(lambda primals, tangents: (f(*primals), a * tangents[0]))
        return f(x)

    np.testing.assert_allclose(vmap(member)(S, S), S**2)
    np.testing.assert_allclose(vmap(grad(member, (0, 1)))(S, 3 * S), (3 * S, S))


def test_a_batched_value_in_an_object_raises() -> None:
    def member(x: Any, a: Any) -> Any:
        held = SimpleNamespace(a=a)
        f = custom_jvp(lambda x: held.a * x)
        f.defjvp(lambda primals, tangents: (f(*primals), held.a * tangents[0]))
        return f(x)

    with pytest.raises(RuleError, match=r"Under vmap.*Pass it as an argument"):
        vmap(member)(S, S)


def test_without_rules_it_runs_and_does_not_differentiate() -> None:
    bare = custom_vjp(lambda x: x * 2)

    np.testing.assert_allclose(vmap(bare)(S), 2 * S)
    with pytest.raises(RuleError, match="has no rule"):
        grad(lambda s: np.sum(vmap(bare)(s)))(S)
    with pytest.raises(RuleError, match="has no rule"):
        vmap(grad(bare))(S)


def test_rules_that_return_something_else_are_named() -> None:
    @custom_vjp
    def wrong(x: Any, y: Any) -> Any:
        return x * y

    total = lambda x, y: np.sum(vmap(wrong)(x, y))
    wrong.defvjp(lambda x, y: (x * y, (x, y)), lambda kept, ct: (ct * kept[1],))
    with pytest.raises(RuleError, match=r"bwd of wrong returns a tuple .* returned 1 values"):
        grad(total)(S, S)
    wrong.defvjp(lambda x, y: x * y, lambda kept, ct: (ct, ct))
    with pytest.raises(RuleError, match=r"fwd of wrong returns a pair"):
        grad(total)(S, S)
    wrong.defvjp(lambda x, y: (x * y, None), lambda kept, ct: (ct, {"a": ct}))
    with pytest.raises(RuleError, match=r"bwd of wrong returned cotangents that do not fit"):
        grad(total)(S, S)


def test_rules_named_by_the_jvp_are_checked_too() -> None:
    @custom_jvp
    def wrong(x: Any) -> Any:
        return x * 2

    wrong.defjvp(lambda primals, tangents: tangents[0])
    with pytest.raises(RuleError, match="JVP rule of wrong returns a pair"):
        jvp(vmap(wrong), (S,), (S,))


def test_float32_stays() -> None:
    f, single = by_vjp(), X.astype(np.float32)

    assert vjp(lambda x: vmap(f, (0, None))(x, np.float32(2.0)), single)[1](single)[0].dtype == np.float32
