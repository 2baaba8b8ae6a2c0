"""What runs along an axis: reductions, sorts, scans, differences."""

from __future__ import annotations

import numpy as np

from dualgrad._table.space import shape_of
from dualgrad._table.structure import Along
from dualgrad.patterns.call import PatternCall, joined_along, numbers, stretched
from dualgrad.patterns.sets import IndexSets, take, unite


def along(structure: Along, call: PatternCall) -> IndexSets:
    """Return the sets of a function along an axis."""
    if structure.mixes == "all":
        return _all(structure, call)
    return _before(structure, call) if structure.mixes == "before" else _neighbours(structure, call)


def _all(structure: Along, call: PatternCall) -> IndexSets:
    axis = call.params.get("axis", structure.axis)
    # Along all axes at once the answer is one number, or those of the flat array, each made of everything.
    stays = call.params.get("keepdims") or (structure.stays and axis is not None)
    parts = [
        joined_along(sets, shape, structure.axes(len(shape), call.params), call.shape, kept=-1 if stays else 0)
        for _, sets, shape in call.traced()
    ]
    return call.unite(parts)


def _before(structure: Along, call: PatternCall) -> IndexSets:
    is_flat = call.params.get("axis", structure.axis) is None
    parts = [sets if is_flat else stretched(sets, shape, call.shape) for _, sets, shape in call.traced()]
    found = call.unite(parts)
    (axis,) = (0,) if is_flat else structure.axes(len(call.shape), call.params) or (0,)
    places = numbers(call.shape)
    before = (slice(None),) * axis
    step = 1
    # Doubling: after each round a set holds those of twice as many predecessors.
    while call.shape and step < call.shape[axis]:
        moved = np.zeros_like(places)
        moved[(*before, slice(step, None))] = places[(*before, slice(None, -step))]
        found = call.unite([found, take(found, moved)])
        step *= 2
    return found


def _neighbours(structure: Along, call: PatternCall) -> IndexSets:
    parts = []
    for _, sets, shape in call.traced():
        (axis,) = structure.axes(len(shape), call.params)
        before = (slice(None),) * axis
        places = numbers(shape)
        for _ in range(call.params.get("n", 1)):
            left, right = places[(*before, slice(None, -1))], places[(*before, slice(1, None))]
            sets = unite([take(sets, left), take(sets, right)], left.size, call.width)
            places = numbers(left.shape)
        parts.append(stretched(sets, shape_of(places), call.shape))
    return call.unite(parts)
