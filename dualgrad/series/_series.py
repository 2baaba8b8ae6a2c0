"""Power series that are extended on demand, and the recurrences for the operations that others are made of.

The k-th coefficient of an answer needs its operands, and the answer itself, no further than the k-th and the one before. So
a series is a list and a function that says the next coefficient; nothing is computed twice, and a formula that
speaks of its own answer (exp' = exp) is a recurrence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from dualgrad._table.space import Value, conform_tangent, zeros_of
from dualgrad._trace.level import anywhere

Extend: TypeAlias = Callable[[int], Value]


class Series:
    """A power series c_0 + c_1 t + c_2 t**2 + ...: c_0 is a value; the others are of its space, or None where zero."""

    __slots__ = ("_extend", "coefficients")

    def __init__(self, coefficients: list[Value], extend: Extend | None = None) -> None:
        self.coefficients = coefficients
        self._extend = extend

    @property
    def value(self) -> Value:
        """The first coefficient."""
        return self.coefficients[0]

    @property
    def is_complete(self) -> bool:
        """Whether all coefficients that will ever be asked for are known."""
        return self._extend is None

    def __getitem__(self, k: int) -> Value:
        found = self.coefficients
        # In their order, so that a coefficient finds those before it, and recursion stays shallow.
        while len(found) <= k and self._extend is not None:
            found.append(self._extend(len(found)))
        return found[k]

    def freeze(self) -> None:
        """Forget how to go on, and with it everything that this needs."""
        self._extend = None


def constant(value: Value) -> Series:
    """Return the series of what does not depend on t."""
    return Series([value], _zero)


def _zero(k: int) -> Value:
    return None


def derivative(x: Series) -> Series:
    """Return the series of dx/dt."""

    def extend(k: int) -> Value:
        c = x[k + 1]
        return None if c is None else c * (k + 1)

    first = x[1]
    return Series([zeros_of(x.value) if first is None else first], extend)


def linear(push: Callable[[list[Value]], Value], operands: Sequence[Series | None], ans: Value) -> Series:
    """Return the series of a function that is linear in its operands: `push` is its derivative, the same everywhere."""

    def extend(k: int) -> Value:
        tangents = [None if x is None else x[k] for x in operands]
        if all(t is None for t in tangents):
            return None
        return conformed(push(tangents), ans)

    return Series([ans], extend)


def product(multiply: Callable[[Value, Value], Value], x: Series, y: Series, ans: Value) -> Series:
    """Return the series of a function that is linear in each of two operands (Cauchy's product)."""

    def extend(k: int) -> Value:
        total = None
        for j in range(k + 1):
            a, b = x[j], y[k - j]
            if a is not None and b is not None:
                total = _sum(total, multiply(a, b))
        return conformed(total, ans)

    return Series([ans], extend)


def quotient(x: Series | None, y: Series, ans: Value) -> Series:
    """Return the series of z = x / y, from x = y z; None stands for an x that is constant.

    As everywhere, zero times infinity is zero where nothing moves: where all coefficients of x and y up to this one are zero.
    """
    answer = Series([ans])
    # In units of y: products with coefficients could overflow where these ratios do not.
    ratios = [None]

    def extend(k: int) -> Value:
        own, moved = None if x is None else x[k], y[k]
        with np.errstate(all="ignore"):
            ratios.append(None if moved is None else moved / y.value)
            total = None if own is None else own / y.value
            for j in range(1, k + 1):
                z = answer[k - j]
                if ratios[j] is not None and z is not None:
                    total = _sum(total, -(ratios[j] * z))
            if total is None:
                return None
            lost = np.isnan(total)
            if anywhere(lost):
                total = np.where(lost & _stands_still(x, y, k), 0, total)
        return conformed(total, ans)

    answer._extend = extend
    return answer


def _stands_still(x: Series | None, y: Series, order: int) -> Value:
    still: Value = True
    for series in (x, y):
        for k in range(1, order + 1):
            c = None if series is None else series[k]
            if c is not None:
                still = still & (c == 0)
    return still


def _sum(total: Value, term: Value) -> Value:
    return term if total is None else total + term


def conformed(coefficient: Value, ans: Value) -> Any:
    """Return a coefficient in the space of the value of its series."""
    return None if coefficient is None else conform_tangent(coefficient, ans)
