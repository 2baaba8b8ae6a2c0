"""Functions that keep something for their rules beside their answers."""

from __future__ import annotations

import functools
from typing import Any

from dualgrad._table.functions import overridable
from dualgrad._table.record import RECORDS, JvpRule, Primitive, VjpRule, name_of
from dualgrad._table.space import Function, Value
from dualgrad._trace.level import Tracer, bind, is_differentiated
from dualgrad.errors import RuleError


def with_kept(fun: Function, call: Function | None, keeps: int) -> tuple[Function, Function]:
    """Return `call`, which returns the answers of `fun` and what it keeps, as a function in the table, and what interpreters run for it."""
    if call is None:
        title = name_of(fun)
        raise TypeError(
            f"{title}: with keeps, handwritten takes call=, the function that returns the answer and what it keeps, and {title} itself "
            "returns the answer alone. Write handwritten(f, jvp, vjp, keeps=True, call=f_and_kept, ...)."
        )
    checked = _checked(fun, call, keeps)
    key = overridable(checked)
    return key, _implementation(key, checked, keeps)


def _checked(fun: Function, call: Function, keeps: int) -> Function:
    @functools.wraps(fun)
    def run(*args: Any, **kwargs: Any) -> Any:
        found = call(*args, **kwargs)
        for x in found[-keeps:] if isinstance(found, tuple) else (found,):
            if not (
                isinstance(found, tuple) and len(found) > keeps and (hasattr(x, "dtype") or isinstance(x, _NUMBERS))
            ):
                raise RuleError(
                    f"The call= of {name_of(fun)} returns a tuple: the answer, and behind it what it keeps, {int(keeps)} arrays; there was a "
                    f"{type(x).__name__}. For other objects (a factorisation) use custom_vjp, whose residuals may be anything."
                )
        return found

    return run


_NUMBERS = (bool, int, float, complex)


def _implementation(key: Function, call: Function, keeps: int) -> Function:
    """Return what interpreters run: answers are differentiated by their rules, and what is kept as the code that it is."""

    def run(*operands: Value, **params: Any) -> Any:
        if not any([isinstance(x, Tracer) for x in operands]):
            return call(*operands, **params)
        record = RECORDS[key]
        assert isinstance(record, Primitive)
        found = bind(record, operands, params)
        if not any(map(is_differentiated, operands)):
            return found
        return (*found[:-keeps], *call(*operands, **params)[-keeps:])

    return run


def answers_of(key: Function, outputs: int) -> Function:
    """Return the function that returns the answers alone."""

    @functools.wraps(key)
    def answers(*args: Any, **kwargs: Any) -> Any:
        found = key(*args, **kwargs)
        return found[0] if outputs == 1 else tuple(found[:outputs])

    return answers


def rules_of_all(jvp: JvpRule, vjp: VjpRule, outputs: int, keeps: int) -> tuple[JvpRule, VjpRule]:
    """Return rules of all that a function returns, made of rules of its answers alone."""

    def jvp_of_all(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, **params: Any) -> Value:
        found = jvp(tangents, ans, *operands, **params)
        return found if found is None else (*((found,) if outputs == 1 else found), *[None] * keeps)

    def vjp_of_all(
        ct: Value, wanted: tuple[bool, ...], ans: Value, /, *operands: Value, **params: Any
    ) -> tuple[Value, ...]:
        return vjp(ct[0] if outputs == 1 else tuple(ct[:outputs]), wanted, ans, *operands, **params)

    return jvp_of_all, vjp_of_all


def no_samples(rng: Any) -> tuple[Any, ...]:
    """Return none: the function that returns the answers alone has them."""
    return ()
