"""Zero times infinity: in a chain of derivatives a factor of exactly zero makes the product zero, whatever the others are.

So a branch that was not taken contributes nothing, and neither does what lies beyond a flat piece, in both modes.
"""

from __future__ import annotations

import cmath
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from dualgrad._table.foreign import any_foreign, is_foreign
from dualgrad._table.functions import overridable
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import decide, may_be_anywhere

_strict: ContextVar[bool] = ContextVar("strict_nans", default=False)


@contextmanager
def strict_nans() -> Iterator[None]:
    """Return a context in which zero times infinity, and times NaN, is NaN in derivatives, as in ordinary arithmetic.

    To find out where an infinite or undefined derivative was dropped. `np.where` and its kin still pass nothing but zeros to the
    branch not taken; what that branch makes of them is then seen. What counts is where the derivative is computed: for `vjp`,
    where the pullback is called.

    >>> import numpy as np
    >>> from dualgrad import grad, strict_nans
    >>> f = lambda x: np.where(x > 0, np.sqrt(x), 0.0)
    >>> float(grad(f)(0.0))
    0.0
    >>> with strict_nans():
    ...     float(grad(f)(0.0))
    nan
    """
    token = _strict.set(True)
    try:
        yield
    finally:
        _strict.reset(token)


def is_strict() -> bool:
    """Tell whether zero times infinity is to be NaN."""
    return _strict.get()


def may_hold_nan(g: Value) -> bool:
    """Tell whether there may be a NaN, at the price of one sum of squares; complex infinities are a false alarm."""
    if type(g) is np.ndarray or type(g) is np.float64:
        return holds_nan(g)
    return is_foreign(g) or decide(holds_nan, g)


def may_be_infinite(t: Value) -> bool:
    """Tell whether there may be an infinity or a NaN; squares that overflow are a false alarm."""
    if type(t) is np.ndarray or type(t) is np.float64:
        return holds_infinite(t)
    return is_foreign(t) or decide(holds_infinite, t)


def holds_nan(g: Any) -> bool:
    """Tell of plain numbers whether there may be a NaN."""
    return cmath.isnan(_sum_of_squares(g))


def holds_infinite(g: Any) -> bool:
    """Tell of plain numbers whether there may be an infinity or a NaN."""
    return not cmath.isfinite(_sum_of_squares(g))


def _sum_of_squares(g: Any) -> Any:
    # BLAS is the fastest way to look at all numbers: the sum is NaN where one of them is.
    if type(g) is np.ndarray:
        if g.ndim != 1:
            # In whatever order they lie in memory: they are not copied then.
            g = g.ravel(order="K")
        return g.dot(g)
    return g if isinstance(g, (float, complex)) else np.sum(g)


@overridable
def restored(found: Value, calm: Value, dropped: Value) -> Value:
    """Return `found`, and where a product was dropped what the rest comes to; in the table its derivative is that of `found`."""
    return np.where(dropped, calm, found)


def drop_zeros(
    linear: Callable[[Sequence[Value]], Value], moves: Sequence[Value], found: Value, *, is_lanewise: bool
) -> Value:
    """Return `found`, what a linear map makes of tangents or cotangents, with infinity times zero as zero.

    `is_lanewise` says that each number goes to one place.
    """
    if any_foreign(moves):
        # Not looked at, which would compute it: zeros are dropped where that is one operation.
        return np.where(np.equal(moves[0], 0), 0, found) if is_lanewise and len(moves) == 1 else found
    if not may_be_anywhere(np.isnan(found)):
        return found
    if not is_lanewise:
        return _without_zeros(linear, moves, found)
    total = None
    for k, t in enumerate(moves):
        if t is not None:
            part = _product_without_zeros(linear, [None] * k, t, [None] * (len(moves) - 1 - k))
            total = part if total is None or part is None else total + part
    return found if total is None else total


def _product_without_zeros(
    linear: Callable[[Sequence[Value]], Value], before: list[None], t: Value, after: list[None]
) -> Value:
    """Return the partial derivative by one operand, times `t`."""
    found = linear([*before, t, *after])
    if found is None or not may_be_anywhere(np.isnan(found)):
        return found
    partial = linear([*before, np.ones_like(t), *after])
    dropped = np.isnan(found) & ((partial == 0) | (t == 0))
    # Written as a product of two factors it has derivatives that come out right in their turn.
    return np.where(dropped, restored(partial * t, 0, dropped), found)


def _without_zeros(linear: Callable[[Sequence[Value]], Value], moves: Sequence[Value], found: Value) -> Value:
    # Infinite and undefined numbers are marked by ordinary ones, at random so that no two of them cancel. Where nothing of
    # the marks arrives, they have met zeros only.
    random = np.random.default_rng(0)
    marks = [None if t is None else np.where(np.isfinite(t), 0, _random(random, t)) for t in moves]
    rest = [None if t is None else np.where(np.isfinite(t), t, 0) for t in moves]
    calm = linear(rest)
    dropped = np.isnan(found) & (linear(marks) == 0) & ~np.isnan(calm)
    return restored(found, calm, dropped) if may_be_anywhere(dropped) else found


def _random(random: np.random.Generator, t: Value) -> Value:
    """Return random numbers in the space of a value, none of them zero."""
    shape, dtype = shape_of(t), dtype_of(t)
    return (1 + random.random(shape)).astype(dtype) if shape else dtype.type(1 + random.random())
