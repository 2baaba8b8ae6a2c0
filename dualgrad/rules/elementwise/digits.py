"""Numbers that formulas multiply by, with as many digits as the values have that they meet."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dualgrad._table.space import Value, dtype_of

# Only numbers wider than a double need more than a Python float, which is weak: float32 stays float32 beside it.
_WIDE = "gG"

_DEGREE = math.pi / 180
_WIDE_DEGREE = np.arccos(np.longdouble(-1)) / 180


def log_of(number: float, x: Value) -> Any:
    """Return the natural logarithm of a number, in the digits of a value."""
    return np.log(np.longdouble(number)) if dtype_of(x).char in _WIDE else math.log(number)


def degree(x: Value) -> Any:
    """Return the angle of one degree, in the digits of a value."""
    return _WIDE_DEGREE if dtype_of(x).char in _WIDE else _DEGREE
