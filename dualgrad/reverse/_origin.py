"""What the roots on a tape are the roots of: the tape says it, as it holds the operands that their pullbacks read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dualgrad._table.space import Value
from dualgrad._trace.roots import ROOTS, SQUARES, Origin
from dualgrad.reverse._joint import joint

Lift = Callable[[Value, int], Value]
"""Makes the array of a value and its number on the tape."""


def origin_of(edge: Any, answer: Value, lift: Lift) -> Origin | None:
    """Return the call that made an answer, from its entry on the tape, if it is a root."""
    if edge is None:
        return None
    parent, pullback, kept, *_ = edge
    if parent < 0:
        if pullback is not joint or kept[0].key not in SQUARES:
            return None
        record, parents, _, _, operands, _, options = kept
        given = [x if number < 0 else lift(x, number) for x, number in zip(operands, parents, strict=True)]
        return Origin(record.key, tuple(given), options)
    found = ROOTS.get(pullback)
    if found is None:
        return None
    fun, place = found
    if place is None:
        # It keeps its answer only.
        return Origin(fun, (lift(answer**2, parent),), {})
    given = list(kept[1:])
    while edge is not None:
        parent, pullback, _, _, _, edge = edge
        place = ROOTS[pullback][1]
        given[place] = lift(given[place], parent)
    return Origin(fun, tuple(given), {})
