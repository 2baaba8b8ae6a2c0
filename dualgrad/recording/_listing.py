"""A program as text: a line for each row and guard, with the user's lines beside them."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad.recording._rows import Guard, Recorded, Ref, Row, kind_of, mapped, short, shown

_WIDTH = 88


def listing(program: Recorded) -> str:
    """Return a program as text."""
    lines = [f"program of {program.title}"]
    names = iter(program.inputs)
    for step in program.steps:
        if type(step) is Guard:
            text, place = repr(step), step.place
        else:
            assert type(step) is Row
            place = step.place if step.record is not None else None
            text = _row(step, next(names) if step.record is None else None)
        lines.append(f"  {text:<{_WIDTH}}  {place}".rstrip() if place is not None else f"  {text}")
    lines.extend([f"  c{k} = {described(c)}" for k, c in enumerate(program.constants)])
    lines.append(f"returns {shown(program.result)}")
    return "\n".join(lines)


def _row(row: Row, name: str | None) -> str:
    return repr(row) if name is None else f"%{row.number} = input {name}: {row.kinds}"


def described(constant: Any) -> str:
    """Return a constant as text: a number, or the shape and dtype of an array."""
    if isinstance(constant, np.ndarray) and constant.size > 6:
        return kind_of((constant.shape, constant.dtype.str))
    return short(constant).replace("\n", " ")


def references(row: Row) -> list[int]:
    """Return the numbers of the rows that a row reads, in order, each once."""
    found: dict[int, None] = {}

    def note(x: Any) -> Any:
        if type(x) is Ref:
            found[x.row] = None
        return x

    mapped(note, (*row.operands, *row.params.values()))
    return list(found)
