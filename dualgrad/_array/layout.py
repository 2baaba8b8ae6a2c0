"""Where NumPy copies an array only because of how it lies in memory: order=, ascontiguousarray, require."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.views import FLAT, frozen, tie
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.level import Tracer, plain


def in_order(x: Any, order: Any, owns_memory: bool = False) -> Any:
    """Return an array as it is where it lies in memory as asked, and a copy where it does not.

    Where a traced value does not tell how NumPy's lies in memory, the copy cannot be written to while both are in use.
    """
    if not isinstance(x, Tracer) or (order not in ("C", "F") and not owns_memory):
        return x
    links = getattr(x, "_links", None)
    if owns_memory and links is not None and links.base is not None and links.index is not FLAT:
        return frozen(x)
    value = _in_memory(x, links)
    if value is not None and _is_right(value, order) and (value.flags.owndata or not owns_memory):
        return x
    found = frozen(x)
    if value is None or not _is_alone(x):
        tie(x, found)
    return found


def _is_right(value: np.ndarray[Any, Any], order: Any) -> bool:
    if order == "C":
        return value.flags.c_contiguous
    return value.flags.f_contiguous if order == "F" else True


def _in_memory(x: Tracer, links: Any) -> Any:
    """Return an array that lies in memory as NumPy's does, or None where that is not known."""
    if links is None or links.base is None:
        value = plain(x)
        batches = shape_of(value)[: len(shape_of(value)) - len(shape_of(x))]
        # Of a batch, one member.
        return None if 0 in batches else np.asarray(value[(0,) * len(batches)] if batches else value)
    # The value of a slice may have been written anew, in an order of its own.
    owner: Value = links.base
    of_owner = getattr(owner, "_links", None)
    parts = links.index if isinstance(links.index, tuple) else (links.index,)
    if not _is_alone(owner) or (of_owner is not None and of_owner.base is not None):
        return None
    if links.index is FLAT or any([isinstance(part, Tracer) for part in parts]):
        return None
    return np.asarray(plain(owner))[links.index]


def _is_alone(x: Tracer) -> bool:
    """Tell whether a value is one array, not a batch of them."""
    return shape_of(plain(x)) == shape_of(x)
