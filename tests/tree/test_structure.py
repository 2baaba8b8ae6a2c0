"""Structures: comparison, size, paths, text, and filling them with leaves."""

from __future__ import annotations

import copy
import pickle
import re
from collections import OrderedDict
from typing import Any, NamedTuple

import pytest

from dualgrad import tree
from dualgrad.errors import TreeError


class Point(NamedTuple):
    x: Any
    y: Any


NESTED: Any = {"layers": [{"w": 1.0, "b": 2.0}, Point((3.0,), [])], 3: OrderedDict(a=None)}


def test_paths_are_expressions_that_reach_the_leaves() -> None:
    leaves, structure = tree.flatten(NESTED)

    found = [eval(path, {"params": NESTED}) for path in structure.paths("params")]

    assert found == leaves
    assert structure.paths("params") == [
        "params[3]['a']",
        "params['layers'][0]['b']",
        "params['layers'][0]['w']",
        "params['layers'][1].x[0]",
    ]


def test_paths_without_a_root_begin_with_the_first_component() -> None:
    assert tree.flatten(Point(1.0, [2.0]))[1].paths() == [".x", ".y[0]"]


def test_the_text_of_a_structure_looks_like_the_tree() -> None:
    assert repr(tree.flatten(NESTED)[1]) == (
        "Structure({3: OrderedDict({'a': *}), 'layers': [{'b': *, 'w': *}, Point(x=(*,), y=[])]})"
    )
    assert repr(tree.flatten(1.0)[1]) == "Structure(*)"


def test_a_structure_is_frozen() -> None:
    structure = tree.flatten([1.0])[1]

    with pytest.raises(AttributeError):
        structure.size = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        structure.other = 2  # type: ignore[attr-defined]


def test_a_structure_equals_no_other_object() -> None:
    assert tree.flatten([1.0])[1] != [1.0]


def test_equal_structures_find_each_other_in_a_dict() -> None:
    cache = {tree.flatten(NESTED)[1]: "found"}

    assert cache[tree.flatten(copy.deepcopy(NESTED))[1]] == "found"


@pytest.mark.parametrize("restore", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_structure_survives_copying_and_pickling(restore: Any) -> None:
    leaves, structure = tree.flatten(NESTED)

    restored = restore(structure)

    assert restored == structure
    assert restored.size == structure.size
    assert restored.unflatten(leaves) == NESTED
    assert restore(tree.flatten(1.0)[1]) is tree.flatten(1.0)[1]


@pytest.mark.parametrize("leaves", [[], [1.0], [1.0, 2.0, 3.0]])
def test_a_wrong_number_of_leaves_is_an_error(leaves: list[float]) -> None:
    structure = tree.flatten((1.0, [2.0]))[1]

    message = f"A structure with 2 leaves cannot be filled with {len(leaves)}: Structure((*, [*]))."
    with pytest.raises(TreeError, match=re.escape(message)):
        tree.unflatten(structure, leaves)


def test_leaves_may_come_from_an_iterator() -> None:
    structure = tree.flatten((1.0, [2.0]))[1]

    assert tree.unflatten(structure, iter("ab")) == ("a", ["b"])


def test_a_leaf_may_be_replaced_by_a_container() -> None:
    structure = tree.flatten((1.0, None))[1]

    assert structure.unflatten([[1, 2], {}]) == ([1, 2], {})


def test_leaf_structures_are_filled_with_exactly_one_leaf() -> None:
    with pytest.raises(TreeError, match="with 1 leaves cannot be filled with 2"):
        tree.flatten(1.0)[1].unflatten([1.0, 2.0])
