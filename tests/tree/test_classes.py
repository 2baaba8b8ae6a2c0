"""Named tuples and dataclasses are containers of their fields."""

from __future__ import annotations

import enum
from collections import namedtuple
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pytest

from dualgrad import tree

T = TypeVar("T")

Pair = namedtuple("Pair", ["left", "right"])


class Point(NamedTuple):
    x: Any
    y: Any = 0.0


class Vector(Point):
    """A named tuple with a constructor of its own, which unflattening must not call."""

    __slots__ = ()

    def __new__(cls, both: float) -> Vector:
        return super().__new__(cls, both, both)


@dataclass
class Layer:
    w: Any
    b: Any


@dataclass(frozen=True)
class Frozen:
    w: Any
    b: Any = 0.0


@dataclass(slots=True)
class Slots:
    w: Any
    b: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSlots:
    w: Any
    b: Any


@dataclass
class Box(Generic[T]):
    content: T


@dataclass
class Deeper(Layer):
    c: Any


class Undecorated(Layer):
    def norm(self) -> Any:
        return abs(self.w)


@pytest.mark.parametrize(
    "original",
    [
        Point(1.0, 2.0),
        Pair(1.0, 2.0),
        Vector(1.0),
        Layer(1.0, 2.0),
        Frozen(1.0, 2.0),
        Slots(1.0, 2.0),
        FrozenSlots(w=1.0, b=2.0),
        Box(1.0),
        Deeper(1.0, 2.0, 3.0),
        Undecorated(1.0, 2.0),
        Layer(Point(1.0, 2.0), [Frozen(3.0)]),
    ],
    ids=lambda original: type(original).__name__,
)
def test_a_class_with_fields_comes_back_as_it_was(original: Any) -> None:
    leaves, structure = tree.flatten(original)

    back = structure.unflatten(leaves)

    assert leaves
    assert all(type(leaf) is float for leaf in leaves)
    assert type(back) is type(original)
    assert back == original
    assert back is not original


def test_paths_of_fields_are_attributes() -> None:
    assert tree.flatten([Layer(1.0, Point(2.0, 3.0))])[1].paths("p") == ["p[0].w", "p[0].b.x", "p[0].b.y"]


def test_named_tuples_of_numpy_are_containers() -> None:
    u, s, vh = tree.leaves(np.linalg.svd(np.eye(2)))

    assert u.shape == vh.shape == (2, 2)
    assert s.shape == (2,)


def test_classes_with_the_same_fields_are_different_structures() -> None:
    assert tree.flatten(Layer(1.0, 2.0))[1] != tree.flatten(Slots(1.0, 2.0))[1]
    assert tree.flatten(Point(1.0, 2.0))[1] != tree.flatten((1.0, 2.0))[1]


def test_rebuilding_a_dataclass_does_not_run_its_initialisation() -> None:
    calls = []

    @dataclass
    class Checked:
        x: float
        scale: InitVar[float] = 2.0

        def __post_init__(self, scale: float) -> None:
            calls.append(self.x)
            self.x = float(self.x) * scale

    leaves, structure = tree.flatten(Checked(1.5))

    assert leaves == [3.0]
    assert structure.unflatten(["no float"]).x == "no float"
    assert calls == [1.5]


def test_a_field_that_init_does_not_take_is_a_leaf() -> None:
    @dataclass
    class Derived:
        x: float
        double: float = field(init=False)

        def __post_init__(self) -> None:
            self.double = 2.0 * self.x

    leaves, structure = tree.flatten(Derived(1.0))

    assert leaves == [1.0, 2.0]
    assert structure.unflatten([5.0, 6.0]).double == 6.0


@dataclass
class Late:
    x: float
    later: float = field(init=False)


@dataclass(slots=True)
class LateSlots:
    x: float
    later: float = field(init=False)


@pytest.mark.parametrize("cls", [Late, LateSlots])
def test_a_field_that_is_not_set_stays_unset(cls: type[Late] | type[LateSlots]) -> None:
    late = cls(1.0)
    leaves, structure = tree.flatten(late)

    assert leaves == [1.0]
    assert not hasattr(structure.unflatten(leaves), "later")
    late.later = 2.0
    assert tree.leaves(late) == [1.0, 2.0]
    assert tree.flatten(late)[1] != structure


def test_attributes_that_are_no_fields_are_not_carried_over() -> None:
    @dataclass
    class Cached:
        x: float

        @cached_property
        def square(self) -> float:
            return self.x**2

    original = Cached(3.0)
    assert original.square == 9.0

    assert tree.map(lambda x: 10.0 * x, original).square == 900.0


def test_members_of_an_enumeration_with_fields_are_leaves() -> None:
    @dataclass(frozen=True)
    class Size:
        width: int

    class Sizes(Size, enum.Enum):
        SMALL = 1

    class Points(Point, enum.Enum):
        ORIGIN = (0.0, 0.0)

    assert tree.leaves([Sizes.SMALL, Points.ORIGIN]) == [Sizes.SMALL, Points.ORIGIN]


def test_a_dataclass_that_extends_a_builtin_is_a_leaf() -> None:
    @dataclass(eq=False)
    class Failure(Exception):
        value: float

    failure = Failure(1.0)

    assert tree.leaves([failure]) == [failure]
