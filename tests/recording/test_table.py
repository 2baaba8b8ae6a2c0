"""What any function of the table and its derivatives do, recorded and run at other points: right, or a guard that does not hold."""

from __future__ import annotations

import collections
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from dualgrad import jvp, record, vjp
from dualgrad._call.leaves import Leaves
from dualgrad._table.record import name_of
from dualgrad.errors import ProgramError
from dualgrad.testing import random_like
from tests.registry.cases import CASES, Case

PARTS = 24

# The vectors of equal eigenvalues are any basis of their space.
ANY_BASIS = (np.linalg.eig, np.linalg.eigh, np.linalg.svd)


def pushing(case: Case, tangents: Sequence[Any]) -> Any:
    def push(*values: Any) -> Any:
        return jvp(case.function, values, tangents)

    return push


def pulling(case: Case, cotangents: Any) -> Any:
    def pull(*values: Any) -> Any:
        return vjp(case.function, *values)[1](cotangents)

    return pull


def points(case: Case, rng: np.random.Generator) -> list[list[Any]]:
    values = case.inputs.values
    moved = [x + random_like(x, rng).astype(x.dtype) if hasattr(x, "dtype") else x + 0.3 for x in values]
    zero = [0 * x for x in values]
    return [moved] if case.record.key in ANY_BASIS else [moved, zero]


def agree(found: Any, expected: Any) -> bool:
    a, b = Leaves([found]).values, Leaves([expected]).values
    return len(a) == len(b) and all(
        np.shape(x) == np.shape(y) and np.allclose(x, y, rtol=1e-8, atol=1e-10, equal_nan=True)
        for x, y in zip(a, b, strict=True)
    )


def outcome(f: Any, values: Sequence[Any], at: Sequence[Any]) -> str:
    """Tell how the program of f at values fares at another point."""
    program = record(f)(*values)
    assert agree(program.value, program(*values)), "at the point of the recording"
    try:
        expected = f(*at)
    except Exception:
        return "no value"
    if not all(np.all(np.isfinite(x)) for x in Leaves([expected]).values):
        return "not finite"
    try:
        found = program(*at)
    except ProgramError:
        return "guard"
    return "right" if agree(found, expected) else "wrong"


@pytest.mark.parametrize("part", range(PARTS))
def test_programs_are_right_at_other_points_or_a_guard_does_not_hold(part: int) -> None:
    count: collections.Counter[str] = collections.Counter()
    wrong = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in CASES[part::PARTS]:
            values = case.inputs.values
            if not values:
                continue
            rng = np.random.default_rng(5)
            push = pushing(case, [random_like(x, rng) for x in values])
            pull = pulling(case, tuple([random_like(y, rng) for y in case.function(*values)]))
            for at in points(case, rng):
                for f in (push, pull):
                    found = outcome(f, values, at)
                    count[found] += 1
                    if found == "wrong":
                        wrong.append(f"{f.__name__} of {case.name} ({name_of(case.record.key)})")
    assert not wrong
    assert count["right"] > 0.7 * count.total()
