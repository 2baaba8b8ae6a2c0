"""Star colourings of graphs: neighbours differ, and every path of four vertices has at least three colours.

Then the vertices of any two colours form stars, and the entries of a symmetric matrix can be read off directly. Colours
are given greedily, with as little looked at as in A. H. Gebremedhin, A. Tarafdar, F. Manne, A. Pothen, "New acyclic and star
coloring algorithms with application to computing Hessians", SIAM J. Sci. Comput. 29 (2007), doi:10.1137/050639879; here each
vertex keeps what is forbidden around it as the bits of integers. Knows nothing of derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dualgrad.patterns.sets import IndexSets, Ints
from dualgrad.sparse.colours._colouring import Lists, largest_first, lists_of, smallest_last


def star_colour(graph: IndexSets) -> Ints:
    """Return a star colouring of a graph without loops, given by the neighbours of each vertex; the best of several orders."""
    lists = lists_of(graph)
    best: list[int] = []
    for order in (range(len(lists)), largest_first(lists), smallest_last(lists)):
        found = greedy_star(lists, order)
        if not best or max(found) < max(best):
            best = found
    return np.array(best, np.intp)


def greedy_star(graph: Lists, order: Sequence[int]) -> list[int]:
    """Return the star colouring that gives each vertex, in an order, the first colour that goes."""
    colouring = _Colouring(graph)
    for v in order:
        colouring.give(v, colouring.first_free(v))
    return colouring.colours


class _Colouring:
    """A star colouring that grows.

    `near[v]`: the colours of the neighbours of v. `counts[v][c]`: how many neighbours have the colour c. `hubs[v]`: the colours
    of those neighbours of v that have another neighbour coloured like v: they are hubs of stars in which v is a leaf.
    """

    def __init__(self, graph: Lists) -> None:
        self.graph = graph
        self.colours = [-1] * len(graph)
        self.near = [0] * len(graph)
        self.hubs = [0] * len(graph)
        self.counts: list[dict[int, int]] = [{} for _ in graph]
        self.first: list[dict[int, int]] = [{} for _ in graph]

    def first_free(self, v: int) -> int:
        """Return the first colour that keeps the colouring a star colouring."""
        counts = self.counts[v]
        forbidden = self.near[v]
        for w in self.graph[v]:
            colour = self.colours[w]
            if colour >= 0:
                # No path v-w-x-y with x like v and y like w; no path w-v-x-y with x like w and y like v.
                forbidden |= self.hubs[w] if counts[colour] == 1 else self.hubs[w] | self.near[w]
        return (~forbidden & (forbidden + 1)).bit_length() - 1

    def give(self, v: int, colour: int) -> None:
        """Colour a vertex."""
        self.colours[v] = colour
        bit = 1 << colour
        for w in self.graph[v]:
            self.near[w] |= bit
            counts = self.counts[w]
            counts[colour] = counts.get(colour, 0) + 1
            first = self.first[w].setdefault(colour, v)
            if self.colours[w] < 0:
                continue
            if counts[colour] > 1:
                # w is a hub: v is a leaf of it, and so is the neighbour that was alone before.
                self.hubs[v] |= 1 << self.colours[w]
                self.hubs[first] |= 1 << self.colours[w]
            if self.counts[v][self.colours[w]] > 1:
                self.hubs[w] |= bit
