"""Laws that hold for every tree."""

from __future__ import annotations

import copy
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from dualgrad import tree
from dualgrad.errors import TreeError


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass(frozen=True)
class Layer:
    w: Any
    b: Any


KEYS = st.one_of(
    st.integers(-3, 3),
    st.text("ab", max_size=2),
    st.none(),
    st.tuples(st.integers(0, 1), st.text("ab", max_size=1)),
)


def containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    dicts = st.dictionaries(KEYS, children, max_size=4)
    return st.one_of(
        st.lists(children, max_size=4),
        st.lists(children, max_size=4).map(tuple),
        dicts,
        dicts.map(OrderedDict),
        dicts.map(lambda found: defaultdict(list, found)),
        st.builds(Point, children, children),
        st.builds(Layer, children, children),
    )


TREES = st.recursive(st.one_of(st.integers(), st.none(), st.text(max_size=2), st.booleans()), containers, max_leaves=20)


def reordered(x: Any) -> Any:
    """Return an equal tree whose dicts were filled in the opposite order."""
    if isinstance(x, dict):
        found = {key: reordered(value) for key, value in reversed(x.items())}
        return defaultdict(x.default_factory, found) if isinstance(x, defaultdict) else type(x)(found)
    if isinstance(x, Point | Layer):
        return type(x)(*[reordered(getattr(x, name)) for name in x.__annotations__])
    return type(x)([reordered(child) for child in x]) if isinstance(x, list | tuple) else x


@given(TREES)
def test_unflatten_undoes_flatten(x: Any) -> None:
    leaves, structure = tree.flatten(x)

    assert repr(structure.unflatten(leaves)) == repr(x)


@given(TREES)
def test_flatten_undoes_unflatten(x: Any) -> None:
    structure = tree.flatten(x)[1]
    leaves = [object() for _ in range(structure.size)]

    assert tree.flatten(structure.unflatten(leaves)) == (leaves, structure)


@given(TREES)
def test_a_copy_has_an_equal_structure_with_an_equal_hash(x: Any) -> None:
    one, other = tree.flatten(x)[1], tree.flatten(copy.deepcopy(x))[1]

    assert one == other
    assert hash(one) == hash(other)


@given(TREES)
def test_there_is_one_distinct_path_per_leaf(x: Any) -> None:
    leaves, structure = tree.flatten(x)
    paths = structure.paths("x")

    assert len(set(paths)) == len(leaves) == structure.size
    assert all(eval(path, {"x": x}) is leaf for path, leaf in zip(paths, leaves, strict=True))


@given(TREES)
def test_the_order_of_insertion_changes_no_leaf(x: Any) -> None:
    leaves, structure = tree.flatten(x)

    assert tree.flatten(reordered(x)) == (leaves, structure)
    assert tree.match(structure, reordered(x), name="y", expected_name="x") == leaves


@given(TREES)
def test_mapping_the_identity_changes_nothing(x: Any) -> None:
    assert repr(tree.map(lambda leaf: leaf, x)) == repr(x)


@given(TREES, TREES)
def test_match_accepts_exactly_the_trees_of_equal_structure(x: Any, y: Any) -> None:
    expected, found = tree.flatten(x)[1], tree.flatten(y)[1]
    try:
        leaves = tree.match(expected, y, name="y", expected_name="x")
    except TreeError:
        assert expected != found
    else:
        assert expected == found
        assert leaves == tree.leaves(y)
