"""Copies of arrays that are in all but their memory what the arrays are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray
from numpy.lib.stride_tricks import as_strided

Array = ndarray[Any, Any]


def copy_in_layout(x: Array) -> Array:
    """Return a copy in which orders A and K mean what they mean for `x`: contiguous as `x` is, and with its order of axes.

    Numbers that share memory, as those of a row that is broadcast to many, still do.
    """
    if x.flags.c_contiguous:
        return x.copy()
    if (shared := covered(x)) is not None:
        return ndarray(x.shape, x.dtype, shared.copy(), 0, x.strides)
    found = np.empty_like(x, order="K")
    if found.flags.forc and not x.flags.forc and x.ndim > 1:
        # Room after each run of numbers, as a part of a larger array has.
        steps = found.strides
        order = sorted(range(x.ndim), key=lambda k: -steps[k])
        lengths = [x.shape[k] for k in order]
        room = np.empty((*lengths[:-1], lengths[-1] + 1), x.dtype)[..., :-1]
        found = room.transpose([order.index(k) for k in range(x.ndim)])
    found[...] = x
    return found


def covered(x: Array) -> Array | None:
    """Return the bytes that an array covers, where these are fewer than its numbers would take side by side."""
    if min(x.strides, default=0) < 0 or not x.size:
        return None
    count = x.itemsize + sum([(n - 1) * step for n, step in zip(x.shape, x.strides, strict=True)])
    if count >= x.nbytes:
        return None
    first = x[(0,) * x.ndim + (None,)].view(np.uint8)
    return as_strided(first, (count,), (1,), writeable=False)
