"""Python's own containers: what is a container, what is a leaf, and in which order the leaves come."""

from __future__ import annotations

import enum
from collections import OrderedDict, UserList, defaultdict, deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dualgrad import tree
from dualgrad.errors import TreeError


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class MyList(list[Any]):
    pass


class MyTuple(tuple[Any, ...]):
    pass


class MyDict(dict[str, Any]):
    pass


@dataclass
class Config:
    rate: float


LEAVES: list[Any] = [
    1.0,
    2,
    True,
    1j,
    None,
    "text",
    b"bytes",
    np.float32(1.5),
    np.arange(3.0),
    np.ones((2, 2)).view(np.matrix),
    object(),
    {1, 2},
    frozenset({1}),
    range(3),
    deque([1.0]),
    UserList([1.0]),
    float,
    Config,
    Colour.RED,
    MyList([1.0]),
    MyTuple((1.0,)),
    MyDict(a=1.0),
    len,
]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: type(leaf).__name__)
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_what_is_no_container_is_a_leaf(leaf: Any) -> None:
    leaves, structure = tree.flatten(leaf)

    assert len(leaves) == 1
    assert leaves[0] is leaf
    assert structure.size == 1
    assert structure.paths("x") == ["x"]
    assert structure.unflatten(["new"]) == "new"


def test_all_leaves_share_one_structure() -> None:
    assert tree.flatten(1.0)[1] is tree.flatten(None)[1]


def test_leaves_come_from_left_to_right() -> None:
    assert tree.leaves((1, [2, (3, 4)], {"a": 5, "b": [6]})) == [1, 2, 3, 4, 5, 6]


def test_leaves_are_passed_on_and_not_copied() -> None:
    x = np.ones(2)

    leaves, structure = tree.flatten([x])

    assert leaves[0] is x
    assert structure.unflatten(leaves)[0] is x


@pytest.mark.parametrize("empty", [(), [], {}, OrderedDict()], ids=lambda empty: type(empty).__name__)
def test_an_empty_container_has_no_leaves_and_comes_back_empty(empty: Any) -> None:
    leaves, structure = tree.flatten(empty)

    assert leaves == []
    assert structure.size == 0
    assert structure.paths("x") == []
    back = structure.unflatten([])
    assert type(back) is type(empty)
    assert back == empty


def test_unflattening_makes_new_containers() -> None:
    original = [1.0, 2.0]
    leaves, structure = tree.flatten(original)

    back = structure.unflatten(leaves)

    assert back is not original
    assert back is not leaves


def test_a_dict_keeps_its_insertion_order() -> None:
    leaves, structure = tree.flatten({"b": 1, "a": 2})

    assert leaves == [2, 1]
    assert list(structure.unflatten(leaves).items()) == [("b", 1), ("a", 2)]


def test_dicts_with_equal_keys_in_another_order_have_the_same_structure() -> None:
    one, other = tree.flatten({"b": 1, "a": 2}), tree.flatten({"a": 2, "b": 1})

    assert one == other
    assert hash(one[1]) == hash(other[1])


def test_keys_of_several_types_have_one_order() -> None:
    one, other = tree.flatten({"b": 1, 0: 2, "a": 3, None: 4}), tree.flatten({None: 4, "a": 3, "b": 1, 0: 2})

    assert one == other


def test_keys_without_an_order_come_in_order_of_insertion() -> None:
    assert tree.leaves({Colour.BLUE: 1, Colour.RED: 2}) == [1, 2]
    assert tree.flatten({Colour.BLUE: 1, Colour.RED: 2})[1] != tree.flatten({Colour.RED: 2, Colour.BLUE: 1})[1]


def test_partly_ordered_keys_never_mix_up_their_values() -> None:
    a, b = frozenset({1}), frozenset({2})
    one, other = {a: "a", b: "b"}, {b: "b", a: "a"}

    for x in (one, other):
        leaves, structure = tree.flatten(x)
        assert structure.unflatten(leaves) == x
    assert tree.map(lambda x, y: (x, y), one, other) == {a: ("a", "a"), b: ("b", "b")}


def test_an_ordered_dict_stays_one_and_keeps_its_order() -> None:
    leaves, structure = tree.flatten(OrderedDict([("z", 1), ("a", 2)]))

    back = structure.unflatten(leaves)

    assert type(back) is OrderedDict
    assert back == OrderedDict([("z", 1), ("a", 2)])


def test_a_defaultdict_keeps_its_factory_and_gains_no_keys() -> None:
    original: defaultdict[str, Any] = defaultdict(list, b=1.0, a=2.0)
    leaves, structure = tree.flatten(original)

    back = structure.unflatten(leaves)

    assert type(back) is defaultdict
    assert back.default_factory is list
    assert list(back.items()) == [("b", 1.0), ("a", 2.0)]
    assert list(original) == ["b", "a"]


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((1,), [1]),
        ((1,), (1, 2)),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, OrderedDict(a=1)),
        (defaultdict(int, a=1), defaultdict(bool, a=1)),
        (defaultdict(int, a=1), {"a": 1}),
        ([], 1),
        ([[], 1], [1, []]),
        (None, ()),
    ],
)
def test_different_containers_have_different_structures(x: Any, y: Any) -> None:
    assert tree.flatten(x)[1] != tree.flatten(y)[1]


def test_a_tree_that_contains_itself_is_refused() -> None:
    loop: list[Any] = [1.0]
    loop.append({"again": loop})

    with pytest.raises(TreeError, match="The list contains itself, or is nested too deeply"):
        tree.flatten(loop)


def test_nesting_beyond_the_recursion_limit_is_refused() -> None:
    deep: Any = 1.0
    for _ in range(100_000):
        deep = (deep,)

    with pytest.raises(TreeError, match="nested too deeply to be flattened"):
        tree.flatten(deep)
    while type(deep) is tuple:
        (deep,) = deep


def test_three_hundred_levels_are_fine() -> None:
    deep: Any = 1.0
    for i in range(300):
        deep = {"a": deep} if i % 2 else [deep]

    leaves, structure = tree.flatten(deep)

    assert leaves == [1.0]
    assert structure.unflatten(leaves) == deep
    assert structure == tree.flatten(deep)[1]
    assert structure.paths() == ["['a'][0]" * 150]
