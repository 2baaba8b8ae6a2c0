"""One application of a primitive under the pattern interpreter, and how sets move along with shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dualgrad._table.record import Primitive, name_of
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.level import Tracer
from dualgrad.errors import RuleError
from dualgrad.patterns.sets import IndexSets, Ints, collect, empty, followed, from_pairs, stack, take, unite

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PatternCall:
    """A call of a primitive on operands of which some depend on inputs: what a rule of `PATTERN` gets.

    It has the operands' `values` and `sets`, which say for each number on which inputs it depends (None: none of them on any), the
    parameters `params`, and the answer `ans`. `loose` tells which operands another point may give otherwise; the zeros of the others are
    zeros everywhere.
    """

    record: Primitive
    values: tuple[Value, ...]
    sets: tuple[IndexSets | None, ...]
    loose: tuple[bool, ...]
    params: dict[str, Any]
    ans: Any
    width: int

    @property
    def shape(self) -> Shape:
        """The shape of the answer."""
        return shape_of(self.ans)

    @property
    def count(self) -> int:
        """How many numbers the answer has."""
        return size_of(self.shape)

    @property
    def answers(self) -> tuple[Any, ...]:
        """The answers of a function that has several, else the one."""
        return self.ans if isinstance(self.ans, tuple) else (self.ans,)

    def traced(self) -> list[tuple[int, IndexSets, Shape]]:
        """Return position, sets and shape of the operands that depend on inputs."""
        return [(k, s, shape_of(self.values[k])) for k, s in enumerate(self.sets) if s is not None]

    def unite(self, parts: Sequence[IndexSets]) -> IndexSets:
        """Return the union of sets of the answer's numbers."""
        return unite(parts, self.count, self.width)

    def nothing(self) -> IndexSets:
        """Return the sets of an answer whose derivative is zero."""
        return empty(self.count, self.width)

    def linked(self, position: int, rows: Any, columns: Any) -> IndexSets:
        """Return the sets of an answer whose number `rows[i]` depends on number `columns[i]` of the operand at a position.

        Numbers are counted from 0, in C order; pairs may come in any order, and again.
        """
        rows, columns = np.ravel(rows), np.ravel(columns)
        size = size_of(shape_of(self.values[position]))
        if len(rows) != len(columns) or not (_are_below(rows, self.count) and _are_below(columns, size)):
            raise RuleError(
                f"The pattern of {name_of(self.record.key)} links {len(rows)} rows with {len(columns)} columns; it takes as many "
                f"of both, rows from 0 to {self.count - 1} and columns from 0 to {size - 1}."
            )
        sets = self.sets[position]
        return self.nothing() if sets is None else followed(from_pairs(rows, columns, self.count, max(size, 1)), sets)

    def through(self, pushed: Any, operands: Sequence[int], starts: Any) -> list[IndexSets | None]:
        """Return the sets of the answers, from those of tangents by the numbers of the given operands, counted on."""
        outer = stack([s for k in operands if (s := self.sets[k]) is not None], self.width)
        answers = self.answers
        tangents = pushed if isinstance(self.ans, tuple) and pushed is not None else [pushed] * len(answers)
        found: list[IndexSets | None] = []
        for a, t in zip(answers, tangents, strict=True):
            if not isinstance(t, Tracer):
                found.append(None)
                continue
            inner: IndexSets = stretched(t._sets, shape_of(t), shape_of(a))  # type: ignore[attr-defined]
            found.append(followed(inner, outer))
        return found


def _are_below(places: Ints, count: int) -> bool:
    return len(places) == 0 or bool(places.min() >= 0 and places.max() < count)


def size_of(shape: Shape) -> int:
    """Return how many numbers an array of a shape has."""
    size = 1
    for n in shape:
        size *= n
    return size


def numbers(shape: Shape) -> Ints:
    """Return an array in which every entry is its own place, in C order and counted from 1."""
    return np.arange(1, size_of(shape) + 1).reshape(shape)


def stretched(sets: IndexSets, shape: Shape, wanted: Shape) -> IndexSets:
    """Return the sets of an array broadcast to another shape."""
    return sets if shape == wanted else take(sets, np.broadcast_to(numbers(shape), wanted))


def joined(sets: IndexSets, shape: Shape, axes: Sequence[int]) -> tuple[IndexSets, Shape]:
    """Return the unions along axes, and the shape in which these have length 1."""
    left = tuple([1 if k in axes else n for k, n in enumerate(shape)])
    targets = np.broadcast_to(numbers(left) - 1, shape)
    return collect(sets, targets, size_of(left)), left


def joined_along(sets: IndexSets, shape: Shape, axes: Sequence[int], wanted: Shape, kept: int = 0) -> IndexSets:
    """Return sets in which everything along axes is joined, broadcast to an answer of the shape `wanted`.

    The joined axes go, and `kept` axes of length 1 come in at the end; with `kept=-1` they stay where they are, with length 1.
    """
    sets, left = joined(sets, shape, axes)
    if kept >= 0:
        left = (*[n for k, n in enumerate(left) if k not in axes], *[1] * kept)
    return stretched(sets, left, wanted)
