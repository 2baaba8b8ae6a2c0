"""What a NumPy call means: NEP 13 and NEP 18 calls looked up in the table and handed to the deepest level.

Nothing else decides that. A call whose function has no record, or whose parameters no rule takes, raises here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.gather import SEQUENCES, as_operand
from dualgrad._array.views import apart, assign, mark, tie
from dualgrad._table.facts import NO_FACTS, Facts
from dualgrad._table.record import (
    RECORDS,
    Composite,
    Constant,
    Metadata,
    Primitive,
    Record,
    Refused,
    name_of,
    record_of,
)
from dualgrad._table.space import Function, Value, shape_of
from dualgrad._trace.level import Tracer, bind, deepest
from dualgrad.errors import ConversionError, NoRuleError

_UNCHANGED = (Tracer, float, int, np.float64, complex)
_NUMBERS = frozenset((float, int, bool, complex, np.float64, np.float32))


def call(fun: Function, *args: Any, **kwargs: Any) -> Value:
    """Call a function of the table; plain arguments too."""
    return call_function(fun, args, kwargs)


def call_function(fun: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
    """Say what a call of a NumPy function means (NEP 18)."""
    record = RECORDS.get(fun)
    answer = _call_record(record, fun, args, kwargs)
    if (type(record) is Primitive or type(record) is Composite) and record.facts is not NO_FACTS:
        _note(record.facts, answer, args, kwargs)
    return answer


def _note(facts: Facts, answer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Note what an answer shares its memory with, and that it is an array."""
    if not isinstance(answer, Tracer):
        return
    if facts.aliases is not None:
        for x in facts.aliases(*args, **kwargs):
            if isinstance(x, Tracer):
                tie(x, answer)
    if not shape_of(answer) and (facts.is_array(*args, **kwargs) if callable(facts.is_array) else facts.is_array):
        mark(answer)


def _of_body(facts: Facts, answer: Any, args: tuple[Any, ...]) -> Any:
    """Return what a body gives; without what it was made of, unless the facts of its function say that this is shared."""
    return answer if facts.as_body or facts.aliases else apart(answer, args)


def _call_record(record: Record | None, fun: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
    if type(record) is Primitive:
        operands, params, rest = record.normalise(args, kwargs)
        if rest:
            return _call_with_rest(record, args, kwargs, rest)
        if len(operands) == 1 and isinstance(operands[0], Tracer):
            return operands[0]._level.apply(record, operands, params)
        return bind(record, tuple([x if isinstance(x, _UNCHANGED) else as_operand(x) for x in operands]), params)
    if type(record) is Composite:
        place = record.out_position
        if place is not None and len(args) > place and args[place] is not None:
            return write_out(fun, args[place], call_function(fun, (*args[:place], None, *args[place + 1 :]), kwargs))
        if kwargs.get("out") is not None:
            return _into_out(fun, args, kwargs)
        if record.whole and (level := deepest((args, kwargs))) is not None and level.takes_whole:
            answer = level.whole(record, args, kwargs)
            if answer is not NotImplemented:
                return answer
        return _of_body(record.facts, record.body(*args, **kwargs), args)
    if type(record) is Constant or type(record) is Metadata:
        _refuse_traced_out(fun, kwargs)
        level = deepest((args, kwargs))
        if level is None:
            return fun(*args, **kwargs)
        return level.constant(fun, args, kwargs)
    raise no_rule(fun, args, kwargs)


def call_ufunc(ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Value:
    """Say what a plain call of a ufunc means (NEP 13), without keywords."""
    record = RECORDS.get(ufunc)
    if type(record) is Primitive:
        if len(inputs) == 1:
            (x,) = inputs
            x = x if isinstance(x, Tracer) else as_operand(x)
            if isinstance(x, Tracer):
                return x._level.unary(record, x)
            return ufunc(x)
        if len(inputs) == 2:
            return pair(record, inputs[0], inputs[1])
        return bind(record, tuple([x if isinstance(x, _UNCHANGED) else as_operand(x) for x in inputs]), {})
    return call_function(ufunc, inputs, {})


def pair(record: Primitive, x: Value, y: Value) -> Value:
    """Apply an elementwise primitive to two operands."""
    if isinstance(x, Tracer):
        level = x._level
        if isinstance(y, Tracer):
            if y._level.depth > level.depth:
                level = y._level
        elif type(y) not in _NUMBERS:
            y = as_operand(y)
            if isinstance(y, Tracer) and y._level.depth > level.depth:
                level = y._level
        return level.binary(record, x, y)
    if type(x) not in _NUMBERS:
        x = as_operand(x)
        if isinstance(x, Tracer):
            return pair(record, x, y)
    if not isinstance(y, Tracer):
        y = as_operand(y)
        if not isinstance(y, Tracer):
            return record.fun(x, y)
    return y._level.binary(record, x, y)


def operator(ufunc: np.ufunc, x: Tracer, y: Any) -> Value:
    """Apply a binary operator to a tracer and anything; NotImplemented where that is no number or array."""
    record = RECORDS[ufunc]
    if type(record) is Primitive:
        if type(y) in _NUMBERS:
            return x._level.binary(record, x, y)
        if isinstance(y, Tracer):
            return (x if x._level.depth >= y._level.depth else y)._level.binary(record, x, y)
        return NotImplemented if _not_an_array(y) else pair(record, x, y)
    return NotImplemented if _not_an_array(y) else call_function(ufunc, (x, as_operand(y)), {})


def reflected(ufunc: np.ufunc, x: Any, y: Tracer) -> Value:
    """Apply a binary operator whose right operand is a tracer and whose left operand is none."""
    record = RECORDS[ufunc]
    if type(record) is Primitive:
        if type(x) in _NUMBERS:
            return y._level.binary(record, x, y)
        return NotImplemented if _not_an_array(x) else pair(record, x, y)
    return NotImplemented if _not_an_array(x) else call_function(ufunc, (as_operand(x), y), {})


def _not_an_array(x: Any) -> bool:
    kind = type(x)
    if getattr(kind, "__array_ufunc__", False) is None:
        return True
    if hasattr(kind, "__array_function__") or hasattr(kind, "__pandas_priority__"):
        return False
    # What speaks NEP 13 only is no array but holds one (xarray), and may hold a traced one.
    return hasattr(kind, "__array_ufunc__") or not (
        hasattr(x, "dtype") or isinstance(x, (list, tuple, int, float, complex, *SEQUENCES))
    )


def _call_with_rest(record: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any], rest: dict[str, Any]) -> Value:
    """Call with parameters that the rules do not take: through the record's body in NumPy, or an error that names them."""
    if "out" in rest:
        return _into_out(record.key, args, kwargs)
    if record.desugar is None:
        named = ", ".join(f"{name}=" for name in rest)
        raise NoRuleError(
            f"{name_of(record.key)} is not differentiated with the parameter {named} "
            f"({_describe_traced(args, kwargs)}). Write the call without it."
        )
    bound = record.normalise.bind(args, kwargs)
    if not record.normalise.spread:
        for name in record.normalise.operands:
            if name in bound and not isinstance(bound[name], _UNCHANGED):
                bound[name] = as_operand(bound[name])
    return _of_body(record.facts, record.desugar(**bound), args)


def _into_out(fun: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
    kwargs = dict(kwargs)
    out = kwargs.pop("out", None)
    if out is None:
        raise NoRuleError(f"{name_of(fun)}: pass out= by keyword.")
    return write_out(fun, out, call_function(fun, args, kwargs))


def write_out(fun: Function, out: Any, answer: Value) -> Value:
    """Give the answer of a call to its `out=`: a traced array takes it, a plain buffer cannot hold a derivative."""
    if isinstance(out, tuple) and len(out) == 1:
        (out,) = out
    if isinstance(out, tuple) and isinstance(answer, tuple):
        pairs = zip(out, answer, strict=True)
        return tuple([one if place is None else write_out(fun, place, one) for place, one in pairs])
    if isinstance(out, Tracer) and not isinstance(answer, tuple):
        return assign(out, answer, f"{name_of(fun)}(..., out=)")
    if deepest((answer,)) is None and not isinstance(answer, tuple) and isinstance(out, np.ndarray):
        np.copyto(out, answer, casting="same_kind")
        return out
    raise ConversionError(
        f"{name_of(fun)} was told to write a value being differentiated into a plain array (out=, or an operator like +=), "
        "which cannot hold its derivative. Use the returned value: write y = np.add(a, b) or y = y + x."
    )


def _refuse_traced_out(fun: Function, kwargs: dict[str, Any]) -> None:
    if isinstance(kwargs.get("out"), Tracer):
        raise ConversionError(
            f"{name_of(fun)} has no derivative, so its result cannot be written (out=) to a value being differentiated. "
            "Use the returned value."
        )


def no_rule(fun: Function, args: Any, kwargs: Any) -> NoRuleError:
    """Return the error for a function that cannot be differentiated."""
    record = record_of(fun)
    title = name_of(fun)
    traced = _describe_traced(args, kwargs)
    if isinstance(record, Refused):
        return NoRuleError(f"{title} is not differentiated ({traced}): {record.reason}")
    return NoRuleError(
        f"{title} has no derivative rule ({traced}).\n"
        "  Write it with functions of NumPy, which have one (docs/reference/coverage.md in the documentation lists them), or\n"
        "  give it one: see help(dualgrad.custom_jvp), help(dualgrad.custom_vjp), and help(dualgrad.extend) for ufuncs;\n"
        "  if it should count as constant, wrap the argument in stop_gradient."
    )


def _describe_traced(args: Any, kwargs: Any) -> str:
    for name, x in [*enumerate(args), *kwargs.items()]:
        level = deepest((x,))
        if level is not None:
            shape = f" of shape {x.shape}" if hasattr(x, "shape") else ""
            return f"argument {name!r}{shape} is {'being differentiated' if level.differentiates else 'a batch, under vmap'}"
    return "called on plain values"
