"""Averages of lists that hold values being differentiated: NumPy's own refuse the arrays of objects that it makes of these."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.creation import asarray
from dualgrad._table.space import Value


def average(a: Any, *args: Any, **kwargs: Any) -> Value:
    """Return the average like `numpy.average`; lists may hold values being differentiated."""
    return np.average(_joined(a), *args, **kwargs)


def mean(a: Any, *args: Any, **kwargs: Any) -> Value:
    """Return the mean like `numpy.mean`; lists may hold values being differentiated."""
    return np.mean(_joined(a), *args, **kwargs)


def median(a: Any, *args: Any, **kwargs: Any) -> Value:
    """Return the median like `numpy.median`; lists may hold values being differentiated."""
    return np.median(_joined(a), *args, **kwargs)


def std(a: Any, *args: Any, **kwargs: Any) -> Value:
    """Return the standard deviation like `numpy.std`; lists may hold values being differentiated."""
    return np.std(_joined(a), *args, **kwargs)


def var(a: Any, *args: Any, **kwargs: Any) -> Value:
    """Return the variance like `numpy.var`; lists may hold values being differentiated."""
    return np.var(_joined(a), *args, **kwargs)


def _joined(a: Any) -> Any:
    return asarray(a) if isinstance(a, (list, tuple)) or (type(a) is np.ndarray and a.dtype.hasobject) else a
