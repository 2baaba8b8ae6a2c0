"""Functions that NumPy has only as methods or operators, or not at all; the table keys their records by these names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._table.foreign import StandIn, any_foreign, is_foreign
from dualgrad._table.index import join_index
from dualgrad._table.space import Function, Value


def getitem(a: Value, index: Any) -> Value:
    """Return `a[index]`."""
    return a[index]


def astype(a: Value, dtype: Any) -> Value:
    """Return a copy of `a` in another dtype."""
    return a.astype(dtype) if hasattr(a, "astype") else np.dtype(dtype).type(a)


def overridable(fun: Function) -> Function:
    """Return `fun` with NEP 18's protocol: a traced argument, or an array of a subclass, says what the call means.

    So functions that are not NumPy's take part as NumPy's do, and need to know nothing of traced arrays. Of arrays of
    other libraries, which do not know them, they are functions like any other.
    """

    if not callable(fun):
        raise TypeError(
            f"extend.overridable takes a function as its first argument; it got a {type(fun).__name__}, which cannot be called. "
            "Write @extend.overridable above the function."
        )

    @functools.wraps(fun)
    def overridden(*args: Any, **kwargs: Any) -> Any:
        for x in args:
            kind = type(x)
            if kind is np.ndarray:
                continue
            if hasattr(x, "_level") or (
                isinstance(x, np.ndarray) and kind.__array_function__ is not np.ndarray.__array_function__
            ):
                answer = x.__array_function__(overridden, (kind,), args, kwargs)
            elif isinstance(x, StandIn):
                answer = x.known(overridden, args, kwargs)
            else:
                continue
            if answer is not NotImplemented:
                return answer
        return fun(*args, **kwargs)

    # What `super().__array_function__` of a subclass of ndarray calls.
    overridden._implementation = fun  # type: ignore[attr-defined]
    return overridden


def own_body(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return the body of an overridable function, in functions of the table."""
    body: Callable[..., Any] = fun.__wrapped__  # type: ignore[attr-defined]
    return body


@overridable
def set_item(value: Value, a: Value, *arrays: Value, index: Any) -> Value:
    """Return a copy of `a` with `value` at an index, given as its static part and its arrays."""
    found = a.copy() if is_foreign(a) else np.array(a)
    found[join_index(index, arrays)] = value
    return found


@overridable
def pack(*numbers: Value, shape: tuple[int, ...]) -> Value:
    """Return numbers, in C order, as one array of a shape."""
    found = np.stack(numbers) if any_foreign(numbers) else np.array(numbers)
    return found.reshape(shape)


@overridable
def constant_astype(a: Value, dtype: Any) -> Value:
    """Return `a` in another dtype; in the table it has no derivative."""
    return astype(a, dtype)


@overridable
def as_constant(x: Value) -> Value:
    """Return `x`; in the table it has no derivative. An array is copied: what a tape keeps must not be written to."""
    return x.copy() if isinstance(x, np.ndarray) else x
