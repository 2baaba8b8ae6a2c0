"""np.interp: broken lines, differentiated by the points asked for and by both coordinates of the line's corners."""

from __future__ import annotations

import numpy as np

from dualgrad._array.dispatch import call
from dualgrad._array.gather import as_operand
from dualgrad._table.functions import as_constant, constant_astype, getitem
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import anywhere
from dualgrad.rules.axes import in_dtype
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite

_INDEX = np.dtype(np.intp)


def _interp(x: Value, xp: Value, fp: Value, left: Value = None, right: Value = None, period: Value = None) -> Value:
    x, xp = in_dtype(as_operand(x), np.float64), in_dtype(as_operand(xp), np.float64)
    fp = as_operand(fp)
    fp = in_dtype(fp, np.complex128 if dtype_of(fp).kind == "c" else np.float64)
    if len(shape_of(xp)) != 1 or len(shape_of(fp)) != 1:
        raise ValueError("Data points must be 1-D sequences")
    if shape_of(xp)[0] != shape_of(fp)[0]:
        raise ValueError("fp and xp are not of the same length.")
    if shape_of(xp)[0] == 0:
        raise ValueError("array of sample points is empty")
    if period is not None:
        # The line goes on around the period, so nothing is left or right of it.
        x, xp, fp, left, right = (*_around(x, xp, fp, as_operand(period)), None, None)
    # inf - inf on the way is no news: what comes out of it is looked at, and np.interp says nothing either.
    with np.errstate(invalid="ignore"):
        found = _on_line(x, xp, fp)
    found = np.where(x < xp[0], fp[0] if left is None else as_operand(left), found)
    return np.where(x > xp[-1], fp[-1] if right is None else as_operand(right), found)


def _around(x: Value, xp: Value, fp: Value, period: Value) -> tuple[Value, Value, Value]:
    """Return the points within one period, and the corners with one more at each end."""
    if anywhere(period == 0):
        raise ValueError("period must be a non-zero value")
    period = np.abs(period)
    x, xp = np.remainder(x, period), np.remainder(xp, period)
    order = np.argsort(xp)
    xp, fp = call(getitem, xp, order), call(getitem, fp, order)
    return x, np.concatenate([xp[-1:] - period, xp, xp[:1] + period]), np.concatenate([fp[-1:], fp, fp[:1]])


def _on_line(x: Value, xp: Value, fp: Value) -> Value:
    """Return the line at points between its ends; a corner belongs to the piece on its right, the last to that on its left."""
    n = shape_of(xp)[0]
    if n == 1:
        return np.where(np.isnan(x), x, fp[0])
    place = np.searchsorted(as_constant(xp), as_constant(x), side="right")
    place = constant_astype(np.clip(place, 1, n - 1), _INDEX)
    x0, x1 = call(getitem, xp, place - 1), call(getitem, xp, place)
    f0, f1 = call(getitem, fp, place - 1), call(getitem, fp, place)
    width, rise = x1 - x0, f1 - f0
    # Two corners at one place are a jump. Only the very end of the line, if it is one, is on such a piece.
    steep = width == 0
    slope = np.where(steep, 0, rise) / np.where(steep, 1, width)
    found = np.where(steep, f1, slope * (x - x0) + f0)
    lost = np.isnan(found) & ~np.isnan(x)
    if not anywhere(lost):
        return found
    # Infinities: what is known without the slope, or from the other end.
    other = np.where((x == x0) | (f0 == f1), f0, np.where(x == x1, f1, slope * (x - x1) + f1))
    return np.where(lost, other, found)


_X = np.array([-0.5, 0.1, 0.45, 0.7, 1.3, 1.95, 2.6])
_XP = np.array([0.0, 0.4, 1.0, 2.1])

composite(
    np.interp,
    _interp,
    samples=cases(
        case(_X, _XP, A(4)),
        case(_X.reshape(7, 1), _XP, A(4), left=-1.0, right=2),
        case(_X, _XP, A(4), 3, None),
        case(A(), _XP, A(4, is_complex=True)),
        case(A(2, 3, low=0.5, high=0.9), np.arange(3), A(3)),
        case(_X * 3, np.array([0.35, 2.2, 1.1]), A(3), period=2.5),
        case(_X * 3, np.array([0.35, 5.2, 1.1]), A(3), None, None, -2.5),
        case(_X, np.array([0.9]), A(1)),
        case(A(0), _XP, A(4)),
    ),
)
