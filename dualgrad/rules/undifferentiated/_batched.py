"""How functions without a derivative run on a batch, where their structure does not tell."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from dualgrad._table.space import Function, Value, shape_of
from dualgrad._trace.level import Tracer
from dualgrad.errors import ConversionError


def as_it_is(fun: Function, a: Value, *args: Any, **kwargs: Any) -> Value:
    return fun(a, *args, **kwargs)


def allclose(a: Value, b: Value, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Value:
    return np.all(np.isclose(a, b, rtol, atol, equal_nan))


def array_equal(a1: Value, a2: Value, equal_nan: bool = False) -> Any:
    if shape_of(a1) != shape_of(a2):
        return False
    same = np.equal(a1, a2)
    return np.all(same | (np.isnan(a1) & np.isnan(a2)) if equal_nan else same)


def isin(
    element: Value, test_elements: Value, assume_unique: bool = False, invert: bool = False, **kwargs: Any
) -> Value:
    found = np.any(np.equal(element[..., None], np.ravel(test_elements)), axis=-1)
    return np.logical_not(found) if invert else found


def searchsorted(a: Value, v: Value, side: Any = "left", sorter: Any = None) -> Value:
    # How many of the sorted numbers come before each of v.
    a = np.ravel(a) if sorter is None else np.take(a, sorter)
    before = np.less if side == "left" else np.less_equal
    v = v if isinstance(v, Tracer) else np.asarray(v)
    return np.count_nonzero(before(a, np.expand_dims(v, -1)), axis=-1)


def depends_on_data(*args: Any, **kwargs: Any) -> NoReturn:
    raise ConversionError(
        "np.nonzero, np.argwhere, np.flatnonzero, or a boolean mask as an index, under vmap: how many numbers they find differs "
        "between the members of the batch. Write np.where(mask, x, 0) and go on with arrays of full shape."
    )
