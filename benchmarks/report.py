"""What is printed and written: tables of ratios in Markdown, geometric means, JSON."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from math import exp, log
from pathlib import Path

from benchmarks.problem import Group
from benchmarks.timing import Row

OURS, HAND, FUNCTION = "dualgrad", "hand", "function"
# Those that we are measured against, where the others are measured against us.
YARDSTICKS = {HAND: "ours / by hand", FUNCTION: "ours / function"}
GROUPS = tuple(group.value for group in Group)


@dataclass
class Report:
    """All rows of a run, and on what it ran."""

    threads: int
    versions: dict[str, str]
    rows: list[Row] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)
    machine: str = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"

    def others(self) -> list[str]:
        return [name for name in self.versions if name not in (OURS, *YARDSTICKS)]

    def agrees(self) -> bool:
        return all(row.agrees for row in self.rows)


def ratio(row: Row, name: str) -> float | None:
    """Return how many times as long another system takes; for the yardsticks, how many times as long we take."""
    if not {OURS, name} <= row.seconds.keys():
        return None
    quotient = row.seconds[name] / row.seconds[OURS]
    return 1.0 / quotient if name in YARDSTICKS else quotient


def means(report: Report, group: str) -> dict[str, float]:
    """Return the geometric means of the ratios of one of the groups, by system."""
    found = {}
    for name in (*report.others(), *YARDSTICKS):
        ratios = [ratio(row, name) for row in report.rows if row.group == group]
        logs = [log(value) for value in ratios if value is not None]
        if logs:
            found[name] = exp(sum(logs) / len(logs))
    return found


def times_table(report: Report) -> str:
    """Return the table of ratios, one line for each problem, and the means of the groups."""
    others = report.others()
    head = ["problem", "ours, ms", *(f"{name} / ours" for name in others), *YARDSTICKS.values(), "JAX compiles, s"]
    lines = []
    for group in GROUPS:
        rows = [row for row in report.rows if row.group == group]
        if not rows:
            continue
        lines.append([f"*{group}*", *[""] * (len(head) - 1)])
        lines += [_times(row, others) for row in rows]
        mean = means(report, group)
        lines.append(["geometric mean", "", *(_number(mean.get(name)) for name in (*others, *YARDSTICKS)), ""])
    return table(head, lines)


def _times(row: Row, others: Sequence[str]) -> list[str]:
    compiling = row.first_call["JAX"] - row.seconds["JAX"] if "JAX" in row.seconds else None
    ours = _number(1e3 * row.seconds[OURS]) if OURS in row.seconds else ""
    return [row.problem, ours, *(_number(ratio(row, name)) for name in (*others, *YARDSTICKS)), _number(compiling)]


def memory_table(report: Report) -> str:
    """Return the peaks of memory in megabytes: of Python's and NumPy's objects where they are traced, else of the process."""
    rows = [row for row in report.rows if row.memory]
    names = [name for name in report.versions if any(name in row.memory for row in rows)]
    kinds = {
        name: "traced" if any(_bytes(row, name, "traced") is not None for row in rows) else "resident" for name in names
    }
    head = ["peak memory, MB", *(name if kind == "traced" else f"{name} ({kind})" for name, kind in kinds.items())]
    return table(head, [[row.problem, *(_number(_bytes(row, *item), 1e-6) for item in kinds.items())] for row in rows])


def _bytes(row: Row, name: str, kind: str) -> float | None:
    value: int | None = getattr(row.memory.get(name), kind, None)
    return value


def notes(report: Report) -> list[str]:
    """Return what a reader has to know: failures, disagreements, and systems that used more threads than they should."""
    found = [f"{row.problem}: {note}" for row in report.rows for note in row.notes]
    for row in report.rows:
        for name, processors in row.processors.items():
            if processors > 1.25 * report.threads:
                found.append(f"{row.problem}: {name} kept {processors:.1f} processors busy")
    return found


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown, padded so that it can be read as it is."""
    lines = [list(line) for line in lines]
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def row(cells: Sequence[str]) -> str:
        first = cells[0].ljust(widths[0])
        return (
            "| " + " | ".join([first, *(cell.rjust(w) for cell, w in zip(cells[1:], widths[1:], strict=True))]) + " |"
        )

    return "\n".join(row(cells) for cells in [head, rule, *lines])


def _number(value: float | None, unit: float = 1.0) -> str:
    if value is None:
        return ""
    value *= unit
    if 0.0 < value < 0.1:
        return f"{value:.2g}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def write_json(report: Report, path: Path) -> None:
    """Write everything that was measured, in seconds and bytes, with the ratios and their means."""
    rows = []
    for row in report.rows:
        ratios = {name: ratio(row, name) for name in (*report.others(), *YARDSTICKS)}
        rows.append(asdict(row) | {"memory": {name: m._asdict() for name, m in row.memory.items()}, "ratios": ratios})
    everything = asdict(report) | {"rows": rows, "means": {group: means(report, group) for group in GROUPS}}
    path.write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")
