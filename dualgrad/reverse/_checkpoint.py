"""Less memory for more time: a function whose intermediate values are computed again in the backward sweep.

The function runs once on the tape, and what it recorded is forgotten. When the sweep arrives with cotangents of its results,
it runs again, appending to the same tape, and that part of the tape is swept and removed. So values that the function closes
over are differentiated as everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dualgrad import tree
from dualgrad._call.annotations import P, R
from dualgrad._call.leaves import Leaves
from dualgrad._call.transformed import transformed
from dualgrad._table.foreign import is_foreign
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.level import anywhere, deepest
from dualgrad.errors import LeakedValueError, RuleError
from dualgrad.reverse._hot import TapeArray, tape_array
from dualgrad.reverse._joint import pick
from dualgrad.reverse._sweep import FEW, Sweep
from dualgrad.reverse._tape import Tape


def checkpoint(f: Callable[P, R]) -> Callable[P, R]:
    """Return `f` as a function that keeps only its arguments for the backward sweep, and runs again there.

    Values and derivatives are those of `f`; it should not have side effects. Arguments and results may be trees, and `f` may
    close over values that are being differentiated. Of a `vmap` inside of a gradient, checkpoint the whole: `checkpoint(vmap(f))`;
    in `vmap(checkpoint(f))` there, `f` is stored as it would be alone.

    >>> import numpy as np
    >>> from dualgrad import checkpoint, grad
    >>> layer = checkpoint(lambda x, w: np.tanh(w * x))
    >>> float(grad(lambda x: layer(layer(x, w=2.0), w=0.5))(0.0))
    1.0
    """

    @transformed(checkpoint, f)
    def checkpointed(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        arguments, structure = tree.flatten((args, kwargs))
        tape = deepest(arguments)
        if not isinstance(tape, Tape):
            return f(*args, **kwargs)
        # Before `f` can write to them. Tape arrays are stored as (number, value), so that the tape does not hold itself alive.
        stored = [(x._number, x._value) if _is_after(x, tape, 0) else None for x in arguments]
        others = [tape.keep(x) if kept is None else None for x, kept in zip(arguments, stored, strict=True)]
        start = len(tape.entries)
        result = Leaves([f(*args, **kwargs)])
        outputs = [x for x in result.values if _is_after(x, tape, start)]
        if not outputs:
            return result.fill(result.values)[0]
        tape.entries[start:] = [_FORGOTTEN] * (len(tape.entries) - start)

        def run_again(tape: Tape) -> Leaves:
            again = [
                x if kept is None else tape_array(kept[1], tape, kept[0])
                for x, kept in zip(others, stored, strict=True)
            ]
            args, kwargs = structure.unflatten(again)
            return Leaves([f(*args, **kwargs)])

        tape.record((-1, _recompute, (run_again, _title(f), [_below(x, tape) for x in result.values]), FEW, None, None))
        node = len(tape.entries) - 1
        values: list[Value] = []
        for k, x in enumerate(result.values):
            if _is_after(x, tape, start):
                tape.record((-1, pick, (node, k, len(result.values)), FEW, None, None))
                x = tape_array(x._value, tape, len(tape.entries) - 1)
            values.append(x)
        return result.fill(values)[0]

    return checkpointed


def _title(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", repr(f))


def _is_after(x: Any, tape: Tape, start: int) -> bool:
    return type(x) is TapeArray and x._level is tape and x._number >= start


def _recompute(sweep: Sweep, cotangents: Sequence[Value], run_again: Any, title: str, first: list[Value]) -> None:
    tape: Tape = sweep.tape
    with tape.lock:
        _sweep_again(sweep, tape, cotangents, run_again, title, first)


def _sweep_again(
    sweep: Sweep, tape: Tape, cotangents: Sequence[Value], run_again: Any, title: str, first: list[Value]
) -> None:
    start = len(tape.entries)
    size = len(sweep.cotangents)
    is_over = type(tape) is not Tape
    tape.reopen()
    try:
        result = run_again(tape)
        sweep.cotangents.extend([None] * (len(tape.entries) - size))
        again = [_below(x, tape) for x in result.values]
        if len(again) != len(first) or not all(map(_is_same, again, first)):
            raise RuleError(
                f"The checkpointed function {title} returned something else when it ran again for the backward sweep. It must "
                "do the same every time: no random numbers, no side effects, and nothing that it reads may change in between."
            )
        for x, ct in zip(result.values, cotangents, strict=True):
            if ct is not None and _is_after(x, tape, 0):
                sweep.add(x._number, ct)
        sweep.run(tape.entries, len(tape.entries) - 1, start)
    finally:
        if is_over:
            tape.close()
        del tape.entries[start:]
        del sweep.cotangents[size:]


def _below(x: Value, tape: Tape) -> Value:
    return x._value if type(x) is TapeArray and x._level is tape else x


def _is_same(a: Value, b: Value) -> bool:
    if shape_of(a) != shape_of(b):
        return False
    # What another library has not computed yet cannot be compared.
    return is_foreign(a) or not anywhere(np.logical_not(np.isclose(a, b, rtol=1e-6, equal_nan=True)))


def _forgotten(sweep: Sweep, ct: Value) -> None:
    raise LeakedValueError(
        "A value computed inside a checkpointed function was used outside of it without being returned, and what led to it "
        "has been forgotten. Return the value from the function."
    )


_FORGOTTEN = (-1, _forgotten, (), FEW, None, None)
