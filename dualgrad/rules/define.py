"""The vocabulary: six words that make a record from one formula, deriving both rules once, at registration.

    elementwise   one formula per operand: how a tangent t moves each number, naming what it reads of ans and the operands
    linear        the transpose
    bilinear      two transposes
    structural    how to undo a change of shape or order
    handwritten   jvp and vjp
    composite, constant, metadata, refused

Corrections that every rule needs (sums over broadcast axes, the real part, the dtype) are made here and by the
interpreters, never in a formula. A formula is linear in `t`, so the same one is the pushforward and, the Jacobian being
diagonal, the pullback: `lambda t, x: t * np.cos(x)` serves both.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dualgrad._table.record import (
    IN_PLACE,
    WAITS,
    JvpRule,
    Primitive,
    Pull,
    Samples,
    VjpRule,
    Word,
    name_of,
    register,
)
from dualgrad._table.signature import AsGiven, Normaliser, parameters_of, rule_parameters
from dualgrad._table.space import Function, Value, conform_tangent, shape_of, space_of, zeros_of
from dualgrad._trace.level import bind
from dualgrad._trace.zeros import is_strict, may_hold_nan
from dualgrad.rules.declare import composite, constant, metadata, refused

# ---- elementwise -----------------------------------------------------------------------------------


def elementwise(
    fun: Function,
    *formulas: Function | None,
    samples: Samples,
    operate: Function | None = None,
    poles: bool = False,
    same_space: bool = True,
    operands: Sequence[str] | None = None,
    normaliser: type[Normaliser] = Normaliser,
    in_place: Sequence[Function | None] = (),
) -> Primitive:
    """Register a function that acts on each number apart.

    Each formula takes `t` and, by name, what it reads of `ans` and the operands (`x`, `y`, or the names in `operands`);
    None says that the function is constant in that operand. With `poles`, a formula may be infinite or NaN, also for a finite
    tangent; a tangent of exactly zero stays zero there. A function of one operand whose answer may have another
    dtype (abs of a complex number) says `same_space=False`. `in_place` holds, for a formula worth
    it, a ufunc or function that does the same with a last argument `out`, which may be `t` itself.
    """
    if operands is None:
        operands = ("x", "y") if isinstance(fun, np.ufunc) else parameters_of(fun)[0]
    names = tuple(operands[: len(formulas)])
    pulls = tuple(None if f is None else _pull(f, names) for f in formulas)
    pushes = tuple(None if p is None else (strong(p.function) if poles else p.function, p.select) for p in pulls)
    record = Primitive(
        key=fun,
        word=Word.ELEMENTWISE,
        fun=fun,
        jvp=_unary_jvp(*pushes[0]) if len(pushes) == 1 and pushes[0] is not None else _elementwise_jvp(pushes),
        vjp=vjp_from_pulls(pulls),
        samples=samples,
        normalise=normaliser(name_of(fun), names, names, (), {}),
        operate=operate or fun,
        pulls=pulls,
        same_space=same_space and len(pulls) == 1,
        poles=poles,
        one_formula=True,
    )
    register(record)
    IN_PLACE.update({p.number: f for p, f in zip(pulls, in_place, strict=False) if p is not None and f is not None})
    return record


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


def _unary_jvp(formula: Function, select: Callable[..., tuple[Value, ...]]) -> JvpRule:
    def jvp(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, **params: Any) -> Value:
        return formula(tangents[0], *select(ans, *operands))

    return jvp


def _elementwise_jvp(pushes: tuple[tuple[Function, Callable[..., tuple[Value, ...]]] | None, ...]) -> JvpRule:
    def jvp(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, **params: Any) -> Value:
        total = None
        for t, push in zip(tangents, pushes, strict=True):
            if t is not None and push is not None:
                d = push[0](t, *push[1](ans, *operands))
                total = d if total is None else total + d
        return total

    return jvp


def _pull(formula: Function, operands: tuple[str, ...]) -> Pull:
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
    return Pull(formula, select_positions(positions), reads)


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


# ---- linear, structural, bilinear ------------------------------------------------------------------


def linear(
    fun: Function,
    transpose: Function,
    *,
    samples: Samples,
    call: Function | None = None,
    signature: str | None = None,
    desugar: Function | None = None,
    into: Function | None = None,
    gather: Function | None = None,
    word: Word = Word.LINEAR,
    normaliser: type[Normaliser] = Normaliser,
) -> Primitive:
    """Register a function that is linear in its first operand, with the transpose of that map.

    `transpose(ct, a, *others, **params)` gets the space of `a` (shape and dtype) and satisfies <ct, f(t)> = <transpose(ct), t>;
    further operands (indices, masks) are data. With `transpose(ct, *arrays, **params)` the function takes a sequence of
    arrays, is linear in all of them, and the transpose returns one cotangent for each. `call` is the implementation where it
    is not NumPy's function itself. A `normaliser` of its own may hand more calls to `desugar`.
    """
    operands, params, spread = rule_parameters(transpose, skip=1)
    names, defaults = parameters_of(fun, signature)
    implementation = call or fun

    def jvp(tangents: tuple[Value, ...], ans: Value, /, *values: Value, **params: Any) -> Value:
        if spread:
            tangents = tuple([zeros_of(x) if t is None else t for t, x in zip(tangents, values, strict=True)])
            return conform_tangent(bind(record, tangents, params), ans)
        if tangents[0] is None:
            return None
        # A tangent that is traced goes to its level without NumPy's way there.
        return bind(record, (tangents[0], *values[1:]), params)

    def select(ans: Value, a: Value, *others: Value) -> tuple[Value, ...]:
        return (space_of(a), *others)

    def vjp_spread(
        ct: Value, wanted: tuple[bool, ...], ans: Value, /, *values: Value, **params: Any
    ) -> tuple[Value, ...]:
        return tuple(transpose(ct, *values, **params))

    pulls = None if spread else (Pull(transpose, select), *[None for _ in operands[1:]])
    record = Primitive(
        key=fun,
        word=word,
        fun=implementation,
        jvp=jvp,
        vjp=vjp_spread if pulls is None else vjp_from_pulls(pulls),
        samples=samples,
        normalise=normaliser(name_of(fun), names, operands, params, defaults, spread),
        operate=implementation,
        pulls=pulls,
        keep=frozenset() if spread else None,
        desugar=desugar,
        into=into,
        gather=gather,
    )
    register(record)
    return record


def structural(
    fun: Function,
    undo: Function,
    *,
    samples: Samples,
    call: Function | None = None,
    signature: str | None = None,
    desugar: Function | None = None,
    normaliser: type[Normaliser] = Normaliser,
) -> Primitive:
    """Register a function that only rearranges its operand: every number of `a` occurs exactly once in the result.

    `undo(ct, a, **params)` gets the space of `a`.
    """
    return linear(
        fun,
        undo,
        samples=samples,
        call=call,
        signature=signature,
        desugar=desugar,
        word=Word.STRUCTURAL,
        normaliser=normaliser,
    )


def bilinear(
    fun: Function,
    left: Function,
    right: Function,
    *,
    samples: Samples,
    call: Function | None = None,
    signature: str | None = None,
    operate: Function | None = None,
    desugar: Function | None = None,
    waits: bool = False,
) -> Primitive:
    """Register a function linear in each of two operands.

    `left(ct, a, b, **params)` is the cotangent of `a`, and gets its space only; `right(ct, a, b, **params)` that of `b`,
    and gets the space of `b` only. With `waits`, that is a^T ct for matrices, and sweeps may gather several of them.
    """
    operands, params, _ = rule_parameters(left, skip=1)
    names, defaults = parameters_of(fun, signature)
    implementation = call or fun

    def jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, b: Value, **params: Any) -> Value:
        ta, tb = tangents
        if tb is None:
            return bind(record, (ta, b), params)
        if ta is None:
            return bind(record, (a, tb), params)
        return bind(record, (ta, b), params) + bind(record, (a, tb), params)

    def select_left(ans: Value, a: Value, b: Value) -> tuple[Value, ...]:
        return space_of(a), b

    def select_right(ans: Value, a: Value, b: Value) -> tuple[Value, ...]:
        return a, space_of(b)

    pulls = (Pull(left, select_left), Pull(right, select_right, WAITS if waits else -1))
    record = Primitive(
        key=fun,
        word=Word.BILINEAR,
        fun=implementation,
        jvp=jvp,
        vjp=vjp_from_pulls(pulls),
        samples=samples,
        normalise=Normaliser(name_of(fun), names, operands, params, defaults),
        operate=operate or implementation,
        pulls=pulls,
        desugar=desugar,
    )
    register(record)
    return record


# ---- handwritten -----------------------------------------------------------------------------------


def handwritten(
    fun: Function,
    jvp: JvpRule,
    vjp: VjpRule,
    *,
    samples: Samples,
    keep: Sequence[str],
    call: Function | None = None,
    signature: str | None = None,
    desugar: Function | None = None,
    value_and_jvp: Function | None = None,
    outputs: int = 1,
) -> Primitive:
    """Register a function with both rules written out.

    `keep` names what the pullback reads: "ans" and operands, or "*" for every operand of a function that takes any number of
    them. What it does not name arrives as a space, with a shape and a dtype but no numbers. With `outputs` > 1 the answer,
    the tangent and the cotangent are tuples, whose members may be None where zero. `value_and_jvp(tangents, *operands, **params)`
    takes the place of the function and `jvp` in forward mode, where the value depends on the direction.
    """
    operands, params, spread = rule_parameters(vjp, skip=3)
    names, defaults = parameters_of(fun, signature)
    unknown = set(keep) - {"ans", "*", *operands}
    if unknown:
        raise TypeError(f"{name_of(fun)}: keep names {sorted(unknown)}, which are not among ans and {operands}.")
    places = ("ans", *operands)
    record = Primitive(
        key=fun,
        word=Word.HANDWRITTEN,
        fun=call or fun,
        jvp=jvp,
        vjp=vjp,
        samples=samples,
        normalise=_normaliser(fun, names, operands, params, defaults, spread),
        operate=call or fun,
        keep=frozenset(range(64)) if "*" in keep else frozenset(places.index(name) for name in keep),
        desugar=desugar,
        value_and_jvp=value_and_jvp,
        outputs=outputs,
    )
    register(record)
    return record


def _normaliser(
    fun: Function, names: list[str], operands: list[str], params: list[str], defaults: dict[str, Any], spread: bool
) -> Normaliser:
    # Only then is the signature asked for: older versions of NumPy cannot tell that of a ufunc.
    takes_any_number = spread and any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(fun).parameters.values())
    kind = AsGiven if takes_any_number else Normaliser
    return kind(name_of(fun), names, operands, params, defaults, spread)


__all__ = [
    "bilinear",
    "composite",
    "constant",
    "elementwise",
    "handwritten",
    "linear",
    "metadata",
    "refused",
    "select_positions",
    "shape_of",
    "strong",
    "structural",
    "vjp_from_pulls",
]
