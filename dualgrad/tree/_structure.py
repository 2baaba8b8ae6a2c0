"""`Structure`: a tree without its leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dualgrad.errors import TreeError
from dualgrad.tree._containers import Keys
from dualgrad.tree._kind import Kind
from dualgrad.tree._registry import KINDS


class Structure:
    """What `flatten` returns beside the leaves: the containers, and where in them each leaf was.

    Structures compare equal where the same leaves stand at the same paths in containers of the same classes (with equal
    static parts, for registered classes). A structure has a hash if its static parts have. It never changes.

    Examples
    --------
    >>> from dualgrad.tree import flatten
    >>> leaves, structure = flatten({"w": [1.0, 2.0], "b": 3.0})
    >>> structure
    Structure({'b': *, 'w': [*, *]})
    >>> structure.unflatten([30.0, 10.0, 20.0])
    {'w': [10.0, 20.0], 'b': 30.0}
    """

    __slots__ = ("_children", "_kind", "_size", "_static")

    def __init__(self, kind: Kind | None, static: Any, children: tuple[Structure, ...], size: int) -> None:
        self._kind = kind
        self._static = static
        self._children = children
        self._size = size

    @property
    def size(self) -> int:
        """The number of leaves.

        >>> from dualgrad.tree import flatten
        >>> flatten([1.0, (2.0, None)])[1].size
        3
        """
        return self._size

    def unflatten(self, leaves: Iterable[Any], /) -> Any:
        """Return the tree that has this structure and these leaves.

        Dataclasses are rebuilt from their fields without running `__init__` or `__post_init__`; attributes that are no
        fields are not carried over.

        >>> from dualgrad.tree import flatten
        >>> flatten((1.0, [2.0]))[1].unflatten(["x", "y"])
        ('x', ['y'])
        """
        leaves = leaves if isinstance(leaves, (list, tuple)) else list(leaves)
        if len(leaves) != self._size:
            raise TreeError(f"A structure with {self._size} leaves cannot be filled with {len(leaves)}: {self!r}.")
        if self is LEAF:
            return leaves[0]
        return _build(self, iter(leaves))

    def paths(self, root: str = "") -> list[str]:
        """Return the path of each leaf, written as the Python expression that reaches it from `root`.

        >>> from dualgrad.tree import flatten
        >>> flatten({"layers": [1.0, 2.0]})[1].paths("params")
        ["params['layers'][0]", "params['layers'][1]"]
        """
        if self._kind is None:
            return [root]
        found: list[str] = []
        for name, child in zip(self._names(), self._children, strict=True):
            found += child.paths(root + name)
        return found

    def _names(self) -> Sequence[str]:
        return () if self._kind is None else self._kind.names(self._static, len(self._children))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Structure):
            return NotImplemented
        return (
            self._kind is other._kind
            and self._size == other._size
            and same_static(self._kind, self._static, other._static)
            and self._children == other._children
        )

    def __hash__(self) -> int:
        return hash((self._kind, self._static, self._children))

    def __repr__(self) -> str:
        return f"Structure({_text(self)})"

    def __reduce__(self) -> Any:
        # A kind has functions of its own and cannot be pickled, but the class it belongs to can.
        return _restore, (self._kind and self._kind.cls, self._static, self._children)


LEAF = Structure(None, None, (), 1)
"""The structure of every tree that is no container."""


def same_static(kind: Kind | None, x: Any, y: Any) -> bool:
    """Tell whether the static parts of two containers of one kind are equal."""
    if x is y:
        return True
    try:
        return bool(x == y)
    except ValueError as error:
        title = "a leaf" if kind is None else kind.cls.__qualname__
        raise TreeError(
            f"The static parts of two instances of {title} cannot be compared ({error}). "
            "If they hold arrays, let flatten return these among the children."
        ) from error


def _build(structure: Structure, leaves: Iterator[Any]) -> Any:
    kind = structure._kind
    if kind is None:
        return next(leaves)
    children = []
    for child in structure._children:
        children.append(next(leaves) if child is LEAF else _build(child, leaves))
    return kind.unflatten(structure._static, children)


def _restore(cls: type | None, static: Any, children: tuple[Structure, ...]) -> Structure:
    if cls is None:
        return LEAF
    kind = KINDS[cls]
    if kind is None:
        raise TreeError(f"{cls.__qualname__} is not registered. Register it before a structure of it is unpickled.")
    return Structure(kind, static, children, sum([child.size for child in children]))


def _text(structure: Structure) -> str:
    if structure._kind is None:
        return "*"
    cls = structure._kind.cls
    parts = [_text(child) for child in structure._children]
    if cls is tuple:
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    if cls is list:
        return f"[{', '.join(parts)}]"
    if isinstance(structure._static, Keys):
        items = [f"{key!r}: {part}" for key, part in zip(structure._static.order, parts, strict=True)]
        text = "{" + ", ".join(items) + "}"
        return text if cls is dict else f"{cls.__qualname__}({text})"
    named = [f"{name.removeprefix('.')}={part}" for name, part in zip(structure._names(), parts, strict=True)]
    return f"{cls.__qualname__}({', '.join(named)})"
