"""The pattern interpreter: values that know, number by number, which inputs they depend on.

The value itself is carried along, so Python branches run as they do with plain numbers, and the pattern is valid for every
point at which they run the same way. What a primitive does to the sets of inputs is said by its record (patterns/spread.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.array import TracedArray
from dualgrad._table.record import RECORDS, Metadata, Primitive, name_of
from dualgrad._table.space import Function, Value, is_inexact, shape_of
from dualgrad._trace.ended import Ended
from dualgrad._trace.level import Level, plain
from dualgrad.patterns.call import PatternCall
from dualgrad.patterns.sets import IndexSets, empty, members, repeated, unite
from dualgrad.patterns.spread import spread
from dualgrad.patterns.varying import VaryingData, fixed, varying


class PatternArray(TracedArray):
    """An array, and for each of its numbers, in C order, the set of inputs that it depends on."""

    __slots__ = ("_sets",)

    def __init__(self, value: Value, sets: IndexSets, level: PatternLevel) -> None:
        self._value = value
        self._sets = sets
        self._level = level


class PatternLevel(Level):
    """One detection of a pattern. `unknown` collects the names of functions that were taken as dense."""

    __slots__ = ("running", "unknown", "width")

    title = "the detection of a sparsity pattern"

    def __init__(self, width: int, running: frozenset[Function] = frozenset()) -> None:
        super().__init__()
        self.width = width
        self.unknown: dict[str, None] = {}
        self.running = running

    def close(self) -> None:
        """End the detection."""
        self.__class__ = EndedPatternLevel

    def lift(self, value: Value) -> PatternArray:
        return PatternArray(value, empty(_size(value), self.width), self)

    def constant(self, fun: Function, args: Any, kwargs: dict[str, Any]) -> Value:
        found = fun(*fixed(self.peel(args)), **fixed(self.peel(kwargs)))
        record = RECORDS.get(fun)
        # Constant in value too, not only in derivative.
        if isinstance(record, Metadata) or (record is not None and record.facts.outline):
            return found
        return varying(found)

    def apply(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        values: list[Value] = []
        sets: list[IndexSets | None] = []
        loose: list[bool] = []
        for x in operands:
            traced = type(x) is PatternArray and x._level is self
            values.append(x._value if traced else fixed(x))
            sets.append(x._sets if traced and x._sets.count else None)
            loose.append(traced or isinstance(x, VaryingData))
        ans = (record.operate if not params else record.fun)(*values, **params)
        call = PatternCall(record, tuple(values), tuple(sets), tuple(loose), params, ans, self.width)
        if all(s is None or len(s.indices) == 0 for s in sets):
            return self._wrap(ans, [None] * max(1, len(ans) if isinstance(ans, tuple) else 1))
        found = spread(call)
        if found is None:
            found = self._traced_rule(call)
        if found is None:
            found = self._dense(call)
        return self._wrap(ans, found)

    def _wrap(self, ans: Any, found: list[IndexSets | None]) -> Any:
        if not isinstance(ans, tuple):
            sets = found[0]
            return PatternArray(ans, empty(_size(ans), self.width) if sets is None else sets, self)
        wrapped = [self._wrap(a, [s]) if is_inexact(a) else varying(a) for a, s in zip(ans, found, strict=True)]
        return ans._make(wrapped) if hasattr(ans, "_make") else tuple(wrapped)

    # ---- what no rule knows ----------------------------------------------------------------------

    def _traced_rule(self, call: PatternCall) -> list[IndexSets | None] | None:
        """Return the pattern of a primitive's own JVP rule, run on tangents of which each number is an input of its own.

        The rule is linear in the tangents, and reads the operands as numbers that another point gives otherwise.
        """
        record = call.record
        if record.key in self.running:
            return None
        numbers = [k for k, s in enumerate(call.sets) if s is not None]
        starts = np.cumsum([0, *[_size(call.values[k]) for k in numbers]])
        level = PatternLevel(int(starts[-1]), self.running | {record.key})
        tangents: list[Value] = [None] * len(call.values)
        for k, start in zip(numbers, starts, strict=False):
            tangents[k] = _unit_tangents(call.values[k], int(start), level)
        data = [varying(plain(x)) if loose else x for x, loose in zip(call.values, call.loose, strict=True)]
        try:
            with np.errstate(all="ignore"):
                # Run again, so that what the function keeps for its rule is marked as varying too.
                ans = varying(record.fun(*data, **call.params))
                pushed = record.jvp(tuple(tangents), ans, *data, **call.params)
        except Exception:
            # Whatever a rule cannot do with traced tangents, the dense answer is right.
            return None
        finally:
            level.close()
        if level.unknown:
            return None
        return call.through(pushed, numbers, starts)

    def _dense(self, call: PatternCall) -> list[IndexSets | None]:
        """Return a pattern in which every number of the answer depends on all that any operand depends on."""
        self.unknown[name_of(call.record.key)] = None
        given = [s for s in call.sets if s is not None]
        one = [repeated(members(s), 1, self.width) for s in given]
        everything = unite(one, 1, self.width).indices
        return [repeated(everything, _size(a), self.width) if is_inexact(a) else None for a in call.answers]


class EndedPatternLevel(Ended, PatternLevel):
    """A detection that is over."""

    __slots__ = ()


def _size(x: Value) -> int:
    size = 1
    for n in shape_of(x):
        size *= n
    return size


def _unit_tangents(x: Value, start: int, level: PatternLevel) -> PatternArray:
    size = _size(x)
    sets = IndexSets(np.arange(size + 1), np.arange(start, start + size), level.width)
    return PatternArray(np.ones(shape_of(x), getattr(x, "dtype", float))[()], sets, level)
