"""How batches of small arrays lie in memory: member beside member.

With the batch axis in front and C order, NumPy's innermost loop runs over the few numbers of a member's last axis, and calling it
costs more than what it does. In Fortran order it runs over the batch: where members of 2 to 64 numbers are broadcast against
each other that is from 2 to 20 times as fast. Later operations keep the order. With more numbers in a member the two orders cost
the same at best, and changing from one to the other costs more.
"""

from __future__ import annotations

import numpy as np

from dualgrad._table.record import Primitive
from dualgrad._table.space import Value
from dualgrad._trace.level import Tracer
from dualgrad.batching._thin import in_full, is_thin, speaks

MANY = 256
"""From how many members on the layout is chosen."""

_SMALL = 64
_SHORT = 16


def in_c_order(x: Value) -> Value:
    """Return an array as users expect it in memory, and as products of matrices want it."""
    return np.ascontiguousarray(x) if type(x) is np.ndarray and x.ndim > 1 else x


def pair(record: Primitive, x: Value, y: Value, members: int) -> Value:
    """Return an elementwise function of two values that are aligned, in the order that suits many small members."""
    if type(x) is np.ndarray is type(y) and isinstance(record.fun, np.ufunc):
        # What has one shape and lies in C order is a single run of numbers, however short the members.
        if x.shape == y.shape and x.flags.c_contiguous and y.flags.c_contiguous:
            return record.operate(x, y)
        if max(x.shape[-1:], y.shape[-1:]) < (_SHORT,) and np.broadcast(x, y).size <= _SMALL * members:
            return record.fun(x, y, order="F")
    elif (is_thin(x) or is_thin(y)) and (isinstance(x, Tracer) or isinstance(y, Tracer) or not speaks(record.key)):
        # A value of another transformation, or a function of somebody else's, which take arrays of NumPy's.
        x, y = in_full(x), in_full(y)
    return record.operate(x, y)
