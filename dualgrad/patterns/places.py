"""Functions of which every answer is one number of an operand, or zero.

They are run on arrays of places instead of numbers, and so say themselves where each number comes from.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.space import shape_of
from dualgrad._table.structure import Rearranged
from dualgrad.patterns.call import PatternCall, numbers
from dualgrad.patterns.sets import IndexSets, stack, take


def rearranged(structure: Rearranged, call: PatternCall) -> IndexSets | None:
    """Return the sets of a function that rearranges an operand, or all, and fills up with zeros.

    None where it does so by data that another point may give otherwise.
    """
    if structure.many:
        sets, places = counted_on(call, len(call.values))
        return take(sets, call.record.fun(*places, **call.params))
    first = call.sets[0]
    if first is None or any(call.loose[1:]):
        return None
    return take(first, call.record.fun(numbers(shape_of(call.values[0])), *call.values[1:], **call.params))


def counted_on(call: PatternCall, count: int) -> tuple[IndexSets, list[Any]]:
    """Return the sets of the first operands in one list, and each operand with its numbers' places in it (0: no set)."""
    start, parts, places = 0, [], []
    for x, sets in zip(call.values[:count], call.sets[:count], strict=True):
        own = numbers(shape_of(x))
        if sets is None:
            places.append(np.zeros_like(own))
            continue
        places.append(own + start)
        parts.append(sets)
        start += own.size
    return stack(parts, call.width), places
