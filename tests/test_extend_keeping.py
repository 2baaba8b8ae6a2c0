"""`extend.handwritten` of functions that keep something for their rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import extend, grad, hessian, jacfwd, record, sparse, taylor, vmap
from dualgrad.errors import BatchLoopWarning, RuleError
from dualgrad.testing import check_grads

A, case, cases = extend.A, extend.case, extend.cases
X = np.array([0.5, 1.5, 2.5])

pytestmark = pytest.mark.usefixtures("own_functions")


def kept_by(keeps: int) -> tuple[Any, Any, list[int]]:
    """Return a function with rules that keeps its weights for them, one without, and its runs."""
    runs: list[int] = []

    def plain(a: Any, scale: float = 1.0) -> Any:
        return np.log(np.sum(np.exp(scale * a)))

    def with_weights(a: Any, scale: float = 1.0) -> Any:
        runs.append(1)
        powers = np.exp(scale * a)
        return np.log(np.sum(powers)), powers / np.sum(powers)

    @extend.overridable
    def logsumexp(a: Any, scale: float = 1.0) -> Any:
        return with_weights(a, scale)[0]

    extend.handwritten(
        logsumexp,
        lambda tangents, ans, a, *, scale=1.0: scale * np.sum(ans[1] * tangents[0]),
        lambda ct, wanted, ans, a, *, scale=1.0: (scale * ct * ans[1],),
        call=with_weights,
        keep=(),
        samples=cases(case(A(3))),
        keeps=keeps,
    )
    return logsumexp, plain, runs


def test_what_a_function_keeps_for_its_rules() -> None:
    f, plain, runs = kept_by(True)

    assert f(X) == plain(X)
    check_grads(f, (X,), order=3)
    check_grads(lambda x: f(np.sin(x), scale=2.0) * x[0], (X,), order=2)
    np.testing.assert_allclose(hessian(f)(X), hessian(plain)(X))
    np.testing.assert_allclose(jacfwd(jacfwd(f))(X), hessian(plain)(X))
    np.testing.assert_allclose(taylor(f, X, X, 4), taylor(plain, X, X, 4))
    np.testing.assert_allclose(record(grad(f))(X)(2 * X), grad(plain)(2 * X))
    np.testing.assert_array_equal(sparse.jacobian_sparsity(lambda x: f(x)[None], X).toarray(), np.ones((1, 3), bool))
    runs.clear()
    grad(f)(X)
    assert len(runs) == 1


def test_what_a_function_keeps_in_batches() -> None:
    f, plain, _ = kept_by(True)
    xs = np.stack([X, X - 1])

    def check(run: Any) -> None:
        with pytest.warns(BatchLoopWarning, match="logsumexp"):
            found = run(f)(xs)
        np.testing.assert_allclose(found, run(plain)(xs))

    check(vmap)
    check(lambda f: vmap(grad(f)))
    check(lambda f: vmap(hessian(f)))
    check(lambda f: grad(lambda s: np.sum(vmap(f)(s) ** 2)))


def test_keeping_takes_a_function_that_returns_what_is_kept() -> None:
    @extend.overridable
    def f(a: Any) -> Any:
        return a, a

    with pytest.raises(TypeError, match=r"with keeps, handwritten takes call="):
        extend.handwritten(
            f, lambda t, ans, a: t[0], lambda ct, w, ans, a: (ct,), keep=(), keeps=True, samples=cases(case(A(3)))
        )


@pytest.mark.parametrize("found", [(1.0,), 1.0, (1.0, object()), (1.0, [2.0])])
def test_what_is_kept_is_an_array(found: Any) -> None:
    @extend.overridable
    def f(a: Any) -> Any:
        return 1.0

    extend.handwritten(
        f,
        lambda tangents, ans, a: tangents[0],
        lambda ct, wanted, ans, a: (ct,),
        call=lambda a: found,
        keep=(),
        keeps=True,
        samples=cases(case(A(3))),
    )
    with pytest.raises(RuleError, match=r"call= of .*f returns a tuple.*custom_vjp"):
        grad(f)(1.0)


def test_several_answers_and_several_arrays_that_are_kept() -> None:
    def call(a: Any) -> Any:
        return np.sin(a), np.cos(a), np.cos(a), -np.sin(a)

    @extend.overridable
    def circle(a: Any) -> Any:
        return call(a)[:2]

    def zero(x: Any) -> Any:
        return 0.0 if x is None else x

    extend.handwritten(
        circle,
        lambda tangents, ans, a: (ans[2] * tangents[0], ans[3] * tangents[0]),
        lambda ct, wanted, ans, a: (zero(ct[0]) * ans[2] + zero(ct[1]) * ans[3],),
        call=call,
        outputs=2,
        keeps=2,
        keep=(),
        samples=cases(case(A(3))),
    )
    assert len(circle(X)) == 2
    check_grads(lambda x: circle(x)[0] * circle(x)[1] ** 2, (X,), order=2)
    check_grads(lambda x: circle(x)[1], (X,), order=2)
