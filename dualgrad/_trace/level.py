"""A level is one running transformation; a tracer is a value that one is looking at."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from dualgrad._table.foreign import is_foreign
from dualgrad._table.foreign import plain as plain
from dualgrad._table.record import Composite, Primitive
from dualgrad._table.space import Function, Value

T = TypeVar("T")

_depths = itertools.count(1)


class Call(NamedTuple):
    """A primitive that was applied, and to what."""

    record: Primitive
    operands: tuple[Value, ...]
    params: dict[str, Any]


class Tracer:
    """A value seen by one level. `_value` is what the level below sees: a plain array, or a tracer of a lower level."""

    __slots__ = ("__weakref__", "_level", "_links", "_made_by", "_value")

    _level: Level
    _value: Value

    _links: Any
    """What the value shares its memory with, if anything (see _array/views.py)."""

    _made_by: Call | None
    """The call that the value comes from, where its level remembers that here (see roots.py)."""

    def vanishes(self) -> Any:
        """Tell which numbers are zero with all their derivatives; False where a level does not know."""
        return False


class Level:
    """One running transformation, and the interpreter of every operation on its tracers.

    Levels are numbered by one increasing counter, so an inner transformation always has the greater depth, in every
    thread. An operation goes to the deepest level among its operands; tracers of other levels are constants to it. That
    rules out perturbation confusion, and needs no stack of active transformations.
    """

    __slots__ = ("depth", "was_pickled")

    title = "a transformation"
    """How errors name it."""

    differentiates = True
    """Whether its tracers have derivatives, or only stand for many values."""

    takes_whole = False
    """Whether it takes a composite with a faster way of its own in one step, where no other level is involved."""

    is_batch = False
    """Whether a tracer stands for many values, which may differ."""

    def __init__(self) -> None:
        self.depth = next(_depths)
        # Whether somebody tried to pickle a tracer. That raises, but dask, which names what it will run later by its bytes,
        # goes on all the same.
        self.was_pickled = False

    def apply(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        """Apply a primitive to operands of which at least one is a tracer of this level."""
        raise NotImplementedError

    def write(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        """Apply `set_item` to an array that its caller gives the answer to, so that the memory may be written over."""
        return self.apply(record, operands, params)

    def unary(self, record: Primitive, x: Tracer) -> Value:
        """Apply an elementwise primitive to one operand; an interpreter may do this faster than `apply`."""
        return self.apply(record, (x,), {})

    def binary(self, record: Primitive, x: Value, y: Value) -> Value:
        """Apply an elementwise primitive to two operands; an interpreter may do this faster than `apply`."""
        return self.apply(record, (x, y), {})

    def decided(self, x: Tracer, question: Callable[[Any], Any], answer: Any) -> None:
        """Note that code went one way or another by what a question said of the numbers of one of this level's tracers."""

    def made_by(self, x: Any) -> Call | None:
        """Return the call that one of this level's tracers comes from, where it is a root that is zero and the level knows; or None."""
        return getattr(x, "_made_by", None)

    def constant(self, fun: Function, args: Any, kwargs: dict[str, Any]) -> Value:
        """Apply a function without a derivative: to a differentiating level, its tracers are just their values."""
        return fun(*self.peel(args), **self.peel(kwargs))

    def whole(self, record: Composite, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
        """Apply a composite by its function; NotImplemented where another level has to see its body."""
        return NotImplemented

    def lift(self, value: Value) -> Tracer:
        """Return a tracer of this level for a value that is constant to it."""
        raise NotImplementedError

    def peel(self, tree: Any) -> Any:
        """Replace this level's tracers by their values, inside lists, tuples and dicts too."""
        if isinstance(tree, Tracer):
            return tree._value if tree._level is self else tree
        if isinstance(tree, (list, tuple)):
            peeled = [self.peel(x) for x in tree]
            return type(tree)(peeled) if type(tree) in (list, tuple) else type(tree)(*peeled)
        if isinstance(tree, dict):
            return {key: self.peel(x) for key, x in tree.items()}
        return tree


def deepest(tree: Any) -> Level | None:
    """Return the deepest level among the tracers in nested lists, tuples and dicts, or None where there is no tracer."""
    if isinstance(tree, Tracer):
        return tree._level
    found: Level | None = None
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, (list, tuple)):
        return None
    for x in tree:
        level = x._level if isinstance(x, Tracer) else deepest(x) if isinstance(x, (list, tuple, dict)) else None
        if level is not None and (found is None or level.depth > found.depth):
            found = level
    return found


def bind(record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
    """Apply a primitive: the deepest level among the operands interprets it; without tracers it just runs."""
    level = None
    for x in operands:
        if isinstance(x, Tracer) and (level is None or x._level.depth > level.depth):
            level = x._level
    return record.fun(*operands, **params) if level is None else level.apply(record, operands, params)


def decide(question: Callable[[Any], T], x: Value) -> T:
    """Return what a question says of the numbers of a value below all levels: the one way to look at numbers in Python.

    Each level that the value belongs to is told, so that one that records what happened knows on what it depends. A question is a
    function of one value alone: a function of a module, or `functools.partial` of one with static arguments.
    """
    answer = question(plain(x))
    while isinstance(x, Tracer):
        x._level.decided(x, question, answer)
        x = x._value
    return answer


def is_anywhere(mask: Any) -> bool:
    """Tell whether a plain mask is True anywhere."""
    return bool(np.any(mask))


def anywhere(mask: Value) -> bool:
    """Tell whether a mask is True anywhere, in any member of a batch too: for rules that skip work."""
    return decide(is_anywhere, mask)


def may_be_anywhere(mask: Value) -> bool:
    """Tell whether a mask may be True anywhere: arrays of other libraries are not asked, for the answer would be computed."""
    return is_foreign(mask) or anywhere(mask)


def seen_anywhere(mask: Value) -> bool:
    """Tell whether a mask is seen to be True anywhere, to warn or refuse: arrays of other libraries are not asked."""
    return not is_foreign(mask) and anywhere(mask)


def is_differentiated(x: Value) -> bool:
    """Tell whether any level differentiates a value."""
    while isinstance(x, Tracer):
        if x._level.differentiates:
            return True
        x = x._value
    return False


def is_batched(x: Value) -> bool:
    """Tell whether a value stands for many, the members of a batch, in any level."""
    while isinstance(x, Tracer):
        if x._level.is_batch:
            return True
        x = x._value
    return False


def vanishes(x: Value) -> Any:
    """Tell which numbers are exactly zero, with all their derivatives if they are traced."""
    return x.vanishes() if isinstance(x, Tracer) else x == 0
