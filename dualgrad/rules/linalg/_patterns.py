"""Which inputs the answers of functions of matrices depend on, where that is not the whole of their own matrix."""

from __future__ import annotations

from dualgrad._table.space import dtype_of, shape_of
from dualgrad._table.structure import OfMatrices
from dualgrad.patterns.call import PatternCall, joined_along
from dualgrad.patterns.matrices import of_matrices
from dualgrad.patterns.sets import IndexSets


def solve_pattern(call: PatternCall) -> IndexSets:
    """Return the sets of solutions: each depends on the whole of its matrix and of its own right-hand side."""
    is_vector = len(shape_of(call.values[1])) == 1
    parts = []
    for k, sets, shape in call.traced():
        n = len(shape)
        if k == 0:
            parts.append(joined_along(sets, shape, (n - 2, n - 1), call.shape, kept=1 if is_vector else 2))
        else:
            parts.append(joined_along(sets, shape, (0 if is_vector else n - 2,), call.shape, kept=-1))
    return call.unite(parts)


def slogdet_pattern(call: PatternCall) -> list[IndexSets | None]:
    """Return the sets of sign and logarithm; the sign of a real determinant has no derivative."""
    sign, logarithm = of_matrices(OfMatrices(), call)
    return [sign if dtype_of(call.values[0]).kind == "c" else None, logarithm]
