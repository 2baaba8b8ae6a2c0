"""Trees in the words of an error message."""

from __future__ import annotations

from typing import Any

from dualgrad.tree._containers import Keys
from dualgrad.tree._kind import Kind
from dualgrad.tree._ops import flatten
from dualgrad.tree._structure import Structure


def describe_difference(tree: Any, expected: Structure) -> tuple[str, str]:
    """Return what a tree is and what was expected, in as few words as tell the two apart."""
    found = flatten(tree)[1]
    texts = _container(found) or _leaf(tree), _container(expected) or "a leaf (a number, an array or another object)"
    if texts[0] != texts[1] or found._kind is None or expected._kind is None:
        return texts
    if found._kind is not expected._kind:
        return _full_name(found._kind), _full_name(expected._kind)
    if len(found._children) != len(expected._children):
        return f"{texts[0]} with {_children(found)}", f"one with {_children(expected)}"
    return f"{texts[0]} with the static part {found._static!r}", f"one with {expected._static!r}"


def _leaf(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__qualname__}"
    shape = getattr(value, "shape", None)
    return f"an array of shape {shape}" if shape else _with_article(type(value).__qualname__)


def _container(structure: Structure) -> str:
    """Return what a container is; nothing for a leaf."""
    if structure._kind is None:
        return ""
    static, count = structure._static, len(structure._children)
    title = _with_article(structure._kind.cls.__qualname__)
    if not isinstance(static, Keys):
        return f"{title} of length {count}" if structure._kind.cls in (tuple, list) else title
    keys = ", ".join([repr(key) for key in static.order])
    text = f"{title} with the keys {keys}" if count else f"{title} without keys"
    if static.factory is None:
        return text
    return f"{text} and the factory {getattr(static.factory, '__qualname__', repr(static.factory))}"


def _children(structure: Structure) -> str:
    return f"the children {', '.join(structure._names())}" if structure._children else "no children"


def _full_name(kind: Kind) -> str:
    return _with_article(f"{kind.cls.__module__}.{kind.cls.__qualname__}")


def _with_article(name: str) -> str:
    return f"an {name}" if name[0] in "aeioAEIO" else f"a {name}"
