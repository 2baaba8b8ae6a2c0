"""Index sets, one per row: sparse boolean matrices in compressed rows, and the few operations that patterns need.

Knows nothing of derivatives or of traced arrays. Row numbers handed to `take` count from 1, and 0 stands for a row with an
empty set: so an array of row numbers can be run through any function that rearranges entries and fills up with zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Ints: TypeAlias = "np.ndarray[Any, np.dtype[np.intp]]"


@dataclass(frozen=True, slots=True, eq=False)
class IndexSets:
    """Row `k` is the set `indices[indptr[k]:indptr[k + 1]]`, sorted, of numbers below `width`."""

    indptr: Ints
    indices: Ints
    width: int

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.indptr) - 1

    def lengths(self) -> Ints:
        """Return the size of each set."""
        return np.diff(self.indptr)

    def row_numbers(self) -> Ints:
        """Return the row, counted from 0, of each entry of `indices`."""
        return np.repeat(np.arange(self.count), self.lengths())


def empty(count: int, width: int) -> IndexSets:
    """Return rows without members."""
    return IndexSets(np.zeros(count + 1, np.intp), np.zeros(0, np.intp), width)


def identity(width: int) -> IndexSets:
    """Return the rows {0}, {1}, ..., {width - 1}."""
    return IndexSets(np.arange(width + 1), np.arange(width), width)


def repeated(members: Ints, count: int, width: int) -> IndexSets:
    """Return rows that all are the same sorted set."""
    return IndexSets(np.arange(count + 1) * len(members), np.tile(members, count), width)


def from_pairs(rows: Any, indices: Any, count: int, width: int) -> IndexSets:
    """Return the sets that hold the given (row, index) pairs, in any order and with repetitions."""
    if len(indices) == 0:
        return empty(count, width)
    # One number per pair: sorting them sorts both, and equal pairs come to stand side by side.
    keys = np.sort(np.asarray(rows, np.int64) * width + indices)
    fresh = np.empty(len(keys), bool)
    fresh[0] = True
    np.not_equal(keys[1:], keys[:-1], out=fresh[1:])
    keys = keys[fresh]
    found = keys // width
    indptr = np.zeros(count + 1, np.intp)
    np.cumsum(np.bincount(found, minlength=count), out=indptr[1:])
    return IndexSets(indptr, keys - found * width, width)


def members(sets: IndexSets) -> Ints:
    """Return the union of all rows."""
    held = np.zeros(sets.width, bool)
    held[sets.indices] = True
    return np.flatnonzero(held)


def take(sets: IndexSets, numbers: Any) -> IndexSets:
    """Return the rows of the given numbers, which count from 1; 0 gives an empty row."""
    numbers = np.asarray(numbers).ravel()
    if len(numbers) == sets.count and np.array_equal(numbers, np.arange(1, sets.count + 1)):
        return sets
    start = np.concatenate([[0], sets.indptr[:-1]])[numbers]
    length = np.concatenate([[0], sets.lengths()])[numbers]
    indptr = np.zeros(len(numbers) + 1, np.intp)
    np.cumsum(length, out=indptr[1:])
    places = np.arange(indptr[-1]) + np.repeat(start - indptr[:-1], length)
    return IndexSets(indptr, sets.indices[places], sets.width)


def stack(parts: Sequence[IndexSets], width: int) -> IndexSets:
    """Return the rows of all parts, one part after the other."""
    offsets = np.cumsum([0, *[part.indptr[-1] for part in parts]])
    indptr = [np.zeros(1, np.intp), *[p.indptr[1:] + offset for p, offset in zip(parts, offsets, strict=False)]]
    indices = [np.zeros(0, np.intp), *[part.indices for part in parts]]
    return IndexSets(np.concatenate(indptr), np.concatenate(indices), width)


def unite(parts: Sequence[IndexSets], count: int, width: int) -> IndexSets:
    """Return the unions, row by row, of parts with equally many rows."""
    distinct: list[IndexSets] = []
    for part in parts:
        if len(part.indices) and not any(_equal(part, other) for other in distinct):
            distinct.append(part)
    if not distinct:
        return empty(count, width)
    if len(distinct) == 1:
        return distinct[0]
    rows = np.concatenate([part.row_numbers() for part in distinct])
    return from_pairs(rows, np.concatenate([part.indices for part in distinct]), count, width)


def _equal(a: IndexSets, b: IndexSets) -> bool:
    return a is b or (
        len(a.indices) == len(b.indices) and np.array_equal(a.indptr, b.indptr) and np.array_equal(a.indices, b.indices)
    )


def collect(sets: IndexSets, targets: Any, count: int) -> IndexSets:
    """Return `count` rows; row `t` is the union of the rows whose target (counted from 0) is `t`."""
    targets = np.asarray(targets).ravel()
    return from_pairs(np.repeat(targets, sets.lengths()), sets.indices, count, sets.width)


def followed(sets: IndexSets, through: IndexSets) -> IndexSets:
    """Return, for each row of `sets`, the union of the rows of `through` that it names, counted from 0."""
    members = take(through, sets.indices + 1)
    rows = np.repeat(sets.row_numbers(), members.lengths())
    return from_pairs(rows, members.indices, sets.count, through.width)


def inverted(sets: IndexSets) -> IndexSets:
    """Return, for each index, the set of rows that hold it."""
    return from_pairs(sets.indices, sets.row_numbers(), sets.width, max(sets.count, 1))
