"""Pullbacks and pushforwards made of formulas: what a formula names is what a tape keeps."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from dualgrad._table.record import JvpRule, Pull, VjpRule
from dualgrad._table.space import Function, Value
from dualgrad._trace.zeros import is_strict, may_hold_nan
from dualgrad.errors import NoRuleError


class Unknown:
    """In the place of a formula: the function has a derivative by this operand, which is not known. Made by `unknown`."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def error(self, title: str, operand: str) -> NoRuleError:
        """Return the error for a function that is asked for this derivative."""
        return NoRuleError(
            f"{title} is not differentiated by its argument {operand!r}: {self.reason}\n"
            "  If that argument should count as constant, wrap it in stop_gradient."
        )


def unknown(reason: str) -> Unknown:
    """Return what stands in the place of a formula where the derivative is not known: using it raises, for the reason given.

    None says that the function is constant in an operand; a derivative that exists and is merely not known is no zero.
    """
    if not isinstance(reason, str):
        raise TypeError(f"unknown takes the reason, a str; it got a {type(reason).__name__}.")
    return Unknown(reason)


def refusing(why: Unknown, title: str, operand: str) -> Pull:
    """Return the pullback to an operand of which the derivative is not known: it raises as soon as the function is applied."""

    def refuse(*args: Any) -> NoReturn:
        raise why.error(title, operand)

    return Pull(refuse, refuse)


def strong(formula: Function) -> Function:
    """Return a formula for which zero times infinity, or times NaN, is zero when the tangent is exactly zero.

    Only lanes that came out NaN are touched: elsewhere the formula stays as it is, so its own derivatives do too.
    """

    def strong_formula(t: Value, *kept: Value) -> Value:
        d = formula(t, *kept)
        if may_hold_nan(d) and not is_strict():
            d = np.where(np.isnan(d) & (t == 0), 0.0, d)
        return d

    return strong_formula


def unary_jvp(formula: Function, select: Callable[..., tuple[Value, ...]]) -> JvpRule:
    """Return the pushforward by the formula of the only operand."""

    def jvp(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, **params: Any) -> Value:
        return formula(tangents[0], *select(ans, *operands))

    return jvp


def elementwise_jvp(pushes: tuple[tuple[Function, Callable[..., tuple[Value, ...]]] | None, ...]) -> JvpRule:
    """Return the pushforward by formulas, one for each operand."""

    def jvp(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, **params: Any) -> Value:
        total = None
        for t, push in zip(tangents, pushes, strict=True):
            if t is not None and push is not None:
                d = push[0](t, *push[1](ans, *operands))
                total = d if total is None else total + d
        return total

    return jvp


def pull_of(formula: Function, operands: tuple[str, ...], in_place: Function | None = None) -> Pull:
    """Return the pullback made of a formula; the names of its parameters say what it reads of the answer and operands."""
    names = list(inspect.signature(formula).parameters)
    if not names or names[0] not in ("t", "ct"):
        raise TypeError(f"The formula of an elementwise rule takes t first; this one takes {names}.")
    places = ("ans", *operands)
    unknown = [name for name in names[1:] if name not in places]
    if unknown:
        raise TypeError(
            f"The formula reads {unknown}; it can read t and, of these, what it needs: {', '.join(places)}."
        )
    positions = tuple(places.index(name) for name in names[1:])
    reads = sum(1 << place for place in positions) if positions == tuple(sorted(positions)) else -1
    return Pull(formula, select_positions(positions), reads, in_place)


def select_positions(positions: tuple[int, ...]) -> Callable[..., tuple[Value, ...]]:
    """Return the function of (ans, *operands) that returns those at the given positions; 0 is the answer."""

    def select(*values: Value) -> tuple[Value, ...]:
        return tuple([values[i] for i in positions])

    return select


def vjp_from_pulls(pulls: tuple[Pull | None, ...]) -> VjpRule:
    """Return the joint pullback made of one pullback per operand."""

    def vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, *operands: Value, **params: Any) -> tuple[Value, ...]:
        return tuple(
            [
                pull.function(ct, *pull.select(ans, *operands), **params) if want and pull is not None else None
                for want, pull in zip(wanted, pulls, strict=True)
            ]
        )

    return vjp
