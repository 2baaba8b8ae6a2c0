"""Partitions of a matrix: some entries are read off groups of columns, the others off groups of rows.

A few dense rows make every colouring of columns as large as themselves. Taken out and read as rows, they cost one
group each, and what is left takes few groups of columns. Knows nothing of derivatives.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dualgrad.patterns.sets import IndexSets, Ints, from_pairs, inverted
from dualgrad.sparse.colours._colouring import colour_columns

_CANDIDATES = 8


class Partition(NamedTuple):
    """Colours of columns and of rows (-1: in no group), and for each entry whether it is read off its row's group."""

    columns: Ints
    rows: Ints
    by_row: np.ndarray[tuple[int], np.dtype[np.bool_]]

    @property
    def groups(self) -> int:
        """How many groups of columns and rows there are."""
        return int(self.columns.max(initial=-1)) + int(self.rows.max(initial=-1)) + 2


def by_columns(sets: IndexSets) -> Partition:
    """Return the partition that reads every entry off a group of columns; the matrix is given by the columns of its rows."""
    colours = _without_empty(colour_columns(sets), inverted(sets).lengths())
    return Partition(colours, np.full(sets.count, -1), np.zeros(len(sets.indices), bool))


def by_rows(sets: IndexSets) -> Partition:
    """Return the partition that reads every entry off a group of rows."""
    turned = inverted(sets)
    colours = _without_empty(colour_columns(turned), sets.lengths())
    return Partition(np.full(sets.width, -1), colours[: sets.count], np.ones(len(sets.indices), bool))


def by_both(sets: IndexSets) -> Partition:
    """Return the partition with the fewest groups: columns only, rows only, or dense rows by rows and the rest by columns, or turned."""
    best = by_columns(sets)
    turned = inverted(sets)
    if not (np.array_equal(turned.indptr, sets.indptr) and np.array_equal(turned.indices, sets.indices)):
        other = by_rows(sets)
        best = other if other.groups < best.groups else best
    peeled = _peel_rows(sets, best.groups)
    best = best if peeled is None else peeled
    peeled = _peel_rows(turned, best.groups)
    if peeled is None:
        return best
    # The entries of the transpose, brought back into the order of the matrix.
    order = np.lexsort((turned.row_numbers(), turned.indices))
    return Partition(peeled.rows[: sets.width], peeled.columns[: sets.count], ~peeled.by_row[order])


def _peel_rows(sets: IndexSets, limit: int) -> Partition | None:
    """Return the best partition with fewer groups than a limit in which the rows longer than some threshold are read as rows."""
    lengths = sets.lengths()
    # What is left takes as many groups as its longest row has entries, and the dense rows at least one more.
    thresholds = [n for n in _thresholds(lengths) if n + 1 < limit]
    if not thresholds:
        return None
    guesses = [_peeled(sets, lengths > n, quick=True).groups for n in thresholds]
    found = _peeled(sets, lengths > thresholds[guesses.index(min(guesses))])
    return found if found.groups < limit else None


def _thresholds(lengths: Ints) -> list[int]:
    """Return lengths of rows at which to divide, from small to large; none where all rows are equally long."""
    found = np.unique(lengths)[:-1]
    if len(found) > _CANDIDATES:
        found = found[np.unique(np.geomspace(1, len(found), _CANDIDATES).astype(int)) - 1]
    thresholds: list[int] = found.tolist()
    return thresholds


def _peeled(sets: IndexSets, dense: np.ndarray[tuple[int], np.dtype[np.bool_]], quick: bool = False) -> Partition:
    rows = sets.row_numbers()
    by_row = dense[rows]
    rest = from_pairs(rows[~by_row], sets.indices[~by_row], sets.count, sets.width)
    turned = from_pairs(sets.indices[by_row], rows[by_row], sets.width, max(sets.count, 1))
    columns = _without_empty(colour_columns(rest, quick), np.bincount(rest.indices, minlength=sets.width))
    row_colours = _without_empty(colour_columns(turned, quick), np.where(dense, sets.lengths(), 0))
    return Partition(columns, row_colours[: sets.count], by_row)


def _without_empty(colours: Ints, lengths: Ints) -> Ints:
    """Return colours with -1 for what has no entry and needs no group."""
    if len(colours) > len(lengths):
        colours = colours[: len(lengths)]
    return np.where(lengths > 0, colours, -1)
