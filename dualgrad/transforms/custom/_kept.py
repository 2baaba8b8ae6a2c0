"""What a call of a custom function keeps for its rules, and what these return."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dualgrad import tree
from dualgrad._call.leaves import Leaves
from dualgrad._table.space import Value
from dualgrad._trace.level import Tracer
from dualgrad.errors import RuleError, TreeError
from dualgrad.reverse import Tape
from dualgrad.transforms.custom._batch import fixed


class Kept:
    """What a call keeps for its rules: the result taken apart, and the residuals."""

    __slots__ = ("is_apart", "residuals", "result")

    def __init__(self, result: Leaves, residuals: Any, is_apart: bool = False) -> None:
        self.result = result
        self.residuals = residuals
        self.is_apart = is_apart


def on_tape(residuals: Any, tape: Tape, values: Sequence[Value]) -> Any:
    """Return residuals whose arrays do not change; those that are on the tape are its own."""
    own = {id(x._value) for x in values if isinstance(x, Tracer) and x._level is tape}
    return tree.map(lambda leaf: leaf if id(leaf) in own else fixed(leaf, tape.keep), residuals)


def checked(result: Leaves, tangent: Any, title: str, what: str, of: str) -> list[Value]:
    """Return the leaves of a tangent that a rule returned; RuleError where it does not fit its value."""
    try:
        return result.match((tangent,), what, of)
    except (TreeError, ValueError, TypeError) as error:
        raise RuleError(f"{title} returned a tangent that does not fit its value: {error}") from error


def defaults_of(f: Callable[..., Any]) -> dict[int, tuple[Any, ...]]:
    """Return what a call with so many positional arguments leaves to defaults; nothing where that cannot be told."""
    if isinstance(f, np.ufunc):
        # Theirs are out= and the like, and no arguments of the function.
        return {}
    try:
        found = inspect.signature(f).parameters.values()
    except (ValueError, TypeError):
        return {}
    parameters = [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    defaults = [p.default for p in parameters]
    return {k: tuple(defaults[k:]) for k in range(len(defaults)) if inspect.Parameter.empty not in defaults[k:]}


def pair_of(found: Any, rule: str, names: str) -> tuple[Any, Any]:
    """Return what a rule returned; RuleError where it is no pair."""
    if not (isinstance(found, tuple) and len(found) == 2):
        raise RuleError(f"{rule} returns a pair {names}; it returned {found!r}.")
    return found


def counted(found: Any, count: int, title: str) -> Sequence[Any]:
    """Return what the rule bwd returned; RuleError where that is not one cotangent per argument."""
    if not isinstance(found, (tuple, list)) or len(found) != count:
        described = f"{len(found)} values" if isinstance(found, (tuple, list)) else f"a {type(found).__name__}"
        raise RuleError(
            f"The rule bwd of {title} returns a tuple with one cotangent per argument ({count}); it returned {described}."
        )
    return found


def locked(x: Any) -> Any:
    """Return an array so that a write raises: it would change the value, and not the derivative."""
    if type(x) is not np.ndarray:
        return x
    found = x.view()
    found.flags.writeable = False
    return found
