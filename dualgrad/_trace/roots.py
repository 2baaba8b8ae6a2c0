"""Even powers of roots: what is under the root is differentiated, where the root is zero.

A norm has a kink at zero, where its derivatives count as 0, and its square has none: all of its derivatives exist there, and the
second one is not 0. No rule for squares alone can see that. So a square asks its operand what it is the root of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dualgrad._table.record import Primitive
from dualgrad._table.space import Function, Value
from dualgrad._trace.level import Tracer, seen_anywhere


class Origin(NamedTuple):
    """The call that a traced value comes from: a function, its operands and its parameters."""

    fun: Function
    operands: tuple[Value, ...]
    params: dict[str, Any]


_PLAIN = frozenset((np.ndarray, np.float64))

SQUARES: dict[Function, Callable[..., Value]] = {}
"""The squares of functions that are roots, from their operands and parameters: what stands under the root."""

ROOTS: dict[int, tuple[Function, Any]] = {}
"""The elementwise ones among them by the numbers of their pullbacks, each with the place of the operand; the answer and the
operands are what these keep. None stands in place of the place where the answer alone is kept."""

ZEROS: dict[Function, Callable[..., Value]] = {}
"""Where those are zero whose answers are rounded there: functions of the answer, the operands and the parameters."""


def register_square(
    record: Primitive, square: Callable[..., Value], is_zero: Callable[..., Value] | None = None
) -> None:
    """Say what stands under the root that a function is, and where that is zero if the answer does not tell."""
    SQUARES[record.key] = square
    if is_zero is not None:
        ZEROS[record.key] = is_zero
    for place, pull in enumerate(record.pulls or ()):
        if pull is not None:
            ROOTS[pull.number] = (record.key, None if pull.reads == 1 else place)


def remember(out: Value, fun: Function, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
    """Return a root, which knows from now on what it is the root of if it is zero anywhere."""
    if isinstance(out, Tracer):
        ans = out._value
        has_zero = not ans.all() if type(ans) in _PLAIN else seen_anywhere(np.equal(ans, 0))
        if has_zero or fun in ZEROS:
            out._origin = Origin(fun, operands, params)
    return out


def even_power(root: Value, power: Value, exponent: float) -> Value:
    """Return `power`, an even power of a traced value, with the derivatives of what it is the root of where it is one and zero."""
    if not isinstance(power, Tracer):
        return power
    origin = root._level.origin(root)
    if origin is None:
        return power
    is_zero = ZEROS.get(origin.fun)
    zero = np.equal(root, 0) if is_zero is None else is_zero(root, *origin.operands, **origin.params)
    if not seen_anywhere(zero):
        return power
    with np.errstate(all="ignore"):
        square: Value = SQUARES[origin.fun](*origin.operands, **origin.params)
        under: Value = square if exponent == 2 else square ** (exponent / 2)
        found: Value = np.where(zero, under, power)  # type: ignore[call-overload]
        return found[()]
