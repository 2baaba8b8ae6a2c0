"""The short ways of batching: arrays that stand for many, and what is done to each number of one or two of them.

They say what `TracedArray` and `BatchLevel.apply` say, without the calls and loops that lead there, which are most of what a
small operation costs. A test switches all of them off and finds the same numbers.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from dualgrad._array.array import TracedArray
from dualgrad._array.views import change_shape, link
from dualgrad._table.index import fixed_slice
from dualgrad._table.record import Primitive, Word
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.batch import widened
from dualgrad._trace.level import Level, vanishes
from dualgrad.batching._layout import MANY, pair
from dualgrad.batching._thin import ThinBatch, speaks
from dualgrad.errors import ConversionError


class BatchArray(TracedArray):
    """A batch of arrays of one shape. To the code that is being batched it looks like one of them."""

    __slots__ = ()

    _level: ShortBatch

    # Shapes are asked for all the time, and the value is never a plain number.

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self._value.shape
        return shape[1:]

    @shape.setter
    def shape(self, shape: Any) -> None:
        change_shape(self, shape)

    @property
    def ndim(self) -> int:
        return len(self._value.shape) - 1

    @property
    def size(self) -> int:
        size = 1
        for n in shape_of(self._value)[1:]:
            size *= n
        return size

    def __getitem__(self, index: Any) -> Value:
        # As the general way has it, without the calls that lead there.
        kind = type(index)
        if (kind is int or kind is slice) and type(self._value) is np.ndarray and self._value.ndim > 1:
            if kind is slice:
                index = fixed_slice(index)
            out = batch_array(self._value[:, index], self._level)
            if out._value.ndim > 1:
                link(self, out, index)
            return out
        return _getitem(self, index)

    def __bool__(self) -> NoReturn:
        raise ConversionError(
            f"A Python branch (if, while, and, or, not) on a batched value of shape {self.shape}: the members of the batch may "
            "go different ways. Write np.where(condition, a, b), or np.logical_and/or/not."
        )

    def __index__(self) -> NoReturn:
        raise TypeError(
            "A batched value cannot be a length, the bound of a slice or the index of a list, which would differ between the "
            "members. Look up in arrays (dualgrad.numpy.take(values, i, axis=0)), or pass it with in_axes=None."
        )

    @property
    def __array_interface__(self) -> NoReturn:
        # NumPy asks for this where `plain[batch]` is evaluated, and cannot be told what it means there.
        if self.dtype.kind in "iub":
            raise ConversionError(
                f"NumPy was about to make a plain array of a batch of {'masks' if self.dtype.kind == 'b' else 'integers'} (shape "
                f"{self.shape}, under vmap). It cannot be told what plain[i] and np.take(plain, i) mean: write "
                "dualgrad.numpy.take(plain, i, axis=0). With a mask, write np.where(mask, plain, 0) instead of plain[mask]; and "
                "np.stack([i, j]) instead of np.array([i, j])."
            )
        return super().__array_interface__  # type: ignore[misc]

    def vanishes(self) -> Any:
        """Tell where the members are zero."""
        found = vanishes(self._value)
        return found if found is False else batch_array(found, self._level)

    def _conversion(self, what: str, advice: str) -> ConversionError:
        # The advice against losing a derivative does not help here.
        return ConversionError(
            f"{what} asks for one plain number, and there is a batch of them (shape {self.shape}, under vmap). "
            "Use NumPy's functions (np.sin for math.sin), and np.stack or dualgrad.numpy.array instead of writing into a buffer."
        )


_getitem = TracedArray.__getitem__


def batch_array(value: Value, level: ShortBatch) -> BatchArray:
    """Return a batch of which `value` holds the members along its first axis."""
    made = BatchArray()
    made._value = value
    made._level = level
    return made


class ShortBatch(Level):
    """What is done to a batch by a function of each number. (`BatchLevel` is the rest of it.)"""

    __slots__ = ("has_many", "size")

    title = "vmap"
    differentiates = False
    is_batch = True

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.has_many = size >= MANY

    def holds(self, x: Any) -> bool:
        """Tell whether a value is a batch of this level."""
        return type(x) is BatchArray and x._level is self

    def unary(self, record: Primitive, x: Any) -> Value:
        if record.word is Word.ELEMENTWISE:
            value = x._value
            if type(value) is ThinBatch and not speaks(record.key):
                value = value.full()
            return batch_array(record.operate(value), self)
        return self.apply(record, (x,), {})

    def binary(self, record: Primitive, x: Any, y: Any) -> Value:
        if record.word is not Word.ELEMENTWISE:
            return self.apply(record, (x, y), {})
        # By how many axes the members of one have more than those of the other.
        surplus = 0
        has_x = has_y = False
        if type(x) is BatchArray and x._level is self:
            x = x._value
            has_x = True
            surplus -= 1
        if type(y) is BatchArray and y._level is self:
            y = y._value
            has_y = True
            surplus += 1
        surplus += (x.ndim if type(x) is np.ndarray else len(shape_of(x))) - (
            y.ndim if type(y) is np.ndarray else len(shape_of(y))
        )
        if surplus < 0 and has_x:
            x = widened(x, -surplus)
        elif surplus > 0 and has_y:
            y = widened(y, surplus)
        out = BatchArray()
        out._value = pair(record, x, y, self.size) if self.has_many else record.operate(x, y)
        out._level = self
        return out
