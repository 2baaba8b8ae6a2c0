"""Functions of which every answer is one number of an operand, or zero, or a sum of some by place.

They are run on arrays of places instead of numbers, and so say themselves where each number comes from.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._table.functions import getitem, pack, set_item
from dualgrad._table.index import Slot, join_index
from dualgrad._table.space import Function, shape_of
from dualgrad.patterns.call import Call, joined, joined_along, numbers
from dualgrad.patterns.sets import IndexSets, collect, stack, take
from dualgrad.rules.indexing.items import scatter, scatter_many
from dualgrad.rules.indexing.taking import on_diagonal

# ---- one number each -------------------------------------------------------------------------------


def rearranged(call: Call) -> IndexSets | None:
    """Return the sets of a function that rearranges its first operand and fills up with zeros."""
    sets = call.sets[0]
    if sets is None or any(call.loose[1:]):
        return None
    return take(sets, call.record.fun(numbers(shape_of(call.values[0])), *call.values[1:], **call.params))


def _put_together(call: Call) -> IndexSets:
    """Return the sets of a function of many arrays, whose answer is made of all of them."""
    sets, places = _counted_on(call, len(call.values))
    return take(sets, call.record.fun(*places, **call.params))


def _counted_on(call: Call, count: int) -> tuple[IndexSets, list[Any]]:
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


def _written(call: Call) -> IndexSets | None:
    """Return the sets of an array that was written to at an index; None where another point may give another index."""
    if any(call.loose[2:]):
        return None
    sets, places = _counted_on(call, 2)
    return take(sets, set_item(*places, *call.values[2:], **call.params))


# ---- indexing --------------------------------------------------------------------------------------


def _getitem(call: Call) -> IndexSets:
    sets, shape = call.sets[0], shape_of(call.values[0])
    if sets is None:
        return call.nothing()
    arrays, places = call.values[1:], numbers(shape)
    axes = _chosen_axes(call, len(shape))
    if axes:
        sets, left = joined(sets, shape, axes)
        places = np.broadcast_to(numbers(left), shape)
    return take(sets, places[join_index(call.params["index"], arrays)])


def _chosen_axes(call: Call, ndim: int) -> list[int]:
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


def _width(part: Any, call: Call) -> int:
    """Return how many axes a part of an index takes up; an ellipsis counts for none here."""
    if part is None or part is Ellipsis:
        return 0
    if type(part) is Slot:
        mask = call.values[1 + part.number]
        return mask.ndim if mask.dtype.kind == "b" else 1
    return 1


def _scatter(call: Call) -> IndexSets:
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


def _scatter_many(call: Call) -> IndexSets:
    places = numbers(call.shape) - 1
    parts, targets = [], []
    for k, sets, shape in call.traced():
        to = places[call.params["indices"][k]]
        parts.append(take(sets, np.broadcast_to(numbers(shape), to.shape)))
        targets.append(np.ravel(to))
    return collect(stack(parts, call.width), np.concatenate(targets), call.count) if parts else call.nothing()


def _bincount(call: Call) -> IndexSets:
    sets = call.sets[0]
    if sets is None:
        return call.nothing()
    if call.loose[1]:
        return joined_along(sets, shape_of(call.values[0]), (0,), call.shape)
    return collect(sets, call.values[1], call.count)


def _repeat(call: Call) -> IndexSets:
    sets, shape = call.sets[0], shape_of(call.values[0])
    if sets is None:
        return call.nothing()
    if not call.loose[1]:
        return take(sets, np.repeat(numbers(shape), call.values[1], **call.params))
    axis = call.params.get("axis")
    if axis is None:
        return joined_along(sets, shape, range(len(shape)), call.shape)
    return joined_along(sets, shape, (operator.index(axis) % len(shape),), call.shape, kept=-1)


PLACES: dict[Function, Callable[[Call], IndexSets | None]] = {
    np.concatenate: _put_together,
    np.stack: _put_together,
    set_item: _written,
    pack: _put_together,
    np.broadcast_to: rearranged,
    np.diagonal: rearranged,
    on_diagonal: rearranged,
    np.tril: rearranged,
    np.triu: rearranged,
    np.repeat: _repeat,
    np.bincount: _bincount,
    getitem: _getitem,
    scatter: _scatter,
    scatter_many: _scatter_many,
}
