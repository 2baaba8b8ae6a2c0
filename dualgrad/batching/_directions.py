"""All unit directions of some values in one batch, or in a few that memory holds: what Jacobians are made of."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from dualgrad._table.foreign import is_foreign
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import Tracer
from dualgrad.batching._batch import BatchLevel
from dualgrad.batching._hot import batch_array
from dualgrad.batching._thin import Places, ThinBatch, unit_directions

T = TypeVar("T")

_IN_CACHE = 2**18
"""How many numbers a batch of directions holds by default: 2 megabytes of float64, which processors have room for."""

_AT_MOST = 2**22
"""How many it may hold where that is fewer than 64 directions, for which the function would run too often."""

_WORTH_IT = 2**17
"""From how many numbers on only those are held that are not zero, as long as these are few."""


class Directions:
    """Unit vectors along a run of the numbers of some values, as one batch per value; None where all are zero."""

    __slots__ = ("_level", "start", "units")

    def __init__(self, values: Sequence[Value], start: int, stop: int, places: Places | None = None) -> None:
        self._level = BatchLevel(stop - start)
        self.start = start
        self.units: list[Value] = []
        offset = 0
        for x in values:
            shape, size = shape_of(x), size_of(x)
            unit = None
            if start < offset + size and offset < stop:
                if places is not None:
                    eye: Any = unit_directions(size, shape, dtype_of(x), offset, places)
                else:
                    eye = np.reshape(np.eye(stop - start, size, start - offset, dtype_of(x)), (stop - start, *shape))
                unit = batch_array(eye, self._level)
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


def each_batch(values: Sequence[Value], chunk_size: int | None, run: Callable[[Directions], T]) -> list[T]:
    """Return what `run` makes of batches of unit directions that together are all of them, at most `chunk_size` at once.

    Many are first tried at once, with what is zero left out. Where that comes to arrays in full that are larger than those of a
    batch, it starts anew with batches.
    """
    total, largest = sum(map(size_of, values)), max(map(size_of, values), default=1)
    if chunk_size is None and total * largest >= _WORTH_IT and all(map(_can_be_thin, values)):
        places = Places(total, max(_IN_CACHE, members_by_default(largest) * largest))
        batch = Directions(values, 0, total, places)
        try:
            found = run(batch)
            if not places.is_too_thick:
                return [found]
        except BaseException:
            # What was raised then may have been caught on its way, and something else raised.
            if not places.is_too_thick:
                raise
        finally:
            batch.close()
    return [run(batch) for batch in _batches(values, chunk_size)]


def _can_be_thin(x: Value) -> bool:
    return type(x) in (np.ndarray, np.float64) and x.dtype.char in "fd"


def _batches(values: Sequence[Value], chunk_size: int | None) -> Iterator[Directions]:
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


def parts(chunks: list[Value], values: Sequence[Value], *, last: bool = False) -> list[Value]:
    """Return, for each value, the derivatives along its own directions, of those along all, chunk by chunk.

    The directions are in front. With `last` they may lie in memory as if they were the last axis, which they will be.
    """
    along = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
    if len(values) == 1 and type(along) is not ThinBatch:
        return [along]
    ends = itertools.accumulate(map(size_of, values))
    ranges = [(end - size_of(x), end) for x, end in zip(values, ends, strict=True)]
    if type(along) is ThinBatch:
        return [along.part(start, stop, last=last) for start, stop in ranges]
    return [along[start:stop] for start, stop in ranges]


def is_new(chunks: list[Value]) -> bool:
    """Tell whether `parts` makes new arrays of these."""
    return len(chunks) == 1 and type(chunks[0]) is ThinBatch


def own_derivatives(along: Value, start: int, offset: int, count: int) -> Value:
    """Return how numbers move along their own directions: `count` of them, number `offset` first, along direction `start`."""
    if type(along) is ThinBatch:
        return along.along(np.arange(start, start + count).reshape(along.shape[1:])).ravel()
    each = np.arange(count)
    return np.reshape(along, (shape_of(along)[0], -1))[start + each, offset + each]


def block(found: Value, dtype: np.dtype[Any], *, is_ours: bool = False) -> Value:
    """Return a block of a Jacobian as a user gets it: of its dtype, and in memory of its own, which it may be in already."""
    if isinstance(found, Tracer):
        return found
    if dtype_of(found).kind == "c" and dtype.kind != "c":
        found = np.real(found)
    if is_foreign(found):
        return found.astype(dtype)
    return np.array(found, dtype, order="C", copy=None if is_ours else True)[()]


def size_of(x: Value) -> int:
    """Return how many numbers a value holds."""
    size = 1
    for n in shape_of(x):
        size *= n
    return size
