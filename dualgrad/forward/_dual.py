"""Dual numbers: a value and its tangent, carried through every operation."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._core.array import TracedArray
from dualgrad._core.ended import Ended
from dualgrad._core.level import Level, vanishes
from dualgrad._core.primitive import Primitive
from dualgrad._core.space import Value, conform_tangent, zeros_of


class DualArray(TracedArray):
    """An array a + b eps with eps ** 2 = 0: the value a, and the tangent b in the same space."""

    __slots__ = ("_tangent",)

    _tangent: Value

    # No __init__: instances are made in the hot path, and it would double their price.

    def vanishes(self) -> Any:
        """Tell where value and tangent are zero."""
        return vanishes(self._value) & vanishes(self._tangent)


def dual_array(value: Value, tangent: Value, level: ForwardLevel) -> DualArray:
    """Return a dual number on a level."""
    made = DualArray()
    made._value = value
    made._tangent = tangent
    made._level = level
    return made


class ForwardLevel(Level):
    """One forward-mode transformation."""

    __slots__ = ()

    title = "forward mode"

    def lift(self, value: Value) -> DualArray:
        return dual_array(value, zeros_of(value), self)

    def close(self) -> None:
        """End the transformation."""
        self.__class__ = EndedForwardLevel

    def unary(self, record: Primitive, x: Any) -> Value:
        value = x._value
        ans = record.operate(value)
        if record.outputs != 1:
            return self._wrap_tuple(ans, record.jvp((x._tangent,), ans, value))
        return self._wrap(ans, record.jvp((x._tangent,), ans, value))

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
            tangent = record.jvp(tuple(tangents), ans, *values, **params)
        return self._wrap(ans, tangent) if record.outputs == 1 else self._wrap_tuple(ans, tangent)

    def binary(self, record: Primitive, x: Any, y: Any) -> Value:
        xt = yt = None
        if type(x) is DualArray and x._level is self:
            xt = x._tangent
            x = x._value
        if type(y) is DualArray and y._level is self:
            yt = y._tangent
            y = y._value
        ans = record.operate(x, y)
        tangent = record.jvp((xt, yt), ans, x, y)
        return self._wrap(ans, tangent) if record.outputs == 1 else self._wrap_tuple(ans, tangent)

    def _wrap(self, ans: Value, tangent: Value) -> Value:
        if tangent is None:
            return ans
        if type(tangent) is not np.float64 or (type(ans) is not np.float64 and type(ans) is not float):
            tangent = conform_tangent(tangent, ans)
        return dual_array(ans, tangent, self)

    def _wrap_tuple(self, ans: Any, tangents: Any) -> Any:
        if tangents is None:
            return ans
        members = [self._wrap(a, t) for a, t in zip(ans, tangents, strict=True)]
        return ans._make(members) if hasattr(ans, "_make") else tuple(members)


class EndedForwardLevel(Ended, ForwardLevel):
    """A forward-mode transformation that is over."""

    __slots__ = ()
