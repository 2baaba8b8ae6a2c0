"""How many primitives an expansion applies to plain values: an outer level that counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dualgrad import taylor
from dualgrad._array.array import TracedArray
from dualgrad._table.record import Primitive
from dualgrad._table.space import Value, is_inexact
from dualgrad._trace.level import Level


class CountedArray(TracedArray):
    """A value, every use of which is counted."""

    __slots__ = ()


class CountingLevel(Level):
    """Runs what it is told, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def lift(self, value: Value) -> CountedArray:
        made = CountedArray()
        made._value, made._level = value, self
        return made

    def apply(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        self.count += 1
        answer = (record.operate if not params else record.fun)(*self.peel(operands), **params)
        if not isinstance(answer, tuple):
            return self.lift(answer)
        members = [self.lift(a) if is_inexact(a) else a for a in answer]
        return answer._make(members) if hasattr(answer, "_make") else tuple(members)


def applications(f: Callable[[Any], Any], x: list[Any], v: list[Any], order: int) -> int:
    """Return how many primitives `taylor` applies to plain values."""
    level = CountingLevel()
    taylor(f, [level.lift(a) for a in x], v, order)
    return level.count
