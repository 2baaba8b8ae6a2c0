"""The word for functions with both rules written out."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dualgrad._table.facets import Stated, said
from dualgrad._table.facts import NO_FACTS, Facts
from dualgrad._table.record import Composite, JvpRule, Primitive, Samples, VjpRule, Word, name_of, register
from dualgrad._table.signature import AsGiven, Normaliser, parameters_of, rule_parameters
from dualgrad._table.space import Function, Value
from dualgrad._table.structure import Structure
from dualgrad.rules.words.keeping import answers_of, no_samples, rules_of_all, with_kept
from dualgrad.rules.words.pulls import Unknown

NONE_REFUSED: Mapping[str, str] = MappingProxyType({})


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
    keeps: int = 0,
    refuses: Mapping[str, str] = NONE_REFUSED,
    structure: Structure | None = None,
    says: Sequence[Stated] = (),
    facts: Facts = NO_FACTS,
) -> Primitive:
    """Register a function with both rules written out.

    `keep` names what the pullback reads: "ans" and operands, or "*" for every operand of a function that takes any number of
    them. What it does not name arrives as a space, with a shape and a dtype but no numbers. With `outputs` > 1 the answer,
    the tangent and the cotangent are tuples, whose members may be None where zero. `value_and_jvp(tangents, *operands, **params)`
    takes the place of the function and `jvp` in forward mode, where the value depends on the direction. `refuses` holds, for an
    operand by which the derivative exists but is not known, the reason: asking for it raises.

    With `keeps=True`, `call` returns the answer and behind it an array that it keeps for the rules, which find both in `ans`; with
    `keeps=2`, two arrays. Nobody else sees them: `fun` returns the answer alone, and so the rules have to do with the tangent and the
    cotangent of the answer alone. For derivatives of higher order, `call` is differentiated as the code that it is.
    """
    operands, params, spread = rule_parameters(vjp, skip=3)
    names, defaults = parameters_of(fun, signature)
    read = _places(fun, keep, operands)
    if refuses:
        jvp, vjp = _refusing(jvp, vjp, refuses, operands, fun)
    key, run = with_kept(fun, call, keeps) if keeps else (fun, call or fun)
    if keeps:
        jvp, vjp, read = *rules_of_all(jvp, vjp, outputs, keeps), read | {0}
    record = Primitive(
        key=key,
        word=Word.HANDWRITTEN,
        fun=run,
        jvp=jvp,
        vjp=vjp,
        samples=no_samples if keeps else samples,
        normalise=_normaliser(fun, names, operands, params, defaults, spread),
        operate=run,
        keep=read,
        desugar=desugar,
        value_and_jvp=value_and_jvp,
        outputs=outputs + keeps,
        keeps=int(keeps),
        structure=structure,
        says=said(says),
        facts=facts,
    )
    register(record)
    if keeps:
        register(Composite(fun, answers_of(key, outputs), samples, facts=facts))
    return record


def _places(fun: Function, keep: Sequence[str], operands: Sequence[str]) -> frozenset[int]:
    """Return what a pullback reads by position: 0 is the answer, 1 the first operand."""
    places = ("ans", *operands)
    if unknown := set(keep) - {"*", *places}:
        raise TypeError(f"{name_of(fun)}: keep names {sorted(unknown)}, which are not among ans and {operands}.")
    return frozenset(range(64)) if "*" in keep else frozenset(places.index(name) for name in keep)


def _refusing(
    jvp: JvpRule, vjp: VjpRule, refuses: Mapping[str, str], operands: Sequence[str], fun: Function
) -> tuple[JvpRule, VjpRule]:
    title = name_of(fun)
    if wrong := [name for name in refuses if name not in operands]:
        raise TypeError(
            f"{title}: refuses= names {wrong}, which are not among the operands of the rules, {list(operands)}. An operand is a "
            "positional parameter of the rules; what is only a keyword there is static, and never differentiated by."
        )
    refused = {operands.index(name): (name, Unknown(why)) for name, why in refuses.items()}

    def checked_jvp(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, **params: Any) -> Value:
        for place, (name, why) in refused.items():
            if tangents[place] is not None:
                raise why.error(title, name)
        return jvp(tangents, ans, *operands, **params)

    def checked_vjp(
        ct: Value, wanted: tuple[bool, ...], ans: Value, /, *operands: Value, **params: Any
    ) -> tuple[Value, ...]:
        for place, (name, why) in refused.items():
            if wanted[place]:
                raise why.error(title, name)
        return vjp(ct, wanted, ans, *operands, **params)

    return checked_jvp, checked_vjp


def _normaliser(
    fun: Function, names: list[str], operands: list[str], params: list[str], defaults: dict[str, Any], spread: bool
) -> Normaliser:
    # Only then is the signature asked for: older versions of NumPy cannot tell that of a ufunc.
    takes_any_number = spread and any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(fun).parameters.values())
    kind = AsGiven if takes_any_number else Normaliser
    return kind(name_of(fun), names, operands, params, defaults, spread)
