"""Numerical differentiation and integration of samples: np.gradient and np.trapezoid, by the values and by the spacing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._table.structure import axes_of
from dualgrad.rules.axes import in_dtype
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite

# ---- gradient --------------------------------------------------------------------------------------

# Inside, the parabola through three neighbours, whose distances are h and k:
#     f' = -k f0 / (h (h + k)) + (k - h) f1 / (h k) + h f2 / (k (h + k))
# At the ends the line through two points, or the parabola again, at its outer points.


def _gradient(f: Value, *varargs: Value, axis: Any = None, edge_order: int = 1) -> Value:
    f = as_operand(f)
    if dtype_of(f).kind not in "fc":
        f = in_dtype(f, np.float64)
    shape = shape_of(f)
    axes = _gradient_axes(len(shape), axis)
    if edge_order not in (1, 2):
        raise ValueError("'edge_order' greater than 2 not supported")
    spacings = _spacings(f, varargs, axes)
    found = [in_dtype(_gradient_along(f, h, k, edge_order), dtype_of(f)) for k, h in zip(axes, spacings, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _gradient_axes(ndim: int, axis: Any) -> tuple[int, ...]:
    axes = range(ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    for k in axes:
        if not -ndim <= k < ndim:
            raise np.exceptions.AxisError(k, ndim)
    found = tuple([range(ndim)[k] for k in axes])
    if len(set(found)) != len(found):
        raise ValueError("repeated axis")
    return found


def _spacings(f: Value, given: Sequence[Value], axes: tuple[int, ...]) -> list[Value]:
    """Return the spacing along each axis: a number, or the distances between neighbours."""
    values = [as_operand(x) for x in given]
    if not values:
        return [1.0] * len(axes)
    if len(values) == 1 and shape_of(values[0]) == ():
        return values * len(axes)
    if len(values) != len(axes):
        raise TypeError("invalid number of arguments")
    return [_spacing(f, x, k) for x, k in zip(values, axes, strict=True)]


def _spacing(f: Value, x: Value, axis: int) -> Value:
    shape = shape_of(x)
    if shape == ():
        return x
    if len(shape) != 1:
        raise ValueError("distances must be either scalars or 1d")
    if shape[0] != shape_of(f)[axis]:
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    return np.diff(x if dtype_of(x).kind in "fc" else in_dtype(x, np.float64))


def _gradient_along(f: Value, h: Value, axis: int, edge_order: int) -> Value:
    shape = shape_of(f)
    if shape[axis] < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) elements are required."
        )

    def at(start: Any, stop: Any) -> Value:
        return f[(slice(None),) * axis + (slice(start, stop),)]

    first, last = (at(0, 1), at(1, 2), at(2, 3)), (at(-1, None), at(-2, -1), at(-3, -2))
    if shape_of(h) == ():
        inner = (at(2, None) - at(None, -2)) / (2.0 * h)
        ends = (h, h), (-h, -h)
    else:
        h = np.reshape(h, [-1 if k == axis else 1 for k in range(len(shape))])
        steps = h[(slice(None),) * axis + (slice(None, -1),)], h[(slice(None),) * axis + (slice(1, None),)]
        inner = _through_parabola(at(None, -2), at(1, -1), at(2, None), *steps)
        near = [h[(slice(None),) * axis + (slice(k, k + 1 or None),)] for k in (0, -1)]
        # The second distance is only there if the parabola needs it.
        next_ones = [h[(slice(None),) * axis + (s,)] for s in (slice(1, 2), slice(-2, -1))]
        ends = (near[0], next_ones[0]), (-near[1], -next_ones[1])
    parts = [_at_end(first, *ends[0], edge_order), inner, _at_end(last, *ends[1], edge_order)]
    return np.concatenate([in_dtype(x, np.result_type(*parts)) for x in parts], axis=axis)


def _through_parabola(f0: Value, f1: Value, f2: Value, h: Value, k: Value) -> Value:
    return -k / (h * (h + k)) * f0 + (k - h) / (h * k) * f1 + h / (k * (h + k)) * f2


def _at_end(f: tuple[Value, Value, Value], h: Value, k: Value, edge_order: int) -> Value:
    """Return the derivative at the first of three points; the distances to the next are signed."""
    if edge_order == 1:
        return (f[1] - f[0]) / h
    return -(2.0 * h + k) / (h * (h + k)) * f[0] + (h + k) / (h * k) * f[1] - h / (k * (h + k)) * f[2]


_UNEVEN = np.array([0.0, 0.4, 1.0, 1.1, 1.7])

composite(
    np.gradient,
    _gradient,
    samples=cases(
        case(A(5)),
        case(A(2)),
        case(A(3), edge_order=2),
        case(A(5), A(low=0.5)),
        case(A(5), _UNEVEN),
        case(A(5), _UNEVEN, edge_order=2),
        case(A(2), np.array([0.5, 0.9])),
        case(A(3, 4)),
        case(A(3, 4), 0.5, A(low=0.5), edge_order=2),
        case(A(3, 5), 0.5, _UNEVEN),
        case(A(3, 5), _UNEVEN, axis=-1),
        case(A(3, 4), A(low=0.5), axis=(1, 0)),
        case(A(2, 3, 3), axis=(0, 2)),
        case(np.array([1, 4, 9, 16, 25]), _UNEVEN),
        case(A(4, is_complex=True), 2),
    ),
)

# ---- trapezoid -------------------------------------------------------------------------------------


def _trapezoid(y: Value, x: Value = None, dx: Value = 1.0, axis: int = -1) -> Value:
    y = as_operand(y)
    ndim = len(shape_of(y))
    (k,) = axes_of(ndim, axis)
    before = (slice(None),) * k
    if x is None:
        steps = as_operand(dx)
    elif len(shape_of(x := as_operand(x))) == 1:
        steps = np.reshape(np.diff(x), [-1 if m == k else 1 for m in range(ndim)])
    else:
        steps = np.diff(x, axis=axis)
    pairs = y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]
    return np.sum(steps * pairs / 2.0, axis=axis)


composite(
    np.trapezoid,
    _trapezoid,
    samples=cases(
        case(A(5)),
        case(A(3, 4), dx=0.5, axis=0),
        case(A(5), A(5)),
        case(A(3, 4), x=A(3), axis=0),
        case(A(3, 4), A(4), 1.0, -1),
        case(A(3, 4), A(3, 4), axis=1),
        case(A(3, 4), A(1, 4)),
        case(np.arange(4), A(4)),
        case(A(4, is_complex=True)),
        case(A(1)),
    ),
)
