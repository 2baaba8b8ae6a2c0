"""Which inputs the numbers of indexed, scattered, written and chosen arrays depend on."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.functions import set_item
from dualgrad._table.index import Slot, join_index
from dualgrad._table.space import shape_of
from dualgrad.patterns.call import PatternCall, joined, numbers
from dualgrad.patterns.numberwise import at_own_places, selected
from dualgrad.patterns.places import counted_on
from dualgrad.patterns.sets import IndexSets, collect, stack, take


def where_pattern(call: PatternCall) -> IndexSets:
    """Return the sets of what is chosen: by a fixed condition one operand's, else both's."""
    if call.loose[0]:
        return at_own_places(call)
    condition = np.asarray(call.values[0], bool)
    masks = (None, condition, ~condition)
    return call.unite([selected(call, sets, shape, masks[k]) for k, sets, shape in call.traced() if k > 0])


def getitem_pattern(call: PatternCall) -> IndexSets:
    """Return the sets of `x[index]`; of a computed index, any number along its axes may be meant."""
    sets, shape = call.sets[0], shape_of(call.values[0])
    if sets is None:
        return call.nothing()
    arrays, places = call.values[1:], numbers(shape)
    axes = _chosen_axes(call, len(shape))
    if axes:
        sets, left = joined(sets, shape, axes)
        places = np.broadcast_to(numbers(left), shape)
    return take(sets, places[join_index(call.params["index"], arrays)])


def _chosen_axes(call: PatternCall, ndim: int) -> list[int]:
    """Return the axes whose index is computed from inputs: any number along them may be meant."""
    index = call.params["index"]
    parts = index if isinstance(index, tuple) else (index,)
    widths = [_width(part, call) for part in parts]
    axis = 0
    found: list[int] = []
    for part, width in zip(parts, widths, strict=True):
        if part is Ellipsis:
            width = ndim - sum(widths)
        if type(part) is Slot and call.loose[1 + part.number]:
            found.extend(range(axis, axis + width))
        axis += width
    return found


def _width(part: Any, call: PatternCall) -> int:
    """Return how many axes a part of an index takes up; an ellipsis counts for none here."""
    if part is None or part is Ellipsis:
        return 0
    if type(part) is Slot:
        mask = call.values[1 + part.number]
        return mask.ndim if mask.dtype.kind == "b" else 1
    return 1


def scatter_pattern(call: PatternCall) -> IndexSets:
    """Return the sets of the transpose of indexing."""
    sets, shape = call.sets[0], call.shape
    if sets is None:
        return call.nothing()
    arrays = call.values[1:]
    places = numbers(shape) - 1
    axes = _chosen_axes(call, len(shape))
    if axes:
        left = tuple([1 if k in axes else n for k, n in enumerate(shape)])
        places = np.broadcast_to(numbers(left) - 1, shape)
    targets = places[join_index(call.params["index"], arrays)]
    given = shape_of(call.values[0])
    if given != targets.shape:
        sets = take(sets, np.broadcast_to(numbers(given), targets.shape))
    found = collect(sets, targets, call.count)
    return take(found, places + 1) if axes else found


def scatter_many_pattern(call: PatternCall) -> IndexSets:
    """Return the sets of a sum of many scatters."""
    places = numbers(call.shape) - 1
    parts, targets = [], []
    for k, sets, shape in call.traced():
        to = places[call.params["indices"][k]]
        parts.append(take(sets, np.broadcast_to(numbers(shape), to.shape)))
        targets.append(np.ravel(to))
    return collect(stack(parts, call.width), np.concatenate(targets), call.count) if parts else call.nothing()


def set_item_pattern(call: PatternCall) -> IndexSets | None:
    """Return the sets of an array that was written to at an index; None where another point may give another index."""
    if any(call.loose[2:]):
        return None
    sets, places = counted_on(call, 2)
    return take(sets, set_item(*places, *call.values[2:], **call.params))
