"""Where in an array a slice of it lies, and a slice of that slice: each number of axes an index of the array itself.

A place is an index taken apart: for each axis of the array a range of numbers, or one number, and None where there is a new axis.
Slices of slices are places of the array that owns the memory, so views never nest, however long a program goes on slicing.
"""

from __future__ import annotations

from collections import deque
from typing import Any, TypeAlias

import numpy as np

from dualgrad._table.space import dtype_of, shape_of
from dualgrad._trace.level import Tracer

Place: TypeAlias = tuple[Any, ...]

_SLICING = frozenset((slice, type(None), type(Ellipsis)))


def is_array(x: Any) -> bool:
    """Tell whether NumPy has an array in the place of a value, not a scalar, which has no memory to share.

    Only without axes is it a question. Below a batch nothing tells the two apart; there it is an array where that was noted.
    """
    if shape_of(x):
        return True
    # What has axes here is a batch of what it is above.
    while isinstance(x, Tracer) and not shape_of(x):
        links = getattr(x, "_links", None)
        if links is not None:
            noted: bool | None = True if links.base is not None else getattr(links, "is_array", None)
            if noted is not None:
                return noted
        x = x._value
    return isinstance(x, np.ndarray) and not shape_of(x)


def is_view_index(index: Any) -> bool:
    """Tell whether NumPy's answer for an index is a view: integers, slices, None and Ellipsis."""
    parts = index if isinstance(index, tuple) else (index,)
    return all([type(part) in _SLICING or is_number(part) for part in parts])


def is_number(part: Any) -> bool:
    """Tell whether one part of an index is a number; one that differs between the members of a batch is a traced array."""
    if type(part) is int or isinstance(part, np.integer):
        return True
    if isinstance(part, Tracer):
        return not shape_of(part) and dtype_of(part).kind in "iu" and not is_array(part)
    # What stands for a scalar says so.
    return getattr(part, "is_number", False) is True


def place_of(index: Any, shape: tuple[int, ...]) -> Place | None:
    """Return the place of `x[index]` in an array of a shape, for an index that gives a view."""
    return within(tuple([range(n) for n in shape]), index, shape)


def within(place: Place, index: Any, shape: tuple[int, ...]) -> Place | None:
    """Return the place of `view[index]` in the array of which `view` is a place; None where no index says it."""
    parts = deque(_for_each_axis(index, sum([part is None or type(part) is range for part in place])))
    found: list[Any] = []
    lengths = iter(shape)
    for axis in place:
        length = None if axis is None else next(lengths)
        if axis is not None and type(axis) is not range:
            found.append(axis)
            continue
        while parts[0] is None:
            found.append(parts.popleft())
        part = parts.popleft()
        if type(part) is slice:
            taken: Any = _sliced(axis, part)
        elif axis is None:
            continue
        elif type(part) is int:
            taken = axis[part]
        else:
            # A number that a batch has many of counts from the end where it is negative.
            taken = part if axis == range(length or 0) else NotImplemented
        if taken is NotImplemented:
            return None
        found.append(taken)
    return (*found, *parts)


def _for_each_axis(index: Any, ndim: int) -> list[Any]:
    """Return the parts of an index, one for each of `ndim` axes, with None for new ones."""
    parts = [
        int(part) if isinstance(part, np.integer) else part
        for part in (index if isinstance(index, tuple) else (index,))
    ]
    dots = next((k for k, part in enumerate(parts) if part is Ellipsis), len(parts))
    taken = sum([part is not None and part is not Ellipsis for part in parts])
    return [*parts[:dots], *[slice(None)] * (ndim - taken), *parts[dots + 1 :]]


def _sliced(axis: range | None, part: slice) -> Any:
    if axis is None:
        return None if len(range(1)[part]) else NotImplemented
    return axis[part]


def index_of(place: Place) -> tuple[Any, ...]:
    """Return the index that names a place."""
    return tuple([as_slice(part) if type(part) is range else part for part in place])


def slice_of_slice(first: slice, second: slice | int, length: int) -> slice | int:
    """Return the index that `x[first][second]` is along an axis of a length: what loops over parts of parts ask for."""
    taken: Any = range(length)[first][second]
    return taken if type(taken) is int else as_slice(taken)


def as_slice(numbers: range) -> slice:
    """Return the slice that names some numbers."""
    if not numbers:
        return slice(0, 0)
    return slice(numbers.start, None if numbers.stop < 0 else numbers.stop, numbers.step)


def is_same(one: Place | None, other: Place | None) -> bool:
    """Tell whether two places of one array are the same."""
    if one is None or other is None or len(one) != len(other):
        return False
    return all([p is q or _is_equal(p, q) for p, q in zip(one, other, strict=True)])


def _is_equal(p: Any, q: Any) -> bool:
    return type(p) is type(q) and type(p) in (int, range) and bool(p == q)
