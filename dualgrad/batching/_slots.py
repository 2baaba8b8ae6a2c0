"""Slots of a thin array that are being filled, and the indices at which that can be done (see _thin.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class OpenSlot:
    """A slot that is being filled: at some numbers with what others have left free."""

    __slots__ = ("_is_taken", "places", "values")

    def __init__(self, values: Array, places: Array, is_taken: Array) -> None:
        self.values = values
        self.places = places
        self._is_taken = is_taken

    @classmethod
    def free(cls, shape: tuple[int, ...], dtype: np.dtype[Any]) -> OpenSlot:
        """Return a slot with nothing in it."""
        return cls(np.zeros(shape, dtype), np.zeros(shape, np.intp), np.zeros(shape, bool))

    def takes(self, values: Array, places: Array, index: Any) -> bool:
        """Add values where there is room, or where they move along the directions that are there; tell whether it was so."""
        if self._is_taken[index].any() and not np.array_equal(self.places[index], places):
            return False
        self.values[index] += values
        self.places[index] = places
        self._is_taken[index] = True
        return True

    def clear(self, index: Any) -> None:
        """Make room at an index."""
        self.values[index] = 0
        self._is_taken[index] = False


def fill(
    slots: list[OpenSlot],
    values: Array,
    places: Array,
    index: Any,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    most: int,
) -> bool:
    """Add to slots at an index, with more slots where it takes them; tell whether they are few."""
    for moved, along in zip(values, places, strict=True):
        if not any(slot.takes(moved, along, index) for slot in slots):
            if len(slots) == most:
                return False
            slots.append(OpenSlot.free(shape, dtype))
            slots[-1].takes(moved, along, index)
    return True


def keeps_first(index: Any) -> bool:
    """Tell whether an index leaves the first axis alone, and in front."""
    if type(index) is not tuple or not index or type(index[0]) is not slice or index[0] != slice(None):
        return False
    if all(type(part) is not np.ndarray for part in index):
        return True
    # Arrays that are not side by side, numbers among them, put their axes in front.
    here = [k for k, part in enumerate(index) if isinstance(part, (np.ndarray, int, np.integer))]
    return here[-1] - here[0] == len(here) - 1


def names_once(index: Any, shape: tuple[int, ...]) -> bool:
    """Tell whether an index leaves the first axis alone and names no number behind it twice."""
    if not keeps_first(index):
        return False
    if all(type(part) is not np.ndarray or part.dtype.kind == "b" for part in index):
        return True
    count = np.zeros(shape[1:], int)
    np.add.at(count, index[1:], 1)
    return int(count.max(initial=0)) <= 1
