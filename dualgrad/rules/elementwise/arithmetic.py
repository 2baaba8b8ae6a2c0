"""Arithmetic: what the operators mean, and what other interpreters know of it beside the formulas."""

from __future__ import annotations

import operator

import numpy as np

from dualgrad._table.facets import ACCUMULATES, PATTERN, REDUCES, THIN
from dualgrad._table.facts import Facts
from dualgrad._table.space import Value
from dualgrad.batching._thin import added, subtracted
from dualgrad.rules.elementwise._patterns import multiply_pattern
from dualgrad.rules.samples import analytic, analytics, reals
from dualgrad.rules.words import elementwise

elementwise(
    np.add,
    lambda t: t,
    lambda t: t,
    samples=analytics(),
    operate=operator.add,
    facts=Facts(linear=True),
    says=(
        REDUCES(np.sum),
        ACCUMULATES(np.cumsum),
        THIN(added),
    ),
)
elementwise(
    np.subtract,
    lambda t: t,
    lambda t: -t,
    samples=analytics(),
    operate=operator.sub,
    in_place=(None, np.negative),
    facts=Facts(linear=True),
    says=(THIN(subtracted),),
)
elementwise(
    np.multiply,
    lambda t, y: t * y,
    lambda t, x: t * x,
    samples=analytics(),
    operate=operator.mul,
    in_place=(np.multiply, np.multiply),
    facts=Facts(product=True),
    says=(
        PATTERN(multiply_pattern),
        REDUCES(np.prod),
        ACCUMULATES(np.cumprod),
    ),
)


def _divide(x: Value, y: Value) -> Value:
    try:
        return x / y
    except ZeroDivisionError:
        # Python floats are numbers of NumPy's here: 1 / 0 is infinite, and may be in a branch not taken.
        found: float = np.true_divide(x, y).item()
        return found


elementwise(
    np.true_divide,
    lambda t, y: t / y,
    lambda t, ans, y: -(t / y * ans),
    samples=analytics((-2, 2), (0.5, 2)),
    in_place=(np.true_divide,),
    operate=_divide,
    poles=True,
    facts=Facts(quotient=True),
)
elementwise(
    np.negative,
    lambda t: -t,
    samples=analytic(),
    operate=operator.neg,
    in_place=(np.negative,),
    facts=Facts(linear=True),
)
elementwise(np.positive, lambda t: t, samples=analytic(), facts=Facts(linear=True))
elementwise(np.reciprocal, lambda t, ans: -(t * ans * ans), samples=analytic(0.5, 2), poles=True)


def _square(x: Value) -> Value:
    return x * x


def _square_over(t: Value, x: Value, out: Value) -> Value:
    np.multiply(t, x, out=out)
    return np.add(out, out, out=out)


def _square_moved(t: Value, x: Value) -> Value:
    moved = t * x
    # Large arrays cost memory: only one is made.
    return np.add(moved, moved, out=moved) if type(moved) is np.ndarray else moved + moved


# An even power asks what its operand is the root of (see _trace/roots.py).
elementwise(np.square, _square_moved, samples=analytic(), operate=_square, in_place=(_square_over,))


def _remainder_y(t: Value, x: Value, y: Value) -> Value:
    return -(t * np.floor_divide(x, y))


elementwise(np.remainder, lambda t: t, _remainder_y, samples=reals((1.0, 1.2), (0.7, 0.8)))
elementwise(
    np.fmod, lambda t: t, lambda t, x, y: -(t * np.trunc(np.true_divide(x, y))), samples=reals((1.0, 1.2), (0.7, 0.8))
)
