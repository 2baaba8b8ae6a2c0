"""Many calls as one: arrays that stand for a whole batch of values, with the batch axis in front, out of sight."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._table.record import RECORDS, Primitive, name_of
from dualgrad._table.space import Function, Value, dtype_of, shape_of
from dualgrad._trace.batch import repeated, stacked_answers
from dualgrad._trace.ended import Ended
from dualgrad._trace.level import Tracer
from dualgrad.batching._hot import BatchArray, ShortBatch, batch_array
from dualgrad.batching._layout import in_c_order
from dualgrad.batching._structures import batch_rule, constant_rule, looped
from dualgrad.batching._thin import in_full, is_thin, speaks
from dualgrad.errors import BatchLoopWarning


class BatchLevel(ShortBatch):
    """One running vmap: what is done to a member is done to all of them at once."""

    __slots__ = ()

    def lift(self, value: Value) -> BatchArray:
        return batch_array(repeated(value, self.size), self)

    def close(self) -> None:
        """End the transformation."""
        self.__class__ = EndedBatchLevel

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
