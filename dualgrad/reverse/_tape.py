"""The tape: a flat chronological list of what was done to traced arrays.

Each value on the tape has a number, and the entry of that number says where its cotangent goes. An entry is a chain of
edges, one per operand that is being differentiated:

    (parent, pullback, kept, params, space, next edge)

The cotangent `ct` of the value sends `pullback(ct, *kept, **params)` to `parent`, moved into `space` first where the operand
had another shape or dtype than the value. Elementwise formulas have no parameters, and most keep one value: there
`params` is ONE and `kept` that value itself, or FEW and `kept` a tuple, which spares the sweep the slower call. An edge whose
parent is -1 sends to more than one place, and does so itself.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy import float64, ndarray

from dualgrad._core.array import TracedArray
from dualgrad._core.ended import Ended
from dualgrad._core.level import Level
from dualgrad._core.primitive import UNARY, Primitive
from dualgrad._core.space import Space, Value, is_inexact, space_of
from dualgrad.reverse._joint import joint, pick
from dualgrad.reverse._sweep import FEW, ONE

_unary = UNARY.get

_making_locks = threading.Lock()

_SCALARS = frozenset((float, float64))


class TapeArray(TracedArray):
    """An array on a tape: its value, and its number there."""

    __slots__ = ("_number",)

    _number: int

    # No __init__: instances are made in the hot path, and it would double their price. See `tape_array`.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Value:
        # `Tape.unary` once more, without the calls that lead there: they are a third of what a small operation costs.
        if (record := _unary(ufunc)) is not None and not kwargs and method == "__call__":
            tape = self._level
            if type(tape) is Tape:
                operate, function, select, reads, same_space = record.unary  # type: ignore[misc]
                value = self._value
                ans = operate(value)
                out = TapeArray()
                out._value = ans
                out._level = tape
                entries = tape.entries
                out._number = len(entries)
                space = None if same_space else _space_unless_equal(value, ans)
                if reads == 2:
                    entries.append((self._number, function, value, ONE, space, None))
                elif reads == 1:
                    entries.append((self._number, function, ans, ONE, space, None))
                else:
                    entries.append((self._number, function, select(ans, value), FEW, space, None))
                return out
        return _array_ufunc(self, ufunc, method, *inputs, **kwargs)


_array_ufunc = TracedArray.__array_ufunc__


def tape_array(value: Value, tape: Tape, number: int) -> TapeArray:
    """Return the array of a number on a tape."""
    made = TapeArray()
    made._value = value
    made._level = tape
    made._number = number
    return made


class Tape(Level):
    """One reverse-mode transformation: records every operation on its arrays, until it is closed."""

    __slots__ = ("_lock", "entries", "record")

    _lock: Any

    title = "reverse mode"

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Any] = []
        self.record = self.entries.append

    @property
    def lock(self) -> Any:
        """The lock held while a sweep extends the tape (see _checkpoint.py)."""
        try:
            return self._lock
        except AttributeError:
            with _making_locks:
                if not hasattr(self, "_lock"):
                    self._lock = threading.RLock()
            return self._lock

    def close(self) -> None:
        """End the transformation: whatever is done from now on to an array on this tape is a mistake."""
        self.__class__ = EndedTape

    def lift(self, value: Value) -> TapeArray:
        """Return a new array on the tape that depends on nothing: an input, or a constant."""
        self.record(None)
        return tape_array(value, self, len(self.entries) - 1)

    # The two methods that follow are the hot path. They say what `apply` says, without its loops: what a pullback keeps is
    # looked up by the small number `reads` (1: ans, 2: x, 4: y), and equal spaces are recognised without building one.

    def unary(self, record: Primitive, x: Any) -> Value:
        """Record an elementwise function of one array."""
        unary = record.unary
        if unary is None:
            return self.apply(record, (x,), {})
        operate, function, select, reads, same_space = unary
        value = x._value
        ans = operate(value)
        space = None if same_space else _space_unless_equal(value, ans)
        if reads == 2:
            self.record((x._number, function, value, ONE, space, None))
        elif reads == 1:
            self.record((x._number, function, ans, ONE, space, None))
        else:
            self.record((x._number, function, select(ans, value), FEW, space, None))
        out = TapeArray()
        out._value = ans
        out._level = self
        out._number = len(self.entries) - 1
        return out

    def binary(self, record: Primitive, x: Any, y: Any) -> Value:
        """Record an elementwise function of two operands."""
        pulls = record.pulls
        if pulls is None:
            return self.apply(record, (x, y), {})
        number_x = number_y = -1
        if type(x) is TapeArray and x._level is self:
            number_x = x._number
            x = x._value
        if type(y) is TapeArray and y._level is self:
            number_y = y._number
            y = y._value
        ans = record.operate(x, y)
        kind = type(ans)
        scalar = kind is float64 or kind is float
        edge: Any = None
        if number_y >= 0 and (pull := pulls[1]) is not None:
            function, select, reads = pull
            kind = type(y)
            space = None if scalar and (kind is float64 or kind is float) else _space_unless_equal(y, ans)
            if reads == 2:
                edge = (number_y, function, x, ONE, space, None)
            else:
                edge = (number_y, function, select(ans, x, y) if reads else (), FEW, space, None)
        if number_x >= 0 and (pull := pulls[0]) is not None:
            function, select, reads = pull
            kind = type(x)
            space = None if scalar and (kind is float64 or kind is float) else _space_unless_equal(x, ans)
            if reads == 4:
                edge = (number_x, function, y, ONE, space, edge)
            else:
                edge = (number_x, function, select(ans, x, y) if reads else (), FEW, space, edge)
        if edge is None:
            return ans
        self.record(edge)
        out = TapeArray()
        out._value = ans
        out._level = self
        out._number = len(self.entries) - 1
        return out

    def apply(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        """Record any primitive."""
        pulls = record.pulls
        if len(operands) == 1 and pulls is not None and (pull := pulls[0]) is not None:
            # As below, for the commonest case: reductions, indexing and changes of shape.
            (x,) = operands
            value = x._value
            ans = record.fun(value, **params)
            kept = pull.select(ans, value)
            space = kept[0] if kept and type(kept[0]) is Space else _space_unless_equal(value, ans)
            self.record((x._number, pull.function, kept, params, space, None))
            return tape_array(ans, self, len(self.entries) - 1)
        values = [x._value if type(x) is TapeArray and x._level is self else x for x in operands]
        ans = (record.operate if not params else record.fun)(*values, **params)
        if record.pulls is None:
            return self._record_joint(record, operands, values, ans, params)
        edge: Any = None
        for k in range(len(values) - 1, -1, -1):
            if values[k] is not operands[k] and (pull := record.pulls[k]) is not None:
                number = operands[k]._number
                kept = pull.select(ans, *values)
                # What linear rules keep begins with the operand's space already.
                space = kept[0] if kept and type(kept[0]) is Space else _space_unless_equal(values[k], ans)
                edge = (number, pull.function, kept, params, space, edge)
        if edge is None:
            return ans
        self.record(edge)
        return tape_array(ans, self, len(self.entries) - 1)

    def _record_joint(
        self, record: Primitive, operands: tuple[Value, ...], values: list[Value], ans: Value, params: dict[str, Any]
    ) -> Value:
        wanted = tuple([v is not x for v, x in zip(values, operands, strict=True)])
        parents = [x._number if want else -1 for x, want in zip(operands, wanted, strict=True)]
        spaces = [space_of(v) if want else None for v, want in zip(values, wanted, strict=True)]
        keep = record.keep or ()
        kept = [v if k in keep or not _has_space(v) else space_of(v) for k, v in enumerate(values, 1)]
        if record.outputs == 1:
            kept_ans = ans if 0 in keep else space_of(ans)
            self.record((-1, joint, (record, parents, wanted, kept_ans, kept, spaces, params), None, None, None))
            return tape_array(ans, self, len(self.entries) - 1)
        kept_ans = tuple([a if 0 in keep or not _has_space(a) else space_of(a) for a in ans])
        self.record((-1, joint, (record, parents, wanted, kept_ans, kept, spaces, params), None, None, None))
        node = len(self.entries) - 1
        members = []
        for k, a in enumerate(ans):
            if is_inexact(a):
                self.record((-1, pick, (node, k, len(ans)), None, None, None))
                members.append(tape_array(a, self, len(self.entries) - 1))
            else:
                members.append(a)
        return ans._make(members) if hasattr(ans, "_make") else tuple(members)


def _has_space(x: Value) -> bool:
    return hasattr(x, "dtype") or isinstance(x, (float, complex))


def _space_unless_equal(x: Value, ans: Value) -> Any:
    """Return the space of an operand, or None where the answer's space is the same and cotangents need no correction."""
    if type(x) is ndarray is type(ans):
        return None if x.shape == ans.shape and x.dtype is ans.dtype else Space(x.shape, x.dtype)
    if type(x) in _SCALARS and type(ans) in _SCALARS:
        return None
    return space_of(x)


class EndedTape(Ended, Tape):
    """A tape whose transformation is over: it can be swept, not written."""

    __slots__ = ()
