"""Writes docs/reference/coverage.md from the table: `python -m tests.coverage_page`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

# NumPy reports the functions of a module once that is imported.
import numpy.char
import numpy.fft
import numpy.lib.recfunctions
import numpy.polynomial
import numpy.strings
from numpy.testing import overrides

import dualgrad.rules  # noqa: F401 - fills the table
from dualgrad._array import creation
from dualgrad._table.record import (
    Composite,
    Constant,
    Metadata,
    Primitive,
    Record,
    Refused,
    name_of,
    record_of,
    records,
)
from dualgrad._table.space import Function, dtype_of
from tests.registry.cases import CASES, Case

WITH_LIKE = (
    "differentiated with `like=x`, or from `dualgrad.numpy`; without, it [makes an array of objects, or raises]"
    "(../limitations.md#arrays-made-of-traced-numbers)"
)
PAGE = Path(__file__).parent.parent / "docs" / "reference" / "coverage.md"
CASES_OF: dict[str, list[Case]] = {}
for _case in CASES:
    CASES_OF.setdefault(name_of(_case.record.key), []).append(_case)

VERSION = np.__version__.rpartition(".")[0]
KINDS = {
    Primitive: "differentiated, by both rules",
    Composite: "differentiated, by running its body",
    Constant: "constant: its derivative is zero wherever it exists",
    Metadata: "a fact of shape or dtype",
    Refused: "refused",
}


def overridable() -> set[Function]:
    """Return the functions that NumPy lets a value say the meaning of."""
    return {*overrides.get_overridable_numpy_ufuncs(), *overrides.get_overridable_numpy_array_functions()}


def absent() -> list[str]:
    """Return the names of those that the table says nothing of."""
    # Beside `np.eye` and others that take `like`, NumPy keeps a function of the same name that it never hands over.
    known = {name_of(f) for f in (*records(), *overridable()) if record_of(f) is not None}
    return sorted({name_of(f) for f in overridable()} - known)


def row(record: Record) -> str:
    """Return the line of one function."""
    kind = KINDS[type(record)]
    if isinstance(record, Composite) and record.body.__module__ == creation.__name__:
        # NumPy asks the array that the result is to be like, not those of which it is made.
        kind = WITH_LIKE
    if record.key is np.full_like:
        kind += ", where `a` is being differentiated; of a plain `a` it raises"
    if isinstance(record, Refused):
        kind += f": {record.reason}"
    if isinstance(record, Primitive):
        kind += f" ({record.word.value})"
    return f"| `{name_of(record.key)}` | {kind} | {tested(record)} |"


def tested(record: Record) -> str:
    """Return what the generated tests run of a function (tests/registry)."""
    if not isinstance(record, (Primitive, Composite)):
        return ""
    cases = CASES_OF.get(name_of(record.key), [])
    if not cases:
        return "by hand"
    kinds = {dtype_of(x).kind for case in cases for x in case.inputs.values}
    count = f"{len(cases)} calls" if len(cases) > 1 else "1 call"
    return f"{count}, {'real and complex' if kinds == {'f', 'c'} else 'complex' if 'c' in kinds else 'real'}"


def page() -> str:
    """Return the page."""
    found = {name_of(key): record for key, record in records().items() if name_of(key).startswith("numpy")}
    refused = {name_of(f): f for f in overridable() if f not in records() and record_of(f) is not None}
    found.update({name: record for name, f in refused.items() if (record := record_of(f)) is not None})
    lines = [
        "# Coverage",
        "",
        "What the table says of each NumPy function. Made by `python -m tests.coverage_page`"
        f" with NumPy {VERSION}. The words in brackets are those of the [architecture](../explanation/architecture.md#the-record).",
        "",
        "The methods of an array (`x.sum()`, `x.T`, `x[i]`, `x @ y`) mean the functions of the same name. Functions that have no array",
        "among their arguments, such as `np.zeros(3)`, make plain arrays. SciPy is not in the table: see",
        "[custom derivatives](../how-to/custom-derivatives.md).",
        "",
        "The generated tests run both modes of each call to second order, against differences and against each other; its value"
        " against NumPy's; in double and in single precision; and as a batch. What differences cannot see (ties, poles, NaN,"
        " singular matrices) is tested by hand.",
        "",
        "| function | what it is | tested |",
        "|---|---|---|",
        *[row(found[name]) for name in sorted(found)],
        "",
    ]
    if without := absent():
        lines += [
            "## Not in the table yet",
            "",
            "A call with a value being differentiated raises `NoRuleError`.",
            "",
            ", ".join(f"`{name}`" for name in without) + ".",
            "",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
