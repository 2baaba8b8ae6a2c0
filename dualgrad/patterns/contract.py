"""Sums of products over named indices, of which matmul, tensordot and einsum are some.

A number of the answer depends on the numbers of an operand that it is summed over, except where the other operands are
fixed data and zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dualgrad._table.space import shape_of
from dualgrad._table.structure import Contracted
from dualgrad.patterns.call import PatternCall
from dualgrad.patterns.sets import IndexSets, Ints, collect, take

# Above so many products, the zeros of fixed data are not looked at: the pattern is then larger than it need be.
_LARGEST = 20_000_000


def contracted(structure: Contracted, call: PatternCall) -> IndexSets:
    """Return the sets of a sum of products."""
    given = [shape_of(x) for x in call.values]
    terms, output = structure.terms(given, call.params)
    shapes = [(math.prod(shape),) for shape in given] if structure.flat else given
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, n in zip(term, shape, strict=True):
            sizes[letter] = max(n, sizes.get(letter, 1)) if n else 0
    if call.count == 0:
        return call.nothing()
    return call.unite([_operand(call, k, sets, terms, shapes[k], output, sizes) for k, sets, _ in call.traced()])


def _operand(
    call: PatternCall,
    k: int,
    sets: IndexSets,
    terms: list[str],
    shape: tuple[int, ...],
    output: str,
    sizes: dict[str, int],
) -> IndexSets:
    own = terms[k]
    mask, mask_letters = _nonzero(call, k, terms, output + own, sizes)
    if mask is None:
        return _joined(sets, own, shape, output, sizes)
    others = [x for x in dict.fromkeys(output + own) if x not in mask_letters]
    rest = math.prod([sizes[x] for x in others])
    count = int(np.count_nonzero(mask))
    if count * rest > _LARGEST:
        return _joined(sets, own, shape, output, sizes)
    grids = {x: g[:, None] for x, g in zip(mask_letters, np.nonzero(mask), strict=True)}
    grids.update({x: g.reshape(1, -1) for x, g in _full_grids(others, sizes).items()})
    ins = _places(own, shape, grids, [count, rest])
    outs = _places(output, tuple(sizes[x] for x in output), grids, [count, rest])
    return collect(take(sets, ins + 1), outs, call.count)


def _joined(sets: IndexSets, own: str, shape: tuple[int, ...], output: str, sizes: dict[str, int]) -> IndexSets:
    """Return sets joined over what is summed away, then broadcast over the indices that the operand does not have."""
    letters = list(dict.fromkeys(own))
    kept = "".join([x for x in letters if x in output])
    lengths = tuple([sizes[x] for x in kept])
    full = [sizes[x] for x in letters]
    grids = _open_grids(letters, sizes)
    joined = collect(
        take(sets, _places(own, shape, grids, full) + 1), _places(kept, lengths, grids, full), math.prod(lengths)
    )
    grids = _open_grids(output, sizes)
    return take(joined, _places(kept, lengths, grids, [sizes[x] for x in output]) + 1)


def _nonzero(call: PatternCall, k: int, terms: list[str], wanted: str, sizes: dict[str, int]) -> tuple[Any, str]:
    """Return where the product of the other operands may be nonzero, summed over what is not wanted; None: everywhere."""
    fixed = [j for j in range(len(terms)) if j != k and not call.loose[j]]
    fixed = [j for j in fixed if not np.all(call.values[j])]
    if not fixed:
        return None, ""
    letters = "".join(dict.fromkeys(x for j in fixed for x in terms[j] if x in wanted))
    masks = [np.reshape(np.not_equal(call.values[j], 0), _lengths(call, j, terms)).astype(float) for j in fixed]
    found = np.einsum(f"{','.join(terms[j] for j in fixed)}->{letters}", *masks)
    # An axis of length 1 may have been broadcast.
    return np.broadcast_to(found > 0, tuple([sizes[x] for x in letters])), letters


def _lengths(call: PatternCall, j: int, terms: list[str]) -> tuple[int, ...]:
    shape = shape_of(call.values[j])
    return shape if len(shape) == len(terms[j]) else (math.prod(shape),)


def _open_grids(letters: Sequence[str], sizes: dict[str, int]) -> dict[str, Ints]:
    return {x: np.arange(sizes[x]).reshape([-1 if y == x else 1 for y in letters]) for x in letters}


def _full_grids(letters: Sequence[str], sizes: dict[str, int]) -> dict[str, Ints]:
    shape = tuple(sizes[x] for x in letters)
    return {x: np.broadcast_to(grid, shape).ravel() for x, grid in _open_grids(letters, sizes).items()}


def _places(term: str, shape: tuple[int, ...], grids: dict[str, Ints], full: Sequence[int]) -> Ints:
    """Return the places, in C order and counted from 0, of the numbers of an operand at all points of a grid."""
    found: Any = np.zeros((), np.intp)
    for letter, n in zip(term, shape, strict=True):
        found = found * n + (grids[letter] if n != 1 else 0)
    return np.broadcast_to(found, tuple(full))
