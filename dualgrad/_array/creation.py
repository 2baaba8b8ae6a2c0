"""Functions that make arrays, and take values being differentiated: the bodies of `dualgrad.numpy` and of `like=` (NEP 35)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np

from dualgrad._array.dispatch import call
from dualgrad._array.gather import array_of, gather, holds_tracer
from dualgrad._array.layout import in_order
from dualgrad._array.places import is_array
from dualgrad._array.views import mark
from dualgrad._table.functions import astype
from dualgrad._table.space import Function, Value, dtype_of, shape_of
from dualgrad._trace.level import Tracer, deepest

# A traced value has no memory layout of its own, no subclass, and lives where the arrays below it live.
_REQUIREMENTS = {
    "C_CONTIGUOUS": "C",
    "CONTIGUOUS": "C",
    "F_CONTIGUOUS": "F",
    "FORTRAN": "F",
    "OWNDATA": "O",
}
_OF_MEMORY = frozenset(("device", "like", "order", "requirements", "subok"))


def array(object: Any, dtype: Any = None, *, copy: bool | None = True, ndmin: int = 0, **kwargs: Any) -> Value:
    """Return an array like `numpy.array`; nested lists may hold values being differentiated."""
    if not _is_traced(object):
        return np.array(object, dtype, copy=copy, ndmin=ndmin, **kwargs)
    _refuse_others("array", kwargs)
    found = gather(object) if isinstance(object, np.ndarray) else array_of(object)
    if dtype is not None and np.dtype(dtype) != dtype_of(found):
        found = astype(found, dtype)
        mark(found)
    elif found is object:
        # A scalar is no array yet.
        found = np.copy(found) if copy or not is_array(found) else in_order(found, *_layout(kwargs))
    if copy is False and found is not object:
        raise ValueError("Unable to avoid copy while creating an array as requested (copy=False).")
    extra = ndmin - len(shape_of(found))
    return np.reshape(found, (1,) * extra + shape_of(found)) if extra > 0 else found


def _layout(kwargs: dict[str, Any]) -> tuple[Any, bool]:
    """Return the order in memory that a call asks for, and whether the array must own its memory."""
    wanted = kwargs.get("requirements")
    letters = [str(one).upper() for one in (wanted or ())]
    names = {_REQUIREMENTS.get(one, one) for one in letters}
    return "F" if "F" in names else "C" if "C" in names else kwargs.get("order"), "O" in names


def _refuse_others(title: str, kwargs: dict[str, Any]) -> None:
    if others := kwargs.keys() - _OF_MEMORY:
        raise TypeError(f"{title} of a value being differentiated does not take {', '.join(sorted(others))}=.")


def _is_traced(object: Any) -> bool:
    if isinstance(object, np.ndarray):
        return object.dtype.hasobject and any(isinstance(x, Tracer) for x in object.ravel().tolist())
    return holds_tracer(object)


def asarray(a: Any, dtype: Any = None, order: Any = None, *, copy: bool | None = None, **kwargs: Any) -> Value:
    """Return an array like `numpy.asarray`; nested lists may hold values being differentiated."""
    if _is_traced(a):
        return array(a, dtype, copy=copy, order=order, **kwargs)
    return np.asarray(a, dtype, order, **_given(copy), **kwargs)


def asanyarray(a: Any, dtype: Any = None, order: Any = None, *, copy: bool | None = None, **kwargs: Any) -> Value:
    """Return an array like `numpy.asanyarray`; nested lists may hold values being differentiated."""
    if _is_traced(a):
        return array(a, dtype, copy=copy, order=order, **kwargs)
    return np.asanyarray(a, dtype, order, **_given(copy), **kwargs)


def _given(copy: bool | None) -> dict[str, Any]:
    # NumPy 2.0 knows no copy= in some of these functions.
    return {} if copy is None else {"copy": copy}


def ascontiguousarray(a: Any, dtype: Any = None, **kwargs: Any) -> Value:
    """Return an array of at least one dimension; a copy of a traced one where NumPy would copy."""
    return (
        array(a, dtype, copy=None, ndmin=1, order="C", **kwargs)
        if _is_traced(a)
        else np.ascontiguousarray(a, dtype, **kwargs)
    )


def asfortranarray(a: Any, dtype: Any = None, **kwargs: Any) -> Value:
    """Return an array of at least one dimension; a copy of a traced one where NumPy would copy."""
    return (
        array(a, dtype, copy=None, ndmin=1, order="F", **kwargs)
        if _is_traced(a)
        else np.asfortranarray(a, dtype, **kwargs)
    )


def require(a: Any, dtype: Any = None, requirements: Any = None, **kwargs: Any) -> Value:
    """Return an array like `numpy.require`; a copy of a traced one where NumPy would copy."""
    return (
        array(a, dtype, copy=None, requirements=requirements, **kwargs)
        if _is_traced(a)
        else np.require(a, dtype, requirements, **kwargs)
    )


def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", **kwargs: Any) -> Value:
    """Return an array like `numpy.full`; the value that fills it may be differentiated."""
    if not _is_traced(fill_value):
        return np.full(shape, fill_value, dtype, order, **kwargs)
    _refuse_others("full", kwargs)
    return np.copy(np.broadcast_to(array(fill_value, dtype), shape))


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, **kwargs: Any) -> Value:
    """Return evenly spaced values like `numpy.arange`; start and step may be differentiated (how many there are may not)."""
    if deepest((start, stop, step)) is None:
        numpys: Function = np.arange
        return (
            numpys(start, dtype=dtype, **kwargs) if stop is None else numpys(start, stop, step, dtype=dtype, **kwargs)
        )
    _refuse_others("arange", kwargs)
    if stop is None:
        start, stop = 0, start
    kind = np.arange(*[_one_like(x) for x in (start, stop, step)]).dtype if dtype is None else np.dtype(dtype)
    count = max(0, int(np.ceil((stop - start) / step)))
    found = start + step * np.arange(count)
    return found if dtype_of(found) == kind else astype(found, kind)


def _one_like(x: Value) -> Any:
    return dtype_of(x).type(1) if isinstance(x, Tracer) else type(x)(1)


def fromiter(iter: Iterable[Any], dtype: Any, count: int = -1, **kwargs: Any) -> Value:
    """Return an array like `numpy.fromiter`; the iterable may yield values being differentiated."""
    items = list(iter if count < 0 else itertools.islice(iter, count))
    if not holds_tracer(items):
        return np.fromiter(items, dtype, count, **kwargs)
    _refuse_others("fromiter", kwargs)
    if len(items) < count:
        raise ValueError(f"iterator too short: Expected {count} but iterator had only {len(items)} items.")
    return array(items, dtype)


def make_diagonal(D: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
    """Return zeros but for `D` on a diagonal: what `np.diagonal(result, offset, axis1, axis2)` undoes. NumPy has none of this name.

    >>> make_diagonal([[1, 2], [3, 4]], axis1=-2, axis2=-1)[1]
    array([[3, 0],
           [0, 4]])
    """
    diagonals = asarray(D)
    *batch, count = shape_of(diagonals)
    size = count + abs(offset)
    found = np.zeros_like(diagonals, shape=(*batch, size, size))
    k = np.arange(count)
    found[..., k + max(-offset, 0), k + max(offset, 0)] = diagonals
    return np.moveaxis(found, (-2, -1), (axis1, axis2))


def take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: Any = "raise") -> Value:
    """Return numbers of an array like `numpy.take`; under `vmap` the indices may be a batch where the array is none."""
    if deepest((indices,)) is None:
        return np.take(a, indices, axis, out, mode)
    return call(np.take, a if isinstance(a, Tracer) else array(a), indices, axis, out, mode=mode)


def isscalar(element: Any) -> bool:
    """Tell whether something is a scalar; a value being differentiated is one where its shape is ()."""
    return shape_of(element) == () if isinstance(element, Tracer) else bool(np.isscalar(element))
