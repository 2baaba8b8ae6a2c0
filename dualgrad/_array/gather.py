"""Object arrays of traced scalars: what `np.array([x[0] * x[1], 1.0])` makes, gathered into one traced array.

NumPy builds these without asking, so the first dualgrad operation that meets one, or the return from the user's function,
gathers it. Arithmetic before that works elementwise, through the operators and methods of the elements.
"""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np

from dualgrad._array.selection import Selection, refuse
from dualgrad._table.functions import as_constant, pack
from dualgrad._table.space import Value, base_class, is_inexact, shape_of
from dualgrad._trace.level import Tracer

SEQUENCES = (range, array, memoryview)
"""What NumPy reads as arrays, beside lists and tuples."""


def as_operand(x: Any) -> Value:
    """Return an argument as something a primitive takes: lists become arrays, object arrays of tracers are gathered."""
    if type(x) is np.ndarray:
        return gather(x) if x.dtype.hasobject else x
    if isinstance(x, (list, tuple)):
        return array_of(x)
    if isinstance(x, SEQUENCES):
        return np.asarray(x)
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            "A masked array met a value being differentiated; its mask would have been lost. "
            "Pass x.filled(...) or select with np.where(mask, ..., ...)."
        )
    if isinstance(x, np.matrix):
        raise TypeError(
            "A np.matrix met a value being differentiated; its own rules of multiplication would be lost. "
            "Pass np.asarray(m), and multiply with @."
        )
    if isinstance(x, np.ndarray):
        return base_class(x)
    kind = type(x)
    if hasattr(kind, "__array_function__") or isinstance(x, np.generic):
        return x
    if kind is Selection:
        refuse("a function that does not act on it number by number")
    if hasattr(kind, "__array_ufunc__") or hasattr(x, "dtype"):
        raise TypeError(
            f"A {kind.__module__}.{kind.__name__} met a value being differentiated. It does not speak NumPy's protocols (NEP 18), "
            "and its labels, or whatever else it knows, would be lost. Pass x.to_numpy() or np.asarray(x)."
        )
    return np.asarray(x) if hasattr(kind, "__array__") else x


def as_data(x: Any) -> Value:
    """Return an argument that is data to a rule (indices, a mask): an array, or a batch of arrays."""
    found = as_constant(as_operand(x))
    return found if isinstance(found, Tracer) else np.asanyarray(found)


def array_of(nested: Any) -> Value:
    """Return nested lists of numbers and traced values as one array."""
    if isinstance(nested, Tracer):
        return nested
    if not holds_tracer(nested):
        found = np.asarray(nested)
        return gather(found) if found.dtype.hasobject else found
    return np.stack([array_of(x) for x in nested])


def holds_tracer(nested: Any) -> bool:
    """Tell whether a tracer hides in nested lists and tuples."""
    if isinstance(nested, (list, tuple)):
        return any(holds_tracer(x) for x in nested)
    return isinstance(nested, Tracer)


def gather(objects: np.ndarray[Any, Any]) -> Value:
    """Return an object array of traced and plain scalars as one traced array; other object arrays come back as they are."""
    elements = objects.ravel().tolist()
    if not any(isinstance(x, Tracer) for x in elements):
        if elements and all(isinstance(x, (int, float, complex)) for x in elements):
            return np.array(elements).reshape(objects.shape)
        return objects
    for x in elements:
        if not (is_inexact(x) or isinstance(x, (int, np.integer))):
            raise TypeError(
                f"An object array mixes values being differentiated with a {type(x).__name__}. "
                "Keep numbers in arrays and everything else in lists or dicts."
            )
    if any([shape_of(x) for x in elements]):
        return np.reshape(np.stack(elements), objects.shape)
    return pack(*elements, shape=objects.shape)
