"""Generated from the table: every rule at every sample, in both modes, to second order."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from dualgrad import jvp, vjp
from dualgrad._call.leaves import Leaves
from dualgrad._table.space import dtype_of, shape_of
from dualgrad.testing import check_grads, inner, random_like
from tests.registry.cases import CASES, IDS, Case

each_case = pytest.mark.parametrize("case", CASES, ids=IDS)


def evaluate(case: Case) -> tuple[Any, ...]:
    return tuple(Leaves([case.record.key(*case.sample.args, **case.sample.kwargs)]).values)


@each_case
def test_value_is_numpys(case: Case) -> None:
    values = case.inputs.values
    expected = evaluate(case)

    forward, _ = jvp(case.function, values, [np.zeros_like(x)[()] for x in values])
    reverse, _ = vjp(case.function, *values)

    for found in (forward, reverse):
        assert len(found) == len(expected)
        for y, wanted in zip(found, expected, strict=True):
            assert shape_of(y) == shape_of(wanted)
            assert dtype_of(y) == dtype_of(wanted)
            np.testing.assert_allclose(y, wanted, rtol=1e-14, atol=1e-14)


@each_case
def test_derivatives_agree_with_differences_to_second_order(case: Case) -> None:
    check_grads(case.function, tuple(case.inputs.values), order=2, rtol=1e-5)


@each_case
def test_vjp_is_the_adjoint_of_jvp(case: Case) -> None:
    values = case.inputs.values
    rng = np.random.default_rng(1)
    for k in range(len(values)):
        tangents = [random_like(x, rng) if j == k else None for j, x in enumerate(values)]

        _, pushed = jvp(case.function, values, tangents)
        outputs, pullback = vjp(case.function, *values)
        cotangents = tuple(random_like(y, rng) for y in outputs)
        pulled = pullback(cotangents)

        left = sum(inner(c, t) for c, t in zip(cotangents, pushed, strict=True))
        scale = sum(np.sum(np.abs(c) * np.abs(t)) for c, t in zip(cotangents, pushed, strict=True))
        np.testing.assert_allclose(left, inner(pulled[k], tangents[k]), rtol=1e-12, atol=1e-12 * max(1.0, scale))


@each_case
def test_derivatives_have_the_space_of_their_values(case: Case) -> None:
    values = case.inputs.values
    outputs, pullback = vjp(case.function, *values)

    _, pushed = jvp(case.function, values, [random_like(x, np.random.default_rng(2)) for x in values])
    pulled = pullback(tuple(random_like(y, np.random.default_rng(3)) for y in outputs))

    for derivative, value in [*zip(pushed, outputs, strict=True), *zip(pulled, values, strict=True)]:
        assert (shape_of(derivative), dtype_of(derivative)) == (shape_of(value), dtype_of(value))


@each_case
def test_single_precision_stays_single(case: Case) -> None:
    values = [np.asarray(x, np.complex64 if dtype_of(x).kind == "c" else np.float32)[()] for x in case.inputs.values]
    outputs, pullback = vjp(case.function, *values)
    pulled = pullback(tuple(random_like(y, np.random.default_rng(3)) for y in outputs))
    pushed_values, pushed = jvp(case.function, values, [random_like(x, np.random.default_rng(2)) for x in values])

    plain = Leaves([case.call(values)]).values
    assert [dtype_of(y) for y in outputs] == [dtype_of(y) for y in plain]
    assert [dtype_of(g) for g in pulled] == [dtype_of(x) for x in values]
    assert [dtype_of(t) for t in pushed] == [dtype_of(y) for y in pushed_values]


@each_case
def test_inputs_are_not_changed(case: Case) -> None:
    values = case.inputs.values
    before = copy.deepcopy(values)
    outputs, pullback = vjp(case.function, *values)

    pullback(tuple(random_like(y, np.random.default_rng(3)) for y in outputs))
    jvp(case.function, values, [np.ones_like(x)[()] for x in values])

    for x, old in zip(values, before, strict=True):
        np.testing.assert_array_equal(x, old)
