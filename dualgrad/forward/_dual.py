"""Dual numbers: a value and its tangent, carried through every operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dualgrad._table.record import Primitive, Word
from dualgrad._table.space import Value, conform_tangent, zeros_of
from dualgrad._trace.ended import Ended
from dualgrad._trace.roots import remember
from dualgrad._trace.zeros import drop_zeros, is_strict, may_be_infinite
from dualgrad.forward._hot import DualArray, ShortForward, dual_array


class ForwardLevel(ShortForward):
    """One forward-mode transformation."""

    __slots__ = ()

    def lift(self, value: Value) -> DualArray:
        return dual_array(value, zeros_of(value), self)

    def close(self) -> None:
        """End the transformation."""
        self.__class__ = EndedForwardLevel
        self.is_running = False

    def apply(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        values = []
        tangents = []
        for x in operands:
            if type(x) is DualArray and x._level is self:
                values.append(x._value)
                tangents.append(x._tangent)
            else:
                values.append(x)
                tangents.append(None)
        if record.value_and_jvp is not None:
            ans, tangent = record.value_and_jvp(tuple(tangents), *values, **params)
        else:
            ans = (record.operate if not params else record.fun)(*values, **params)
            if record.poles or self.is_infinite:
                tangent = self.push_past_poles(record, tuple(tangents), ans, values, params)
            else:
                tangent = record.jvp(tuple(tangents), ans, *values, **params)
        if record.outputs != 1:
            return self.wrap_tuple(ans, tangent)
        out = self.wrap(ans, tangent)
        return out if record.root is None else remember(out, record, operands, params)

    def push_past_poles(
        self,
        record: Primitive,
        tangents: tuple[Value, ...],
        ans: Value,
        values: Sequence[Value],
        params: dict[str, Any],
    ) -> Value:
        # An infinite or undefined derivative is an answer, not an accident: no warnings from here.
        with np.errstate(all="ignore"):
            # Rules of functions with poles look for NaN themselves, which need not be done twice.
            is_short = record.one_formula and not self.is_infinite
            push = _by_formulas if is_short else _by_rule
            tangent = push(record, tangents, ans, values, params)
            if tangent is None or record.outputs != 1 or not may_be_infinite(tangent):
                return tangent
            self.is_infinite = True
            if is_short:
                tangent = _by_rule(record, tangents, ans, values, params)
            if is_strict():
                return tangent
            return drop_zeros(
                lambda moves: _by_rule(record, moves, ans, values, params),
                tangents,
                tangent,
                is_lanewise=record.word is Word.ELEMENTWISE,
            )

    def wrap(self, ans: Value, tangent: Value) -> Value:
        if tangent is None:
            return ans
        if type(tangent) is not np.float64 or (type(ans) is not np.float64 and type(ans) is not float):
            tangent = conform_tangent(tangent, ans)
        return dual_array(ans, tangent, self)

    def wrap_tuple(self, ans: Any, tangents: Any) -> Any:
        if tangents is None:
            return ans
        members = [self.wrap(a, t) for a, t in zip(ans, tangents, strict=True)]
        return ans._make(members) if hasattr(ans, "_make") else tuple(members)


def _by_rule(
    record: Primitive, tangents: Sequence[Value], ans: Value, values: Sequence[Value], params: dict[str, Any]
) -> Value:
    return record.jvp(tuple(tangents), ans, *values, **params)


def _by_formulas(
    record: Primitive, tangents: Sequence[Value], ans: Value, values: Sequence[Value], params: dict[str, Any]
) -> Value:
    total = None
    for t, pull in zip(tangents, record.pulls or (), strict=True):
        if t is not None and pull is not None:
            moved = pull.function(t, *pull.select(ans, *values))
            total = moved if total is None else total + moved
    return total


class EndedForwardLevel(Ended, ForwardLevel):
    """A forward-mode transformation that is over."""

    __slots__ = ()
