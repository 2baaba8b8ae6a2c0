"""numpy.lib.scimath: roots, logarithms and inverse functions that turn complex where real numbers have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib import scimath

from dualgrad._array.gather import as_operand
from dualgrad._table.space import Value, dtype_of
from dualgrad._trace.level import anywhere
from dualgrad.rules.axes import in_dtype
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite

# One number outside the domain makes the whole array complex. In a batch, one member does so to all of them, as
# stacking their answers would.


def _complex_where(outside: Callable[[Value], Value], x: Value) -> Value:
    x = _array(x)
    dtype = dtype_of(x)
    if dtype.kind == "c" or not anywhere(outside(x)):
        return x
    return in_dtype(x, np.complex64 if dtype.char in "fbhBH" else np.complex128)


def _array(x: Value) -> Value:
    # As NumPy does here, and so a Python number is not weak.
    x = as_operand(x)
    return x if hasattr(x, "dtype") else np.asarray(x)


def _negative(x: Value) -> Value:
    return x < 0


def _beyond_one(x: Value) -> Value:
    return np.abs(x) > 1


def _sqrt(x: Value) -> Value:
    return np.sqrt(_complex_where(_negative, x))


def _log(x: Value) -> Value:
    return np.log(_complex_where(_negative, x))


def _log2(x: Value) -> Value:
    return np.log2(_complex_where(_negative, x))


def _log10(x: Value) -> Value:
    return np.log10(_complex_where(_negative, x))


def _logn(n: Value, x: Value) -> Value:
    return np.log(_complex_where(_negative, x)) / np.log(_complex_where(_negative, n))


def _power(x: Value, p: Value) -> Value:
    x = _complex_where(_negative, x)
    p = _array(p)
    if dtype_of(p).kind == "i" and anywhere(p < 0):
        p = p * 1.0
    return np.power(x, p)


def _arccos(x: Value) -> Value:
    return np.arccos(_complex_where(_beyond_one, x))


def _arcsin(x: Value) -> Value:
    return np.arcsin(_complex_where(_beyond_one, x))


def _arctanh(x: Value) -> Value:
    return np.arctanh(_complex_where(_beyond_one, x))


def _inside_and_out(low: float, high: float, *extra: Any) -> Any:
    return cases(
        case(A(2, 3, low=low, high=high)),
        case(A(low=low, high=high)),
        case(A(4, low=-3.0, high=-1.5)),
        case(A(low=-3.0, high=-1.5)),
        case(np.array([0.4, -2.5])),
        case(A(2, is_complex=True, low=0.3, high=0.8)),
        case(A(0)),
        *extra,
    )


for _name, _body in {"sqrt": _sqrt, "log": _log, "log2": _log2, "log10": _log10}.items():
    composite(getattr(scimath, _name), _body, samples=_inside_and_out(0.3, 3.0))
for _name, _body in {"arccos": _arccos, "arcsin": _arcsin, "arctanh": _arctanh}.items():
    composite(getattr(scimath, _name), _body, samples=_inside_and_out(-0.8, 0.8))

composite(
    scimath.logn,
    _logn,
    samples=cases(
        case(2, A(3, low=0.5)),
        case(A(low=2.0, high=4.0), A(3, low=0.5)),
        case(A(3, low=2.0, high=4.0), A(2, 3, low=-2.0, high=-0.5)),
        case(A(low=-4.0, high=-2.0), A(low=2.0, high=4.0)),
    ),
)
composite(
    scimath.power,
    _power,
    samples=cases(
        case(A(3, low=0.5), 2),
        case(A(3, low=0.5), -2),
        case(A(3, low=0.5), np.array([-1, 2, 0])),
        case(A(2, 3, low=-2.0, high=-0.5), A(3)),
        case(A(low=-2.0, high=-0.5), A()),
        case(np.array([2, 3]), A(2)),
        case(A(2, is_complex=True, low=0.3), A(2)),
    ),
)
