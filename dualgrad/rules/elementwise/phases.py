"""np.unwrap: a sequence without jumps by a period."""

from __future__ import annotations

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.functions import as_constant
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite

# A whole number of periods is added to each entry. How many is constant; so the derivative by `p` is 1, and by the period
# that number. (NumPy hands a call over for the sake of `p` only: where `p` is a plain array and the period is not, its own
# code runs, and raises.)


def _unwrap(p: Value, discont: Value = None, axis: int = -1, *, period: Value = 2 * np.pi) -> Value:
    p = as_operand(p)
    k = range(len(shape_of(p)))[axis]
    before = (slice(None),) * k
    turns = _turns(as_constant(p), as_constant(discont), k, as_constant(period))
    later = p[(*before, slice(1, None))] + np.cumsum(turns, axis=k) * period
    return np.concatenate([p[(*before, slice(1))], later], axis=k)


def _turns(p: Value, discont: Value, axis: int, period: Value) -> Value:
    """Return how many periods each step along an axis takes too few."""
    step = np.diff(p, axis=axis)
    if dtype_of(step).kind in "iu" and np.result_type(period).kind in "iu":
        high, rest = divmod(period, 2)
        ambiguous = rest == 0
    else:
        high, ambiguous = period / 2, True
    short = np.mod(step + high, period) - high
    if ambiguous:
        # A step of half a period goes up or down, as it went before.
        short = np.where((short == -high) & (step > 0), high, short)
    steady = np.abs(step) < (period / 2 if discont is None else discont)
    return np.where(steady, 0, np.rint((short - step) / period))


_PHASES = np.array([0.3, 0.9, 5.8, 6.1, 0.2, -0.4, 3.3])

composite(
    np.unwrap,
    _unwrap,
    samples=cases(
        case(_PHASES),
        case(A(2, 5, low=-9.0, high=9.0)),
        case(A(5, 2, low=-9.0, high=9.0), 4.0, 0),
        case(_PHASES, axis=-1, period=3.1),
        case(_PHASES * 50, discont=115.0, period=200),
        case(A(1)),
        case(A(2, 0)),
    ),
)
