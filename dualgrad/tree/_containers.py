"""The kinds of Python's own containers: tuple, list, dict, OrderedDict, defaultdict."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from dualgrad.tree._kind import Kind, positions


class Keys:
    """The static part of a dict: its keys in the order of the leaves and in the order of insertion, and its factory.

    Dicts with equal keys are the same structure in whichever order these were inserted, so only `order` is compared.
    """

    __slots__ = ("factory", "inserted", "order")

    def __init__(self, tree: Mapping[Any, Any], factory: Any = None) -> None:
        self.inserted = tuple(tree)
        order = _in_order(self.inserted)
        # One object for both where they agree, so that unflattening sees it at once.
        self.order = self.inserted if order == self.inserted else order
        self.factory = factory

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keys) and self.order == other.order and bool(self.factory == other.factory)

    def __hash__(self) -> int:
        return hash((self.order, self.factory))

    def __repr__(self) -> str:
        return f"Keys({self.order!r})"


def _in_order(keys: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the keys in an order that does not depend on their insertion, if they have one."""
    try:
        return tuple(sorted(keys))
    except TypeError:
        pass
    try:
        return tuple(sorted(keys, key=_by_type))
    except TypeError:
        return keys


def _by_type(key: Any) -> tuple[str, Any]:
    return f"{type(key).__module__}.{type(key).__qualname__}", key


def _flatten_sequence(tree: Sequence[Any]) -> tuple[Sequence[Any], None]:
    return tree, None


def _unflatten_tuple(static: None, children: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(children)


def _unflatten_list(static: None, children: Sequence[Any]) -> list[Any]:
    return list(children)


def _flatten_dict(tree: dict[Any, Any]) -> tuple[list[Any], Keys]:
    keys = Keys(tree)
    return [tree[key] for key in keys.order], keys


def _flatten_defaultdict(tree: defaultdict[Any, Any]) -> tuple[list[Any], Keys]:
    keys = Keys(tree, tree.default_factory)
    return [tree[key] for key in keys.order], keys


def _unflatten_dict(keys: Keys, children: Sequence[Any]) -> dict[Any, Any]:
    found = dict(zip(keys.order, children, strict=True))
    return found if keys.order is keys.inserted else {key: found[key] for key in keys.inserted}


def _unflatten_ordered(keys: Keys, children: Sequence[Any]) -> OrderedDict[Any, Any]:
    return OrderedDict(_unflatten_dict(keys, children))


def _unflatten_defaultdict(keys: Keys, children: Sequence[Any]) -> defaultdict[Any, Any]:
    return defaultdict(keys.factory, _unflatten_dict(keys, children))


def _name_keys(keys: Keys, count: int) -> list[str]:
    return [f"[{key!r}]" for key in keys.order]


CONTAINERS = (
    Kind(tuple, _flatten_sequence, _unflatten_tuple, positions),
    Kind(list, _flatten_sequence, _unflatten_list, positions),
    Kind(dict, _flatten_dict, _unflatten_dict, _name_keys),
    Kind(OrderedDict, _flatten_dict, _unflatten_ordered, _name_keys),
    Kind(defaultdict, _flatten_defaultdict, _unflatten_defaultdict, _name_keys),
)
