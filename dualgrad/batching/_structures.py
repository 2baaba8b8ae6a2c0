"""How the functions of each structure run on a batch: one reading of each, where a record has no rule of its own.

What a record says with BATCH, BATCH_BODY or BATCH_CONSTANT counts first, then its structure. `Rearranged` and `Contracted` have no common
reading. A record that tells neither runs once per member.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facets import BATCH, BATCH_BODY, BATCH_CONSTANT, BatchRule
from dualgrad._table.record import RECORDS, Constant, Metadata, Primitive, Record
from dualgrad._table.space import Function, Value, dtype_of, shape_of
from dualgrad._table.structure import Along, Numberwise, OfMatrices, Structure
from dualgrad._trace.batch import aligned, all_batched, as_stack, bind, flat, moved, numberwise, one_by_one, rank_of

Operands: TypeAlias = tuple[Value, ...]
Params: TypeAlias = dict[str, Any]

# ---- primitives ------------------------------------------------------------------------------------

_RULES: dict[Primitive, BatchRule] = {}
"""The rules that were looked for, by record: another record of the same function is another key."""


def batch_rule(record: Primitive) -> BatchRule:
    """Return the rule by which a primitive runs on a batch; `looped` where nothing tells."""
    rule = _RULES.get(record)
    if rule is None:
        rule = BATCH.of(record) or _structure_rule(_structure_of(record))
        # Custom functions make records as they run, which are in no table.
        if RECORDS.get(record.key) is record:
            _RULES[record] = rule
    return rule


def looped(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    """Run a function of which nothing tells how it runs on a batch."""
    return one_by_one(record, batched, operands, params)


def _structure_of(record: Primitive | Constant) -> Structure | None:
    if record.structure is None and isinstance(record.key, np.ufunc) and record.key.signature is None:
        return Numberwise()
    return record.structure


def _structure_rule(structure: Structure | None) -> BatchRule:
    match structure:
        case Numberwise() | OfMatrices(many=True):
            return numberwise
        case OfMatrices():
            return as_stack
        case Along():
            return _along(structure)
    return looped


def _along(structure: Along) -> BatchRule:
    default = structure.axis

    def rule(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
        if len(operands) > 1:
            if len({len(shape_of(x)) - b for x, b in zip(operands, batched, strict=True)}) > 1:
                return one_by_one(record, batched, operands, params)
            operands = tuple(all_batched(batched, operands))
        axis, rank = params.get("axis", default), rank_of(operands[0])
        # The commonest call, without the calls that lead there.
        if rank > 0 and axis is not None:
            return bind(record, operands, {**params, "axis": moved(axis, rank)})
        return _run_along(structure, partial(bind, record), operands, params)

    return rule


# ---- along axes ------------------------------------------------------------------------------------


def _run_along(
    structure: Along, call: Callable[[Operands, Params], Value], operands: Operands, params: Params
) -> Value:
    """Run a function along an axis of batches of one rank."""
    rank = rank_of(operands[0])
    axis = params.get("axis", structure.axis)
    if axis is None:
        if structure.flat:
            return _run_flat(structure, call, operands, params)
        return call(operands, {**params, "axis": tuple(range(1, rank + 1))})
    if rank > 0:
        return call(operands, {**params, "axis": moved(axis, rank)})
    # A number has no axis. NumPy reduces one all the same, or takes it for a vector, or raises.
    shape = shape_of(call(tuple([np.zeros((), dtype_of(x)) for x in operands]), dict(params)))
    if not structure.stays and not structure.flat:
        return call(operands, {**params, "axis": ()})
    found = call(tuple([flat(x) for x in operands]), {**params, "axis": 1})
    return np.reshape(found, (shape_of(found)[0], *shape))


def _run_flat(structure: Along, call: Callable[[Operands, Params], Value], operands: Operands, params: Params) -> Value:
    keepdims = params.get("keepdims", False)
    if structure.stays or keepdims is np._NoValue or not keepdims:
        return call(tuple([flat(x) for x in operands]), {**params, "axis": 1})
    found = call(tuple([flat(x) for x in operands]), {**params, "axis": 1, "keepdims": False})
    return np.reshape(found, (shape_of(found)[0], *(1,) * rank_of(operands[0])))


# ---- functions without a derivative ----------------------------------------------------------------


class Batches(Protocol):
    """What the readings below ask of the level whose batches they meet."""

    def holds(self, x: Any) -> bool: ...

    def holds_any(self, tree: Any) -> bool: ...

    def peel(self, tree: Any) -> Any: ...

    def outlines(self, tree: Any) -> Any: ...

    def wrap(self, answer: Any) -> Any: ...


ConstantRule: TypeAlias = Callable[[Batches, Function, Sequence[Any], dict[str, Any]], Any]
"""`rule(level, fun, args, kwargs)`: the answer for a batch, or NotImplemented where each member has to run by itself."""

_CONSTANTS: dict[Record, ConstantRule] = {}


def constant_rule(record: Record | None) -> ConstantRule:
    """Return the rule by which a function without a derivative runs on a batch."""
    rule = _CONSTANTS.get(record) if record is not None else _nothing_told
    if rule is None:
        assert record is not None
        rule = _CONSTANTS[record] = _constant_rule(record)
    return rule


def _constant_rule(record: Record) -> ConstantRule:
    if isinstance(record, Metadata) or record.facts.outline:
        return _of_outlines
    body, rule = BATCH_BODY.of(record), BATCH_CONSTANT.of(record)
    if body is not None:
        return partial(_in_other_words, body)
    if rule is not None:
        return partial(_of_the_first, rule)
    match _structure_of(record) if isinstance(record, Constant) else None:
        case Numberwise() | OfMatrices(many=True):
            return _numberwise
        case OfMatrices():
            return partial(_of_the_first, as_it_is)
        case Along() as structure:
            return _along_rule(structure, record.key)
    return _nothing_told


def as_it_is(fun: Function, a: Value, *args: Any, **kwargs: Any) -> Value:
    """Run a function that takes stacks, or acts on each number of its first operand, with parameters beside it."""
    return fun(a, *args, **kwargs)


def _nothing_told(level: Batches, fun: Function, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    return NotImplemented


def _of_outlines(level: Batches, fun: Function, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    return fun(*level.outlines(args), **level.outlines(kwargs))


def _in_other_words(
    body: Callable[..., Any], level: Batches, fun: Function, args: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    return body(*args, **kwargs)


def _numberwise(level: Batches, fun: Function, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    args, kwargs = _by_position(level, fun, args, kwargs)
    if kwargs and level.holds_any(list(kwargs.values())):
        return NotImplemented
    batched = [level.holds(x) for x in args]
    return level.wrap(fun(*aligned(batched, level.peel(args)), **kwargs))


def _of_the_first(
    rule: Callable[..., Value], level: Batches, fun: Function, args: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    if not args or not level.holds(args[0]):
        args, kwargs = _by_position(level, fun, args, kwargs)
    if not args or not level.holds(args[0]) or level.holds_any([*args[1:], *kwargs.values()]):
        return NotImplemented
    return level.wrap(rule(fun, args[0]._value, *args[1:], **kwargs))


def _by_position(
    level: Batches, fun: Function, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Sequence[Any], dict[str, Any]]:
    """Return a call whose batches stand by position, and lists of them as one batch."""
    if kwargs and not isinstance(fun, np.ufunc) and level.holds_any(list(kwargs.values())):
        bound = inspect.signature(fun).bind(*args, **kwargs)
        args, kwargs = bound.args, bound.kwargs
    if any([isinstance(x, (list, tuple)) for x in args]):
        args = [as_operand(x) if isinstance(x, (list, tuple)) and level.holds_any(x) else x for x in args]
    return args, kwargs


def _along_rule(structure: Along, fun: Function) -> ConstantRule:
    """Return the rule of a function along an axis, whose parameters are bound by name."""
    parameters = list(inspect.signature(fun).parameters.values())[1:]
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    nameless = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]

    def call(operands: Operands, params: Params) -> Value:
        given = [params.pop(name) for name in nameless if name in params] if nameless else ()
        return fun(*operands, *given, **params)

    def rule(fun: Function, a: Value, *args: Any, **kwargs: Any) -> Value:
        params = {**dict(zip(names, args, strict=False)), **kwargs} if args else kwargs
        return _run_along(structure, call, (a,), params)

    return partial(_of_the_first, rule)
