"""Traced values inside of what dualgrad does not take apart: objects, iterators, subclasses of containers."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any, NoReturn

import numpy as np

from dualgrad._trace.level import Level, Tracer, is_differentiated

_ATOMS = frozenset((type(None), bool, int, float, complex, str, bytes, np.float64, np.float32, np.int64, np.bool_))
_OPAQUE = (type, ModuleType, FunctionType, Level)


def hides(is_sought: Callable[[Tracer], bool], x: Any, at_most: int | None = None) -> bool:
    """Tell whether a traced value of some sort can be reached from an object: in its attributes, its items, and so on.

    What functions close over is not looked at, nor classes and modules. The search ends after `at_most` objects.
    """
    if type(x) in _ATOMS or (type(x) is np.ndarray and not x.dtype.hasobject):
        return False
    seen: dict[int, Any] = {}
    waiting = [x]
    while waiting and (at_most is None or len(seen) < at_most):
        x = waiting.pop()
        kind = type(x)
        if issubclass(kind, Tracer):
            if is_sought(x):
                return True
            continue
        if kind in _ATOMS or issubclass(kind, _OPAQUE) or id(x) in seen:
            continue
        seen[id(x)] = x
        if issubclass(kind, np.ndarray) and x.dtype.hasobject:
            # Python's garbage collector, which knows what every other object holds, is not told by NumPy.
            waiting += x.view(np.ndarray).ravel().tolist()
        if kind is not np.ndarray:
            waiting += gc.get_referents(x)
    return False


def refuse_hidden(x: Any, title: str) -> NoReturn:
    """Raise TypeError for an argument that hides a value being differentiated."""
    raise TypeError(
        f"{title} has rules of its own, which cannot tell what they differentiate in a {type(x).__name__}: it holds a value being "
        f"differentiated where dualgrad does not look. {advice(is_differentiated, x)}"
    )


def advice(is_sought: Callable[[Tracer], bool], x: Any) -> str:
    """Return what to pass instead of an object that hides a traced value."""
    kind = type(x)
    register = "register the class with dualgrad.tree.register"
    for base in (list, tuple, dict):
        if isinstance(x, base):
            return f"Pass a plain {base.__name__}, {base.__name__}(x), or {register}."
    if isinstance(x, np.ndarray):
        return "Keep numbers in arrays and everything else in lists or dicts."
    if kind.__module__ != "builtins" and (hasattr(x, "__dict__") or hasattr(kind, "__slots__")):
        names = [*getattr(x, "__dict__", ()), *itertools.chain.from_iterable(map(_slots, kind.__mro__))]
        found = [name for name in names if not name.startswith("_") and hides(is_sought, getattr(x, name, None))]
        return f"Pass what it holds{f' (x.{found[0]})' if found else ''}, make it a dataclass, or {register}."
    return "Pass a list of what it holds, list(x)." if isinstance(x, Iterable) else "Pass what it holds."


def _slots(cls: type) -> Any:
    found = vars(cls).get("__slots__", ())
    return (found,) if isinstance(found, str) else found
