"""Arrays made like others: constant in the array that they imitate, not in the values that fill them."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facts import ARRAY
from dualgrad._table.functions import astype
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.level import Tracer
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite


def _full_like(
    a: Value,
    fill_value: Value,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    **kwargs: Any,
) -> Value:
    # Like np.zeros_like, an array that can be written to.
    filled = np.zeros_like(a, dtype=dtype, shape=shape_of(a) if shape is None else shape)
    if isinstance(filled, Tracer):
        filled[...] = fill_value
        return filled
    return np.copy(np.broadcast_to(astype(as_operand(fill_value), filled.dtype), filled.shape))


composite(
    np.full_like,
    _full_like,
    # NumPy asks only `a` what to do, so that the generated tests, which trace one operand at a time, cannot call it.
    samples=cases(),
    facts=ARRAY,
)


def _linspace(
    start: Value,
    stop: Value,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    **kwargs: Any,
) -> Any:
    intervals = num - 1 if endpoint else num
    # Weights of both ends, so that the last value is `stop` exactly.
    weights = np.linspace(0.0, 1.0, num, endpoint=endpoint)
    ndim = max(len(shape_of(start)), len(shape_of(stop)))
    weights = weights.reshape((num,) + (1,) * ndim)
    kind = np.result_type(start, stop, float(num))
    found = start * (1 - weights).astype(kind) + stop * weights.astype(kind)
    found = np.moveaxis(found, 0, axis) if axis else found
    if dtype is not None:
        found = astype(found, dtype)
    if not retstep:
        return found
    return found, (stop - start) / intervals if intervals > 0 else np.nan * (stop - start)


composite(
    np.linspace,
    _linspace,
    samples=cases(
        case(A(), A()),
        case(A(), A(), 5),
        case(A(2), A(), num=4, endpoint=False, axis=-1),
        case(A(), A(), 3, retstep=True, dtype=float),
    ),
)


def _logspace(
    start: Value,
    stop: Value,
    num: int = 50,
    endpoint: bool = True,
    base: Value = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Value:
    exponents = np.linspace(start, stop, num, endpoint=endpoint, axis=axis)
    found = np.power(base if len(shape_of(base)) == 0 else np.expand_dims(base, axis), exponents)
    return found if dtype is None else astype(found, dtype)


composite(
    np.logspace,
    _logspace,
    samples=cases(
        case(A(low=0, high=1), A(low=0, high=1), 4),
        case(A(low=0, high=1), A(low=0, high=1), 4, endpoint=False, base=A(low=1.5, high=2), dtype=float, axis=0),
    ),
)


def _geomspace(
    start: Value, stop: Value, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Value:
    # NumPy computes in double precision at least.
    kind = np.result_type(start, stop, float(num), np.zeros((), dtype))
    start, stop = astype(start, kind), astype(stop, kind)
    ratio = np.log(stop / start)
    powers = np.linspace(0 * ratio, ratio, num, endpoint=endpoint, axis=axis)
    found = (start if len(shape_of(start)) == 0 else np.expand_dims(start, axis)) * np.exp(powers)
    return found if dtype is None else astype(found, dtype)


composite(
    np.geomspace,
    _geomspace,
    samples=cases(
        case(A(low=1, high=2), A(low=3, high=4), 4),
        case(A(low=1, high=2), A(low=3, high=4), num=4, endpoint=False, dtype=float, axis=0),
    ),
)
