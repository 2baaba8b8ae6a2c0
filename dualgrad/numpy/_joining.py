"""`r_` and `c_` of values being differentiated: NumPy's make arrays of objects of these, which its functions refuse."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.creation import arange, array
from dualgrad._array.gather import holds_tracer
from dualgrad._table.functions import astype
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import deepest


class Joiner:
    """Join what is in the brackets like `numpy.r_` or `numpy.c_`; values being differentiated may be among it."""

    def __init__(self, numpys: Any) -> None:
        self._numpys = numpys

    def __getitem__(self, key: Any) -> Value:
        items = key if isinstance(key, tuple) else (key,)
        # NumPy joins the places of the numbers, which are then looked up.
        return _looked_up(self._numpys, items) if any(_may_be_traced(x) for x in items) else self._numpys[key]


def _may_be_traced(item: Any) -> bool:
    if isinstance(item, slice):
        return deepest((item.start, item.stop, item.step)) is not None
    return item.dtype.hasobject if type(item) is np.ndarray else holds_tracer(item)


def _looked_up(numpys: Any, items: tuple[Any, ...]) -> Value:
    values: list[Value] = []
    places: list[Any] = []
    count = 0
    for item in items:
        if isinstance(item, str):
            if item in ("r", "c"):
                raise TypeError(
                    f"A np.matrix cannot hold values being differentiated. Leave out {item!r}, and reshape the result."
                )
            places.append(item)
            continue
        value = _range(item) if isinstance(item, slice) else item if np.isscalar(item) else array(item, copy=None)
        shape = shape_of(value)
        size = int(np.prod(shape))
        values.append(value)
        if isinstance(item, slice):
            places.append(slice(count, count + size))
        else:
            places.append(count if np.isscalar(item) else np.arange(count, count + size).reshape(shape))
        count += size
    return _flat(values, np.result_type(*values))[numpys[tuple(places)]]


def _range(item: slice) -> Value:
    """Return what a slice in the brackets stands for; an imaginary step counts the numbers, both ends among them."""
    if not _may_be_traced(item):
        return np.r_[item]
    start = 0 if item.start is None else item.start
    step = 1 if item.step is None else item.step
    if any(shape_of(x) for x in (start, item.stop, step) if x is not None):
        raise ValueError(
            "A range in the brackets of r_ or c_ goes from one number to another; an end of this one is an array."
        )
    if dtype_of(step).kind == "c":
        return np.linspace(start, item.stop, int(abs(step)))
    return arange(start, item.stop, step)


def _flat(values: list[Value], dtype: np.dtype[Any]) -> Value:
    rows = [np.ravel(value) for value in values]
    return np.concatenate([row if dtype_of(row) == dtype else astype(row, dtype) for row in rows])


r_ = Joiner(np.r_)
c_ = Joiner(np.c_)
