"""Colourings: checked by what they promise, on random patterns, and counted on patterns with known numbers of colours."""

from __future__ import annotations

import itertools
from typing import Any

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualgrad.patterns.sets import IndexSets, from_pairs
from dualgrad.sparse.colours._bidirectional import Partition, by_both, by_columns, by_rows
from dualgrad.sparse.colours._colouring import (
    colour_columns,
    intersection_graph,
    largest_first,
    lists_of,
    smallest_last,
)
from dualgrad.sparse.colours._star import star_colour
from dualgrad.sparse.colours._symmetric import recovery

Matrix = np.ndarray[Any, np.dtype[np.bool_]]


def sets_of(matrix: Matrix) -> IndexSets:
    rows, cols = np.nonzero(matrix)
    return from_pairs(rows, cols, matrix.shape[0], max(matrix.shape[1], 1))


@st.composite
def matrices(draw: st.DrawFn) -> Matrix:
    shape = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    density = draw(st.sampled_from([0.05, 0.2, 0.5]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    matrix = rng.random(shape) < density
    if draw(st.booleans()):
        matrix[rng.integers(shape[0])] = True
    if draw(st.booleans()):
        matrix[:, rng.integers(shape[1])] = True
    return matrix


@st.composite
def symmetric_matrices(draw: st.DrawFn) -> Matrix:
    n = draw(st.integers(1, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    half = rng.random((n, n)) < draw(st.sampled_from([0.05, 0.15, 0.4]))
    matrix = half | half.T
    if draw(st.booleans()):
        matrix[0] = matrix[:, 0] = True
    if draw(st.booleans()):
        np.fill_diagonal(matrix, draw(st.booleans()))
    return matrix


# ---- what colourings promise -----------------------------------------------------------------------


@given(matrices())
def test_columns_of_one_colour_share_no_row(matrix: Matrix) -> None:
    colours = colour_columns(sets_of(matrix))

    for a, b in itertools.combinations(range(matrix.shape[1]), 2):
        assert colours[a] != colours[b] or not np.any(matrix[:, a] & matrix[:, b])


def recovered(partition: Partition, matrix: Matrix, numbers: Any) -> Any:
    """Read a matrix off its products with the groups of a partition."""
    found = np.zeros(matrix.shape)
    for (i, j), by_row in zip(np.argwhere(matrix), partition.by_row, strict=True):
        if by_row:
            group = partition.rows == partition.rows[i]
            found[i, j] = numbers[group, j].sum() if partition.rows[i] >= 0 else np.nan
        else:
            group = partition.columns == partition.columns[j]
            found[i, j] = numbers[i, group].sum() if partition.columns[j] >= 0 else np.nan
    return found


@given(matrices(), st.sampled_from([by_columns, by_rows, by_both]))
def test_every_entry_stands_alone_in_its_group(matrix: Matrix, partition_of: Any) -> None:
    numbers = np.where(matrix, np.random.default_rng(0).permutation(matrix.size).reshape(matrix.shape) + 1.0, 0.0)

    np.testing.assert_array_equal(recovered(partition_of(sets_of(matrix)), matrix, numbers), numbers)


@given(matrices())
def test_both_takes_no_more_groups_than_columns_or_rows(matrix: Matrix) -> None:
    sets = sets_of(matrix)

    assert by_both(sets).groups <= min(by_columns(sets).groups, by_rows(sets).groups)


@given(symmetric_matrices())
def test_neighbours_differ_and_paths_of_four_have_three_colours(matrix: Matrix) -> None:
    graph = matrix & ~np.eye(len(matrix), dtype=bool)
    colours = star_colour(sets_of(graph))

    near = [np.flatnonzero(row).tolist() for row in graph]
    for v, w in np.argwhere(graph):
        assert colours[v] != colours[w]
        for u, x in itertools.product(near[v], near[w]):
            if len({u, v, w, x}) == 4:
                assert len({colours[k] for k in (u, v, w, x)}) >= 3


@given(symmetric_matrices())
def test_a_symmetric_matrix_is_read_off_its_products(matrix: Matrix) -> None:
    numbers = np.triu(np.random.default_rng(0).permutation(matrix.size).reshape(matrix.shape) + 1.0)
    numbers = np.where(matrix, numbers + np.triu(numbers, 1).T, 0.0)

    found = recovery(sets_of(matrix))
    products = np.array([numbers @ (found.colours == c) for c in range(int(found.colours.max()) + 1)])

    if matrix.any():
        np.testing.assert_array_equal(products[found.passes, found.rows], numbers[matrix])
        assert set(found.passes.tolist()) == set(range(len(products)))
    else:
        assert len(products) == 0


@settings(max_examples=30)
@given(matrices())
def test_orders_are_what_their_names_say(matrix: Matrix) -> None:
    graph = lists_of(intersection_graph(sets_of(matrix)))
    degrees = [len(near) for near in graph]

    falling = [degrees[v] for v in largest_first(graph)]
    assert falling == sorted(falling, reverse=True)

    order = smallest_last(graph)
    assert sorted(order) == list(range(len(graph)))
    for k in range(len(order), 0, -1):
        left = set(order[:k])
        within = {v: len(left.intersection(graph[v])) for v in left}
        assert within[order[k - 1]] == min(within.values())


# ---- known numbers of colours ----------------------------------------------------------------------


def count_columns(matrix: IndexSets) -> int:
    return int(colour_columns(matrix).max()) + 1


@pytest.mark.parametrize("width", [1, 3, 4, 7])
def test_a_band_takes_its_width(width: int) -> None:
    n = 300
    rows = np.repeat(np.arange(n), width)
    cols = rows + np.tile(np.arange(width), n) - width // 2
    inside = (cols >= 0) & (cols < n)

    assert count_columns(from_pairs(rows[inside], cols[inside], n, n)) == width


def test_blocks_take_the_size_of_a_block() -> None:
    assert count_columns(sets_of(np.kron(np.eye(20), np.ones((5, 5))) > 0)) == 5


def test_a_dense_row_and_a_diagonal_take_two_groups() -> None:
    matrix = np.eye(50, dtype=bool)
    matrix[0] = True

    assert by_both(sets_of(matrix)).groups == 2
    assert by_both(sets_of(matrix.T)).groups == 2
    assert by_columns(sets_of(matrix)).groups == 50


def test_a_full_arrow_takes_three_groups_and_two_where_it_is_symmetric() -> None:
    matrix = np.eye(50, dtype=bool)
    matrix[0] = matrix[:, 0] = True

    # It has 148 entries, and each group tells 50 numbers.
    assert by_both(sets_of(matrix)).groups == 3
    assert len(set(recovery(sets_of(matrix)).passes.tolist())) == 2


def stencil(n: int, periodic: bool) -> tuple[Any, Any]:
    g = np.arange(n * n).reshape(n, n)
    if periodic:
        pairs = [(g, g), *[(g, np.roll(g, k, axis)) for k in (-1, 1) for axis in (0, 1)]]
    else:
        pairs = [(g, g), (g[1:], g[:-1]), (g[:-1], g[1:]), (g[:, 1:], g[:, :-1]), (g[:, :-1], g[:, 1:])]
    return np.concatenate([a.ravel() for a, _ in pairs]), np.concatenate([b.ravel() for _, b in pairs])


def test_the_five_point_stencil_takes_at_most_seven_colours() -> None:
    rows, cols = stencil(100, periodic=False)
    off = rows != cols

    assert count_columns(from_pairs(rows, cols, 10_000, 10_000)) <= 7
    assert int(star_colour(from_pairs(rows[off], cols[off], 10_000, 10_000)).max()) + 1 <= 7


def test_two_coupled_fields_on_a_periodic_grid_take_at_most_twelve_colours() -> None:
    rows, cols = stencil(100, periodic=True)
    same = rows == cols
    rows = np.concatenate([rows, rows + 10_000, rows[same], rows[same] + 10_000])
    cols = np.concatenate([cols, cols + 10_000, cols[same] + 10_000, cols[same]])

    assert count_columns(from_pairs(rows, cols, 20_000, 20_000)) <= 12


@pytest.mark.parametrize("strategy", ["largest_first", "smallest_last"])
@pytest.mark.parametrize("seed", range(20))
def test_random_patterns_take_no_more_colours_than_networkx(strategy: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.random(rng.integers(10, 80, 2)) < rng.uniform(0.02, 0.2)
    graph = networkx.Graph()
    graph.add_nodes_from(range(matrix.shape[1]))
    graph.add_edges_from(pair for row in matrix for pair in itertools.combinations(np.flatnonzero(row).tolist(), 2))

    theirs = max(networkx.greedy_color(graph, strategy).values()) + 1

    assert count_columns(sets_of(matrix)) <= theirs
