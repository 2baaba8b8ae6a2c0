"""Classes that users register."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dualgrad import tree
from dualgrad.errors import TreeError


class Interval:
    def __init__(self, low: Any, high: Any, unit: Any = "mm") -> None:
        self.low, self.high, self.unit = low, high, unit


class Bag:
    def __init__(self, *items: Any) -> None:
        self.items = items


def take_apart(x: Interval) -> tuple[tuple[Any, Any], Any]:
    return (x.low, x.high), x.unit


def put_together(unit: Any, children: Sequence[Any]) -> Interval:
    low, high = children
    return Interval(low, high, unit)


tree.register(Interval, take_apart, put_together, names=lambda unit: ("low", ".high"))
tree.register(Bag, lambda bag: (iter(bag.items), None), lambda static, children: Bag(*children))


def test_a_registered_class_is_a_container() -> None:
    leaves, structure = tree.flatten({"a": Interval(1.0, [2.0], "km")})

    assert leaves == [1.0, 2.0]
    back = structure.unflatten([10.0, 20.0])["a"]
    assert (back.low, back.high, back.unit) == (10.0, [20.0], "km")


def test_names_give_the_paths_of_children() -> None:
    assert tree.flatten([Interval(1.0, Bag(2.0, 3.0))])[1].paths("p") == ["p[0].low", "p[0].high[0]", "p[0].high[1]"]


def test_static_parts_are_compared() -> None:
    mm, km = tree.flatten(Interval(1.0, 2.0))[1], tree.flatten(Interval(1.0, 2.0, "km"))[1]

    assert mm == tree.flatten(Interval(3.0, 4.0))[1]
    assert mm != km
    assert len({mm, km, tree.flatten(Interval(5.0, 6.0))[1]}) == 2


def test_a_structure_with_an_unhashable_static_part_has_no_hash() -> None:
    structure = tree.flatten(Interval(1.0, 2.0, ["mm"]))[1]

    assert structure == tree.flatten(Interval(1.0, 2.0, ["mm"]))[1]
    with pytest.raises(TypeError, match="unhashable"):
        hash(structure)


def test_arrays_in_static_parts_are_an_error_that_says_where_they_belong() -> None:
    x, y = (tree.flatten(Interval(1.0, 2.0, np.arange(3)))[1] for _ in range(2))

    assert x == x
    with pytest.raises(TreeError, match=r"static parts of two instances of Interval .* among the children"):
        assert x == y


def test_a_class_is_registered_once() -> None:
    with pytest.raises(TreeError, match="Interval is registered already"):
        tree.register(Interval, take_apart, put_together)


@pytest.mark.parametrize("cls", [tuple, list, dict, OrderedDict, defaultdict, float, type(None), np.ndarray, object])
def test_what_means_something_already_cannot_be_registered(cls: type) -> None:
    with pytest.raises(TreeError, match=f"{cls.__name__} cannot be registered"):
        tree.register(cls, lambda x: ((), None), lambda static, children: None)


def test_an_instance_cannot_be_registered() -> None:
    with pytest.raises(TypeError, match=r"register needs a class; 1\.0 is none"):
        tree.register(1.0, lambda x: ((), None), lambda static, children: 1.0)  # type: ignore[arg-type]


def test_a_dataclass_can_be_registered_even_after_it_was_met() -> None:
    @dataclass
    class Scaled:
        x: Any
        factor: float

    assert tree.leaves(Scaled(1.0, 2.0)) == [1.0, 2.0]
    tree.register(Scaled, lambda s: ((s.x,), s.factor), lambda factor, children: Scaled(children[0], factor))

    assert tree.leaves(Scaled(1.0, 2.0)) == [1.0]
    assert tree.map(lambda x: -x, Scaled(1.0, 2.0)) == Scaled(-1.0, 2.0)


def test_a_subclass_of_a_list_can_be_registered() -> None:
    class Stack(list[Any]):
        pass

    tree.register(Stack, lambda s: (s, None), lambda static, children: Stack(children))

    back = tree.map(lambda x: 2 * x, Stack([1, 2]))
    assert type(back) is Stack
    assert back == [2, 4]


def test_subclasses_of_a_registered_class_are_not_registered() -> None:
    class Narrow(Interval):
        pass

    narrow = Narrow(1.0, 2.0)

    assert tree.leaves(narrow) == [narrow]


def test_a_flatten_function_that_returns_no_pair_is_named() -> None:
    class Wrong:
        pass

    tree.register(Wrong, lambda x: [], lambda static, children: Wrong())  # type: ignore[arg-type, return-value]

    with pytest.raises(TypeError, match=r"flattens .*Wrong must return a pair \(children, static\); it returned \[\]"):
        tree.flatten(Wrong())


def test_a_wrong_number_of_names_is_an_error() -> None:
    class Unnamed:
        pass

    tree.register(Unnamed, lambda x: ((1.0, 2.0), None), lambda static, children: Unnamed(), names=lambda static: ["a"])

    with pytest.raises(TypeError, match=r"names the children of .*Unnamed returned \['a'\] for 2 children"):
        tree.flatten(Unnamed())[1].paths()


def test_threads_may_read_while_others_register() -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(8)

    def make_class(i: int) -> type:
        return type(f"Made{i}", (), {"__init__": lambda self, x: setattr(self, "x", x)})

    def work() -> None:
        try:
            start.wait()
            for i in range(200):
                cls: Any = make_class(i)
                tree.register(cls, lambda s: ((s.x,), None), lambda static, children, cls=cls: cls(*children))  # type: ignore[misc]
                leaves, structure = tree.flatten([cls(1.0), (2.0, cls({"a": 3.0}))])
                assert leaves == [1.0, 2.0, 3.0]
                assert structure.unflatten(leaves)[0].x == 1.0
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def test_of_two_threads_that_register_a_class_one_succeeds() -> None:
    for _ in range(50):
        outcomes: list[bool] = []
        start = threading.Barrier(2)
        cls: Any = type("Contested", (), {})

        def work(start: threading.Barrier = start, cls: Any = cls, outcomes: list[bool] = outcomes) -> None:
            start.wait()
            try:
                tree.register(cls, lambda s: ((1.0,), None), lambda static, children: cls())
                outcomes.append(True)
            except TreeError:
                outcomes.append(False)
            assert tree.leaves(cls()) == [1.0]

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == [False, True]
