"""The kinds of classes that say themselves what they contain: named tuples and dataclasses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from dualgrad.tree._kind import Kind

# Set for classes written in Python (as the module copyreg tells them apart).
_HEAP_TYPE = 1 << 9


def kind_of_class(cls: type) -> Kind | None:
    """Return the kind of a named tuple or dataclass, None for every other class."""
    # The members of an enumeration are unique, whatever is mixed in: a copy of one would not be a member.
    if issubclass(cls, Enum):
        return None
    if issubclass(cls, tuple) and hasattr(cls, "_fields") and hasattr(cls, "_make"):
        return _namedtuple(cls)
    if is_dataclass(cls) and not _extends_builtin(cls):
        return _dataclass(cls)
    return None


def _extends_builtin(cls: type) -> bool:
    """Tell whether instances hold more than attributes, as those of a subclass of list or Exception do."""
    return any(base is not object and not base.__flags__ & _HEAP_TYPE for base in cls.__mro__)


def _namedtuple(cls: Any) -> Kind:
    def flatten(tree: Sequence[Any]) -> tuple[Sequence[Any], None]:
        return tree, None

    def unflatten(static: None, children: Sequence[Any]) -> Any:
        return cls._make(children)

    def names(static: None, count: int) -> list[str]:
        return [f".{name}" for name in cls._fields]

    return Kind(cls, flatten, unflatten, names)


def _dataclass(cls: Any) -> Kind:
    every = tuple([field.name for field in fields(cls)])

    def flatten(tree: Any) -> tuple[list[Any], tuple[str, ...]]:
        try:
            return [getattr(tree, name) for name in every], every
        except AttributeError:
            # A field with init=False may not have been set yet.
            present = tuple([name for name in every if hasattr(tree, name)])
            return [getattr(tree, name) for name in present], present

    def unflatten(present: tuple[str, ...], children: Sequence[Any]) -> Any:
        # Neither __init__ nor __post_init__ runs: what they check or convert holds already, and a traced value may not
        # pass. object.__setattr__ because the class may be frozen.
        tree = object.__new__(cls)
        for name, child in zip(present, children, strict=True):
            object.__setattr__(tree, name, child)
        return tree

    def names(present: tuple[str, ...], count: int) -> list[str]:
        return [f".{name}" for name in present]

    return Kind(cls, flatten, unflatten, names)
