"""`match` and `map`: the first difference between two trees is named by its path."""

from __future__ import annotations

import re
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import pytest

from dualgrad import tree
from dualgrad.errors import TreeError


class Point(NamedTuple):
    x: Any
    y: Any


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass
class Layer:
    w: Any
    b: Any
    late: Any = field(init=False)


class Measure:
    def __init__(self, unit: str, *values: Any) -> None:
        self.unit, self.values = unit, values


tree.register(Measure, lambda m: (m.values, m.unit), lambda unit, children: Measure(unit, *children))

TwinPoint = namedtuple("Point", ["x", "y"])  # type: ignore[name-match]
TwinPoint.__module__ = "elsewhere"


def matched(expected: Any, found: Any, allow_none: bool = False) -> list[Any]:
    structure = tree.flatten(expected)[1]
    return tree.match(structure, found, name="tangents", expected_name="primals", allow_none=allow_none)


def late_layer() -> Layer:
    layer = Layer(1, 2)
    layer.late = 3
    return layer


@pytest.mark.parametrize(
    ("expected", "found", "message"),
    [
        (
            {"w": [1, 2]},
            {"w": (1, 2, 3)},
            "tangents['w'] is a tuple of length 3 where primals['w'] is a list of length 2.",
        ),
        ([1, 2], [1, 2, 3], "tangents is a list of length 3 where primals is a list of length 2."),
        ((1, (2, 3)), (1, ()), "tangents[1] is a tuple of length 0 where primals[1] is a tuple of length 2."),
        ({"w": 1, "b": 2}, {"w": 1}, "tangents misses the key 'b' that primals has."),
        ([{"w": 1}], [{"w": 1, 0: 2}], "tangents[0] has the key 0 that primals[0] has not."),
        ({"w": 1}, {"v": 1}, "tangents misses the key 'w' that primals has."),
        (
            {"w": 1},
            OrderedDict(w=1),
            "tangents is an OrderedDict with the keys 'w' where primals is a dict with the keys 'w'.",
        ),
        ({}, [], "tangents is a list of length 0 where primals is a dict without keys."),
        (
            defaultdict(bool, a=1),
            defaultdict(int, a=1),
            "tangents is a defaultdict with the keys 'a' and the factory int "
            "where primals is a defaultdict with the keys 'a' and the factory bool.",
        ),
        ([1], 1.0, "tangents is a float where primals is a list of length 1."),
        ([1], None, "tangents is None where primals is a list of length 1."),
        ([1], list, "tangents is the class list where primals is a list of length 1."),
        ([1, 2], np.ones(2), "tangents is an array of shape (2,) where primals is a list of length 2."),
        (1.0, [1.0], "tangents is a list of length 1 where primals is a leaf (a number, an array or another object)."),
        (Point(1, 2), (1, 2), "tangents is a tuple of length 2 where primals is a Point."),
        (Point(1, 2), Layer(1, 2), "tangents is a Layer where primals is a Point."),
        (
            Layer(1, 2),
            late_layer(),
            "tangents is a Layer with the children .w, .b, .late where primals is one with the children .w, .b.",
        ),
        (Layer([1, 2], 2), Layer([1], 2), "tangents.w is a list of length 1 where primals.w is a list of length 2."),
        (
            Measure("mm", 1),
            Measure("km", 1),
            "tangents is a Measure with the static part 'km' where primals is one with 'mm'.",
        ),
        (
            Measure("mm", 1, 2),
            Measure("mm"),
            "tangents is a Measure with no children where primals is one with the children [0], [1].",
        ),
        ([1, [2], {3: 4}], [1, 2, 3], "tangents[1] is an int where primals[1] is a list of length 1."),
    ],
)
def test_the_first_difference_is_named(expected: Any, found: Any, message: str) -> None:
    with pytest.raises(TreeError, match=f"^{re.escape(message)}$"):
        matched(expected, found)


def test_classes_of_one_name_are_told_apart_by_their_module() -> None:
    message = f"tangents is an elsewhere.Point where primals is a {re.escape(__name__)}.Point."

    with pytest.raises(TreeError, match=message):
        matched(Point(1, 2), TwinPoint(1, 2))


def test_leaves_come_in_the_order_of_the_expected_structure() -> None:
    assert matched({"a": 1, "b": [2]}, {"b": ["B"], "a": "A"}) == ["A", "B"]
    assert matched({Colour.RED: 1, Colour.BLUE: 2}, {Colour.BLUE: "blue", Colour.RED: "red"}) == ["red", "blue"]


def test_a_leaf_matches_any_leaf() -> None:
    assert matched([1.0, None, "a"], [None, "b", 2.0]) == [None, "b", 2.0]


def test_none_for_a_container_is_none_for_every_leaf_below_if_allowed() -> None:
    expected = {"a": [1, (2, 3)], "b": 4, "c": []}

    assert matched(expected, None, allow_none=True) == [None] * 4
    assert matched(expected, {"a": [10, None], "b": 40, "c": None}, allow_none=True) == [10, None, None, 40]
    assert matched(1.0, None, allow_none=True) == [None]


def test_differences_beside_a_none_are_found() -> None:
    with pytest.raises(TreeError, match=r"tangents\['b'\] is a tuple of length 1 where primals\['b'\] is a leaf"):
        matched({"a": [1, 2], "b": 3}, {"a": None, "b": (1,)}, allow_none=True)


def test_map_applies_a_function_to_every_leaf() -> None:
    assert tree.map(str, {"b": [1, None], "a": Point(2.0, "x")}) == {"b": ["1", "None"], "a": Point("2.0", "x")}


def test_map_takes_the_leaves_of_several_trees_together() -> None:
    x, y, z = (1, {"a": 2, "b": 3}), (10, {"b": 30, "a": 20}), (0, {"a": 0, "b": 1})

    assert tree.map(lambda *found: sum(found), x, y, z) == (11, {"a": 22, "b": 34})


def test_map_names_the_tree_that_differs() -> None:
    with pytest.raises(TreeError, match=r"trees\[1\]\[0\] is a tuple of length 1 where tree\[0\] is a leaf"):
        tree.map(max, [1], [2], [(3,)])
