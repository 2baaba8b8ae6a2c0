"""The words for functions that are linear: in one operand, in each of two, or because they rearrange it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dualgrad._table.facets import Stated, said
from dualgrad._table.facts import NO_FACTS, Facts
from dualgrad._table.record import WAITS, Primitive, Pull, Samples, VjpRule, Word, name_of, register
from dualgrad._table.signature import Normaliser, parameters_of, rule_parameters
from dualgrad._table.space import Function, Value, conform_tangent, space_of, zeros_of
from dualgrad._table.structure import Structure
from dualgrad._trace.level import bind
from dualgrad.rules.words.pulls import Unknown, refusing, vjp_from_pulls


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
    data: Sequence[str] | None = None,
    structure: Structure | None = None,
    says: Sequence[Stated] = (),
    facts: Facts = NO_FACTS,
) -> Primitive:
    """Register a function that is linear in its first operand, with the transpose of that map.

    `transpose(ct, a, *others, **params)` gets the space of `a` (shape and dtype) and satisfies <ct, f(t)> = <transpose(ct), t>;
    further operands (indices, masks) are data. With `transpose(ct, *arrays, **params)` the function takes a sequence of
    arrays, is linear in all of them, and the transpose returns one cotangent for each. `call` is the implementation where it
    is not NumPy's function itself. A `normaliser` of its own may hand more calls to `desugar`. Where `data` is given, further operands that
    it does not name refuse to be differentiated by.
    """
    operands, params, spread = rule_parameters(transpose, skip=1)
    names, defaults = parameters_of(fun, signature)
    implementation = call or fun
    push = _push_all if spread else _push_first
    refused = {} if data is None or spread else _refused(fun, operands, data)

    def jvp(tangents: tuple[Value, ...], ans: Value, /, *values: Value, **params: Any) -> Value:
        _refuse(refused, tangents)
        return push(record, tangents, ans, values, params)

    pulls = None if spread else (Pull(transpose, _space_and_others), *[refused.get(k) for k in range(1, len(operands))])
    record = Primitive(
        key=fun,
        word=word,
        fun=implementation,
        jvp=jvp,
        vjp=_vjp_of_all(transpose) if pulls is None else vjp_from_pulls(pulls),
        samples=samples,
        normalise=normaliser(name_of(fun), names, operands, params, defaults, spread),
        operate=implementation,
        pulls=pulls,
        keep=frozenset() if spread else None,
        desugar=desugar,
        into=into,
        gather=gather,
        structure=structure,
        says=said(says),
        facts=facts,
    )
    register(record)
    return record


def _space_and_others(ans: Value, a: Value, *others: Value) -> tuple[Value, ...]:
    return (space_of(a), *others)


def _vjp_of_all(transpose: Function) -> VjpRule:
    def vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, *values: Value, **params: Any) -> tuple[Value, ...]:
        return tuple(transpose(ct, *values, **params))

    return vjp


def _refuse(refused: dict[int, Pull], tangents: tuple[Value, ...]) -> None:
    """Raise where an operand moves by which the derivative is not known."""
    for place, pull in refused.items():
        if tangents[place] is not None:
            pull.function()


def _refused(fun: Function, operands: Sequence[str], data: Sequence[str]) -> dict[int, Pull]:
    """Return the pullbacks that raise, by the places of the operands that are no data."""
    why = "extend.linear says that the function is linear in its first operand, and nothing of this one."
    cure = "Use extend.bilinear or extend.handwritten if it has a derivative by it, and name it in data=(...,) if it has none."
    return {
        k: refusing(Unknown(f"{why} {cure}"), name_of(fun), name)
        for k, name in enumerate(operands)
        if k > 0 and name not in data
    }


def _push_first(
    record: Primitive, tangents: tuple[Value, ...], ans: Value, values: tuple[Value, ...], params: dict[str, Any]
) -> Value:
    # A tangent that is traced goes to its level without NumPy's way there.
    return None if tangents[0] is None else bind(record, (tangents[0], *values[1:]), params)


def _push_all(
    record: Primitive, tangents: tuple[Value, ...], ans: Value, values: tuple[Value, ...], params: dict[str, Any]
) -> Value:
    tangents = tuple([zeros_of(x) if t is None else t for t, x in zip(tangents, values, strict=True)])
    return conform_tangent(bind(record, tangents, params), ans)


def structural(
    fun: Function,
    undo: Function,
    *,
    samples: Samples,
    call: Function | None = None,
    signature: str | None = None,
    desugar: Function | None = None,
    normaliser: type[Normaliser] = Normaliser,
    says: Sequence[Stated] = (),
    facts: Facts = NO_FACTS,
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
        says=says,
        facts=facts,
    )


def _known(fun: Function, *rules: Function | Unknown) -> Function:
    """Return the first of the rules that is one."""
    for rule in rules:
        if not isinstance(rule, Unknown):
            return rule
    raise TypeError(f"{name_of(fun)}: the cotangent of one of the two operands has to be known.")


def _pulls_of_two(
    fun: Function, operands: Sequence[str], left: Function | Unknown, right: Function | Unknown, reads: int
) -> tuple[dict[int, Pull], tuple[Pull, Pull]]:
    """Return the pullbacks that raise, by place, and the pullbacks to both operands."""
    refused = {
        k: refusing(rule, name_of(fun), operands[k])
        for k, rule in enumerate((left, right))
        if isinstance(rule, Unknown)
    }
    first = Pull(left, _space_and_second) if not isinstance(left, Unknown) else refused[0]
    return refused, (first, Pull(right, _first_and_space, reads) if not isinstance(right, Unknown) else refused[1])


def _space_and_second(ans: Value, a: Value, b: Value) -> tuple[Value, ...]:
    return space_of(a), b


def _first_and_space(ans: Value, a: Value, b: Value) -> tuple[Value, ...]:
    return a, space_of(b)


def bilinear(
    fun: Function,
    left: Function | Unknown,
    right: Function | Unknown,
    *,
    samples: Samples,
    call: Function | None = None,
    signature: str | None = None,
    operate: Function | None = None,
    desugar: Function | None = None,
    waits: bool = False,
    structure: Structure | None = None,
    says: Sequence[Stated] = (),
    facts: Facts = NO_FACTS,
) -> Primitive:
    """Register a function linear in each of two operands.

    `left(ct, a, b, **params)` is the cotangent of `a`, and gets its space only; `right(ct, a, b, **params)` that of `b`,
    and gets the space of `b` only; either may be `unknown(reason)`. With `waits`, that is a^T ct for matrices, and sweeps may gather several of them.
    """
    operands, params, _ = rule_parameters(_known(fun, left, right), skip=1)
    names, defaults = parameters_of(fun, signature)
    implementation = call or fun

    def jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, b: Value, **params: Any) -> Value:
        ta, tb = tangents
        _refuse(refused, tangents)
        if tb is None:
            return bind(record, (ta, b), params)
        if ta is None:
            return bind(record, (a, tb), params)
        return bind(record, (ta, b), params) + bind(record, (a, tb), params)

    refused, pulls = _pulls_of_two(fun, operands, left, right, WAITS if waits else -1)
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
        structure=structure,
        says=said(says),
        facts=facts,
    )
    register(record)
    return record
