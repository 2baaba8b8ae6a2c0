"""Arrays of any library that speaks NumPy's protocols: derivatives run where they live, and nobody asks for their numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import checkpoint, custom_vjp, grad, hvp, jacobian, jvp, value_and_grad, vjp
from dualgrad._table.record import Primitive, Word
from dualgrad.errors import NoRuleError
from tests.arrays.duck import Duck
from tests.registry.cases import CASES, Case

X = np.random.default_rng(0).uniform(0.5, 1.5, (6, 4))
W = np.array([0.5, -1.0, 2.0, 0.25])

PROGRAMS: list[Callable[[Any], Any]] = [
    lambda x: np.sum(np.sin(x) * x),
    lambda x: np.sum(np.sum(x, axis=0) ** 2),
    lambda x: np.mean((x @ W - 1.0) ** 2),
    lambda x: np.sum(np.where(x > 1, np.log(x), x**1.5)),
    lambda x: np.max(x) - np.sum(np.min(x, axis=0)),
    lambda x: np.sum(x[1:, ::2] * x[:-1, 1::2]) + x[0, 0],
    lambda x: np.sum(x[:, None, :2] ** 2),
    lambda x: np.sum(x[np.array([3, 0])] ** 2) + np.sum(x[np.array([True, False] * 3)] ** 3),
    lambda x: np.sum(np.concatenate([x, x**2])[4:8] ** 2),
    lambda x: np.sum(np.stack([x, x.T.reshape(6, 4)]) ** 2),
    lambda x: np.std(x) + np.sum(np.var(x, axis=1)) + np.linalg.norm(x),
    lambda x: np.sum(np.log(np.sum(np.exp(x - np.max(x, axis=1, keepdims=True)), axis=1))),
    lambda x: np.prod(x[0]) + np.sum(np.cumsum(x, axis=0) ** 2),
    lambda x: np.sum(np.einsum("ij,ik->jk", x, x) ** 2),
    lambda x: np.sum(np.array([x[0, 0] * x[1, 1], np.sum(x)]) ** 2),
    lambda x: np.sum(np.abs(x * (1 + 2j)) ** 2),
    lambda x: np.trace(x) + np.sum(np.diagonal(x, -1) ** 2) + np.sum(np.diagonal(x, 7)),
    lambda x: checkpoint(lambda x: np.sum(np.tanh(x) ** 2))(x),
]


def shown(x: Any) -> Any:
    assert isinstance(x, Duck)
    return x.hidden


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_gradient_is_an_array_of_the_same_library(program: Callable[[Any], Any]) -> None:
    value, gradient = value_and_grad(program)(Duck(X))

    expected, of_numpy = value_and_grad(program)(X)
    np.testing.assert_allclose(shown(value), expected)
    np.testing.assert_allclose(shown(gradient), of_numpy, rtol=1e-12)


@pytest.mark.parametrize("program", PROGRAMS)
def test_forward_mode_and_second_order_stay_in_the_library(program: Callable[[Any], Any]) -> None:
    t = np.cos(X)

    _, tangent = jvp(program, (Duck(X),), (Duck(t),))
    _, product = hvp(program, (Duck(X),), (Duck(t),))

    np.testing.assert_allclose(shown(tangent), jvp(program, (X,), (t,))[1], rtol=1e-12)
    np.testing.assert_allclose(shown(product), hvp(program, (X,), (t,))[1], rtol=1e-10, atol=1e-12)


def _is_elementwise(case: Case) -> bool:
    record = case.record
    return isinstance(record, Primitive) and record.word is Word.ELEMENTWISE and isinstance(record.key, np.ufunc)


ELEMENTWISE = [case for case in CASES if _is_elementwise(case)]


@pytest.mark.parametrize("case", ELEMENTWISE, ids=[case.name for case in ELEMENTWISE])
def test_every_elementwise_rule_runs_in_the_library(case: Case) -> None:
    values = [np.asarray(x) for x in case.inputs.values]
    expected, pull = vjp(case.function, *values)
    cotangents = tuple([np.full_like(y, 0.5) for y in expected])

    found, pull_ducks = vjp(case.function, *map(Duck, values))

    for y, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(shown(y), wanted)
    for ct, wanted in zip(pull_ducks(tuple(map(Duck, cotangents))), pull(cotangents), strict=True):
        np.testing.assert_allclose(shown(ct), wanted, rtol=1e-12, atol=1e-12)
        assert ct.dtype == wanted.dtype


def test_data_of_the_library_meet_parameters_of_numpy() -> None:
    loss = lambda w, data: np.sum((data @ w - 1.0) ** 2)

    np.testing.assert_allclose(shown(grad(loss)(W, Duck(X))), grad(loss)(W, X))


def test_parameters_that_are_used_one_by_one_meet_data_of_the_library() -> None:
    loss = lambda w, data: np.sum(np.stack([np.sum(data[:, i] * w[i] ** 2) for i in range(4)]) * w)

    np.testing.assert_allclose(shown(grad(loss)(W, Duck(X))), grad(loss)(W, X))


def test_a_jacobian_stays_in_the_library() -> None:
    np.testing.assert_allclose(shown(jacobian(lambda w: Duck(X) @ w**2)(W)), X * (2 * W))


def test_a_number_that_the_library_holds_has_a_gradient_there() -> None:
    gradient = grad(lambda p: np.sum(Duck(X) * p["scale"]))({"scale": 2.0})

    np.testing.assert_allclose(shown(gradient["scale"]), np.sum(X))


def test_an_argument_without_influence_gets_zeros_of_the_library() -> None:
    np.testing.assert_array_equal(shown(grad(lambda x: 1.0)(Duck(X))), np.zeros_like(X))


def test_single_precision_stays_single() -> None:
    assert grad(lambda x: np.sum(np.log(x) / x))(Duck(X.astype(np.float32))).dtype == np.float32


def test_a_branch_that_where_does_not_take_contributes_zero_unseen() -> None:
    x = np.array([0.0, 4.0])

    with np.errstate(all="ignore"):
        gradient = grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)))(Duck(x))

    np.testing.assert_array_equal(shown(gradient), [0.0, 0.25])


def test_infinities_in_another_factor_do_not_spoil_a_branch_not_taken() -> None:
    factor = np.array([np.inf, 2.0])

    with np.errstate(all="ignore"):
        gradient = grad(lambda x: np.sum(np.where(factor < 3, x * Duck(factor), 0.0)))(Duck(np.ones(2)))

    np.testing.assert_array_equal(shown(gradient), [0.0, 2.0])


def test_traced_arrays_over_the_library_can_be_written_to() -> None:
    def written(x: Any) -> Any:
        y = x * 1.0
        y += x
        y[0] = 2.0
        return np.sum(y * x)

    np.testing.assert_allclose(shown(grad(written)(Duck(X))), grad(written)(X))


def test_custom_rules_compute_in_the_library() -> None:
    @custom_vjp
    def double(x: Any) -> Any:
        return 2 * x

    double.defvjp(lambda x: (2 * x, None), lambda kept, ct: (3 * ct,))

    np.testing.assert_array_equal(shown(grad(lambda x: np.sum(double(x)))(Duck(X))), np.full_like(X, 3.0))


def test_an_index_that_names_a_place_twice_is_refused() -> None:
    with pytest.raises(NoRuleError, match="names places twice"):
        grad(lambda x: np.sum(x[np.array([0, -6])]))(Duck(X))


def test_an_index_behind_an_ellipsis_counts_from_the_end() -> None:
    with pytest.raises(NoRuleError, match="names places twice"):
        grad(lambda x: np.sum(x[..., np.array([0, -4])]))(Duck(X))

    gradient = grad(lambda x: np.sum(x[..., np.array([0, -1])]))(Duck(X))
    np.testing.assert_array_equal(shown(gradient)[0], [1.0, 0.0, 0.0, 1.0])


def test_gradients_share_memory_with_nothing() -> None:
    x, ct = Duck(X), Duck(np.ones_like(X))
    _, pullback = vjp(lambda x, y: (x, y), x, x)

    first, second = pullback((ct, ct))

    assert not np.shares_memory(first.hidden, ct.hidden)
    assert not np.shares_memory(first.hidden, second.hidden)


def test_branches_ask_the_library() -> None:
    with pytest.raises(AssertionError, match="somebody asked"):
        grad(lambda x: np.sum(x) if np.sum(x) > 0 else 0.0)(Duck(X))
