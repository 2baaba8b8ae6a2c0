"""How the entries of a symmetric matrix are read off its products with the sums of the columns of each colour."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np

from dualgrad.patterns.sets import IndexSets, Ints, from_pairs
from dualgrad.sparse.colours._colouring import colour_columns
from dualgrad.sparse.colours._star import star_colour

Mask: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"


class Recovery(NamedTuple):
    """A colour for each column (-1: none); entry `k` of the matrix is number `rows[k]` of the product `passes[k]`."""

    colours: Ints
    passes: Ints
    rows: Ints


def recovery(sets: IndexSets) -> Recovery:
    """Return how to read off a symmetric matrix, given by the columns of its rows, from few products."""
    rows, cols = sets.row_numbers(), sets.indices
    off = rows != cols
    graph = from_pairs(rows[off], cols[off], sets.count, sets.width)
    found = _by_stars(sets, star_colour(graph), off)
    # Columns of one colour that share no row at all can be read off too, and rarely take fewer colours.
    if int(found.passes.max(initial=-1)) + 1 > int(sets.lengths().max(initial=0)):
        colours = colour_columns(sets)
        if int(colours.max(initial=-1)) < int(found.passes.max(initial=-1)):
            return _renumbered(colours, colours[cols], rows)
    return found


def _by_stars(sets: IndexSets, colours: Ints, off: Mask) -> Recovery:
    """Return the recovery from a star colouring.

    Row i of the product with the columns of colour c is the sum of the entries of row i in these columns. It is the entry
    (i, j) itself where j is the only neighbour of i with that colour. Of the two ends of an edge, a leaf of its star sees it
    alone; where the star is one edge, both do, and a product is chosen that is needed anyway.
    """
    rows, cols = sets.row_numbers(), sets.indices
    here, there = colours[cols], colours[rows]
    count = int(colours.max(initial=-1)) + 1
    alone = _is_alone(rows, here, off, count)
    alone_there = _is_alone(cols, there, off, count)
    # The diagonal is always alone: no neighbour of i has the colour of i.
    alone, alone_there = alone | ~off, alone_there & off
    needed = np.zeros(max(count, 1), bool)
    needed[here[alone & ~alone_there]] = True
    needed[there[alone_there & ~alone]] = True
    free_there = alone_there & np.where(needed[here] == needed[there], rows < cols, needed[there])
    turned = np.where(alone, free_there, alone_there)
    if not np.all(alone | alone_there):
        raise ValueError("This is no star colouring: an entry is nowhere alone.")
    return _renumbered(colours, np.where(turned, there, here), np.where(turned, cols, rows))


def _is_alone(rows: Ints, colours: Ints, off: Mask, count: int) -> Mask:
    keys = rows * max(count, 1) + colours
    _, where, often = np.unique(keys[off], return_inverse=True, return_counts=True)
    found = np.zeros(len(rows), bool)
    found[off] = often[where] == 1
    return found


def _renumbered(colours: Ints, passes: Ints, rows: Ints) -> Recovery:
    """Drop the colours of which nothing is read."""
    used, numbers = np.unique(passes, return_inverse=True)
    places = np.full(int(colours.max(initial=-1)) + 2, -1)
    places[used] = np.arange(len(used))
    return Recovery(places[colours], numbers, rows)
