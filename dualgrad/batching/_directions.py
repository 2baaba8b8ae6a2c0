"""All unit directions of some values in one batch, or in a few that memory holds: what Jacobians are made of."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dualgrad._core.foreign import is_foreign
from dualgrad._core.level import Tracer
from dualgrad._core.space import Value, dtype_of, shape_of
from dualgrad.batching._batch import BatchLevel, batch_array

_IN_CACHE = 2**18
"""How many numbers a batch of directions holds by default: 2 megabytes of float64, which processors have room for."""

_AT_MOST = 2**22
"""How many it may hold where that is fewer than 64 directions, for which the function would run too often."""


class Directions:
    """Unit vectors along a run of the numbers of some values, as one batch per value; None where all are zero."""

    __slots__ = ("_level", "start", "units")

    def __init__(self, values: Sequence[Value], start: int, stop: int) -> None:
        self._level = BatchLevel(stop - start)
        self.start = start
        self.units: list[Value] = []
        offset = 0
        for x in values:
            shape, size = shape_of(x), size_of(x)
            unit = None
            if start < offset + size and offset < stop:
                eye = np.eye(stop - start, size, start - offset, dtype_of(x))
                unit = batch_array(np.reshape(eye, (stop - start, *shape)), self._level)
            self.units.append(unit)
            offset += size

    def stacked(self, derivative: Value, like: Value) -> Value:
        """Return what became of the batch, a derivative of (or by) `like`, as an array with the directions in front."""
        if derivative is None:
            derivative = dtype_of(like).type(0)
        if isinstance(derivative, Tracer) and self._level.holds(derivative):
            return derivative._value
        return np.broadcast_to(derivative, (self._level.size, *shape_of(like)))

    def close(self) -> None:
        self._level.close()


def directions(values: Sequence[Value], chunk_size: int | None) -> Iterator[Directions]:
    """Yield batches of unit directions that together are all of them, at most `chunk_size` at once."""
    total = sum(map(size_of, values))
    if chunk_size is None:
        chunk_size = members_by_default(max(map(size_of, values), default=1))
    elif chunk_size < 1:
        raise ValueError(f"chunk_size is a positive integer, or None to choose one; it is {chunk_size!r}.")
    for start in range(0, total, chunk_size):
        found = Directions(values, start, min(start + chunk_size, total))
        try:
            yield found
        finally:
            found.close()


def members_by_default(size: int) -> int:
    """Return how many members a batch has by default, if each holds so many numbers."""
    size = max(size, 1)
    return max(1, min(_AT_MOST // size, max(64, _IN_CACHE // size)))


def parts(chunks: list[Value], values: Sequence[Value]) -> list[Value]:
    """Return, for each value, the derivatives along its own directions, of those along all, chunk by chunk."""
    along = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
    if len(values) == 1:
        return [along]
    ends = itertools.accumulate(map(size_of, values))
    return [along[end - size_of(x) : end] for x, end in zip(values, ends, strict=True)]


def block(found: Value, dtype: np.dtype[Any]) -> Value:
    """Return a block of a Jacobian as a user gets it: of its dtype, and in memory of its own."""
    if isinstance(found, Tracer):
        return found
    if dtype_of(found).kind == "c" and dtype.kind != "c":
        found = np.real(found)
    return found.astype(dtype) if is_foreign(found) else np.array(found, dtype, order="C")[()]


def size_of(x: Value) -> int:
    """Return how many numbers a value holds."""
    size = 1
    for n in shape_of(x):
        size *= n
    return size
