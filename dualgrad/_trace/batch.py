"""What batching rules are made of: batched values have their batch axis in front, and ranks are aligned behind it.

A rule is called as `rule(record, batched, operands, params)`. `batched` tells which operands carry the batch axis; at least one does. It
returns the answers of all members, the batch axis in front. It may call NumPy's functions on the operands, or the record's own function
with other parameters: `bind(record, operands, params)`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dualgrad._table.facets import BatchRule
from dualgrad._table.record import Primitive
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.level import bind

__all__ = [
    "aligned",
    "all_batched",
    "as_stack",
    "axes_named",
    "batch_size",
    "bind",
    "flat",
    "moved",
    "numberwise",
    "one_by_one",
    "rank_of",
    "repeated",
    "widened",
]


def moved(axis: Any, ndim: int) -> Any:
    """Return where an axis of a member of `ndim` axes (or each of a tuple of them) is in the batch."""
    if isinstance(axis, (tuple, list)):
        return tuple([moved(k, ndim) for k in axis])
    return axis % ndim + 1 if -ndim <= axis < ndim else axis + 1 if axis >= 0 else axis - 1


def rank_of(x: Value) -> int:
    """Return how many axes the members of a batched value have."""
    return len(shape_of(x)) - 1


def aligned(batched: Sequence[bool], operands: Sequence[Value]) -> list[Value]:
    """Return operands that broadcast against each other as their members do: axes of length 1 come behind the batch axis."""
    ranks = [len(shape_of(x)) - b for x, b in zip(operands, batched, strict=True)]
    rank = max(ranks)
    return [widened(x, rank - n) if b and n < rank else x for x, b, n in zip(operands, batched, ranks, strict=True)]


def widened(x: Value, count: int) -> Value:
    """Return a batched value with `count` more axes of length 1 behind its batch axis."""
    shape = shape_of(x)
    return np.reshape(x, (shape[0], *(1,) * count, *shape[1:]))


def flat(x: Value) -> Value:
    """Return a batched value whose members are flat."""
    # Their length is said, as -1 would not do for an empty batch.
    shape = shape_of(x)
    return np.reshape(x, (shape[0], math.prod(shape[1:])))


def batch_size(batched: Sequence[bool], operands: Sequence[Value]) -> int:
    """Return the size of the batch."""
    return next(shape_of(x)[0] for x, b in zip(operands, batched, strict=True) if b)


def repeated(x: Value, size: int) -> Value:
    """Return a value that is the same for all members as a batched one, without a copy."""
    return np.broadcast_to(x, (size, *shape_of(x)))


def all_batched(batched: Sequence[bool], operands: Sequence[Value]) -> list[Value]:
    """Return operands of which every one carries the batch axis."""
    size = batch_size(batched, operands)
    return [x if b else repeated(x, size) for x, b in zip(operands, batched, strict=True)]


def numberwise(
    record: Primitive, batched: tuple[bool, ...], operands: tuple[Value, ...], params: dict[str, Any]
) -> Value:
    """Run a function of each number on a batch."""
    return bind(record, tuple(aligned(batched, operands)), params)


def axes_named(*names: str, **defaults: Any) -> BatchRule:
    """Return the rule of functions of one operand whose parameters of these names are axes."""

    def rule(
        record: Primitive, batched: tuple[bool, ...], operands: tuple[Value, ...], params: dict[str, Any]
    ) -> Value:
        (a,) = operands
        found = {**defaults, **params}
        return bind(record, (a,), {**found, **{name: moved(found[name], rank_of(a)) for name in names}})

    return rule


def as_stack(
    record: Primitive, batched: tuple[bool, ...], operands: tuple[Value, ...], params: dict[str, Any]
) -> Value:
    """Run a function whose first operand may be a stack of what it is a function of; it stays as it is."""
    # A further operand (a cutoff) that differs between the members is none of what is stacked.
    if any(batched[1:]):
        return one_by_one(record, batched, operands, params)
    return bind(record, operands, params)


def one_by_one(
    record: Primitive, batched: tuple[bool, ...], operands: tuple[Value, ...], params: dict[str, Any]
) -> Value:
    """Run any function on each member, and stack the answers."""
    answers = [
        bind(record, tuple([x[i] if b else x for x, b in zip(operands, batched, strict=True)]), params)
        for i in range(batch_size(batched, operands))
    ]
    return stacked_answers(answers)


def stacked_answers(answers: list[Any]) -> Any:
    """Return the answers of all members as one; ValueError where there is none to tell their shape."""
    if not answers:
        raise ValueError(
            "vmap of an empty batch met a function without a batching rule, which runs once per member: nothing tells the shape of "
            "its result. Use a batch with members."
        )
    if not isinstance(answers[0], tuple):
        return np.stack(answers)
    members = [np.stack(column) if _is_numeric(column[0]) else column[0] for column in zip(*answers, strict=True)]
    return answers[0]._make(members) if hasattr(answers[0], "_make") else tuple(members)


def _is_numeric(x: Any) -> bool:
    return hasattr(x, "dtype") or isinstance(x, (bool, int, float, complex))
