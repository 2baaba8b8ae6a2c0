"""A program as a picture: in the language of Graphviz, and drawn without other software where it fits a page."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from dualgrad.recording._listing import references
from dualgrad.recording._rows import Recorded, Row

_MOST = 300
"""From how many rows on a picture is no help."""

_STEP_X, _STEP_Y, _BOX_X, _BOX_Y = 150, 64, 132, 36


def dot(program: Recorded) -> str:
    """Return a program as a graph for Graphviz: `dot -Tsvg`."""
    guarded = {g.ref.row for g in program.guards}
    lines = ["digraph program {", '  node [shape=box, fontname="sans-serif", fontsize=10];']
    for row, name in _named(program):
        style = ", style=filled, fillcolor=lightyellow" if row.number in guarded else ""
        style += ", shape=ellipse" if row.record is None else ""
        lines.append(f'  r{row.number} [label="{_quoted(name)}\\n{_quoted(row.kinds)}"{style}];')
        lines.extend([f"  r{k} -> r{row.number};" for k in references(row)])
    lines.append("}")
    return "\n".join(lines)


def svg(program: Recorded) -> str:
    """Return a picture of a program, from the inputs at the top to the results at the bottom."""
    rows = _named(program)
    if len(rows) > _MOST:
        raise ValueError(
            f"A picture of {len(rows)} rows would not be readable (at most {_MOST}). Print the program for a listing, or draw "
            "to_dot() with Graphviz."
        )
    guarded = {g.ref.row for g in program.guards}
    places = _laid_out([row for row, _ in rows])
    width = (max(x for x, _ in places.values()) + 1) * _STEP_X + 20
    height = (max(y for _, y in places.values()) + 1) * _STEP_Y + 20
    found = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">'
    ]
    for row, _ in rows:
        x, y = _corner(places[row.number])
        for k in references(row):
            a, b = _corner(places[k])
            found.append(
                f'<path d="M {a + _BOX_X / 2} {b + _BOX_Y} C {a + _BOX_X / 2} {b + _STEP_Y}, {x + _BOX_X / 2} {y - 24}, '
                f'{x + _BOX_X / 2} {y}" fill="none" stroke="#888"/>'
            )
    for row, name in rows:
        x, y = _corner(places[row.number])
        fill = "#fdf3c7" if row.number in guarded else "#e3f0fb" if row.record is None else "#ffffff"
        place = "" if row.place is None or row.record is None else str(row.place)
        found.append(
            f'<g><title>{escape(f"%{row.number} {place}")}</title><rect x="{x}" y="{y}" width="{_BOX_X}" height="{_BOX_Y}" rx="5" '
            f'fill={quoteattr(fill)} stroke="#555"/><text x="{x + _BOX_X / 2}" y="{y + 15}" text-anchor="middle">{escape(name)}</text>'
            f'<text x="{x + _BOX_X / 2}" y="{y + 29}" text-anchor="middle" fill="#777" font-size="9">{escape(row.kinds)}</text></g>'
        )
    found.append("</svg>")
    return "\n".join(found)


def _named(program: Recorded) -> list[tuple[Row, str]]:
    names = iter(program.inputs)
    return [(row, next(names) if row.record is None else row.name) for row in program.rows]


def _laid_out(rows: list[Row]) -> dict[int, tuple[int, int]]:
    """Return column and line of each row: below all that it reads, and near the first of it."""
    places: dict[int, tuple[int, int]] = {}
    taken: set[tuple[int, int]] = set()
    for row in rows:
        read = [places[k] for k in references(row)]
        line = 1 + max([y for _, y in read], default=-1)
        column = read[0][0] if read else 0
        while (column, line) in taken:
            column += 1
        places[row.number] = (column, line)
        taken.add((column, line))
    return places


def _corner(place: tuple[int, int]) -> tuple[int, int]:
    return 10 + place[0] * _STEP_X, 10 + place[1] * _STEP_Y


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
