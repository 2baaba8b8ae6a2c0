"""`map`: something done to every leaf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dualgrad.tree._match import match
from dualgrad.tree._ops import flatten


def map(function: Callable[..., Any], tree: Any, /, *trees: Any) -> Any:
    """Return a tree like the first one, whose leaves are `function` of the leaves of all trees at the same path.

    The trees must have the same structure. None, strings and other objects are leaves too and reach `function`.

    Raises
    ------
    TreeError
        If the structures differ; the message names the path of the first difference.

    Examples
    --------
    >>> params, grads = {"w": [1.0, 2.0], "b": 0.0}, {"b": 10.0, "w": [20.0, 30.0]}
    >>> map(lambda p, g: p - 0.1 * g, params, grads)
    {'w': [-1.0, -1.0], 'b': -1.0}
    """
    if not callable(function):
        raise TypeError(
            f"tree.map takes a function as its first argument; it got a {type(function).__name__}, which cannot be called. "
            "Write tree.map(function, tree)."
        )
    leaves, structure = flatten(tree)
    if not trees:
        return structure.unflatten([function(leaf) for leaf in leaves])
    others = [match(structure, other, name=f"trees[{i}]", expected_name="tree") for i, other in enumerate(trees)]
    return structure.unflatten([function(*values) for values in zip(leaves, *others, strict=True)])
