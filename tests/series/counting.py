"""How many primitives an expansion applies to plain values: an outer level that counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dualgrad import taylor
from dualgrad._table.record import Primitive
from tests.registry.reach import NotingLevel


def applications(f: Callable[[Any], Any], x: list[Any], v: list[Any], order: int) -> int:
    """Return how many primitives `taylor` applies to plain values."""
    applied: list[Primitive] = []
    level = NotingLevel(applied.append)
    taylor(f, [level.lift(a) for a in x], v, order)
    return len(applied)
