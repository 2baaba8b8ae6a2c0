"""What is numberwise: each number depends on those at its own place, and on fewer where fixed data says so."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.space import shape_of
from dualgrad._table.structure import Numberwise
from dualgrad.patterns.call import PatternCall, numbers, size_of, stretched
from dualgrad.patterns.sets import IndexSets, take, unite


def numberwise(structure: Numberwise, call: PatternCall) -> IndexSets | list[IndexSets | None]:
    """Return the sets of the answers of a numberwise function, which all have one shape."""
    found = at_own_places(call)
    if not isinstance(call.ans, tuple):
        return found
    return [found if moves else None for moves in structure.moves or (True,) * len(call.answers)]


def at_own_places(call: PatternCall) -> IndexSets:
    """Return the sets of each number at its own place, in those operands by which there is a derivative."""
    pulls = call.record.pulls
    moving = [x for x in call.traced() if pulls is None or (x[0] < len(pulls) and pulls[x[0]] is not None)]
    shape = shape_of(call.answers[0])
    return unite([stretched(sets, own, shape) for _, sets, own in moving], size_of(shape), call.width)


def selected(call: PatternCall, sets: IndexSets, shape: tuple[int, ...], mask: Any) -> IndexSets:
    """Return the sets of a broadcast operand, empty where a mask is False."""
    return take(sets, np.where(np.broadcast_to(mask, call.shape), np.broadcast_to(numbers(shape), call.shape), 0))
