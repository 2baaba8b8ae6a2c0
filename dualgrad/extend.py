"""The door for rule authors: functions of your own with rules in the vocabulary of dualgrad's.

A function decorated with `overridable` takes part in dispatch as NumPy's functions do; one of the words then says what its
derivatives are. Both modes and all orders follow. ufuncs of other libraries need no decorator. Rules defined here are checked
whenever they run: a wrong count or shape raises a RuleError that names the rule.

>>> import numpy as np
>>> from dualgrad import extend, grad
>>> @extend.overridable
... def softplus(x):
...     return np.logaddexp(0.0, x)
>>> _ = extend.elementwise(
...     softplus, lambda t, x: t / (1 + np.exp(-x)), samples=extend.cases(extend.case(extend.A(3)))
... )
>>> float(grad(softplus)(0.0))
0.5

How a function runs on a batch (under `vmap`, and for Jacobians) follows from `structure=`, or is said by a rule, `says=(BATCH(rule),)`; `batch` has
what such rules are made of. A function that says neither runs once per member, with a warning.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from dualgrad._call.arguments import check_callable
from dualgrad._table.facets import ACCUMULATES, BATCH, BATCH_BODY, BATCH_CONSTANT, LOWER, PATTERN, REDUCES, UNDER, Root
from dualgrad._table.facts import AS_BODY, Facts
from dualgrad._table.functions import overridable
from dualgrad._table.record import Composite, Primitive, Samples, name_of, records
from dualgrad._table.signature import parameters_of, rule_parameters
from dualgrad._table.space import Function, Value, shape_of
from dualgrad._table.structure import Along, Contracted, Numberwise, OfMatrices, Rearranged
from dualgrad._trace import batch
from dualgrad.errors import RuleError
from dualgrad.patterns.call import PatternCall
from dualgrad.patterns.sets import IndexSets
from dualgrad.rules import words
from dualgrad.rules.samples import A, SymmetricA, case, cases
from dualgrad.rules.words import Unknown, constant, metadata, refused, unknown

__all__ = [
    "ACCUMULATES",
    "BATCH",
    "BATCH_BODY",
    "BATCH_CONSTANT",
    "LOWER",
    "PATTERN",
    "REDUCES",
    "UNDER",
    "A",
    "Along",
    "Composite",
    "Contracted",
    "Facts",
    "IndexSets",
    "Numberwise",
    "OfMatrices",
    "PatternCall",
    "Primitive",
    "Rearranged",
    "Root",
    "Samples",
    "SymmetricA",
    "batch",
    "bilinear",
    "case",
    "cases",
    "composite",
    "constant",
    "elementwise",
    "handwritten",
    "linear",
    "metadata",
    "overridable",
    "records",
    "refused",
    "structural",
    "unknown",
]


def elementwise(fun: Function, *formulas: Function | Unknown | None, **options: Any) -> Primitive:
    """Register a function that acts on each number apart; see `dualgrad.rules.words.elementwise`.

    One formula per operand: `lambda t, x: t * np.cos(x)` says how a tangent `t` of that operand moves the answer, and reads, by
    name, what it needs of `ans` and the operands (named as in the function's signature, `x` and `y` for a ufunc). None: constant;
    `unknown(reason)`: there is a derivative, which is not known.
    """
    call = "extend.elementwise(f, lambda t, x: t * ..., samples=...)"
    check_callable(fun, "extend.elementwise", call)
    for formula in formulas:
        if formula is not None and not isinstance(formula, Unknown):
            check_callable(formula, "extend.elementwise", call, "formula, or None")
    return words.elementwise(
        fun, *[_checked_formula(f, name_of(fun)) if callable(f) else f for f in formulas], **options
    )


def linear(fun: Function, transpose: Function, **options: Any) -> Primitive:
    """Register a function linear in its first operand (or, with `*arrays`, in all); see `dualgrad.rules.words.linear`.

    `transpose(ct, x, *, parameters)`, its operands named as the function's own, gets the shape and dtype of the first, and obeys
    <ct, f(t)> = <transpose(ct), t>. A further operand refuses to be differentiated by, unless `data=` names it as one without a derivative
    (an index, a mask).
    """
    _check_functions("extend.linear", fun=fun, transpose=transpose)
    _check_names(fun, transpose, 1, options)
    return words.linear(fun, _checked_transpose(transpose, name_of(fun), 0), **{"data": (), **options})


def structural(fun: Function, undo: Function, **options: Any) -> Primitive:
    """Register a function that rearranges its operand, with how to undo it; see `dualgrad.rules.words.structural`."""
    _check_functions("extend.structural", fun=fun, undo=undo)
    _check_names(fun, undo, 1, options)
    return words.structural(fun, _checked_transpose(undo, name_of(fun), 0), **options)


def bilinear(fun: Function, left: Function | Unknown, right: Function | Unknown, **options: Any) -> Primitive:
    """Register a function linear in each of two operands, with both transposes; see `dualgrad.rules.words.bilinear`.

    One of them may be `unknown(reason)`.
    """
    given: dict[str, Any] = {"fun": fun, "left": left, "right": right}
    _check_functions("extend.bilinear", **{k: x if not isinstance(x, Unknown) else unknown for k, x in given.items()})
    title = name_of(fun)
    checked: list[Any] = []
    for place, rule in enumerate((left, right)):
        if not isinstance(rule, Unknown):
            _check_names(fun, rule, 1, options)
            rule = _checked_transpose(rule, title, place)
        checked.append(rule)
    return words.bilinear(fun, checked[0], checked[1], **options)


def handwritten(fun: Function, jvp: Any, vjp: Any, **options: Any) -> Primitive:
    """Register a function with both rules; see `dualgrad.rules.words.handwritten`.

    `jvp(tangents, ans, *operands, **params)` returns the tangent of the answer; `vjp(ct, wanted, ans, *operands, **params)` one
    cotangent per operand; zero is None. `keep=` names what the VJP reads of "ans" and the operands. With `keeps=True`, `call=` is the
    function once more, which returns what it keeps for the rules behind the answer; they find both in `ans`.

    >>> from dualgrad import grad
    >>> def expit_and_rest(x):
    ...     y = 1 / (1 + np.exp(-x))
    ...     return y, y * (1 - y)
    >>> @overridable
    ... def expit(x):
    ...     return expit_and_rest(x)[0]
    >>> _ = handwritten(
    ...     expit,
    ...     lambda tangents, ans, x: tangents[0] * ans[1],
    ...     lambda ct, wanted, ans, x: (ct * ans[1],),
    ...     call=expit_and_rest, keeps=True, keep=(), samples=cases(case(A(3))),
    ... )
    >>> float(grad(expit)(0.0))
    0.25
    """
    _check_functions("extend.handwritten", fun=fun, jvp=jvp, vjp=vjp)
    _check_names(fun, vjp, 3, options)
    title = name_of(fun)
    if options.get("outputs", 1) != 1:
        return words.handwritten(fun, jvp, _checked_vjp(vjp, title), **options)
    return words.handwritten(
        fun, _checked_jvp(jvp, title, bool(options.get("keeps"))), _checked_vjp(vjp, title), **options
    )


def composite(fun: Function, body: Function, **options: Any) -> Composite:
    """Register a function that is differentiated by running a body written in NumPy; it takes the function's signature.

    Its answer shares its memory with what the body makes it share it with: a slice that the body returns is a view.
    """
    return words.composite(fun, body, **{"facts": AS_BODY, **options})


def _check_functions(word: str, **given: Any) -> None:
    for name, function in given.items():
        role = "first argument" if name == "fun" else f"argument {name}"
        check_callable(function, word, f"{word}({', '.join(given)}, samples=...)", role)


def _check_names(fun: Function, rule: Function, skip: int, options: dict[str, Any]) -> None:
    """Raise TypeError where the operands of a rule are not called as the function's parameters are: calls are matched by name."""
    try:
        names, _ = parameters_of(fun, options.get("signature"))
        operands, _, spread = rule_parameters(rule, skip)
    except (TypeError, ValueError):
        return
    if not spread and (wrong := [name for name in operands if name not in names]):
        raise TypeError(
            f"The rule of {name_of(fun)} takes the operands {wrong}, which the function does not have: its parameters are {names}. Call "
            "them in the rule as the function does."
        )


def _checked_formula(formula: Function, title: str) -> Function:
    @functools.wraps(formula)
    def checked(t: Value, *kept: Value) -> Value:
        d = formula(t, *kept)
        expected = np.broadcast_shapes(shape_of(t), *[shape_of(x) for x in kept])
        _expect(shape_of(d), expected, f"A formula of {title}")
        return d

    return checked


def _checked_transpose(transpose: Function, title: str, place: int) -> Function:
    @functools.wraps(transpose)
    def checked(ct: Value, *operands: Value, **params: Any) -> Value:
        found = transpose(ct, *operands, **params)
        if isinstance(found, tuple):
            _check_all(found, operands, f"The transpose of {title}")
        else:
            _expect(shape_of(found), shape_of(operands[place]), f"The transpose of {title}")
        return found

    return checked


def _checked_jvp(jvp: Any, title: str, keeps: bool) -> Any:
    @functools.wraps(jvp)
    def checked(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, **params: Any) -> Value:
        found = jvp(tangents, ans, *operands, **params)
        if found is not None:
            _expect(shape_of(found), shape_of(ans[0] if keeps else ans), f"The JVP rule of {title}")
        return found

    return checked


def _checked_vjp(vjp: Any, title: str) -> Any:
    @functools.wraps(vjp)
    def checked(
        ct: Value, wanted: tuple[bool, ...], ans: Value, /, *operands: Value, **params: Any
    ) -> tuple[Value, ...]:
        found = vjp(ct, wanted, ans, *operands, **params)
        if not isinstance(found, tuple):
            raise RuleError(f"The VJP rule of {title} returns a tuple; it returned a {type(found).__name__}.")
        _check_all(found, operands, f"The VJP rule of {title}")
        return found

    return checked


def _check_all(found: tuple[Value, ...], operands: tuple[Value, ...], title: str) -> None:
    if len(found) != len(operands):
        raise RuleError(f"{title} returned {len(found)} cotangents for {len(operands)} operands.")
    for g, x in zip(found, operands, strict=True):
        if g is not None:
            _expect(shape_of(g), shape_of(x), title)


def _expect(found: tuple[int, ...], expected: tuple[int, ...], title: str) -> None:
    if found != expected:
        raise RuleError(f"{title} returned shape {found} where {expected} was expected.")
