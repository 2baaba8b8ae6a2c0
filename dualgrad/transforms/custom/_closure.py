"""Custom functions that close over values being differentiated: a derived function, of which these are an argument.

A rule says how its arguments move the result, and nothing of what the function closes over. By that, the derivative is that of the
function's code. Both together are a custom function again, with the closed-over values in a tuple as its first argument; so every
mode, order and batch treats them as it treats arguments.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from dualgrad import tree
from dualgrad._call.leaves import is_differentiable
from dualgrad._table.space import Value
from dualgrad._trace.ended import Ended
from dualgrad._trace.hidden import hides, refuse_hidden
from dualgrad._trace.level import Level, Tracer, deepest
from dualgrad.batching import BatchLevel
from dualgrad.errors import ConversionError, LeakedValueError, RuleError
from dualgrad.forward import jvp
from dualgrad.reverse import vjp
from dualgrad.transforms.custom._batch import holds_batch
from dualgrad.transforms.custom._cells import Closed, closes_over_nothing, taken_out
from dualgrad.transforms.custom._kept import counted, locked, pair_of

T = TypeVar("T")


def closed_rules(
    custom: Any, arguments: Sequence[Any], leaves: Sequence[Any], level: Level
) -> tuple[ClosedRules, tuple[Any, ...]] | None:
    """Return the rules of a call with what it closes over as an argument, and the arguments; None where `level` loses nothing of that.

    Functions among the arguments may close over values as well. What belongs to levels further out is lost by none.
    """
    places = [k for k, x in enumerate(leaves) if callable(x)]
    if not places and all(map(closes_over_nothing, custom._held())):
        return None
    is_sought = functools.partial(_may_be_lost, level)
    values, closed = taken_out((custom, *[leaves[k] for k in places]), is_sought)
    if not values:
        return None
    rules = ClosedRules(custom._title(), places, closed)
    _, *functions = closed.filled(closed.slots)
    for f in functions:
        if hides(is_sought, f):
            refuse_hidden(f, custom._title())
    return rules, (values, *rules.placed(arguments, functions))


def _may_be_lost(level: Level, x: Tracer) -> bool:
    return x._level.depth >= level.depth and not isinstance(x._level, Ended)


def loses(level: Level, x: Any) -> bool:
    """Tell whether a part of what a level made of a call belongs to that level, or to one that is deeper: by that it has no derivative."""
    if not (isinstance(x, Tracer) and x._level is level):
        return False
    series = getattr(x, "_series", None)
    found = deepest([x._value, getattr(x, "_tangent", None), *(series.coefficients if series is not None else ())])
    return found is not None and found.depth >= level.depth


def hidden_closure(title: str) -> RuleError:
    """Return the error for a function that reads a value where it is not found."""
    return RuleError(
        f"{title}, or its rule, reads a value being differentiated that is not among its arguments, and its derivative would be lost: "
        "it is in an object, or a global, where dualgrad does not look for what a function closes over. Pass it as an argument."
    )


def run_plainly(custom: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the value at plain arguments; what the function closes over is differentiated as code."""
    try:
        return custom._f(*args, **kwargs)
    except (SystemError, ConversionError) as error:
        # Compiled code that calls back hides the error in one of its own.
        values, _ = taken_out((custom,), _is_running)
        if values:
            raise _no_code(custom._title()) from error
        raise


def _is_running(x: Tracer) -> bool:
    return not isinstance(x._level, Ended)


def _no_code(title: str) -> RuleError:
    """Return the error for a function that has to be differentiated as code, by what it closes over, and is no such code."""
    return RuleError(
        f"{title} closes over a value being differentiated, and its code cannot be differentiated by that (it is no NumPy code all through: "
        "compiled code, float(x), math.f(x)). Pass the value as an argument, which the rules are about."
    )


class ClosedRules:
    """The rules of the derived function, `(values, *arguments) -> value`."""

    __slots__ = ("_closed", "_places", "_title")

    def __init__(self, title: str, places: list[int], closed: Closed) -> None:
        self._title = title
        self._places = places
        self._closed = closed

    def function(self, values: Any, *args: Any) -> Any:
        """Return the value: the code is run, without rules."""
        custom, args = self._opened(values, args)
        return custom._f(*args)

    def jvp(self, primals: Any, tangents: Any) -> Any:
        """Return the value, and its tangent by the arguments and by what is closed over."""
        (values, *args), (moves, *others) = primals, tangents
        custom, opened = self._opened(values, args)
        pair = custom._jvp(opened, tuple(others))
        result, pushed = custom._pushed(pair, tree.leaves(tuple(others)))
        if any(map(is_differentiable, values)):
            moved = self._by_code(lambda: jvp(self._code(args), (values,), (moves,))[1], (primals, tangents))
            more = result.match((moved,), "tangent", "value")
            pushed = [_sum(t, u) for t, u in zip(pushed, more, strict=True)]
        return pair[0], result.fill_derivatives(pushed)[0]

    def fwd(self, values: Any, *args: Any) -> Any:
        """Return the value, and residuals for both derivatives."""
        custom, opened = self._opened(values, args)
        value, residuals = pair_of(custom._fwd(*opened), f"The rule fwd of {self._title}", "(value, residuals)")
        return value, (residuals, values, args)

    def bwd(self, kept: Any, ct: Any) -> Any:
        """Return the cotangents of what is closed over, in a tuple, and of the arguments."""
        residuals, values, args = kept
        custom, _ = self._opened(values, args)
        found = counted(custom._bwd(residuals, ct), len(args), self._title)
        if not any(map(is_differentiable, values)):
            return (None, *found)
        (pulled,) = self._by_code(lambda: vjp(self._code(args), values)[1](ct), kept)
        return (pulled, *found)

    def _opened(self, values: Any, args: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
        """Return the custom function and its arguments, closing over some values."""
        custom, *functions = self._closed.filled([locked(x) for x in values])
        return custom, self.placed(args, functions)

    def placed(self, args: Sequence[Any], functions: Sequence[Any]) -> tuple[Any, ...]:
        """Return arguments with other functions in the places of those that close over values."""
        if not self._places:
            return tuple(args)
        leaves, structure = tree.flatten(tuple(args))
        for k, f in zip(self._places, functions, strict=True):
            leaves[k] = f
        placed: tuple[Any, ...] = structure.unflatten(leaves)
        return placed

    def _code(self, args: Sequence[Any]) -> Callable[[Any], Any]:
        return lambda values: self.function(values, *args)

    def _by_code(self, run: Callable[[], T], trees: Any) -> T:
        """Run what differentiates the code; RuleError where that cannot be run on values being differentiated."""
        try:
            return run()
        except (RuleError, LeakedValueError):
            raise
        except Exception as error:
            leaves = tree.leaves(trees)
            if isinstance(deepest(leaves), BatchLevel) or holds_batch(leaves):
                # It may come of the batch: members run one by one.
                raise
            raise RuleError(
                f"{self._title} closes over a value being differentiated. Its rule says nothing of that, and its code does not run "
                f"on such values ({type(error).__name__}). Pass it as an argument, and say in the rule how it moves the result."
            ) from error


def _sum(t: Value, u: Value) -> Value:
    return u if t is None else t if u is None else t + u
