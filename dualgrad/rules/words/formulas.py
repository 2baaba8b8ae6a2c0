"""The word for functions that act on each number apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dualgrad._table.facets import Stated, said
from dualgrad._table.facts import NO_FACTS, Facts
from dualgrad._table.record import Primitive, Pull, Samples, Word, name_of, register
from dualgrad._table.signature import Normaliser, parameters_of
from dualgrad._table.space import Function
from dualgrad._table.structure import Structure
from dualgrad.rules.words.pulls import Unknown, elementwise_jvp, pull_of, refusing, strong, unary_jvp, vjp_from_pulls


def elementwise(
    fun: Function,
    *formulas: Function | Unknown | None,
    samples: Samples,
    operate: Function | None = None,
    poles: bool = False,
    same_space: bool = True,
    operands: Sequence[str] | None = None,
    normaliser: type[Normaliser] = Normaliser,
    in_place: Sequence[Function | None] = (),
    structure: Structure | None = None,
    says: Sequence[Stated] = (),
    facts: Facts = NO_FACTS,
) -> Primitive:
    """Register a function that acts on each number apart.

    Each formula takes `t` and, by name, what it reads of `ans` and the operands (`x`, `y`, or the names in `operands`);
    None says that the function is constant in that operand, and `unknown(reason)` that its derivative is not known: asking for
    it raises. With `poles`, a formula may be infinite or NaN, also for a finite
    tangent; a tangent of exactly zero stays zero there. A function of one operand whose answer may have another
    dtype (abs of a complex number) says `same_space=False`. `in_place` holds, for a formula worth
    it, a ufunc or function that does the same with a last argument `out`, which may be `t` itself.
    """
    if operands is None:
        operands = ("x", "y") if isinstance(fun, np.ufunc) else parameters_of(fun)[0]
    names = tuple(operands[: len(formulas)])
    over = (*in_place, *(None,) * (len(names) - len(in_place)))
    pulls = tuple([_pull(fun, f, name, names, o) for f, name, o in zip(formulas, names, over, strict=True)])
    pushes = tuple(None if p is None else (strong(p.function) if poles else p.function, p.select) for p in pulls)
    record = Primitive(
        key=fun,
        word=Word.ELEMENTWISE,
        fun=fun,
        jvp=unary_jvp(*pushes[0]) if len(pushes) == 1 and pushes[0] is not None else elementwise_jvp(pushes),
        vjp=vjp_from_pulls(pulls),
        samples=samples,
        normalise=normaliser(name_of(fun), names, names, (), {}),
        operate=operate or fun,
        pulls=pulls,
        same_space=same_space and len(pulls) == 1,
        poles=poles,
        one_formula=True,
        structure=structure,
        says=said(says),
        facts=facts,
    )
    register(record)
    return record


def _pull(
    fun: Function, formula: Function | Unknown | None, name: str, names: tuple[str, ...], in_place: Function | None
) -> Pull | None:
    if formula is None:
        return None
    return refusing(formula, name_of(fun), name) if isinstance(formula, Unknown) else pull_of(formula, names, in_place)
