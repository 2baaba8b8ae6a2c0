"""Arrays made longer or shorter: insert, delete, resize, trim_zeros."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from dualgrad._array.gather import as_data, as_operand
from dualgrad._table.facts import ARRAY, AS_BODY
from dualgrad._table.functions import astype
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import Tracer
from dualgrad.errors import ConversionError
from dualgrad.rules.agreement import agreed
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite


def _positions(obj: Any, title: str) -> Any:
    """Return which positions a call names, as NumPy takes them."""
    if isinstance(obj, (slice, int, np.integer)):
        return obj
    found = as_data(obj)
    if isinstance(found, Tracer):
        raise ConversionError(
            f"{title} under vmap, at positions that differ between the members of the batch. "
            "Choose with np.where or np.take_along_axis, or loop over the members."
        )
    return found if found.size or hasattr(obj, "dtype") else found.astype(np.intp)


def _one_axis(a: Value, axis: Any) -> tuple[Value, int]:
    """Return an array and one of its axes, or the flat array where that is None."""
    if axis is None:
        return (a, 0) if len(shape_of(a)) == 1 else (np.ravel(a), 0)
    ndim = len(shape_of(a))
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return a, axis % ndim


# ---- delete ----------------------------------------------------------------------------------------


def _delete(arr: Value, obj: Any, axis: Any = None) -> Value:
    a, axis = _one_axis(as_operand(arr), axis)
    kept = np.delete(np.arange(shape_of(a)[axis]), _positions(obj, "numpy.delete"))
    return a[(*(slice(None),) * axis, kept)]


composite(
    np.delete,
    _delete,
    samples=cases(
        case(A(4), 1),
        case(A(2, 3), -2),
        case(A(2, 3), [0, 2], 1),
        case(A(4, 2), slice(None, None, 2), axis=0),
        case(A(3), np.array([True, False, True])),
        case(A(3), []),
        case(A(), slice(0, 1)),
        case(A(2, 3, is_complex=True), np.array([1]), axis=-1),
    ),
)

# ---- insert ----------------------------------------------------------------------------------------

# NumPy inserts numbers that name places; then every number is fetched from its place.


def _insert(arr: Value, obj: Any, values: Value, axis: Any = None) -> Value:
    a, axis = _one_axis(as_operand(arr), axis)
    values = as_operand(values)
    values = values if hasattr(values, "dtype") else np.asarray(values)
    if dtype_of(values).kind == "c" and dtype_of(a).kind != "c":
        raise TypeError("numpy.insert: complex values do not fit into a real array; write arr.astype(complex).")
    old = np.arange(_size(a)).reshape(shape_of(a))
    new = np.arange(_size(values)).reshape(shape_of(values)) + _size(a)
    places = np.insert(old, _positions(obj, "numpy.insert"), new, axis)
    values = values if dtype_of(values) == dtype_of(a) else astype(values, dtype_of(a))
    return np.concatenate([np.ravel(a), np.ravel(values)])[places]


def _size(x: Value) -> int:
    size = 1
    for n in shape_of(x):
        size *= n
    return size


composite(
    np.insert,
    _insert,
    samples=cases(
        case(A(4), 1, A()),
        case(A(4), [1, 1, -1], A(3)),
        case(A(2, 3), 4, A(2)),
        case(A(2, 3), 1, A(2), axis=1),
        case(A(2, 3), [0, 2], A(2, 2), 1),
        case(A(2, 3), [1], A(3), axis=0),
        case(A(3), slice(0, 3, 2), A(2)),
        case(A(3), [], A()),
        case(A(2, is_complex=True), 0, A()),
    ),
)

# ---- resize ----------------------------------------------------------------------------------------


def _resize(a: Value, new_shape: Any) -> Value:
    shape = tuple([operator.index(n) for n in (new_shape if np.iterable(new_shape) else (new_shape,))])
    if any(n < 0 for n in shape):
        raise ValueError("all elements of `new_shape` must be non-negative")
    a = np.ravel(as_operand(a))
    count, size = _size(a), int(np.prod(shape, dtype=int))
    if count == 0 or size == 0:
        return np.zeros(shape, dtype_of(a))
    rounds = -(-size // count)
    return np.reshape(np.ravel(np.broadcast_to(a, (rounds, count)))[:size], shape)


composite(
    np.resize,
    _resize,
    samples=cases(
        case(A(2, 3), (2, 2)),
        case(A(2, 3), (3, 5)),
        case(A(3), 7),
        case(A(), (2,)),
        case(A(0), (2, 2)),
        case(A(3), new_shape=()),
        case(A(2), 0),
    ),
    facts=ARRAY,
)

# ---- trim_zeros ------------------------------------------------------------------------------------


def _trim_zeros(filt: Value, trim: str = "fb", axis: Any = None) -> Value:
    a = as_operand(filt)
    ends = str(trim).lower()
    if ends not in ("fb", "bf", "f", "b"):
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    ndim = len(shape_of(a))
    axes = range(ndim) if axis is None else axis if np.iterable(axis) else (axis,)
    chosen = {_one_axis(a, k)[1] for k in axes}
    if not chosen:
        return a
    box = agreed(_box_of_nonzeros, a, "numpy.trim_zeros leaves out zeros at the ends")
    return a[
        tuple(
            [
                slice(start if "f" in ends or empty else None, stop if "b" in ends or empty else None)
                if k in chosen
                else slice(None)
                for k, (start, stop, empty) in enumerate(box)
            ]
        )
    ]


def _box_of_nonzeros(numbers: np.ndarray[Any, Any]) -> tuple[tuple[int, int, bool], ...]:
    """Return, for each axis, between which places all numbers lie that are not zero, and whether there are none."""
    places = np.argwhere(numbers)
    if len(places) == 0:
        return ((0, 0, True),) * numbers.ndim
    starts, stops = places.min(axis=0), places.max(axis=0) + 1
    return tuple([(int(a), int(b), False) for a, b in zip(starts, stops, strict=True)])


composite(np.trim_zeros, _trim_zeros, samples=cases(case(A(3)), case(A(3), "f"), case(A(3), trim="b")), facts=AS_BODY)
