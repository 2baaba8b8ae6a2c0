"""Generated from the table: every function, and both of its rules, on a batch as one by one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import jvp, vjp, vmap
from dualgrad._call.leaves import Leaves
from dualgrad._table.record import name_of
from dualgrad._table.space import Value, shape_of
from dualgrad.errors import BatchLoopWarning, ConversionError
from dualgrad.testing import random_like
from tests.registry.cases import CASES, Case
from tests.registry.constants import CALLS, PRINTING, RAISING, ConstantCall, speaking
from tests.registry.reach import distinct

SIZE = 3

LOOPS: frozenset[str] = frozenset()
"""The functions that run once per member: right and slow."""

SETS = frozenset(
    (
        np.unique,
        np.unique_all,
        np.unique_counts,
        np.unique_inverse,
        np.unique_values,
        np.union1d,
        np.intersect1d,
        np.setdiff1d,
        np.setxor1d,
    )
)
"""The functions whose answers change shape with the members: they raise."""

batched_cases = [case for case in CASES if case.record.key not in SETS]
each_batched_case = pytest.mark.parametrize("case", batched_cases, ids=[case.name for case in batched_cases])
distinct_cases = [case for case in distinct() if case.record.key not in SETS]


def batch_of(x: Value, rng: np.random.Generator) -> Value:
    """Members near a point, so that they take the same branches."""
    return (
        np.stack([x + 1e-3 * random_like(x, rng) if i else x for i in range(SIZE)])
        if shape_of(x) != ()
        else (np.array([x + 1e-3 * rng.standard_normal() if i else x for i in range(SIZE)]))
    )


def compare(case: Case, f: Callable[..., Any], batches: list[Value], axes: tuple[int | None, ...]) -> None:
    with warnings.catch_warnings():
        if name_of(case.record.key) not in LOOPS:
            warnings.simplefilter("error", BatchLoopWarning)
        else:
            warnings.simplefilter("ignore", BatchLoopWarning)
        found = Leaves([vmap(f, axes)(*batches)]).values
    members = [
        Leaves([f(*[x[i] if k == 0 else x for x, k in zip(batches, axes, strict=True)])]).values for i in range(SIZE)
    ]
    assert len(found) == len(members[0])
    for y, wanted in zip(found, zip(*members, strict=True), strict=True):
        expected = np.stack([np.asarray(w) for w in wanted])
        assert y.dtype == expected.dtype
        np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9)


def batches_of(case: Case) -> list[Value]:
    rng = np.random.default_rng(0)
    return [batch_of(x, rng) for x in case.inputs.values]


@each_batched_case
def test_a_batch_is_its_members_stacked(case: Case) -> None:
    values = case.inputs.values
    batches = batches_of(case)

    compare(case, case.function, batches, (0,) * len(values))
    for k in range(len(values) if len(values) > 1 else 0):
        mixed = [b if j == k else x for j, (b, x) in enumerate(zip(batches, values, strict=True))]
        compare(case, case.function, mixed, tuple([0 if j == k else None for j in range(len(values))]))


@pytest.mark.parametrize("case", distinct_cases, ids=[case.name for case in distinct_cases])
def test_derivatives_of_a_batch_are_those_of_its_members(case: Case) -> None:
    rng = np.random.default_rng(1)
    values = case.inputs.values
    batches = batches_of(case)
    tangents = [np.stack([np.asarray(random_like(x, rng)) for _ in range(SIZE)]) for x in values]
    count = len(values)

    def pushed(*both: Any) -> Any:
        return jvp(case.function, both[:count], both[count:])[1]

    def pulled(*primals: Any) -> Any:
        outputs, pullback = vjp(case.function, *primals)
        return pullback(tuple([np.cos(y) if np.size(y) else y for y in outputs]))

    compare(case, pushed, [*batches, *tangents], (0,) * (2 * count))
    compare(case, pushed, [*values, *tangents], (None,) * count + (0,) * count)
    compare(case, pulled, batches, (0,) * count)


@pytest.mark.parametrize("call", CALLS, ids=[call.name for call in CALLS])
def test_a_constant_of_a_batch_is_those_of_its_members_stacked(call: ConstantCall) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", BatchLoopWarning)
        warnings.filterwarnings("ignore", "numpy.fix is deprecated", DeprecationWarning)
        found = vmap(call.call)(*call.values)
        members = [call.call(*[x[i] for x in call.values]) for i in range(SIZE)]
    several = isinstance(found, tuple)
    for y, wanted in zip(
        found if several else [found], zip(*members, strict=True) if several else [members], strict=True
    ):
        expected = np.stack([np.asarray(w) for w in wanted])
        assert y.dtype == expected.dtype
        np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)


def test_every_constant_that_says_how_it_runs_on_batches_is_called() -> None:
    called = {call.fun for call in CALLS} | RAISING | PRINTING
    assert {record.key for record in speaking()} == called


def test_what_depends_on_data_raises() -> None:
    with pytest.raises(ConversionError, match=r"np\.where"):
        vmap(lambda x: x[x > 0])(np.ones((2, 3)))


@pytest.mark.parametrize("case", [case for case in CASES if case.record.key in SETS], ids=lambda case: case.name)
def test_sets_of_a_batch_raise(case: Case) -> None:
    batches = batches_of(case)

    with pytest.raises(ConversionError, match="sets"):
        vmap(case.function, (0,) * len(batches))(*batches)
