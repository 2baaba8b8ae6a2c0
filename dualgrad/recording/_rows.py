"""What a program consists of: rows, guards, and references to what rows have answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from dualgrad._call.callers import Place
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
