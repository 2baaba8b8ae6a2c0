"""Functions of matrices, or of stacks of them."""

from __future__ import annotations

import numpy as np

from dualgrad._table.space import shape_of
from dualgrad._table.structure import OfMatrices
from dualgrad.patterns.call import PatternCall, joined_along, numbers, size_of
from dualgrad.patterns.sets import IndexSets, take, unite


def of_matrices(structure: OfMatrices, call: PatternCall) -> list[IndexSets | None]:
    """Return the sets of answers that depend on the whole of their own matrix, in each operand."""
    return [_of_matrix(structure, call, shape_of(a)) for a in call.answers]


def _of_matrix(structure: OfMatrices, call: PatternCall, shape: tuple[int, ...]) -> IndexSets:
    # Of the axes of an answer, those of the stack come first: as many as the operand with the most axes has before its matrices.
    own = len(shape) + 2 - max([len(shape_of(x)) for x in call.values])
    parts = [
        joined_along(_read(structure, call, sets, given), given, (len(given) - 2, len(given) - 1), shape, kept=own)
        for _, sets, given in call.traced()
    ]
    return unite(parts, size_of(shape), call.width)


def _read(structure: OfMatrices, call: PatternCall, sets: IndexSets, shape: tuple[int, ...]) -> IndexSets:
    """Return the sets of the numbers of matrices, empty in the triangle that is not read."""
    if structure.is_upper is None:
        return sets
    triangle = np.triu if structure.is_upper(call.params) else np.tril
    return take(sets, triangle(numbers(shape)))
