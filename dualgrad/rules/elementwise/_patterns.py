"""Numberwise functions of which fixed data tells where they depend on nothing: products, powers, imaginary parts."""

from __future__ import annotations

import numpy as np

from dualgrad._table.space import dtype_of, shape_of
from dualgrad.patterns.call import PatternCall, stretched
from dualgrad.patterns.numberwise import at_own_places, selected
from dualgrad.patterns.sets import IndexSets


def multiply_pattern(call: PatternCall) -> IndexSets:
    """Return the sets of a product, empty where the other factor is a fixed zero."""
    parts = []
    for k, sets, shape in call.traced():
        other = call.values[1 - k]
        if call.loose[1 - k] or np.all(other):
            parts.append(stretched(sets, shape, call.shape))
        else:
            parts.append(selected(call, sets, shape, np.not_equal(other, 0)))
    return call.unite(parts)


def power_pattern(call: PatternCall) -> IndexSets:
    """Return the sets of a power, empty where the exponent is a fixed zero."""
    sets = call.sets[0]
    if sets is None or call.loose[1]:
        return at_own_places(call)
    return selected(call, sets, shape_of(call.values[0]), np.not_equal(call.values[1], 0))


def imag_pattern(call: PatternCall) -> IndexSets:
    """Return the sets of an imaginary part, empty for real numbers."""
    return at_own_places(call) if dtype_of(call.values[0]).kind == "c" else call.nothing()
