"""Many calls as one: arrays that stand for a whole batch of values, with the batch axis in front, out of sight."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from dualgrad._array.array import TracedArray
from dualgrad._array.views import change_shape, link
from dualgrad._table.index import fixed_slice
from dualgrad._table.record import RECORDS, Primitive, Word, name_of
from dualgrad._table.space import Function, Value, dtype_of, shape_of
from dualgrad._trace.batch import repeated, stacked_answers, widened
from dualgrad._trace.ended import Ended
from dualgrad._trace.level import Level, Tracer, vanishes
from dualgrad.batching._layout import MANY, in_c_order, pair
from dualgrad.batching._structures import batch_rule, constant_rule, looped
from dualgrad.batching._thin import ThinBatch, in_full, is_thin, speaks
from dualgrad.errors import BatchLoopWarning, ConversionError


class BatchArray(TracedArray):
    """A batch of arrays of one shape. To the code that is being batched it looks like one of them."""

    __slots__ = ()

    _level: BatchLevel

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


def batch_array(value: Value, level: BatchLevel) -> BatchArray:
    """Return a batch of which `value` holds the members along its first axis."""
    made = BatchArray()
    made._value = value
    made._level = level
    return made


class BatchLevel(Level):
    """One running vmap: what is done to a member is done to all of them at once."""

    __slots__ = ("has_many", "size")

    title = "vmap"
    differentiates = False
    is_batch = True

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.has_many = size >= MANY

    def lift(self, value: Value) -> BatchArray:
        return batch_array(repeated(value, self.size), self)

    def close(self) -> None:
        """End the transformation."""
        self.__class__ = EndedBatchLevel

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

    def apply(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        batched = tuple([self.holds(x) for x in operands])
        values = tuple([x._value if b else x for x, b in zip(operands, batched, strict=True)])
        if self.has_many:
            if record.facts.in_one_place:
                values = tuple(map(in_c_order, values))
            if any(map(is_thin, values)) and (not speaks(record.key) or any([isinstance(x, Tracer) for x in values])):
                values = tuple(map(in_full, values))
        rule = batch_rule(record)
        if rule is looped:
            _warn(record.key)
        return self.wrap(rule(record, batched, values, params))

    def constant(self, fun: Function, args: Any, kwargs: dict[str, Any]) -> Value:
        found = constant_rule(RECORDS.get(fun))(self, fun, args, kwargs)
        if found is not NotImplemented:
            return found
        _warn(fun)
        members = range(self.size)
        return self.wrap(stacked_answers([fun(*self._member(args, i), **self._member(kwargs, i)) for i in members]))

    def holds_any(self, tree: Any) -> bool:
        """Tell whether there is a batch of this level among a value, or in lists and tuples of them."""
        if isinstance(tree, (list, tuple)):
            return any([self.holds_any(x) for x in tree])
        return self.holds(tree)

    def wrap(self, answer: Any) -> Any:
        """Take answers for the whole batch, their batch axis in front, as batches."""
        if not isinstance(answer, tuple):
            return batch_array(answer, self)
        members = [batch_array(a, self) if hasattr(a, "shape") else a for a in answer]
        return answer._make(members) if hasattr(answer, "_make") else tuple(members)

    def outlines(self, tree: Any) -> Any:
        """Replace batches by arrays of a member's shape and dtype."""
        return _replaced(tree, self, lambda x: np.broadcast_to(np.zeros((), dtype_of(x)), shape_of(x)))

    def _member(self, tree: Any, i: int) -> Any:
        """Replace batches by one of their members."""
        return _replaced(tree, self, lambda x: x._value[i])


class EndedBatchLevel(Ended, BatchLevel):
    """A vmap that is over."""

    __slots__ = ()


def _replaced(tree: Any, level: BatchLevel, replace: Callable[[Any], Any]) -> Any:
    if isinstance(tree, Tracer):
        return replace(tree) if level.holds(tree) else tree
    if isinstance(tree, (list, tuple)):
        return type(tree)([_replaced(x, level, replace) for x in tree])
    if isinstance(tree, dict):
        return {key: _replaced(x, level, replace) for key, x in tree.items()}
    return tree


def _warn(fun: Function) -> None:
    warnings.warn(
        f"vmap runs {name_of(fun)} once per member of the batch: it has no batching rule. The result is right, and slow.",
        BatchLoopWarning,
        stacklevel=4,
    )
