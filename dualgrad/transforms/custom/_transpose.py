"""The transpose of a linear function whose own JVP rule calls it on the tangents.

Reverse mode records a JVP rule on its tangents, and pulls that back. Where the rule of `f` says `f(t)`, this would ask for the
rule of `f` again, without end. But what is called on tangents is linear in them. So its transpose is that of its code, where
that runs on values being differentiated, and is else made of one call for each number of the argument.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from dualgrad import tree
from dualgrad._call.callers import stacklevel_of_user
from dualgrad._call.leaves import Leaves
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import Level, Tracer, seen_anywhere
from dualgrad.errors import LeakedValueError, RuleError, TransposeLoopWarning
from dualgrad.reverse import Recording


class Transposition:
    """A tangent map that is being transposed: whose it is, and the level on which its tangents are recorded."""

    __slots__ = ("level", "owner")

    def __init__(self, owner: object) -> None:
        self.owner = owner
        self.level: Level | None = None

    def records(self, tangents: Sequence[Any]) -> None:
        """Take note of the level of the tangents."""
        if tangents:
            self.level = tangents[0]._level


_RUNNING: ContextVar[tuple[Transposition, ...]] = ContextVar("_RUNNING", default=())


@contextmanager
def transposing(owner: object) -> Iterator[Transposition]:
    """Say that the tangent map of a custom function is being transposed."""
    found = Transposition(owner)
    token = _RUNNING.set((*_RUNNING.get(), found))
    try:
        yield found
    finally:
        _RUNNING.reset(token)


def is_called_on_tangents(owner: object, level: Level) -> bool:
    """Tell whether a call belongs to the transposition of the tangent map of the function itself."""
    running = _RUNNING.get()
    return any(x.owner is owner for x in running) and any(x.level is level for x in running)


def recording_of(owner: object, tangents: Sequence[Any]) -> Level | None:
    """Return the level on which tangents are recorded, to transpose the tangent map of the function itself; or None."""
    for x in reversed(_RUNNING.get()):
        if x.owner is owner and x.level is not None and any(belongs(t, x.level) for t in tangents):
            return x.level
    return None


def belongs(x: Any, level: Level) -> bool:
    """Tell whether a level has a part in a value, which may be a batch of its tracers."""
    while isinstance(x, Tracer):
        if x._level is level:
            return True
        x = x._value
    return False


def transposed(
    f: Callable[..., Any],
    call: Callable[..., Any],
    title: str,
    wanted: Sequence[bool],
    arguments: tuple[Any, ...],
    ct: Any,
) -> tuple[Any, ...]:
    """Return the cotangents of the arguments that are wanted, in which the function is linear; None for the others.

    `f` is the code of the function, and `call` the function with its rules.
    """
    inputs = Leaves(arguments)
    places = [k for k, is_wanted in enumerate(wanted) if is_wanted]
    # A transpose is the same everywhere, so it does not matter that these are not the tangents.
    likes = [np.ones(shape_of(inputs.values[k]), dtype_of(inputs.values[k]))[()] for k in places]
    cotangents = [x for x in tree.leaves(ct) if x is not None]

    def run(f: Callable[..., Any], tangents: Sequence[Value]) -> list[Value]:
        values = list(inputs.values)
        for k, t in zip(places, tangents, strict=True):
            values[k] = t
        return Leaves([f(*inputs.fill(values))]).values

    try:
        found = Recording(lambda tangents: _all_recorded(run(f, tangents), tangents), likes).pull(cotangents)
    except (RuleError, LeakedValueError):
        raise
    except Exception as error:
        failed = error
    else:
        answers = run(f, likes)
        _check(run(f, [-x for x in likes]), [-x for x in answers], answers, title)
        return inputs.fill_derivatives(_spread(found, places, len(wanted)))
    _warn(title, failed, sum(np.size(x) * (2 if dtype_of(x).kind == "c" else 1) for x in likes))
    found = _by_columns(lambda tangents: run(call, tangents), likes, cotangents, title)
    return inputs.fill_derivatives(_spread(found, places, len(wanted)))


def _all_recorded(outputs: list[Value], tangents: Sequence[Any]) -> list[Value]:
    for x in outputs:
        if not (isinstance(x, Tracer) and x._level is tangents[0]._level) and seen_anywhere(x != 0):
            raise TypeError("A part of the result does not depend on the tangents.")
    return outputs


def _spread(found: Sequence[Value], places: Sequence[int], count: int) -> list[Value]:
    spread: list[Value] = [None] * count
    for k, x in zip(places, found, strict=True):
        spread[k] = x
    return spread


def _by_columns(
    run: Callable[[Sequence[Value]], list[Value]], likes: Sequence[Value], cotangents: Sequence[Value], title: str
) -> list[Value]:
    """Return the cotangents of a linear function, from its values at all unit vectors."""
    found, total = [], None
    # To see whether it is linear: a sum with factors of both signs.
    probes = [np.cos(2.0 * np.arange(np.size(x)) + 0.5).astype(dtype_of(x)).reshape(np.shape(x))[()] for x in likes]
    for k, like in enumerate(likes):
        numbers = []
        for place in range(np.size(like)):
            column = run(_unit(likes, k, place, 1))
            number = _paired(column, cotangents)
            factor = np.ravel(probes[k])[place]
            total = [factor * y + (0 if total is None else total[j]) for j, y in enumerate(column)]
            if dtype_of(like).kind == "c":
                # A function that is linear over the real numbers only, such as the real part, moves otherwise along i.
                number = np.real(number) - 1j * np.real(_paired(run(_unit(likes, k, place, 1j)), cotangents))
            elif dtype_of(number).kind == "c":
                number = np.real(number)
            numbers.append(number)
        found.append(np.reshape(np.stack(numbers), np.shape(like)) if numbers else np.zeros_like(like))
    if total is not None:
        answers = run(probes)
        _check(total, answers, answers, title)
    return found


def _unit(likes: Sequence[Value], k: int, place: int, one: complex) -> list[Value]:
    """Return zeros like some values, with `one` in one place of the k-th."""
    found = [np.zeros_like(x) for x in likes]
    found[k].reshape(-1)[place] = one
    return [x[()] for x in found]


def _paired(outputs: Sequence[Value], cotangents: Sequence[Value]) -> Value:
    found: Value = 0.0
    for x, ct in zip(outputs, cotangents, strict=True):
        found = found + np.sum(x * ct)
    return found


def _check(found: Sequence[Value], expected: Sequence[Value], likes: Sequence[Value], title: str) -> None:
    """Raise RuleError where a function is seen not to be linear, by its value of the opposite or of a sum."""
    # Generous, for solvers that iterate.
    for x, y, like in zip(found, expected, likes, strict=True):
        if seen_anywhere(np.abs(x - y) > 0.01 * np.max(np.abs(like), initial=0)):
            raise RuleError(
                f"The JVP rule of {title} calls {title} on tangents, in which a rule is linear, and {title} is not: its value of "
                "-x is not that of x with the other sign, or that of a sum is not the sum of its values. Is a constant part of it in the tangent? Leave "
                "that out: a constant does not move."
            )


def _warn(title: str, failed: Exception, count: int) -> None:
    warnings.warn(
        f"The JVP rule of {title} calls {title} on tangents, and reverse mode needs the transpose of that. Its code does not run on "
        f"values being differentiated ({type(failed).__name__}), so {count} calls tell it, one for each number of the argument. The "
        f"result is right, and slow. Say what it is: {title}.defvjp(fwd, bwd) beside the JVP rule; for a @ x it is "
        "fwd = lambda x: (product(x), None) and bwd = lambda kept, ct: (transposed_product(ct),).",
        TransposeLoopWarning,
        stacklevel=stacklevel_of_user(),
    )
