"""What a tape keeps of the user's arrays must not change before the sweep: it keeps copies.

NumPy tells nobody when an array is written to, by the function, by another thread, or through a view made long before. To make
the array read-only meanwhile would not do: a view made in that time stays so for ever, one made before can still be written
through, and other threads would meet errors that are none of theirs. To compare checksums would read the array twice, and
a copy is as fast as any checksum that can be trusted.

An array that is used again, a matrix in a loop, is compared with the copy, bit by bit, and copied anew only where it has changed.
One that its owner made read-only is taken at its word, and is not copied.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from dualgrad._table.copies import copy_in_layout, covered

Array = ndarray[Any, Any]

SMALL = 1024
"""Arrays of up to so many numbers are copied each time: to look for a copy would take longer."""

_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


class Guard:
    """The copies of large arrays that one tape has made, and the arrays that it trusts."""

    __slots__ = ("copies", "trusted")

    def __init__(self) -> None:
        self.copies: dict[Any, tuple[Array, Array]] = {}
        self.trusted: dict[int, Array] = {}

    def keep(self, x: Array, is_lifted: bool) -> Array:
        """Return an array with the numbers of `x`, which nobody changes; `is_lifted` for what becomes an array on the tape."""
        if is_lifted:
            # Held by nobody else, so that the array on the tape can be written to in its place. What is read-only may be so for
            # now only, and the tape will hold slices of it.
            return copy_in_layout(x)
        if _is_read_only(x):
            self.trusted[id(x)] = x
            return x
        # Not by its identity: a loop over `a.T @ x` makes a new view each time.
        key = (x.__array_interface__["data"][0], x.shape, x.strides, x.dtype)
        found = self.copies.get(key)
        if found is not None and _is_same(x, found[1]):
            return found[1]
        made = copy_in_layout(x)
        # With `x` itself, or its memory might be given to another array.
        self.copies[key] = (x, made)
        return made

    def copies_in(self, kept: Any) -> Any:
        """Return what a tape kept with copies in the place of the arrays that it trusts."""
        copies = {key: copy_in_layout(x) for key, x in self.trusted.items()}

        def replaced(x: Any) -> Any:
            kind = type(x)
            if kind is ndarray:
                return copies.get(id(x), x)
            if kind is tuple or kind is list:
                parts = [replaced(part) for part in x]
                # What is unchanged stays itself: sweeps know some of it by identity.
                return x if all(a is b for a, b in zip(parts, x, strict=True)) else kind(parts)
            return x

        return [replaced(entry) for entry in kept] if copies else kept


def _is_read_only(x: Array) -> bool:
    """Tell whether an array and all that it is a view of are read-only, and the memory is NumPy's own."""
    while not x.flags.writeable:
        if type(x.base) is not ndarray:
            return bool(x.flags.owndata)
        x = x.base
    return False


def _is_same(x: Array, copy: Array) -> bool:
    """Tell whether two arrays of one shape and dtype hold the same bits."""
    shared = covered(x)
    if shared is not None and (other := covered(copy)) is not None:
        return bool((shared == other).all())
    if x.dtype.kind == "c" and x.itemsize in (8, 16):
        return _is_same(x.real, copy.real) and _is_same(x.imag, copy.imag)
    unsigned = _UNSIGNED.get(x.itemsize)
    if unsigned is None or x.dtype.hasobject:
        return False
    return bool((x.view(unsigned) == copy.view(unsigned)).all())
