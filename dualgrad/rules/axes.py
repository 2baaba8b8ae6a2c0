"""What functions along axes share: axes given back, masks, counts, shifts, the `axes=` of products."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from dualgrad._table.foreign import stretched
from dualgrad._table.functions import astype
from dualgrad._table.space import FLOAT, Space, Value, dtype_of, like_of, shape_of
from dualgrad._table.structure import axes_of


def ndim_of(x: Value) -> int:
    """Return the number of dimensions of a number or array."""
    return len(shape_of(x))


def reduced_count(a: Value, axis: Any) -> int:
    """Return how many entries of `a` meet in each entry of its reduction."""
    shape = shape_of(a)
    return math.prod(shape) if axis is None else math.prod([shape[k] for k in axes_of(len(shape), axis)])


def restore_axes(ct: Value, a: Value, axis: Any, keepdims: Any) -> Value:
    """Give the result of a reduction of `a` its reduced axes back, with length 1."""
    shape = shape_of(a)
    if keepdims or axis is None or not shape:
        return ct
    reduced = axes_of(len(shape), axis)
    return np.reshape(ct, tuple([1 if k in reduced else n for k, n in enumerate(shape)]))


def spread(ct: Value, a: Value, axis: Any, keepdims: Any) -> Value:
    """Hand the cotangent of a reduction of `a` to every entry that it came from, as a read-only view."""
    shape: tuple[int, ...] = a.shape
    if type(a) is not Space and (like := like_of(a)) is not None:
        return stretched(restore_axes(ct, a, axis, keepdims), like)
    if type(ct) is np.float64:
        # The gradient of a loss starts here: np.broadcast_to takes eight times as long.
        return np.ndarray(shape, FLOAT, ct, 0, (0,) * len(shape)) if shape else ct
    if type(ct) is np.ndarray and shape and ct.flags.c_contiguous:
        found = np.ndarray(shape, ct.dtype, ct, 0, _strides(ct, len(shape), axis, keepdims))
        found.flags.writeable = False
        return found
    return np.broadcast_to(restore_axes(ct, a, axis, keepdims), shape)


def _strides(ct: np.ndarray[Any, Any], ndim: int, axis: Any, keepdims: Any) -> tuple[int, ...]:
    reduced = axes_of(ndim, axis)
    kept = iter(ct.strides)
    if keepdims:
        return tuple([0 if k in reduced else stride for k, stride in enumerate(kept)])
    return tuple([0 if k in reduced else next(kept) for k in range(ndim)])


def masked(a: Value, where: Any, identity: Any) -> Value:
    """Return `a` with the identity of a reduction where its `where=` is False."""
    return np.where(np.broadcast_to(where, shape_of(a)), a, identity)


def selected_count(a: Value, axis: Any, keepdims: Any, where: Any) -> Any:
    """Return how many entries of `a` a reduction with `where=` counts, for each entry of its result."""
    if where is True:
        return reduced_count(a, axis)
    return np.add.reduce(np.broadcast_to(where, shape_of(a)), axis=axis, keepdims=keepdims, dtype=np.intp)


def in_dtype(x: Value, dtype: Any) -> Value:
    """Return a value in a dtype, untouched where it has that already; None leaves it too."""
    return x if dtype is None or dtype_of(x) == np.dtype(dtype) else astype(x, dtype)


# ---- along one axis --------------------------------------------------------------------------------


def backwards(x: Value, axis: int) -> Value:
    """Return `x` in reverse order along an axis (not negative)."""
    return x[(slice(None),) * axis + (slice(None, None, -1),)]


def delayed(x: Value, axis: int, first: float) -> Value:
    """Return `x` moved on by one along an axis (not negative): `first` enters, the last entry leaves."""
    shape = shape_of(x)
    if shape[axis] == 0:
        return x
    start = np.full((*shape[:axis], 1, *shape[axis + 1 :]), first, dtype_of(x))
    return np.concatenate([start, x[(slice(None),) * axis + (slice(None, -1),)]], axis=axis)


def as_one_axis(x: Value, axis: Any) -> tuple[Value, int]:
    """Return `x` and an axis of it, flat along axis 0 where `axis` is None or `x` is a number."""
    shape = shape_of(x)
    if axis is None or not shape:
        return np.reshape(x, (math.prod(shape),)), 0
    return x, operator.index(axis) % len(shape)


# ---- the axes of products --------------------------------------------------------------------------


def with_axes(ufunc: np.ufunc, x1: Value, x2: Value, axes: Sequence[Any]) -> Value:
    """Call a product with `axes=`: the axes along which the operands and the answer have their vectors."""
    places = [(k,) if isinstance(k, (int, np.integer)) else tuple(k) for k in axes]
    first, second = (np.moveaxis(x, at, tuple(range(-len(at), 0))) for x, at in zip((x1, x2), places[:2], strict=True))
    answer = ufunc(first, second)
    if len(places) == 3:
        return np.moveaxis(answer, tuple(range(-len(places[2]), 0)), places[2])
    if ufunc.signature != "(n),(n)->()":
        raise ValueError(f"{ufunc.__name__}: axes= needs a third entry, for the result.")
    return answer
