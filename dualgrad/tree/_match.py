"""Two trees that should have the same structure: the leaves of one, or an error that names the first difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from dualgrad.errors import TreeError
from dualgrad.tree._containers import Keys
from dualgrad.tree._describe import describe_difference
from dualgrad.tree._kind import Kind
from dualgrad.tree._ops import flatten
from dualgrad.tree._registry import KINDS
from dualgrad.tree._structure import Structure, same_static


def match(expected: Structure, tree: Any, /, *, name: str, expected_name: str, allow_none: bool = False) -> list[Any]:
    """Return the leaves of a tree that must have the structure `expected`, in the order of that structure.

    Parameters
    ----------
    expected
        The structure.
    tree
        The tree.
    name, expected_name
        What the user calls the tree, and the tree that `expected` comes from.
    allow_none
        Accept None in the place of a container; every leaf below it is None.

    Raises
    ------
    TreeError
        If the structures differ. The message names the path of the first difference.

    Examples
    --------
    >>> leaves, structure = flatten({"w": [1.0, 2.0], "b": 3.0})
    >>> match(structure, {"b": 0.5, "w": None}, name="tangents", expected_name="primals", allow_none=True)
    [0.5, None, None]
    >>> match(structure, {"b": 0.5, "w": (1.0, 2.0, 3.0)}, name="tangents", expected_name="primals")
    Traceback (most recent call last):
        ...
    dualgrad.errors.TreeError: tangents['w'] is a tuple of length 3 where primals['w'] is a list of length 2.
    """
    leaves, structure = flatten(tree)
    if structure == expected:
        return leaves
    found: list[Any] = []
    _Comparison(name, expected_name, allow_none, found).walk(expected, tree, "")
    return found


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A walk down two trees side by side; it carries paths and so is slower than comparing structures."""

    name: str
    expected_name: str
    allow_none: bool
    leaves: list[Any]

    def walk(self, expected: Structure, tree: Any, path: str) -> None:
        """Append the leaves of a tree, in the order of the expected structure."""
        kind = KINDS[type(tree)]
        if tree is None and self.allow_none:
            self.leaves.extend([None] * expected.size)
        elif kind is None is expected._kind:
            self.leaves.append(tree)
        elif kind is None or expected._kind is not kind:
            self.refuse(expected, tree, path)
        else:
            children = self.children(expected, kind, tree, path)
            for name, below, child in zip(expected._names(), expected._children, children, strict=True):
                self.walk(below, child, path + name)

    def children(self, expected: Structure, kind: Kind, tree: Any, path: str) -> Sequence[Any]:
        """Return the children of a container of the expected kind, if its static part is the expected one too."""
        children, static = kind.flatten(tree)
        wanted = expected._static
        if isinstance(static, Keys) and isinstance(wanted, Keys):
            self.compare_keys(wanted, static, path)
            if static.factory == wanted.factory:
                # By key, because keys that have no order of their own come in order of insertion.
                return [tree[key] for key in wanted.order]
        elif len(children) == len(expected._children) and same_static(kind, static, wanted):
            return children
        self.refuse(expected, tree, path)

    def compare_keys(self, expected: Keys, found: Keys, path: str) -> None:
        """Raise if one of two dicts has a key that the other has not."""
        missing = _without(expected.order, found.order)
        extra = _without(found.order, expected.order)
        if missing:
            raise TreeError(f"{self.name}{path} misses the key {missing[0]!r} that {self.expected_name}{path} has.")
        if extra:
            raise TreeError(f"{self.name}{path} has the key {extra[0]!r} that {self.expected_name}{path} has not.")

    def refuse(self, expected: Structure, tree: Any, path: str) -> NoReturn:
        """Raise the error for two trees that differ at a path."""
        found, wanted = describe_difference(tree, expected)
        raise TreeError(f"{self.name}{path} is {found} where {self.expected_name}{path} is {wanted}.")


def _without(keys: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    known = set(others)
    return [key for key in keys if key not in known]
