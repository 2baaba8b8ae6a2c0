"""The short ways of forward mode: dual arrays, and what the commonest operations do to values and tangents.

They say what `TracedArray` and `ForwardLevel.apply` say, without the calls and loops that lead there, which are most of what a
small operation costs. A test switches all of them off and finds the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dualgrad._array.array import TracedArray
from dualgrad._array.views import link
from dualgrad._table.index import BOUNDS, fixed_slice
from dualgrad._table.record import PULLBACKS, SHORT_FORWARD, Primitive, Pull
from dualgrad._table.space import Value
from dualgrad._trace.level import Level, vanishes
from dualgrad._trace.roots import remember
from dualgrad.batching import BatchArray, batch_array

_isfinite = math.isfinite
_FLOATS = frozenset((float, np.float64, np.float32))
_NUMBERS = frozenset((float, int, np.float64))
_PLAIN_OPERANDS = frozenset((np.ndarray, np.float64, float, int))


class DualArray(TracedArray):
    """An array a + b eps with eps ** 2 = 0: the value a, and the tangent b in the same space."""

    __slots__ = ("_tangent",)

    _level: ShortForward
    _tangent: Value

    # No __init__: instances are made in the hot path, and it would double their price.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, x: Any = None, /, *others: Any, **kwargs: Any) -> Value:
        # `ShortForward.unary` once more, without the calls that lead there.
        if (number := _short(ufunc)) is not None and not kwargs and method == "__call__":
            level = self._level
            if level.is_running and not level.is_infinite:
                value = self._value
                ans = ufunc(value)
                t = self._tangent
                tangent = PULLBACKS[number](t, value) if number >= 0 else PULLBACKS[~number](t, ans)
                # A user's rule may have made it of another type.
                if type(tangent) is not type(ans) or (type(ans) is np.ndarray and tangent.dtype is not ans.dtype):
                    return level.wrap(ans, tangent)
                out = DualArray()
                out._value = ans
                out._tangent = tangent
                out._level = level
                return out
        return _array_ufunc(self, ufunc, method, x, *others, **kwargs)

    def __getitem__(self, index: Any) -> Value:
        # As `ForwardLevel.apply` has it, without the calls that lead there.
        kind = type(index)
        if (kind is int or kind is slice) and type(self._value) is np.ndarray and self._level.is_running:
            if kind is slice and not (
                type(index.start) in BOUNDS and type(index.stop) in BOUNDS and type(index.step) in BOUNDS
            ):
                index = fixed_slice(index)
            value = self._value[index]
            out = dual_array(value, self._tangent[index], self._level)
            if type(value) is np.ndarray:
                link(self, out, index)
            return out
        return _getitem(self, index)

    def vanishes(self) -> Any:
        """Tell where value and tangent are zero."""
        return vanishes(self._value) & vanishes(self._tangent)


_short = SHORT_FORWARD.get
_array_ufunc = TracedArray.__array_ufunc__
_getitem = TracedArray.__getitem__


def dual_array(value: Value, tangent: Value, level: ShortForward) -> DualArray:
    """Return a dual number on a level."""
    made = DualArray()
    made._value = value
    made._tangent = tangent
    made._level = level
    return made


class ShortForward(Level):
    """What forward mode does to one operand or two. (`ForwardLevel` is the rest of it.)"""

    __slots__ = ("is_infinite", "is_running")

    title = "forward mode"

    is_infinite: bool
    """Whether a tangent may have become infinite; from then on, all are looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.is_infinite = False
        self.is_running = True

    def wrap(self, ans: Value, tangent: Value) -> Value:
        """Return an answer with its tangent, which None says is zero."""
        raise NotImplementedError

    def wrap_tuple(self, ans: Any, tangents: Any) -> Any:
        """Return several answers with their tangents."""
        raise NotImplementedError

    def push_past_poles(
        self,
        record: Primitive,
        tangents: tuple[Value, ...],
        ans: Value,
        values: Sequence[Value],
        params: dict[str, Any],
    ) -> Value:
        """Return the tangent of an answer, with infinity times zero as zero."""
        raise NotImplementedError

    def unary(self, record: Primitive, x: Any) -> Value:
        value = x._value
        ans = record.operate(value)
        if record.outputs != 1:
            return self.wrap_tuple(ans, record.jvp((x._tangent,), ans, value))
        if record.poles or self.is_infinite:
            tangent = self.push_past_poles(record, (x._tangent,), ans, (value,), {})
        else:
            tangent = record.jvp((x._tangent,), ans, value)
        out = self.wrap(ans, tangent)
        return out if record.root is None else remember(out, record, (x,), {})

    def binary(self, record: Primitive, x: Any, y: Any) -> Value:
        if record.root is not None:
            return self.apply(record, (x, y), {})
        xt = yt = None
        if type(x) is DualArray and x._level is self:
            xt = x._tangent
            x = x._value
        if type(y) is DualArray and y._level is self:
            yt = y._tangent
            y = y._value
        ans = record.operate(x, y)
        # Division by an ordinary number, the commonest of all, makes nothing infinite that a product would not.
        if self.is_infinite or (record.poles and not (record.facts.quotient and yt is None and _is_ordinary(y))):
            tangent = self.push_past_poles(record, (xt, yt), ans, (x, y), {})
        elif record.outputs != 1:
            return self.wrap_tuple(ans, record.jvp((xt, yt), ans, x, y))
        elif not record.one_formula:
            tangent = record.jvp((xt, yt), ans, x, y)
        else:
            pulls: Any = record.pulls
            tangent = None
            if type(xt) is BatchArray or type(yt) is BatchArray:
                tangent = _pushed_at_once(pulls, (xt, yt), ans, x, y)
            # By one operand, the other being constant: `_pushed` without the call, as sums and multiples are the commonest of all.
            if tangent is not None:
                pass
            elif yt is None:
                pull = pulls[0]
                reads = -1 if pull is None else pull.reads
                if reads == 0:
                    tangent = pull.function(xt)
                elif reads == 4 and (type(y) not in _FLOATS or _isfinite(y)):
                    tangent = pull.function(xt, y)
                else:
                    tangent = self._push_by_constant(record, pull, (xt, None), ans, x, y)
            elif xt is None:
                pull = pulls[1]
                reads = -1 if pull is None else pull.reads
                if reads == 0:
                    tangent = pull.function(yt)
                elif reads == 2 and (type(x) not in _FLOATS or _isfinite(x)):
                    tangent = pull.function(yt, x)
                else:
                    tangent = self._push_by_constant(record, pull, (None, yt), ans, x, y)
            else:
                tangent = _pushed(pulls[0], xt, ans, x, y)
                if (moved := _pushed(pulls[1], yt, ans, x, y)) is not None:
                    tangent = moved if tangent is None else tangent + moved
        if tangent is None:
            return ans
        if type(tangent) is np.ndarray is type(ans) and tangent.shape == ans.shape and tangent.dtype is ans.dtype:
            return dual_array(ans, tangent, self)
        return self.wrap(ans, tangent)

    def _push_by_constant(
        self, record: Primitive, pull: Pull | None, tangents: tuple[Value, ...], ans: Value, x: Value, y: Value
    ) -> Value:
        """Return the tangent of an answer by one operand; the other is constant, and looked at where it is a number.

        Zero times one that is not finite is zero. To look at an array would cost as much as the product.
        """
        t, constant = (tangents[1], x) if tangents[0] is None else (tangents[0], y)
        if type(constant) in _FLOATS and not _isfinite(constant):
            return self.push_past_poles(record, tangents, ans, (x, y), {})
        return _pushed(pull, t, ans, x, y)


def _is_ordinary(y: Value) -> bool:
    return type(y) in _NUMBERS and 1e-4 <= abs(y) <= 1e4


def _pushed(pull: Pull | None, t: Value, ans: Value, x: Value, y: Value) -> Value:
    """Return the tangent of an elementwise answer by one of two operands: its formula is the pullback's."""
    if pull is None:
        return None
    reads = pull.reads
    if reads == 0:
        return pull.function(t)
    if reads == 2:
        return pull.function(t, x)
    if reads == 4:
        return pull.function(t, y)
    return pull.function(t, *pull.select(ans, x, y))


def _pushed_at_once(pulls: Any, tangents: tuple[Value, Value], ans: Value, x: Value, y: Value) -> Value:
    """Return the tangent of an elementwise answer where tangents are batches and all else is plain, as one batch.

    The formulas broadcast as the members do if these have the rank of the answer. None where something else is among them.
    """
    for one in (x, y):
        if type(one) not in _PLAIN_OPERANDS or (type(one) in _FLOATS and not _isfinite(one)):
            return None
    ndim = ans.ndim + 1 if type(ans) is np.ndarray else 1
    total = level = None
    for pull, t in zip(pulls, tangents, strict=True):
        if t is None or pull is None:
            continue
        if (
            type(t) is not BatchArray
            or type(t._value) is not np.ndarray
            or t._level.has_many
            or (level is not None and t._level is not level)
        ):
            return None
        level, values = t._level, t._value
        if (surplus := ndim - values.ndim) > 0:
            values = values.reshape(len(values), *(1,) * surplus, *values.shape[1:])
        moved = _pushed(pull, values, ans, x, y)
        total = moved if total is None else total + moved
    return None if level is None else batch_array(total, level)
