"""Normalising a call: arrays by position, parameters by keyword, once, before any rule sees them."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from dualgrad._table.index import fixed_slice
from dualgrad._table.space import Function, Value

_FIXED = frozenset((int, str, bool, type(None), float, complex, type, np.int64, np.float64))


def settled(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters that nobody changes after the call: `axes` may be a list that the user goes on to use."""
    for name, value in params.items():
        if type(value) not in _FIXED:
            params[name] = _settled(value)
    return params


def _settled(value: Any) -> Any:
    kind = type(value)
    if kind is tuple:
        # What is unchanged stays itself.
        return value if _FIXED.issuperset(map(type, value)) else tuple([_settled(x) for x in value])
    if kind is list:
        return [_settled(x) for x in value]
    if kind is np.ndarray:
        return value.copy()
    if kind is slice:
        return fixed_slice(value)
    if kind is dict:
        return {key: _settled(x) for key, x in value.items()}
    if kind is memoryview or isinstance(value, np.ndarray):
        return np.array(value, subok=True)
    return copy.deepcopy(value) if isinstance(value, MutableSequence) else value


class Normaliser:
    """Turns the arguments of a call into (operands, parameters, what the rules do not take).

    `names` are the function's own parameters in their order, `operands` those that are arrays, `params` those that the
    rules take by keyword. With `spread`, the first parameter is a sequence of arrays, and each one becomes an operand.
    """

    __slots__ = ("defaults", "names", "operands", "params", "plain", "spread", "title")

    def __init__(
        self,
        title: str,
        names: Sequence[str],
        operands: Sequence[str],
        params: Sequence[str],
        defaults: Mapping[str, Any],
        spread: bool = False,
    ) -> None:
        self.title = title
        self.names = tuple(names)
        self.operands = tuple(operands)
        self.params = frozenset(params)
        self.defaults = dict(defaults)
        self.spread = spread
        # The commonest call needs no work: exactly the operands, in their places.
        self.plain = len(self.operands) if self.names[: len(self.operands)] == self.operands and not spread else -1

    def __call__(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Value, ...], dict[str, Any], dict[str, Any]]:
        """Return operands, parameters, and the parameters that no rule takes."""
        if len(args) == self.plain and (not kwargs or kwargs.keys() <= self.params):
            return args, settled(dict(kwargs)) if kwargs else {}, {}
        bound = self.bind(args, kwargs)
        if self.spread:
            operands = tuple(bound.pop(self.names[0]))
        else:
            operands = tuple([self._operand(name, bound) for name in self.operands])
        params = settled({name: bound.pop(name) for name in list(bound) if name in self.params})
        return operands, params, {name: value for name, value in bound.items() if not self._is_default(name, value)}

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call by name."""
        if len(args) > len(self.names):
            raise TypeError(
                f"{self.title} takes at most {len(self.names)} positional arguments; {len(args)} were given."
            )
        bound = dict(zip(self.names, args, strict=False))
        for name, value in kwargs.items():
            if name in bound:
                raise TypeError(f"{self.title} got multiple values for its argument {name!r}.")
            bound[name] = value
        return bound

    def _operand(self, name: str, bound: dict[str, Any]) -> Value:
        if name in bound:
            return bound.pop(name)
        if name in self.defaults:
            return self.defaults[name]
        raise TypeError(f"{self.title} misses its argument {name!r}.")

    def _is_default(self, name: str, value: Any) -> bool:
        return value is None or value is self.defaults.get(name, inspect.Parameter.empty)


class AsGiven(Normaliser):
    """Takes every positional argument as an operand and every keyword as a parameter."""

    __slots__ = ()

    def __call__(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Value, ...], dict[str, Any], dict[str, Any]]:
        return args, settled(dict(kwargs)), {}


def parameters_of(fun: Function, signature: str | None = None) -> tuple[list[str], dict[str, Any]]:
    """Return the names of a function's parameters and their defaults.

    `signature` says them ("a, v, mode='full'") where the function is written in C and some NumPy versions cannot tell.
    """
    if signature is not None:
        names = [part.split("=")[0].strip() for part in signature.split(",")]
        return names, {part.split("=")[0].strip(): None for part in signature.split(",") if "=" in part}
    found = inspect.signature(fun).parameters.values()
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    empty = inspect.Parameter.empty
    return [p.name for p in found if p.kind not in kinds], {p.name: p.default for p in found if p.default is not empty}


def rule_parameters(rule: Function, skip: int) -> tuple[list[str], list[str], bool]:
    """Return a rule's operand names (after the first `skip`), its keyword-only names, and whether it takes `*operands`."""
    found = list(inspect.signature(rule).parameters.values())[skip:]
    operands = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    params = [p.name for p in found if p.kind is p.KEYWORD_ONLY]
    return operands, params, any(p.kind is p.VAR_POSITIONAL for p in found)
