"""A program as text: a line for each row and guard, with the user's lines beside them."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad.recording._rows import Data, Guard, Leaf, Outline, Recorded, Ref, Row, mapped

_WIDTH = 88


def listing(program: Recorded) -> str:
    """Return a program as text."""
    lines = [f"program of {program.title}"]
    names = iter(program.inputs)
    for step in program.steps:
        if type(step) is Guard:
            text, place = f"guard {step.name}({step.ref}) is {_short(step.answer)}", step.place
        else:
            assert type(step) is Row
            place = step.place if step.record is not None else None
            text = _row(step, next(names) if step.record is None else None)
        lines.append(f"  {text:<{_WIDTH}}  {place}".rstrip() if place is not None else f"  {text}")
    lines.extend([f"  c{k} = {described(c)}" for k, c in enumerate(program.constants)])
    lines.append(f"returns {shown(program.result)}")
    return "\n".join(lines)


def _row(row: Row, name: str | None) -> str:
    answer = ", ".join(map(kind_of, row.outlines))
    if name is not None:
        return f"%{row.number} = input {name}: {answer}"
    given = [shown(x) for x in row.operands] + [f"{key}={shown(x)}" for key, x in row.params.items()]
    return f"%{row.number} = {row.name}({', '.join(given)}): {answer}"


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
    if isinstance(x, slice):
        parts = [x.start, x.stop] + ([x.step] if x.step is not None else [])
        return ":".join(["" if p is None else shown(p) for p in parts])
    return _short(x)


def _short(x: Any) -> str:
    text = x.__name__ if isinstance(x, type) else f"{x:.12g}" if isinstance(x, (float, np.floating)) else repr(x)
    return text if len(text) <= 60 else text[:57] + "..."


def described(constant: Any) -> str:
    """Return a constant as text: a number, or the shape and dtype of an array."""
    if isinstance(constant, np.ndarray) and constant.size > 6:
        return kind_of((constant.shape, constant.dtype.str))
    return _short(constant).replace("\n", " ")


def kind_of(one: Outline) -> str:
    """Return a shape and dtype as text."""
    if one is None:
        return "no array"
    shape, dtype = one
    return f"{np.dtype(dtype)}{list(shape) if shape else ''}".replace(" ", "")


def references(row: Row) -> list[int]:
    """Return the numbers of the rows that a row reads, in order, each once."""
    found: dict[int, None] = {}

    def note(x: Any) -> Any:
        if type(x) is Ref:
            found[x.row] = None
        return x

    mapped(note, (*row.operands, *row.params.values()))
    return list(found)
