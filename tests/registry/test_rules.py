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
from tests.registry.reach import distinct

each_case = pytest.mark.parametrize("case", CASES, ids=IDS)
DISTINCT = frozenset(case.name for case in distinct())


def space_of(x: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    return shape_of(x), dtype_of(x)


def check_values(found: tuple[Any, ...], expected: list[Any], what: str) -> None:
    """Compare what a mode says with what NumPy says."""
    assert [space_of(y) for y in found] == [space_of(y) for y in expected], f"the spaces of {what}"
    for y, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(y, wanted, rtol=1e-14, atol=1e-14, err_msg=what)


def check_modes(case: Case) -> None:
    """Run each mode once, and once for each operand, and compare the two with NumPy and with each other."""
    values = case.inputs.values
    before = copy.deepcopy(values)
    # Of a copy, since NumPy itself writes into the input where a sample says overwrite_input.
    expected = Leaves([case.call(copy.deepcopy(values))]).values
    rng = np.random.default_rng(1)
    tangents = [random_like(x, rng) for x in values]

    outputs, pullback = vjp(case.function, *values)
    cotangents = tuple([random_like(y, rng) for y in outputs])
    pulled = pullback(cotangents)
    check_values(outputs, expected, "values in reverse mode")
    assert [space_of(g) for g in pulled] == [space_of(x) for x in values], "the spaces of what is pulled back"

    for k in (None, *(range(len(values)) if len(values) > 1 else ())):
        moved = [t if k in (None, j) else None for j, t in enumerate(tangents)]
        forward, pushed = jvp(case.function, values, moved)
        check_values(forward, expected, "values in forward mode")
        assert [space_of(t) for t in pushed] == [space_of(y) for y in outputs], "the spaces of what is pushed forward"
        left = sum(inner(c, t) for c, t in zip(cotangents, pushed, strict=True))
        right = sum(inner(g, t) for g, t in zip(pulled, moved, strict=True) if t is not None)
        scale = sum(np.sum(np.abs(c) * np.abs(t)) for c, t in zip(cotangents, pushed, strict=True))
        np.testing.assert_allclose(
            left, right, rtol=1e-12, atol=1e-12 * max(1.0, scale), err_msg=f"operand {k}: vjp is not the adjoint of jvp"
        )

    for x, old in zip(values, before, strict=True):
        np.testing.assert_array_equal(x, old, err_msg="an input was changed")


@each_case
def test_values_are_numpys_and_vjp_is_the_adjoint_of_jvp(case: Case) -> None:
    check_modes(case)


@each_case
def test_derivatives_agree_with_differences_to_second_order(case: Case) -> None:
    # The second order of a composite is that of its primitives: see `distinct`.
    check_grads(case.function, tuple(case.inputs.values), order=2 if case.name in DISTINCT else 1, rtol=1e-5)


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
