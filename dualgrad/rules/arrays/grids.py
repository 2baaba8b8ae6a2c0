"""Arrays laid out on grids: meshgrid, ix_, vander, sliding_window_view."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facts import AS_BODY, VIEW
from dualgrad._table.functions import astype
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad.errors import ConversionError
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite

# ---- meshgrid, ix_ ---------------------------------------------------------------------------------


def _meshgrid(*xi: Value, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Value, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    ndim = len(xi)
    # In Cartesian order the first two axes change places.
    axes = [1 - k if k < 2 <= ndim and indexing == "xy" else k for k in range(ndim)]
    found = [_upright(as_operand(x), k, ndim) for x, k in zip(xi, axes, strict=True)]
    if not sparse and found:
        shape = np.broadcast_shapes(*[shape_of(x) for x in found])
        found = [np.broadcast_to(x, shape) for x in found]
    return tuple([np.copy(x) for x in found]) if copy else tuple(found)


def _upright(x: Value, axis: int, ndim: int) -> Value:
    """Return all numbers of an array along one of `ndim` axes."""
    return np.reshape(x, (*(1,) * axis, -1, *(1,) * (ndim - 1 - axis)))


composite(
    np.meshgrid,
    _meshgrid,
    samples=cases(
        case(A(3), A(2)),
        case(A(3), A(2), indexing="ij"),
        case(A(2), [1.0, 2.0], A(3), sparse=True),
        case(A(2), A(), copy=False),
        case(A(2, 2), np.arange(2)),
        case(A(3)),
    ),
    facts=AS_BODY,
)


def _ix(*args: Value) -> tuple[Value, ...]:
    found = []
    for k, x in enumerate(args):
        x = as_operand(x)
        if len(shape_of(x)) != 1:
            raise ValueError("Cross index must be 1 dimensional")
        if dtype_of(x).kind == "b":
            (x,) = np.nonzero(x)
        elif shape_of(x) == (0,) and not hasattr(args[k], "dtype"):
            x = x.astype(np.intp)
        found.append(_upright(x, k, len(args)))
    return tuple(found)


composite(np.ix_, _ix, samples=cases(case(A(3), A(2)), case(A(2), [True, False], np.arange(3))), facts=AS_BODY)

# ---- vander ----------------------------------------------------------------------------------------


def powers(x: Value, count: int) -> Value:
    """Return x**0 to x**(count - 1) along a new last axis, as running products: their derivatives are exact at 0."""
    shape = shape_of(x)
    ones = np.ones((*shape, min(count, 1)), dtype_of(x))
    if count < 2:
        return ones
    return np.concatenate([ones, np.cumprod(np.broadcast_to(x[..., None], (*shape, count - 1)), axis=-1)], axis=-1)


def _vander(x: Value, N: Any = None, increasing: bool = False) -> Value:
    x = as_operand(x)
    if len(shape_of(x)) != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    (n,) = shape_of(x)
    count = n if N is None else operator.index(N)
    dtype = np.promote_types(dtype_of(x), int)
    x = x if dtype_of(x) == dtype else astype(x, dtype)
    found = powers(x, count)
    return found if increasing else np.flip(found, 1)


composite(
    np.vander,
    _vander,
    samples=cases(
        case(A(3)),
        case(A(3), 5),
        case(A(2), 4, True),
        case(A(3), N=1),
        case(A(3), N=0, increasing=True),
        case(A(0), 2),
        case(A(3, is_complex=True), increasing=True),
    ),
)

# ---- sliding_window_view ---------------------------------------------------------------------------


def _sliding_window_view(
    x: Value, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Value:
    if writeable:
        raise ConversionError(
            "sliding_window_view(x, ..., writeable=True) would write into a value being differentiated. "
            "Leave writeable= out, and build the result with np.where or np.stack."
        )
    x = as_operand(x)
    ndim = len(shape_of(x))
    windows = tuple(window_shape) if np.iterable(window_shape) else (window_shape,)
    if any(n < 0 for n in windows):
        raise ValueError("`window_shape` cannot contain negative values")
    axes = tuple(range(ndim)) if axis is None else tuple(axis) if np.iterable(axis) else (axis,)
    if len(axes) != len(windows):
        raise ValueError(
            f"sliding_window_view takes a window for each axis: window_shape has {len(windows)}, axis {len(axes)}."
        )
    # An axis may be named twice, and then the windows of the second time slide within what is left of it.
    for window, k in zip(windows, axes, strict=True):
        if not -ndim <= k < ndim:
            raise np.exceptions.AxisError(k, ndim)
        k %= ndim
        count = shape_of(x)[k] - window + 1
        if count < 1:
            raise ValueError("window shape cannot be larger than input array shape")
        places = np.arange(count)[:, None] + np.arange(window)
        x = np.moveaxis(x[(*(slice(None),) * k, places)], k + 1, -1)
    return x


composite(
    np.lib.stride_tricks.sliding_window_view,
    _sliding_window_view,
    samples=cases(
        case(A(5), 3),
        case(A(3, 4), (2, 3)),
        case(A(3, 4), 2, 1),
        case(A(3, 4), (2, 2), axis=(1, 0)),
        case(A(5), (2, 3), axis=(0, 0)),
        case(A(2, 3), 2, axis=-1, subok=True, writeable=False),
    ),
    facts=VIEW,
)
