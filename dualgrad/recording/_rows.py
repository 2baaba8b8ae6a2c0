"""What a program consists of: rows, guards, and references to what rows have answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from dualgrad._call.callers import Place
from dualgrad._table.index import Slot
from dualgrad._table.record import Composite, Constant, Primitive
from dualgrad._table.space import Function

Outline = tuple[tuple[int, ...], str] | None
"""The shape and dtype of an answer; None for what is no number or array."""


class Ref(NamedTuple):
    """The answer of a row, or with `member` one of its answers."""

    row: int
    member: int = -1

    def __str__(self) -> str:
        return f"%{self.row}" if self.member < 0 else f"%{self.row}.{self.member}"


class Data(NamedTuple):
    """A constant of the program, by its number."""

    number: int

    def __str__(self) -> str:
        return f"c{self.number}"


class Leaf:
    """A reference as a leaf of a tree, into which trees do not look."""

    __slots__ = ("ref",)

    def __init__(self, ref: Ref | Data) -> None:
        self.ref = ref

    def __repr__(self) -> str:
        return str(self.ref)


class Row(NamedTuple):
    """One function applied: `record.key(*operands, **params)`, at a line of the user's.

    Operands are references, constants (Data), or small plain numbers as they are; parameters are static, but for references in what a
    function without a derivative was given. `record` is None for an input, which is a row of its own.
    """

    number: int
    record: Primitive | Composite | Constant | None
    operands: tuple[Any, ...]
    params: dict[str, Any]
    outlines: tuple[Outline, ...]
    place: Place | None
    errors: dict[str, Any] | None
    """How NumPy was told to treat floating-point errors, where that differs from the caller's way."""

    def __repr__(self) -> str:
        given = [shown(x) for x in self.operands] + [f"{key}={shown(x)}" for key, x in self.params.items()]
        return f"%{self.number} = {self.name}({', '.join(given)}): {self.kinds}"

    @property
    def kinds(self) -> str:
        """The shapes and dtypes of the answers, as text."""
        return ", ".join(map(kind_of, self.outlines))

    @property
    def name(self) -> str:
        """The name of the function."""
        key = None if self.record is None else self.record.key
        return "input" if key is None else getattr(key, "__name__", repr(key))


class Guard(NamedTuple):
    """A look at numbers: code went on as `question(value)` was `answer`, and would have done something else otherwise."""

    ref: Ref
    question: Callable[[Any], Any]
    answer: Any
    place: Place | None

    def __repr__(self) -> str:
        return f"guard {self.name}({self.ref}) is {short(self.answer)}"

    @property
    def name(self) -> str:
        """The name of the question."""
        question: Any = self.question
        while hasattr(question, "func"):
            inner = [x for x in question.args if callable(x)]
            question = inner[0] if inner else question.func
        return getattr(question, "__name__", repr(question)).strip("_")

    def holds(self, value: Any) -> bool:
        """Tell whether the question has the same answer for another value."""
        found = self.question(value)
        return bool(found == self.answer) or (found != found and self.answer != self.answer)


Step = Row | Guard


class Recorded(Protocol):
    """What of a program is written down or drawn."""

    title: str
    steps: tuple[Step, ...]
    constants: tuple[Any, ...]

    @property
    def rows(self) -> tuple[Row, ...]: ...

    @property
    def guards(self) -> tuple[Guard, ...]: ...

    @property
    def inputs(self) -> list[str]: ...

    @property
    def result(self) -> Any: ...


def mapped(change: Function, x: Any) -> Any:
    """Return nested tuples, lists, dicts and slices with everything in them changed."""
    kind = type(x)
    if kind is Ref or kind is Data:
        return change(x)
    if kind is tuple or kind is list:
        return kind([mapped(change, y) for y in x])
    if isinstance(x, tuple) and hasattr(x, "_make"):
        return x._make([mapped(change, y) for y in x])
    if kind is dict:
        return {name: mapped(change, y) for name, y in x.items()}
    if kind is slice:
        return slice(mapped(change, x.start), mapped(change, x.stop), mapped(change, x.step))
    return change(x)


def shown(x: Any) -> str:
    """Return what stands in a row as text."""
    if isinstance(x, (Ref, Data, Leaf)):
        return str(x)
    if isinstance(x, (tuple, list)) and not hasattr(x, "_make"):
        inner = ", ".join(map(shown, x))
        if isinstance(x, list):
            return f"[{inner}]"
        return f"({inner},)" if len(x) == 1 else f"({inner})"
    if isinstance(x, dict):
        return "{" + ", ".join([f"{key!r}: {shown(y)}" for key, y in x.items()]) + "}"
    if type(x) is Slot:
        return f"array {x.number}"
    if isinstance(x, slice):
        parts = [x.start, x.stop] + ([x.step] if x.step is not None else [])
        return ":".join(["" if p is None else shown(p) for p in parts])
    return short(x)


def short(x: Any) -> str:
    """Return a value as text that fits a line."""
    text = x.__name__ if isinstance(x, type) else repr(float(x)) if isinstance(x, (float, np.floating)) else repr(x)
    return text if len(text) <= 60 else text[:57] + "..."


def kind_of(one: Outline) -> str:
    """Return a shape and dtype as text."""
    if one is None:
        return "no array"
    shape, dtype = one
    return f"{np.dtype(dtype)}{list(shape) if shape else ''}".replace(" ", "")
