"""Which primitives each sample call reaches: what expensive tests need of it, where it is of a composite."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._array.array import TracedArray
from dualgrad._table.record import Composite, Primitive
from dualgrad._table.space import Value, dtype_of, is_inexact
from dualgrad._trace.level import Level
from tests.registry.cases import CASES, Case


class NotedArray(TracedArray):
    """A value, every use of which is noted."""

    __slots__ = ()


class NotingLevel(Level):
    """Runs what it is told, and notes the primitives."""

    def __init__(self, note: Callable[[Primitive], None]) -> None:
        super().__init__()
        self.note = note

    def lift(self, value: Value) -> NotedArray:
        made = NotedArray()
        made._value, made._level = value, self
        return made

    def apply(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        self.note(record)
        answer = (record.operate if not params else record.fun)(*self.peel(operands), **params)
        if not isinstance(answer, tuple):
            return self.lift(answer)
        members = [self.lift(a) if is_inexact(a) else a for a in answer]
        return answer._make(members) if hasattr(answer, "_make") else tuple(members)


def primitives_of(case: Case) -> frozenset[Any]:
    """Return the functions of the primitives that a sample call reaches."""
    found: set[Any] = set()
    level = NotingLevel(lambda record: found.add(record.key))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        case.function(*[level.lift(x) for x in case.inputs.values])
    return frozenset(found)


@functools.cache
def distinct() -> list[Case]:
    """Return the sample calls without those of composites that reach the same primitives, of numbers of the same kinds, as one before.

    A composite is a body in NumPy: what its primitives do, to second order, in series and in patterns, their own samples show. All of its
    calls are in the tests of values and first derivatives.
    """
    found: list[Case] = []
    seen: set[Any] = set()
    for case in CASES:
        if isinstance(case.record, Composite):
            kinds = tuple([dtype_of(x).kind for x in case.inputs.values])
            key = (case.record.key, primitives_of(case), kinds)
            if key in seen:
                continue
            seen.add(key)
        found.append(case)
    return found
