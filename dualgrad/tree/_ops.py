"""Taking trees apart and putting them together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dualgrad.errors import TreeError
from dualgrad.tree._kind import Kind
from dualgrad.tree._registry import KINDS
from dualgrad.tree._structure import LEAF, Structure


def flatten(tree: Any, /) -> tuple[list[Any], Structure]:
    """Return the leaves of a tree, from left to right, and its structure.

    The values of a dict come in the order of its sorted keys, so dicts with equal keys have their leaves in one order.
    (Keys that cannot be sorted come sorted by type and then by value; if that fails too, in order of insertion.)

    Raises
    ------
    TreeError
        If the tree contains itself, or is nested too deeply for Python's recursion limit.

    Examples
    --------
    >>> leaves, structure = flatten({"w": [1.0, 2.0], "b": None})
    >>> leaves
    [None, 1.0, 2.0]
    >>> structure.paths("params")
    ["params['b']", "params['w'][0]", "params['w'][1]"]
    """
    kind = KINDS[type(tree)]
    if kind is None:
        return [tree], LEAF
    leaves: list[Any] = []
    try:
        return leaves, _collect(tree, kind, leaves)
    except RecursionError as error:
        raise TreeError(
            f"The {type(tree).__qualname__} contains itself, or is nested too deeply to be flattened. "
            "Give the leaves in a flatter container; if the depth is meant, raise the limit with sys.setrecursionlimit."
        ) from error


def unflatten(structure: Structure, leaves: Iterable[Any], /) -> Any:
    """Return the tree that has a structure and these leaves.

    Raises
    ------
    TreeError
        If there are more or fewer leaves than the structure has places.

    Examples
    --------
    >>> leaves, structure = flatten(("x", ["y"]))
    >>> unflatten(structure, [1.0, 2.0])
    (1.0, [2.0])
    """
    return structure.unflatten(leaves)


def leaves(tree: Any, /) -> list[Any]:
    """Return the leaves of a tree, in the order of `flatten`.

    >>> leaves((1.0, {"b": 2.0, "a": None}))
    [1.0, None, 2.0]
    """
    return flatten(tree)[0]


def _collect(tree: Any, kind: Kind, leaves: list[Any]) -> Structure:
    """Return the structure of a container and append its leaves."""
    before = len(leaves)
    children, static = kind.flatten(tree)
    structures = []
    for child in children:
        below = KINDS[type(child)]
        if below is None:
            leaves.append(child)
            structures.append(LEAF)
        else:
            structures.append(_collect(child, below, leaves))
    return Structure(kind, static, tuple(structures), len(leaves) - before)
