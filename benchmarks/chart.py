"""A chart of the ratios, written as SVG: a line for each problem, a dot for each system, on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from math import ceil, floor, log10
from pathlib import Path

from benchmarks.report import GROUPS, HAND, OURS, Report
from benchmarks.timing import Row

COLOURS = {"autograd": "#d1495b", "PyTorch": "#e08e2b", "JAX": "#3c7d8c", "hand": "#6b6b6b"}
LEFT, RIGHT, TOP, STEP, WIDTH = 300, 30, 84, 22, 900


def write_chart(report: Report, path: Path) -> None:
    """Write the chart of all rows in which dualgrad was timed."""
    rows = [row for row in report.rows if OURS in row.seconds]
    names = [name for name in COLOURS if any(name in row.seconds for row in rows)]
    path.write_text(_svg(rows, names), encoding="utf-8")


def _svg(rows: Sequence[Row], names: Sequence[str]) -> str:
    ratios = [row.seconds[name] / row.seconds[OURS] for row in rows for name in names if name in row.seconds]
    low, high = floor(log10(min(ratios, default=1.0))), ceil(log10(max(ratios, default=1.0)))
    high = max(high, low + 1)

    def place(ratio: float) -> float:
        return LEFT + (log10(ratio) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    body, y = [], TOP
    for group in GROUPS:
        members = [row for row in rows if row.group == group]
        if members:
            y += STEP
            body.append(_text(16, y + 4, group, "font-weight='bold'"))
        for row in members:
            y += STEP
            body.append(_line(row, names, y, place))
    bottom = y + STEP
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {bottom + 34}' "
        "font-family='system-ui, sans-serif' font-size='13' fill='#222'>",
        "<title>Time of a derivative, relative to dualgrad</title>",
        "<rect width='100%' height='100%' fill='white'/>",
        _text(16, 28, "Time of a derivative, relative to dualgrad", "font-size='17' font-weight='bold'"),
        *_legend(names),
        *_axis(low, high, bottom, place),
        *body,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _line(row: Row, names: Sequence[str], y: int, place: Callable[[float], float]) -> str:
    marks = [(name, place(row.seconds[name] / row.seconds[OURS])) for name in names if name in row.seconds]
    xs = [x for _, x in marks] + [place(1.0)]
    dots = "".join(_dot(name, x, y) for name, x in marks)
    span = f"<line x1='{min(xs):.1f}' x2='{max(xs):.1f}' y1='{y}' y2='{y}' stroke='#ccc' stroke-width='2'/>"
    return _text(LEFT - 16, y + 4, row.problem, "text-anchor='end'") + span + dots


def _dot(name: str, x: float, y: float) -> str:
    if name == HAND:
        return f"<rect x='{x - 4:.1f}' y='{y - 4}' width='8' height='8' fill='{COLOURS[name]}'/>"
    return f"<circle cx='{x:.1f}' cy='{y}' r='5' fill='{COLOURS[name]}'/>"


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], LEFT
    for name in names:
        parts += [_dot(name, x, 56), _text(x + 10, 60, "by hand" if name == HAND else name)]
        x += 110
    return parts


def _axis(low: int, high: int, bottom: int, place: Callable[[float], float]) -> list[str]:
    parts = []
    for power in range(low, high + 1):
        x, ours = place(10.0**power), power == 0
        stroke = "stroke='#222' stroke-width='1.5'" if ours else "stroke='#e5e5e5'"
        parts.append(f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{TOP - 4}' y2='{bottom}' {stroke}/>")
        parts.append(_text(x, bottom + 18, "dualgrad = 1" if ours else f"{10.0**power:g}", "text-anchor='middle'"))
    parts.append(_text(place(1.0) + 8, TOP + 8, "slower →", "fill='#666'"))
    parts.append(_text(place(1.0) - 8, TOP + 8, "← faster", "fill='#666' text-anchor='end'"))
    return parts


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f"<text x='{x:.1f}' y='{y}' {style}>{escape(text)}</text>"
