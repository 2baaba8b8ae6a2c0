"""An index, taken apart into what is static and its arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dualgrad._core.space import Value, base_class

# An index is split into what is static (integers, slices, None, Ellipsis: a parameter) and its arrays, which are operands.
# In the static part, a Slot stands for each array.


class Slot:
    """The place of an array in an index."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


_STATIC = frozenset((int, slice, type(None), type(Ellipsis)))


def split_index(index: Any) -> tuple[Any, tuple[Value, ...]]:
    """Return an index as (static part, arrays)."""
    if type(index) in _STATIC:
        return index, ()
    arrays: list[Value] = []
    parts: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        if type(part) in _STATIC or isinstance(part, np.integer):
            parts.append(part)
            continue
        parts.append(Slot(len(arrays)))
        arrays.append(_index_array(part))
    return tuple(parts), tuple(arrays)


def is_view_index(index: Any) -> bool:
    """Tell whether NumPy's answer for an index is a view: integers, its own among them, slices, None and Ellipsis."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(type(part) in _STATIC or isinstance(part, np.integer) for part in parts)


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
