"""Colourings of the columns of a sparse matrix, such that columns of one colour share no row. Knows nothing of derivatives.

That is a colouring of the column intersection graph, in which columns with a common row are neighbours. The graph is never
formed for colouring: a row remembers, as the bits of a Python integer, the colours that its columns have. So greedy colouring
costs one look at each entry. Orders and their names are those of the literature: A. H. Gebremedhin, F. Manne, A. Pothen,
"What color is your Jacobian?", SIAM Review 47 (2005), doi:10.1137/S0036144504444711.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from dualgrad.patterns.sets import IndexSets, Ints, collect, inverted, take

Lists = list[list[int]]

# The intersection graph has as many entries as pairs of entries share a row; beyond this only the natural order is tried.
_LARGEST_GRAPH = 4_000_000
# How many entries are looked at in the search for fewer colours than the orders gave.
_EFFORT = 1_500_000
_ROUNDS = 200


def lists_of(sets: IndexSets) -> Lists:
    """Return index sets as lists, which Python walks through fastest."""
    indices, indptr = sets.indices.tolist(), sets.indptr.tolist()
    return [indices[a:b] for a, b in itertools.pairwise(indptr)]


def colour_columns(rows: IndexSets, quick: bool = False) -> Ints:
    """Return a colour, counted from 0, for each column, such that the columns of every row have different colours.

    The matrix is given by the columns of each row. The best of several orders is taken, and then improved for a while; with
    `quick`, the first order has to do.
    """
    columns = lists_of(inverted(rows))
    fewest = int(rows.lengths().max(initial=0))
    best: list[int] = []
    for order in _orders(rows, columns):
        found = greedy(columns, rows.count, order)
        if not best or max(found) < max(best):
            best = found
        if quick or max(best, default=-1) + 1 <= fewest:
            break
    else:
        best = _improved(columns, rows, best, fewest)
    return np.array(best, np.intp)


def greedy(columns: Lists, row_count: int, order: Sequence[int]) -> list[int]:
    """Return the colouring that gives each column, in an order, the first colour that no column sharing a row has."""
    taken = [0] * row_count
    colours = [0] * len(columns)
    for j in order:
        mask = 0
        for i in columns[j]:
            mask |= taken[i]
        # The lowest bit that is not set.
        bit = ~mask & (mask + 1)
        colours[j] = bit.bit_length() - 1
        for i in columns[j]:
            taken[i] |= bit
    return colours


# ---- orders ----------------------------------------------------------------------------------------


def _orders(rows: IndexSets, columns: Lists) -> Iterator[Sequence[int]]:
    yield range(len(columns))
    lengths = rows.lengths()
    if int((lengths * lengths).sum()) > _LARGEST_GRAPH:
        # Largest first, by the entries that a column shares rows with, counted with repetition.
        yield np.argsort(-_with_repetition(rows, lengths), kind="stable").tolist()
        return
    graph = lists_of(intersection_graph(rows))
    yield largest_first(graph)
    yield smallest_last(graph)


def _with_repetition(rows: IndexSets, lengths: Ints) -> Ints:
    return np.bincount(rows.indices, np.repeat(lengths, lengths), rows.width).astype(np.intp)


def intersection_graph(rows: IndexSets) -> IndexSets:
    """Return, for each column, the other columns with which it shares a row."""
    columns = inverted(rows)
    met = collect(take(rows, columns.indices + 1), columns.row_numbers(), columns.count)
    sources = met.row_numbers()
    others = sources != met.indices
    indptr = np.concatenate([[0], np.cumsum(np.bincount(sources[others], minlength=met.count))])
    return IndexSets(indptr, met.indices[others], met.width)


def largest_first(graph: Lists) -> list[int]:
    """Return the vertices of a graph by falling degree."""
    return sorted(range(len(graph)), key=lambda v: -len(graph[v]))


def smallest_last(graph: Lists) -> list[int]:
    """Return the order whose last vertex has the least degree, its last but one the least without that vertex, and so on."""
    degrees = [len(near) for near in graph]
    buckets: Lists = [[] for _ in range(max(degrees, default=0) + 1)]
    for v, degree in enumerate(degrees):
        buckets[degree].append(v)
    order: list[int] = []
    gone = [False] * len(graph)
    low = 0
    while len(order) < len(graph):
        while not buckets[low]:
            low += 1
        v = buckets[low].pop()
        # A vertex stays behind in the buckets of its former degrees.
        if gone[v] or degrees[v] != low:
            continue
        gone[v] = True
        order.append(v)
        for w in graph[v]:
            if not gone[w]:
                degrees[w] -= 1
                buckets[degrees[w]].append(w)
        low = max(low - 1, 0)
    return order[::-1]


# ---- improvement -----------------------------------------------------------------------------------


def _improved(columns: Lists, rows: IndexSets, colours: list[int], fewest: int) -> list[int]:
    """Colour again, class after class: that never takes more colours, and often fewer.

    (J. C. Culberson, "Iterated greedy graph coloring and the difficulty landscape", 1992.)
    """
    # A fixed seed: the same pattern always gets the same colours.
    dice = np.random.default_rng(0)
    for k in range(min(_ROUNDS, _EFFORT // max(1, len(rows.indices)))):
        if max(colours, default=-1) + 1 <= fewest:
            break
        classes: Lists = [[] for _ in range(max(colours) + 1)]
        for j, colour in enumerate(colours):
            classes[colour].append(j)
        if k % 3 == 0:
            classes.reverse()
        elif k % 3 == 1:
            classes.sort(key=len, reverse=True)
        else:
            classes = [classes[c] for c in dice.permutation(len(classes)).tolist()]
        colours = greedy(columns, rows.count, [j for one in classes for j in one])
    return colours
