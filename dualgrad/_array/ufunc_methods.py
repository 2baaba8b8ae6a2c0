"""Ufunc calls with keywords, and ufunc methods: `reduce`, `accumulate`, `reduceat`, `outer` and `at`.

Each is said in terms of functions that have rules. Nothing is ignored: a keyword that cannot be honoured raises.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from dualgrad._array.dispatch import call, call_function, call_ufunc, write_out
from dualgrad._array.gather import as_operand
from dualgrad._array.selection import select
from dualgrad._array.views import assign, check_kind
from dualgrad._table.facets import ACCUMULATES, REDUCES
from dualgrad._table.functions import astype, getitem, set_item
from dualgrad._table.record import RECORDS, Constant, Primitive
from dualgrad._table.space import Value, is_inexact, shape_of
from dualgrad._trace.level import Tracer, deepest, seen_anywhere
from dualgrad.errors import ConversionError, NoRuleError

# Keywords that say how NumPy computes a value, not which value it is.
_IMMATERIAL = ("casting", "order", "subok")


def call_ufunc_method(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
    """Say what a ufunc call with keywords, or a ufunc method, means."""
    kwargs = {name: value for name, value in kwargs.items() if name not in _IMMATERIAL}
    title = f"{ufunc.__name__}.{method}"
    match method:
        case "__call__":
            return _call(ufunc, inputs, **kwargs)
        case "reduce":
            return _reduce(ufunc, *inputs, **kwargs)
        case "accumulate":
            return _accumulate(ufunc, *inputs, **kwargs)
        case "outer":
            return _outer(ufunc, *inputs, **kwargs)
        case "reduceat":
            return _reduceat(ufunc, *inputs, **kwargs)
        case "at":
            return _at(ufunc, *inputs)
    raise NoRuleError(f"numpy.{title} is not differentiated.")


def _call(
    ufunc: np.ufunc,
    inputs: tuple[Any, ...],
    out: Any = None,
    where: Any = True,
    dtype: Any = None,
    **unknown: Any,
) -> Value:
    if dtype is not None:
        inputs = tuple(
            [astype(x, dtype) if is_inexact(x) or not isinstance(x, Tracer) else x for x in map(as_operand, inputs)]
        )
    if unknown:
        if type(RECORDS.get(ufunc)) is not Constant and not _is_gufunc(ufunc):
            raise NoRuleError(
                f"numpy.{ufunc.__name__} is not differentiated with {', '.join(f'{k}=' for k in unknown)}."
            )
        answer = call_function(ufunc, inputs, unknown)
    else:
        answer = call_ufunc(ufunc, inputs)
    if out is not None and not any(x is not None for x in out):
        out = None
    if where is not True:
        if out is None or len(out) != 1:
            raise NoRuleError(
                f"numpy.{ufunc.__name__}(..., where=mask) without out= leaves numbers undefined where the mask is False. "
                "Write np.where(mask, f(x), other)."
            )
        answer = call(np.where, where, answer, out[0])
    return answer if out is None else write_out(ufunc, out, answer)


def _is_gufunc(ufunc: np.ufunc) -> bool:
    return ufunc.signature is not None


def _reduce(
    ufunc: np.ufunc,
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    **kwargs: Any,
) -> Value:
    if dtype is not None:
        kwargs["dtype"] = dtype
    if (reduction := REDUCES.of(RECORDS.get(ufunc))) is not None:
        answer = call(reduction, as_operand(a), axis=axis, keepdims=keepdims, **kwargs)
    else:
        answer = _fold(ufunc, as_operand(a), axis, keepdims, **kwargs)
    return answer if out is None or out == (None,) else write_out(ufunc, out, answer)


def _fold(ufunc: np.ufunc, a: Value, axis: Any, keepdims: bool, dtype: Any = None, **kwargs: Any) -> Value:
    if "initial" in kwargs or kwargs.get("where", True) is not True:
        raise NoRuleError(f"numpy.{ufunc.__name__}.reduce is not differentiated with initial= or where=.")
    if dtype is not None:
        a = astype(a, dtype)
    ndim = len(shape_of(a))
    axes = sorted(_reduced_axes(axis, ndim), reverse=True)
    if len(axes) > 1:
        # NumPy's own complaint, where the order of axes would matter.
        ufunc.reduce(np.ones((1,) * ndim), axis=tuple(axes))
    for k in axes:
        slices = [a[(slice(None),) * k + (i,)] for i in range(shape_of(a)[k])]
        if not slices:
            a = call(np.expand_dims, ufunc.reduce(np.empty(shape_of(a)), axis=k), k)
            continue
        total = slices[0]
        for x in slices[1:]:
            total = ufunc(total, x)
        a = call(np.expand_dims, total, k)
    return a if keepdims or not axes else call(np.squeeze, a, axis=tuple(axes))


def _reduced_axes(axis: Any, ndim: int) -> Sequence[int]:
    """Return the axes of a reduction; AxisError where there are none such."""
    if axis is None:
        return range(ndim)
    if ndim == 0 and isinstance(axis, (int, np.integer)) and axis in (0, -1):
        # NumPy lets a number have these.
        return ()
    return normalize_axis_tuple(axis, ndim)


def _axis_of(ufunc: np.ufunc, method: str, axis: Any, a: Value) -> int:
    if not shape_of(a):
        raise TypeError(f"numpy.{ufunc.__name__}.{method} takes an array with axes; it got a number.")
    return normalize_axis_index(operator.index(axis), len(shape_of(a)))


def _accumulate(ufunc: np.ufunc, a: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Value:
    a = as_operand(a)
    if dtype is not None:
        a = astype(a, dtype)
    if (accumulation := ACCUMULATES.of(RECORDS.get(ufunc))) is not None:
        answer = call(accumulation, a, axis=axis)
    else:
        k = _axis_of(ufunc, "accumulate", axis, a)
        slices = [a[(slice(None),) * k + (i,)] for i in range(shape_of(a)[k])]
        for i in range(1, len(slices)):
            slices[i] = ufunc(slices[i - 1], slices[i])
        answer = call(np.stack, slices, axis=k) if slices else a
    return answer if out is None or out == (None,) else write_out(ufunc, out, answer)


def _outer(ufunc: np.ufunc, a: Any, b: Any, **kwargs: Any) -> Value:
    a, b = as_operand(a), as_operand(b)
    return ufunc(call(np.reshape, a, shape_of(a) + (1,) * len(shape_of(b))), b, **kwargs)


def _reduceat(ufunc: np.ufunc, a: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Value:
    a = as_operand(a)
    k = _axis_of(ufunc, "reduceat", axis, a)
    starts = [int(i) for i in np.asarray(indices)]
    ends = [*starts[1:], shape_of(a)[k]]
    before = (slice(None),) * k
    parts = [
        ufunc.reduce(a[(*before, slice(i, j))], axis=k, dtype=dtype) if i < j else a[(*before, i)]
        for i, j in zip(starts, ends, strict=True)
    ]
    answer = call(np.stack, parts, axis=k)
    return answer if out is None or out == (None,) else write_out(ufunc, out, answer)


def _at(ufunc: np.ufunc, a: Any, indices: Any, b: Any = None) -> None:
    if not isinstance(a, Tracer):
        raise ConversionError(
            f"numpy.{ufunc.__name__}.at would write a value being differentiated into a plain array, which cannot hold its "
            "derivative. Make the array like a traced one, np.zeros_like(x)."
        )
    if deepest((indices,)) is not None:
        _at_places_of_members(ufunc, a, indices, b)
        return
    # Element by element, as NumPy defines it: an index that occurs twice is updated twice.
    places = np.arange(a.size).reshape(a.shape)[indices]  # type: ignore[attr-defined]
    flat = np.ravel(places)
    # A copy: what is added may be a slice of what it is added to.
    values = [None] * len(flat) if b is None else call(np.broadcast_to, as_operand(b) + 0, np.shape(places)).ravel()
    elements: dict[int, Value] = {}
    source = call(np.ravel, call(np.copy, a))
    for k, value in zip(flat.tolist(), values, strict=True):
        old = elements[k] if k in elements else getitem(source, k)
        elements[k] = ufunc(old) if value is None else ufunc(old, value)
    if elements:
        order = np.array(list(elements))
        keep = np.setdiff1d(np.arange(source.size), order)
        joined = call(np.concatenate, [call(np.stack, list(elements.values())), getitem(source, keep)])
        place = np.argsort(np.concatenate([order, keep]))
        assign(a, call(np.reshape, getitem(joined, place), a.shape), f"numpy.{ufunc.__name__}.at")  # type: ignore[attr-defined]


def _at_places_of_members(ufunc: np.ufunc, a: Any, indices: Any, b: Any) -> None:
    """Do what `ufunc.at` does where the places differ between the members of a batch."""
    title = f"numpy.{ufunc.__name__}.at"
    if (selection := select(a, indices)) is not None:
        # A mask names no place twice.
        a[indices] = ufunc(selection) if b is None else ufunc(selection, as_operand(b))
        return
    places = call(getitem, np.arange(a.size).reshape(a.shape), indices)
    flat, source = call(np.ravel, places), call(np.ravel, call(np.copy, a))
    values = None if b is None else call(np.ravel, call(np.broadcast_to, as_operand(b) + 0, shape_of(places)))
    if ufunc is np.add or ufunc is np.subtract:
        added = _scattered(values, source, flat)
        answer = call(ufunc, source, added)
    elif seen_anywhere(_repeats(flat)):
        answer = source
        for k in range(shape_of(flat)[0]):
            answer = _updated(ufunc, answer, flat[k], None if values is None else values[k], title)
    else:
        answer = _updated(ufunc, source, flat, values, title)
    assign(a, call(np.reshape, answer, a.shape), title)


def _updated(ufunc: np.ufunc, a: Value, places: Value, values: Value, title: str) -> Value:
    old = call(getitem, a, places)
    new = ufunc(old) if values is None else ufunc(old, values)
    check_kind(new, a, title)
    return call(set_item, new, a, places)


def _scattered(values: Value, a: Value, places: Value) -> Value:
    """Return zeros like `a` with values added at places: the transpose of indexing, which its record knows."""
    record = RECORDS[getitem]
    assert isinstance(record, Primitive)
    assert record.pulls is not None
    pull = record.pulls[0]
    assert pull is not None
    operands, params, _ = record.normalise((a, places), {})
    return pull.function(values, *pull.select(None, *operands), **params)


def _repeats(places: Value) -> Value:
    ordered = call(np.sort, places)
    return ordered[1:] == ordered[:-1]
