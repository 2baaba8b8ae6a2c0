"""Which classes are containers: Python's own, registered ones, and named tuples and dataclasses when first met."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from dualgrad.errors import TreeError
from dualgrad.tree._classes import kind_of_class
from dualgrad.tree._containers import CONTAINERS
from dualgrad.tree._kind import Kind, positions

_T = TypeVar("_T")
_S = TypeVar("_S")


class _Kinds(dict[type, Kind | None]):
    """The kind of each class met so far, None for leaves.

    Reading takes no lock: a new entry never replaces one that a registration in another thread has made meanwhile.
    """

    def __missing__(self, cls: type) -> Kind | None:
        return self.setdefault(cls, kind_of_class(cls))


KINDS = _Kinds({kind.cls: kind for kind in CONTAINERS})

# What no registration may change.
_FIXED = frozenset(KINDS) | {type(None), bool, int, float, complex, str, bytes, type, object, np.ndarray}

_registered: set[type] = set()
_lock = threading.Lock()


def register(
    cls: type[_T],
    flatten: Callable[[_T], tuple[Iterable[Any], _S]],
    unflatten: Callable[[_S, Sequence[Any]], _T],
    *,
    names: Callable[[_S], Sequence[str]] | None = None,
) -> None:
    """Make the instances of a class containers (those of its subclasses stay what they are).

    Parameters
    ----------
    cls
        The class: no builtin container and not registered before. A dataclass or named tuple may be registered, to be
        taken apart in another way than by its fields.
    flatten
        `flatten(x)` returns the children and the static part: whatever else `unflatten` needs. Static parts are
        compared with `==` to tell whether two containers have the same structure; keep arrays among the children.
    unflatten
        `unflatten(static, children)` returns an instance. The children may be traced values, or anything else.
    names
        `names(static)` returns one name per child, for paths in messages: `"left"` or `".left"` for an attribute,
        `"[0]"` for an item.

    Raises
    ------
    TypeError
        If `cls` is not a class.
    TreeError
        If `cls` is a builtin container or the class of a leaf such as float, or is registered already.

    Examples
    --------
    >>> class Interval:
    ...     def __init__(self, low, high, unit):
    ...         self.low, self.high, self.unit = low, high, unit
    >>> register(
    ...     Interval,
    ...     lambda x: ((x.low, x.high), x.unit),
    ...     lambda unit, children: Interval(*children, unit),
    ...     names=lambda unit: ("low", "high"),
    ... )
    >>> from dualgrad.tree import flatten
    >>> leaves, structure = flatten({"width": Interval(1.0, 2.5, "mm")})
    >>> leaves, structure.paths("params")
    ([1.0, 2.5], ["params['width'].low", "params['width'].high"])
    """
    if not isinstance(cls, type):
        raise TypeError(f"register needs a class; {cls!r} is none. Write type(x) for the class of an instance.")
    if cls in _FIXED:
        raise TreeError(
            f"{cls.__qualname__} cannot be registered: what it means in a tree is fixed. Register a subclass of it."
        )
    kind = _user_kind(cls, flatten, unflatten, names)
    with _lock:
        if cls in _registered:
            raise TreeError(f"{cls.__qualname__} is registered already. Register each class once, where it is defined.")
        _registered.add(cls)
        KINDS[cls] = kind


def _user_kind(
    cls: type[_T],
    flatten: Callable[[_T], tuple[Iterable[Any], _S]],
    unflatten: Callable[[_S, Sequence[Any]], _T],
    names: Callable[[_S], Sequence[str]] | None,
) -> Kind:
    title = cls.__qualname__

    def checked_flatten(tree: _T) -> tuple[tuple[Any, ...], _S]:
        answer: object = flatten(tree)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise TypeError(
                f"The function that flattens {title} must return a pair (children, static); it returned {answer!r}."
            )
        children, static = answer
        return tuple(children), static

    def checked_names(static: _S, count: int) -> Sequence[str]:
        if names is None:
            return positions(static, count)
        found = names(static)
        if len(found) != count:
            raise TypeError(f"The function that names the children of {title} returned {found!r} for {count} children.")
        return [name if name.startswith((".", "[")) else f".{name}" for name in found]

    return Kind(cls, checked_flatten, unflatten, checked_names)
