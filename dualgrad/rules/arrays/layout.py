"""How a value lies in memory, where NumPy's answer depends on it: the orders 'A' and 'K'."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from dualgrad._table.space import Function, Value, dtype_of, shape_of
from dualgrad._trace.level import decide
from dualgrad.errors import ConversionError


def index_order(a: Value, order: Any) -> Any:
    """Return order A as C or F, by the layout of `a`; other orders as they are, for NumPy to judge."""
    if order is None:
        return "C"
    if order not in ("A", "a"):
        return order.upper()
    return "F" if decide(functools.partial(_lies_in_fortran_order, shape_of(a), dtype_of(a)), a) else "C"


def _lies_in_fortran_order(shape: tuple[int, ...], dtype: Any, found: Any) -> bool:
    flags = getattr(in_memory(found, shape, dtype), "flags", None)
    return flags is not None and bool(flags.fnc)


def complain_of(a: Value, fun: Function, *args: Any, **kwargs: Any) -> None:
    """Raise NumPy's own complaint about a call of a function of layouts, if it has one."""
    decide(functools.partial(_runs, fun, args, kwargs, shape_of(a), dtype_of(a)), a)


def _runs(
    fun: Function, args: tuple[Any, ...], kwargs: dict[str, Any], shape: tuple[int, ...], dtype: Any, found: Any
) -> bool:
    return fun(in_memory(found, shape, dtype), *args, **kwargs) is not None


def in_memory(found: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return the array that holds a value's numbers, or those of one member of a batch, from that below all levels.

    Raises ConversionError where a batch lies in an order of its own.
    """
    batches = len(shape_of(found)) - len(shape)
    if batches == 0:
        return found
    if len(shape) < 2 or 0 in shape_of(found) or type(found) is not np.ndarray:
        return np.empty(shape, dtype)
    if any(0 < n < max(found.strides[batches:]) for n in found.strides[:batches]):
        raise ConversionError(
            "The order 'K' or 'A' of a value under vmap: how its numbers lie in memory was chosen for the batch, and NumPy's choice for "
            "one member is not known. Write order='C' or order='F'."
        )
    return found[(0,) * batches]


def memory_axes(a: Value) -> tuple[int, ...]:
    """Return the axes of `a` in the order in which NumPy walks through its memory, the slowest first."""
    return decide(functools.partial(_slowest_first, shape_of(a), dtype_of(a)), a)


def _slowest_first(shape: tuple[int, ...], dtype: Any, found: Any) -> tuple[int, ...]:
    # What an iterator in order K allocates lies in the order of its walk, zero and negative strides included.
    walk = np.nditer([in_memory(found, shape, dtype), None], ["zerosize_ok"], order="K")
    strides = [abs(n) for n in walk.operands[1].strides]
    return tuple(sorted(range(len(strides)), key=strides.__getitem__, reverse=True))
