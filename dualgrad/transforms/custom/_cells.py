"""What functions close over: the traced values in their cells, and the functions once more with others in their place.

Cells, defaults, partials, methods and trees are looked into, and the functions found there as well. Copied is only what leads to a
value that is replaced; everything else stays the same object, so that a function that counts its calls goes on counting.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import CellType, FunctionType, MethodType
from typing import Any

import numpy as np

from dualgrad import tree
from dualgrad._array.gather import gather
from dualgrad._trace.level import Tracer
from dualgrad.errors import TreeError

_ATOMS = frozenset((type(None), bool, int, float, complex, str, bytes, type, np.float64))

_AT_MOST = 10_000
"""How many objects are looked at in each call."""


class Holder:
    """An object of dualgrad's that is made of functions, in which closed-over values are looked for."""

    def _held(self) -> tuple[Any, ...]:
        """Return the functions."""
        raise NotImplementedError

    def _blank(self) -> Any:
        """Return a new object, to be given its functions."""
        raise NotImplementedError

    def _hold(self, functions: Sequence[Any]) -> None:
        """Take other functions in the place of those that `_held` returned."""
        raise NotImplementedError


class Slot:
    """The place of a closed-over value in functions that are to be given one."""

    __slots__ = ()


class Closed:
    """Objects with slots in the place of the values that they close over: a tape that holds them does not hold itself alive."""

    __slots__ = ("_roots", "slots")

    def __init__(self, roots: tuple[Any, ...], slots: list[Slot]) -> None:
        self._roots = roots
        self.slots = slots

    def filled(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return the objects, closing over other values."""
        return _Graph(self._roots, _is_none, self.slots).replaced(values)


def taken_out(roots: tuple[Any, ...], is_sought: Callable[[Tracer], bool]) -> tuple[tuple[Any, ...], Closed]:
    """Return the traced values that objects close over, and the objects without them."""
    graph = _Graph(roots, is_sought)
    slots = [Slot() for _ in graph.found]
    return tuple(graph.found), Closed(graph.replaced(slots) if slots else roots, slots)


def _is_none(x: Tracer) -> bool:
    return False


class _Graph:
    """All that can be reached from some objects, and who leads to whom."""

    def __init__(self, roots: tuple[Any, ...], is_sought: Callable[[Tracer], bool], slots: Sequence[Any] = ()) -> None:
        self.found: list[Any] = list(slots)
        self._roots = roots
        # Objects by id, held so that the ids stay theirs.
        self._seen: dict[int, Any] = {}
        self._leads: dict[int, list[int]] = {}
        known = {id(slot) for slot in slots}
        waiting: list[tuple[Any, int]] = [(x, 0) for x in roots]
        while waiting and len(self._seen) < _AT_MOST:
            x, parent = waiting.pop()
            if type(x) in _ATOMS:
                continue
            self._leads.setdefault(id(x), []).append(parent)
            if id(x) in self._seen:
                continue
            self._seen[id(x)] = x
            if isinstance(x, Tracer):
                if is_sought(x) and id(x) not in known:
                    self.found.append(x)
                    known.add(id(x))
                continue
            waiting += [(child, id(x)) for child in _children(x)]

    def replaced(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return the roots with values in the place of those that were found."""
        self._made: dict[int, Any] = {id(x): value for x, value in zip(self.found, values, strict=True)}
        self._moved: set[int] = set()
        waiting = list(self._made)
        while waiting:
            if (x := waiting.pop()) not in self._moved:
                self._moved.add(x)
                waiting += self._leads.get(x, ())
        return tuple(map(self._remade, self._roots))

    def _remade(self, x: Any) -> Any:
        if id(x) not in self._moved or type(x) in _ATOMS:
            return x
        if id(x) not in self._made:
            found = self._copy(x)
            # Functions that call one another come back to where they started, which is made by then.
            self._made.setdefault(id(x), found)
        return self._made[id(x)]

    def _copy(self, x: Any) -> Any:
        if isinstance(x, CellType):
            self._made[id(x)] = cell = CellType()
            cell.cell_contents = self._remade(x.cell_contents)
            return cell
        if isinstance(x, Holder):
            self._made[id(x)] = holder = x._blank()
            holder._hold([self._remade(f) for f in x._held()])
            return holder
        if isinstance(x, FunctionType):
            return self._copy_of_function(x)
        if isinstance(x, MethodType):
            return MethodType(self._remade(x.__func__), self._remade(x.__self__))
        if isinstance(x, functools.partial):
            return functools.partial(
                self._remade(x.func),
                *map(self._remade, x.args),
                **{name: self._remade(given) for name, given in x.keywords.items()},
            )
        if _is_own(x):
            self._made[id(x)] = made = object.__new__(type(x))
            for name, held in _attributes(x).items():
                object.__setattr__(made, name, self._remade(held))
            return made
        if isinstance(x, np.ndarray):
            elements = np.empty(x.size, object)
            for k, e in enumerate(x.ravel().tolist()):
                elements[k] = self._remade(e)
            return gather(elements.reshape(x.shape))
        leaves, structure = tree.flatten(x)
        return structure.unflatten(list(map(self._remade, leaves)))

    def _copy_of_function(self, f: FunctionType) -> FunctionType:
        defaults = f.__defaults__ and tuple(map(self._remade, f.__defaults__))
        made = FunctionType(
            f.__code__, f.__globals__, f.__name__, defaults, tuple(map(self._remade, f.__closure__ or ()))
        )
        if f.__kwdefaults__:
            made.__kwdefaults__ = {name: self._remade(given) for name, given in f.__kwdefaults__.items()}
        made.__dict__.update({name: self._remade(given) for name, given in f.__dict__.items()})
        made.__module__, made.__qualname__, made.__doc__ = f.__module__, f.__qualname__, f.__doc__
        return made


def _children(x: Any) -> Sequence[Any]:
    """Return what an object leads to, of what can be copied with something else in its place."""
    if isinstance(x, FunctionType):
        defaults = (*(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values())
        return (*(x.__closure__ or ()), *defaults, *x.__dict__.values())
    if isinstance(x, CellType):
        try:
            return (x.cell_contents,)
        except ValueError:
            # A name that has no value yet.
            return ()
    if isinstance(x, Holder):
        return x._held()
    if isinstance(x, MethodType):
        return (x.__func__, x.__self__)
    if isinstance(x, functools.partial):
        return (x.func, *x.args, *x.keywords.values())
    if _is_own(x):
        return tuple(_attributes(x).values())
    if isinstance(x, np.ndarray):
        return x.ravel().tolist() if type(x) is np.ndarray and x.dtype.hasobject else ()
    try:
        leaves, _ = tree.flatten(x)
    except TreeError:
        return ()
    return () if len(leaves) == 1 and leaves[0] is x else leaves


def _is_own(x: Any) -> bool:
    """Tell whether an object is one of those that functions made by transformations (grad, vmap) consist of."""
    return type(x).__module__.startswith("dualgrad._call.")


def _attributes(x: Any) -> dict[str, Any]:
    slots = [name for kind in type(x).__mro__ for name in vars(kind).get("__slots__", ())]
    found = {name: getattr(x, name) for name in slots if name not in ("__dict__", "__weakref__") and hasattr(x, name)}
    return {**found, **getattr(x, "__dict__", {})}


def closes_over_nothing(f: Any) -> bool:
    """Tell, at a glance, whether a function is one of a module, which closes over nothing."""
    return f is None or (
        type(f) is FunctionType and not (f.__closure__ or f.__defaults__ or f.__kwdefaults__ or f.__dict__)
    )
