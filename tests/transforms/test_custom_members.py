"""Custom functions that are not NumPy's run once per member of a batch, and warn; in every nesting they are what loops give."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import linalg, special

from dualgrad import (
    custom_jvp,
    custom_vjp,
    derivative,
    grad,
    hessian,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    value_and_grad,
    vjp,
    vmap,
)
from dualgrad.testing import check_grads
from tests.transforms.solvers import root, solve_by_jvp

A = np.array([0.5, 1.5, 2.5])
PAIRS = np.array([[0.5, 1.5], [2.5, 3.0], [1.0, 4.0]])
pytestmark = pytest.mark.filterwarnings("ignore::dualgrad.errors.BatchLoopWarning")


def gammaln_by_jvp() -> Any:
    @custom_jvp
    def polygamma(n: Any, x: Any) -> Any:
        return special.polygamma(n, x)

    polygamma.defjvp(lambda p, t: (polygamma(*p), polygamma(p[0] + 1, p[1]) * t[1]))

    @custom_jvp
    def gammaln(x: Any) -> Any:
        return special.gammaln(x)

    gammaln.defjvp(lambda p, t: (gammaln(*p), polygamma(0, p[0]) * t[0]))
    return gammaln


def gammaln_by_vjp() -> Any:
    @custom_vjp
    def polygamma(n: Any, x: Any) -> Any:
        return special.polygamma(n, x)

    polygamma.defvjp(lambda n, x: (polygamma(n, x), (n, x)), lambda k, ct: (None, polygamma(k[0] + 1, k[1]) * ct))

    @custom_vjp
    def gammaln(x: Any) -> Any:
        return special.gammaln(x)

    gammaln.defvjp(lambda x: (gammaln(x), x), lambda x, ct: (polygamma(0, x) * ct,))
    return gammaln


def solve_by_vjp() -> Any:
    solve = custom_vjp(root)

    def fwd(a: Any) -> Any:
        x = solve(a)
        return x, x

    solve.defvjp(fwd, lambda x, ct: (ct / (3 * x**2 + 1),))
    return solve


MAKERS = [gammaln_by_jvp, gammaln_by_vjp, solve_by_jvp, solve_by_vjp]
each = pytest.mark.parametrize("make", MAKERS)


def loop(f: Any, *batches: Any) -> Any:
    return np.stack([f(*member) for member in zip(*batches, strict=True)])


@each
def test_values(make: Any) -> None:
    f = make()

    np.testing.assert_array_equal(vmap(f)(A), loop(f, A))
    np.testing.assert_array_equal(vmap(lambda x: f(x=x))(A), loop(f, A))
    np.testing.assert_array_equal(vmap(vmap(f))(PAIRS), np.vectorize(f)(PAIRS))
    np.testing.assert_array_equal(vmap(f, in_axes=None, axis_size=2)(1.5), [f(1.5)] * 2)


@each
def test_derivatives_inside_of_the_vmap(make: Any) -> None:
    f = make()

    for d in (grad, derivative, jacfwd, jacrev, jacobian, hessian):
        np.testing.assert_allclose(vmap(d(f))(A), loop(d(f), A), rtol=1e-10)
    for outer in (grad, derivative):
        for inner in (grad, derivative):
            np.testing.assert_allclose(vmap(outer(inner(f)))(A), loop(outer(inner(f)), A), rtol=1e-10)
            np.testing.assert_allclose(
                vmap(vmap(outer(inner(f))))(PAIRS), np.vectorize(outer(inner(f)))(PAIRS), rtol=1e-10
            )
    third: Any = derivative(grad(grad(f)))
    np.testing.assert_allclose(vmap(third)(A), loop(third, A), rtol=1e-10)


@each
def test_derivatives_outside_of_the_vmap(make: Any) -> None:
    f = make()
    total = lambda x: np.sum(np.sin(vmap(f)(x)))
    members: Any = lambda x: sum(np.sin(f(a)) for a in x)

    check_grads(vmap(f), (A,), order=2)
    for d in (grad, jacfwd, jacrev, hessian):
        np.testing.assert_allclose(d(total)(A), d(members)(A), rtol=1e-10)
    np.testing.assert_allclose(jacrev(jacrev(total))(A), hessian(members)(A), rtol=1e-10)
    np.testing.assert_allclose(jacfwd(jacfwd(total))(A), hessian(members)(A), rtol=1e-10)
    np.testing.assert_allclose(jvp(vmap(f), (A,), (A,))[1], A * loop(grad(f), A))
    np.testing.assert_allclose(vjp(vmap(f), A)[1](A)[0], A * loop(grad(f), A))
    assert float(value_and_grad(total)(A)[0]) == pytest.approx(float(members(A)))


@each
def test_derivatives_on_both_sides(make: Any) -> None:
    f = make()
    second = np.diag(loop(grad(grad(f)), A))

    for inner in (grad, derivative):
        for outer in (jacfwd, jacrev):
            np.testing.assert_allclose(outer(vmap(inner(f)))(A), second, rtol=1e-10, atol=1e-12)
    nested = lambda x: np.sum(vmap(lambda y: np.sum(vmap(f)(y)) ** 2)(x))
    expected: Any = lambda x: sum(sum(f(a) for a in row) ** 2 for row in x)
    np.testing.assert_allclose(grad(nested)(PAIRS), grad(expected)(PAIRS), rtol=1e-10)
    between = vmap(grad(lambda y: np.sum(vmap(f)(y)) ** 2))
    np.testing.assert_allclose(between(PAIRS), grad(expected)(PAIRS), rtol=1e-10)
    np.testing.assert_allclose(hessian(nested)(PAIRS), hessian(expected)(PAIRS), rtol=1e-9, atol=1e-12)


# ---- rules that are not NumPy's ----------------------------------------------------------------------


def foreign_rule(word: str) -> Any:
    """The rules call SciPy and `math` themselves: to first order only."""
    if word == "jvp":
        f = custom_jvp(lambda x, s: special.gammaln(x) * s)
        f.defjvp(
            lambda p, t: (special.gammaln(p[0]) * p[1], special.psi(p[0]) * p[1] * t[0] + math.lgamma(p[0]) * t[1])
        )
        return f
    g = custom_vjp(lambda x, s: special.gammaln(x) * s)
    g.defvjp(
        lambda x, s: (special.gammaln(x) * s, (x, s)),
        lambda k, ct: (special.psi(k[0]) * k[1] * ct, math.lgamma(k[0]) * ct),
    )
    return g


@pytest.mark.parametrize("word", ["jvp", "vjp"])
def test_rules_that_cannot_run_on_a_batch(word: str) -> None:
    f = foreign_rule(word)
    slope = special.psi(A) * 2.0

    for d in (grad, derivative):
        np.testing.assert_allclose(vmap(d(f), (0, None))(A, 2.0), slope)
        np.testing.assert_allclose(vmap(vmap(d(f), (0, None)), (0, None))(PAIRS, 2.0), special.psi(PAIRS) * 2.0)
    by_x, by_s = grad(lambda x, s: np.sum(vmap(f, (0, None))(x, s)), (0, 1))(A, 2.0)
    np.testing.assert_allclose(by_x, slope)
    np.testing.assert_allclose(by_s, np.sum(special.gammaln(A)))
    np.testing.assert_allclose(jvp(vmap(f), (A, A), (A, A))[1], special.psi(A) * A**2 + special.gammaln(A) * A)
    np.testing.assert_allclose(jacfwd(vmap(f, (0, None)))(A, 2.0), np.diag(slope))
    np.testing.assert_allclose(jacrev(vmap(f, (0, None)))(A, 2.0), np.diag(slope))
    nested = lambda x: np.sum(vmap(vmap(f, (0, None)), (0, 0))(x, A))
    np.testing.assert_allclose(grad(nested)(PAIRS), special.psi(PAIRS) * A[:, None])
    np.testing.assert_allclose(
        vmap(grad(lambda s: np.sum(vmap(f, (0, None))(A, s))))(A), [special.gammaln(A).sum()] * 3
    )


def matrix_solve(word: str) -> Any:
    """LAPACK's factors as residuals: an object for each member."""

    class Factors:
        def __init__(self, a: Any) -> None:
            self.lu = linalg.lu_factor(a)

    f = custom_vjp(lambda a, b: linalg.solve(a, b))

    def fwd(a: Any, b: Any) -> Any:
        factors = Factors(a)
        x = linalg.lu_solve(factors.lu, b)
        kept = {"factors": factors, "x": x}
        return x, kept if word == "object" else {**kept, "ragged": np.ones(1 + int(a[0, 0] > 2.5))}

    def bwd(kept: Any, ct: Any) -> Any:
        assert kept.get("ragged", np.ones(1)).ndim == 1
        y = linalg.lu_solve(kept["factors"].lu, np.asarray(ct, float), trans=1)
        return -np.outer(y, kept["x"]), y

    f.defvjp(fwd, bwd)
    return f


@pytest.mark.parametrize("word", ["object", "ragged"])
def test_residuals_that_make_no_stack(word: str) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3, 2, 2)) + 3 * np.eye(2), rng.standard_normal((2, 3, 2))
    f = matrix_solve(word)
    plain: Any = lambda a, b: np.linalg.solve(a, b)
    twice: Any = lambda f: vmap(vmap(f))

    np.testing.assert_allclose(twice(f)(a, b), twice(plain)(a, b))
    expected = grad(lambda a, b: np.sum(twice(plain)(a, b) ** 2), (0, 1))(a, b)
    inner: Any = lambda f: lambda a, b: np.sum(f(a, b) ** 2)
    for found in (
        grad(lambda a, b: np.sum(twice(f)(a, b) ** 2), (0, 1))(a, b),
        twice(grad(inner(f), (0, 1)))(a, b),
        vmap(grad(lambda a, b: np.sum(vmap(f)(a, b) ** 2), (0, 1)))(a, b),
    ):
        np.testing.assert_allclose(found[0], expected[0])
        np.testing.assert_allclose(found[1], expected[1])
    np.testing.assert_allclose(vmap(vmap(jacrev(f, 1)))(a, b), np.linalg.inv(a))
    np.testing.assert_allclose(jacrev(vmap(f), 1)(a[0], b[0])[1, :, 1], np.linalg.inv(a[0, 1]))


@pytest.mark.parametrize("word", ["jvp", "vjp"])
def test_rules_with_branches_differentiate_again_above_a_batch(word: str) -> None:
    def body(x: Any, s: Any) -> Any:
        return np.sin(x) * s**2 if x > 0 else x

    f: Any = custom_jvp(body)

    def rule(primals: Any, tangents: Any) -> Any:
        (x, s), (tx, ts) = primals, tangents
        return f(x, s), np.cos(x) * s**2 * tx + 2 * np.sin(x) * s * ts if x > 0 else tx

    def bwd(kept: Any, ct: Any) -> Any:
        x, s = kept
        return (np.cos(x) * s**2 * ct, 2 * np.sin(x) * s * ct) if x > 0 else (ct, None)

    if word == "jvp":
        f.defjvp(rule)
    else:
        f.defvjp(lambda x, s: (f(x, s), (x, s)), bwd)
    plain: Any = lambda x, s: np.sin(x) * s**2
    for outer in (grad, derivative):
        for middle in (grad, derivative):
            for inner in (grad, derivative):
                third = lambda g, o=outer, m=middle, i=inner: o(lambda x: m(lambda y: i(lambda z: g(z * y, z))(x))(x))
                run: Any = lambda g, third=third: vmap(vmap(third(g)))(PAIRS / 5)
                np.testing.assert_allclose(run(f), run(plain), rtol=1e-10)
    np.testing.assert_allclose(vmap(hessian(f))(A, A), vmap(hessian(plain))(A, A), rtol=1e-10)


# ---- trees, arguments that all share, integers -------------------------------------------------------


def test_trees_keywords_and_shared_arguments() -> None:
    @custom_jvp
    def f(p: Any, n: int = 2, name: str = "f") -> Any:
        if p["w"][0] > 1:
            return {"y": p["w"] ** n * p["b"], "names": [name, n]}
        return {"y": p["w"] ** n * p["b"], "names": [name, n]}

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (p, n, name), (t, _, _) = primals, tangents
        y = n * p["w"] ** (n - 1) * p["b"] * t["w"] + p["w"] ** n * t["b"]
        return f(p, n, name), {"y": y, "names": [None, None]}

    run: Any = lambda p: vmap(lambda p: f(p, name="g", n=3), ({"w": 0, "b": None},))(p)
    p = {"w": PAIRS, "b": 2.0}
    found = run(p)
    np.testing.assert_allclose(found["y"], PAIRS**3 * 2)
    assert found["names"][0] == "g"
    np.testing.assert_array_equal(found["names"][1], [3, 3, 3])
    slope = grad(lambda p: np.sum(run(p)["y"]))(p)
    np.testing.assert_allclose(slope["w"], 6 * PAIRS**2)
    np.testing.assert_allclose(slope["b"], np.sum(PAIRS**3))
    inside = vmap(grad(lambda p: np.sum(f(p)["y"])), ({"w": 0, "b": None},))(p)
    np.testing.assert_allclose(inside["w"], 4 * PAIRS)


def test_integers_alone_may_be_the_batch() -> None:
    f = custom_jvp(lambda n, x: special.polygamma(n, x))
    f.defjvp(lambda p, t: (f(*p), f(p[0] + 1, p[1]) * t[1]))
    n = np.array([0, 1, 3])

    np.testing.assert_allclose(vmap(f, (0, None))(n, 1.5), special.polygamma(n, 1.5))
    np.testing.assert_allclose(vmap(grad(f, 1), (0, None))(n, 1.5), special.polygamma(n + 1, 1.5))
    np.testing.assert_allclose(jacfwd(lambda x: vmap(f, (0, None))(n, x))(1.5), special.polygamma(n + 1, 1.5))


def test_cotangents_that_are_none_for_some_members() -> None:
    f = custom_vjp(lambda x, y: x * y if x > 1 else x)
    f.defvjp(
        lambda x, y: (f(x, y), (x, y)),
        lambda k, ct: (ct * k[1], ct * k[0]) if k[0] > 1 else (ct, None),
    )

    for found in (vmap(grad(f, (0, 1)))(A, A), grad(lambda x, y: np.sum(vmap(f)(x, y)), (0, 1))(A, A)):
        np.testing.assert_allclose(found[0], [1.0, 1.5, 2.5])
        np.testing.assert_allclose(found[1], [0.0, 1.5, 2.5])


def test_a_function_that_writes_to_its_argument_writes_to_a_copy() -> None:
    def body(x: Any) -> Any:
        if x[0] > 0:
            x[0] = 7.0
        return np.sum(x)

    f, x = custom_jvp(body), PAIRS.copy()
    f.defjvp(lambda p, t: (f(*p), np.sum(t[0])))

    np.testing.assert_allclose(vmap(f)(x), 7 + PAIRS[:, 1])
    np.testing.assert_array_equal(x, PAIRS)
