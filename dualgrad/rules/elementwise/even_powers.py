"""What stands under the roots: the squares of sqrt, abs, hypot, norm and std, all of whose derivatives exist at zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._table.foreign import reduce
from dualgrad._table.record import RECORDS, Primitive
from dualgrad._table.space import Function, Value, dtype_of, shape_of
from dualgrad._trace.roots import register_square
from dualgrad.rules.elementwise import complexes as _complexes  # noqa: F401 - their records are asked for below
from dualgrad.rules.elementwise import ufuncs as _ufuncs  # noqa: F401
from dualgrad.rules.linalg import norms as _norms  # noqa: F401
from dualgrad.rules.reductions.variance import without_spread


def _under_sqrt(x: Value) -> Value:
    return x


def _squared_size(x: Value) -> Value:
    return np.real(x) * np.real(x) + np.imag(x) * np.imag(x) if dtype_of(x).kind == "c" else x * x


def _under_hypot(x: Value, y: Value) -> Value:
    return x * x + y * y


def _under_norm(x: Value, *, axis: Any = None, keepdims: Any = False) -> Value:
    return reduce(np.add, _squared_size(x), axis=axis if shape_of(x) else None, keepdims=keepdims)


def _under_std(a: Value, **params: Any) -> Value:
    return np.var(a, **params)


def _is_without_spread(ans: Value, a: Value, *, axis: Any = None, ddof: float = 0, keepdims: Any = False) -> Value:
    return without_spread(a, ans, axis, keepdims)


def _square(fun: Function, under: Callable[..., Value], is_zero: Callable[..., Value] | None = None) -> None:
    record = RECORDS[fun]
    assert isinstance(record, Primitive)
    register_square(record, under, is_zero)


_square(np.sqrt, _under_sqrt)
_square(np.absolute, _squared_size)
_square(np.hypot, _under_hypot)
_square(np.linalg.norm, _under_norm)
_square(np.std, _under_std, _is_without_spread)
