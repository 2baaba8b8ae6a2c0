"""What batching rules are made of: batched values have their batch axis in front, and ranks are aligned behind it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from dualgrad._table.record import Primitive
from dualgrad._table.space import Function, Value, shape_of
from dualgrad._trace.level import bind


class BatchRule(Protocol):
    """`rule(record, batched, operands, params)`: the answers for a whole batch, their batch axis in front.

    `batched` tells which operands carry a batch axis, also in front; at least one does.
    """

    def __call__(
        self, record: Primitive, batched: tuple[bool, ...], operands: tuple[Value, ...], params: dict[str, Any]
    ) -> Value: ...


BATCHING: dict[Function, BatchRule] = {}
"""The batching rules of primitives. Elementwise ones need none, and the others without one run once per member."""

BATCHED_CONSTANTS: dict[Function, Callable[..., Value]] = {}
"""How functions without a derivative run on a batch: `rule(fun, a, ...)`, where `a` alone has a batch axis, in front."""

BATCHED_BODIES: dict[Function, Callable[..., Value]] = {}
"""What functions without a derivative mean, in functions that can run on batches."""

NUMBERWISE: set[Function] = set()
"""The functions without a derivative that act on each number apart, beside the ufuncs."""

OUTLINED: set[Function] = set()
"""The functions that look at shape and dtype only, and return a plain array."""


IN_ONE_PLACE: set[Function] = set()
"""The products that are much faster where the numbers of a member lie beside each other."""


def batching(rule: BatchRule, *funs: Function) -> None:
    """Register how functions run on a batch."""
    for fun in funs:
        BATCHING[fun] = rule


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


def size_of(batched: Sequence[bool], operands: Sequence[Value]) -> int:
    """Return the size of the batch."""
    return next(shape_of(x)[0] for x, b in zip(operands, batched, strict=True) if b)


def repeated(x: Value, size: int) -> Value:
    """Return a value that is the same for all members as a batched one, without a copy."""
    return np.broadcast_to(x, (size, *shape_of(x)))


def all_batched(batched: Sequence[bool], operands: Sequence[Value]) -> list[Value]:
    """Return operands of which every one carries the batch axis."""
    size = size_of(batched, operands)
    return [x if b else repeated(x, size) for x, b in zip(operands, batched, strict=True)]


def elementwise(
    record: Primitive, batched: tuple[bool, ...], operands: tuple[Value, ...], params: dict[str, Any]
) -> Value:
    """Run a function of each number on a batch."""
    return bind(record, tuple(aligned(batched, operands)), params)


def one_by_one(
    record: Primitive, batched: tuple[bool, ...], operands: tuple[Value, ...], params: dict[str, Any]
) -> Value:
    """Run any function on each member, and stack the answers."""
    answers = [
        bind(record, tuple([x[i] if b else x for x, b in zip(operands, batched, strict=True)]), params)
        for i in range(size_of(batched, operands))
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
