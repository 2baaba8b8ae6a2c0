"""The short ways of reverse mode: the arrays on a tape, and how the commonest operations are recorded.

They say what `TracedArray` and `Tape.apply` say, without the calls and loops that lead there, which are most of what a small
operation costs. A test switches all of them off and finds the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy import float64, ndarray

from dualgrad._array.array import TracedArray
from dualgrad._array.views import link, tie_number
from dualgrad._table.functions import getitem
from dualgrad._table.index import BOUNDS, fixed_slice
from dualgrad._table.record import RECORDS, SHORT, WAITS, Primitive
from dualgrad._table.space import Space, Value, space_unless_equal
from dualgrad._trace.level import Level
from dualgrad.reverse._sweep import FEW, ITEM, LATER, ONE

_short = SHORT.get

_SCALARS = frozenset((float, float64))
_NUMBERS = frozenset((float, float64, int))


class TapeArray(TracedArray):
    """An array on a tape: its value, and its number there."""

    __slots__ = ("_number",)

    _level: ShortTape
    _number: int

    # No __init__: instances are made in the hot path, and it would double their price. See `tape_array`.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, x: Any = None, /, *others: Any, **kwargs: Any) -> Value:
        # `ShortTape.unary` once more, without the calls that lead there: they are a third of what a small operation costs.
        if (number := _short(ufunc)) is not None and not kwargs and method == "__call__":
            kept = self._value
            out = TapeArray()
            out._value = ans = ufunc(kept)
            out._level = tape = self._level
            out._number = len(tape.entries)
            if number < 0:
                number = ~number
                kept = ans
            tape.record((self._number, number, kept, ONE, None, None))
            return out
        return _array_ufunc(self, ufunc, method, x, *others, **kwargs)

    def __getitem__(self, index: Any) -> Value:
        # As `Tape.apply` would have it, without the calls that lead there: loops over the numbers of an array live of this.
        kind = type(index)
        value, tape = self._value, self._level
        if (kind is int or kind is slice) and type(value) is ndarray and tape.is_running:
            if kind is slice and not (
                type(index.start) in BOUNDS and type(index.stop) in BOUNDS and type(index.step) in BOUNDS
            ):
                index = fixed_slice(index)
            # `ShortTape.read_item`, once more without the call.
            number = self._number
            if number not in tape.read:
                tape.read[number] = Space(value.shape, value.dtype)
            out = TapeArray()
            out._value = ans = value[index]
            out._level = tape
            out._number = len(tape.entries)
            tape.record((number, RECORDS[getitem].pulls[0].number, index, ITEM, None, None))  # type: ignore[union-attr,index]
            if type(ans) is ndarray:
                link(self, out, index)
            return out
        return _getitem(self, index)

    def __iter__(self) -> Iterator[Value]:
        value, tape = self._value, self._level
        if type(value) is ndarray and value.ndim == 1 and tape.is_running:
            pullback = RECORDS[getitem].pulls[0].number  # type: ignore[union-attr,index]
            items = [tape.read_item(self, x, i, pullback) for i, x in enumerate(value)]
            if items:
                # np.asarray(x) comes here, and should share memory with x.
                tie_number(self, items[0])
            return iter(items)
        return _iter(self)


_array_ufunc = TracedArray.__array_ufunc__
_getitem = TracedArray.__getitem__
_iter = TracedArray.__iter__


def tape_array(value: Value, tape: ShortTape, number: int) -> TapeArray:
    """Return the array of a number on a tape."""
    made = TapeArray()
    made._value = value
    made._level = tape
    made._number = number
    return made


class ShortTape(Level):
    """What a tape records of the commonest operations. (`Tape` is the rest of it.)

    What a pullback keeps is looked up by the small number `reads` (1: ans, 2: x, 4: y), and equal spaces are recognised without
    building one.
    """

    __slots__ = ("entries", "is_running", "read", "record")

    title = "reverse mode"

    entries: list[Any]

    record: Callable[[Any], None]
    """Appends to the entries, as long as the tape is running."""

    read: dict[int, Space]
    """The spaces of the arrays that were read item by item."""

    def __init__(self) -> None:
        super().__init__()
        self.entries = []
        self.record = self.entries.append
        self.read = {}
        self.is_running = True

    def keep(self, x: Any, is_lifted: bool = False) -> Any:
        """Return an array with the numbers of `x`, which nobody changes before the sweep; numbers as they are."""
        raise NotImplementedError

    def read_item(self, x: TapeArray, ans: Value, index: Any, pullback: int) -> TapeArray:
        """Record that a plain array was read at an index that is no array."""
        number = x._number
        if number not in self.read:
            self.read[number] = Space(x._value.shape, x._value.dtype)
        out = TapeArray()
        out._value = ans
        out._level = self
        out._number = len(self.entries)
        self.record((number, pullback, index, ITEM, None, None))
        return out

    def unary(self, record: Primitive, x: Any) -> Value:
        """Record an elementwise function of one array."""
        unary = record.unary
        if unary is None:
            return self.apply(record, (x,), {})
        operate, number, select, reads, same_space = unary
        value = x._value
        ans = operate(value)
        space = None if same_space else space_unless_equal(value, ans)
        if reads == 2:
            self.record((x._number, number, value, ONE, space, None))
        elif reads == 1:
            self.record((x._number, number, ans, ONE, space, None))
        else:
            self.record((x._number, number, select(ans, value), FEW, space, None))
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
        # What is kept of an array that is not ours must not change before the sweep.
        if number_y < 0:
            if type(y) not in _NUMBERS and (pull := pulls[0]) is not None and pull.reads & 4:
                y = self.keep(y)
        elif number_x < 0 and type(x) not in _NUMBERS and (pull := pulls[1]) is not None and pull.reads & 2:
            x = self.keep(x)
        kind = type(ans)
        is_number = kind is float64 or kind is float
        shape = ans.shape if kind is ndarray else None
        edge: Any = None
        if number_y >= 0 and (pull := pulls[1]) is not None:
            number, select, reads = pull.parts
            kind = type(y)
            if (kind is ndarray and y.shape == shape and y.dtype is ans.dtype) or (is_number and kind in _SCALARS):
                space = None
            else:
                space = space_unless_equal(y, ans)
            if reads == 2:
                edge = (number_y, number, x, ONE, space, None)
            else:
                kept = select(ans, x, y) if reads else ()
                edge = (number_y, number, kept, LATER if reads == WAITS else FEW, space, None)
        if number_x >= 0 and (pull := pulls[0]) is not None:
            number, select, reads = pull.parts
            kind = type(x)
            if (kind is ndarray and x.shape == shape and x.dtype is ans.dtype) or (is_number and kind in _SCALARS):
                space = None
            else:
                space = space_unless_equal(x, ans)
            if reads == 4:
                edge = (number_x, number, y, ONE, space, edge)
            else:
                kept = select(ans, x, y) if reads else ()
                edge = (number_x, number, kept, LATER if reads == WAITS else FEW, space, edge)
        if edge is None:
            return ans
        self.record(edge)
        out = TapeArray()
        out._value = ans
        out._level = self
        out._number = len(self.entries) - 1
        return out
