"""An index, taken apart into what is static and its arrays."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dualgrad._table.space import Value, base_class, shape_of

# An index is split into what is static (integers, slices, None, Ellipsis: a parameter) and its arrays, which are operands.
# In the static part, a Slot stands for each array.


class Slot:
    """The place of an array in an index."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


_STATIC = frozenset((int, slice, type(None), type(Ellipsis)))

BOUNDS = frozenset((int, type(None)))
"""What a slice holds, mostly. It may hold an array of one integer, which may change after the call."""


def fixed_slice(part: slice) -> slice:
    """Return a slice with the integers that its bounds are now."""
    bounds = (part.start, part.stop, part.step)
    if BOUNDS.issuperset(map(type, bounds)):
        return part
    return slice(*[k if type(k) in BOUNDS else operator.index(k) for k in bounds])


def fixed_index(index: Any) -> Any:
    """Return an index, a slice or a tuple without arrays, with slices that do not change."""
    if type(index) is tuple:
        return tuple([fixed_slice(part) if type(part) is slice else part for part in index])
    return fixed_slice(index) if type(index) is slice else index


def split_index(index: Any) -> tuple[Any, tuple[Value, ...]]:
    """Return an index as (static part, arrays)."""
    if type(index) in _STATIC:
        return fixed_index(index), ()
    arrays: list[Value] = []
    parts: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        if type(part) is slice:
            parts.append(fixed_slice(part))
        elif type(part) in _STATIC or isinstance(part, np.integer):
            parts.append(part)
        else:
            parts.append(Slot(len(arrays)))
            arrays.append(_index_array(part))
    return tuple(parts), tuple(arrays)


def _index_array(part: Any) -> Value:
    if isinstance(part, np.ndarray):
        if isinstance(part, np.ma.MaskedArray):
            raise TypeError(
                "A masked array as an index: its mask would be lost. Pass index.filled(...), or select with np.where(mask, ..., ...)."
            )
        part = base_class(part)
    found = part if hasattr(part, "dtype") else np.asarray(part)
    if found.dtype.kind not in "iub":
        if found.size == 0 and found is not part:
            return found.astype(np.intp)
        raise IndexError(
            f"An index is an integer, a slice or an array of integers or booleans; it is of dtype {found.dtype} here."
        )
    return found


def join_index(index: Any, arrays: Sequence[Value]) -> Any:
    """Return the index that `split_index` took apart."""
    if not arrays:
        return index
    return tuple([arrays[part.number] if type(part) is Slot else part for part in index])


class Region(NamedTuple):
    """The slices of an array in which a mask selects, and the mask with axes to broadcast there.

    So writing where a mask says needs no list of places, which would differ between the members of a batch. What NumPy selects has
    one axis for all of the mask's, after `position` others; `trailing` ones come after it that lie as those of the region do.
    """

    index: Any
    mask: Value
    position: int
    trailing: int


def region_of_mask(index: Any, mask: Value, shape: tuple[int, ...], many: bool = False) -> Region:
    """Return where an index selects in an array, whose static part is given and whose one array is a mask.

    `many` tells whether the mask has a batch axis in front, which counts in neither `shape` nor the region's index.
    """
    lengths = shape_of(mask)[many:]
    parts = tuple(index) if Ellipsis in index else (*index, Ellipsis)
    here = next(k for k, part in enumerate(parts) if type(part) is Slot)
    inner = (*parts[:here], *(slice(None),) * len(lengths), *parts[here + 1 :])
    rest = len(shape) - sum(part is not None and part is not Ellipsis for part in inner)
    taken = [rest if part is Ellipsis else 0 if part is None else 1 for part in inner]
    made = [rest if part is Ellipsis else 0 if isinstance(part, (int, np.integer)) else 1 for part in inner]
    start = sum(taken[:here])
    if rest < 0 or shape[start : start + len(lengths)] != lengths:
        raise IndexError(
            f"boolean index did not match indexed array: the mask has shape {lengths}, the array {shape}, the index selects from "
            f"its axis {start} on."
        )
    before, after = sum(made[:here]), sum(made[here + len(lengths) :])
    front = (*shape_of(mask)[:1], *(1,) * before) if many else ()
    mask = np.reshape(mask, (*front, *lengths, *(1,) * after))
    numbers = [k for k, part in enumerate(parts) if isinstance(part, (int, np.integer)) or k == here]
    # An integer apart from the mask brings the axis of what is selected to the front.
    is_in_place = before == 0 or numbers == list(range(numbers[0], numbers[-1] + 1))
    return Region(inner, mask, before if is_in_place else 0, after if is_in_place else 0)
