"""The pullback: a function's value, and the map from cotangents of its result to cotangents of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np

from dualgrad import tree
from dualgrad._call.annotations import A, R, X, Y
from dualgrad._call.arguments import check_callable, split_aux
from dualgrad._call.leaves import as_primals, in_own_memory, release, results, settle
from dualgrad._table.foreign import is_foreign
from dualgrad._table.space import Value
from dualgrad._trace.zeros import is_strict, may_hold_nan
from dualgrad.reverse._hot import TapeArray
from dualgrad.reverse._sweep import Sweep
from dualgrad.reverse._tape import Tape


class Recording:
    """One run of a function on a tape, to be swept as often as wanted: the tape is only read."""

    __slots__ = ("_is_foreign", "_outputs", "_tape", "aux", "inputs", "result")

    def __init__(
        self, f: Callable[[list[Any]], Any], values: Sequence[Value], has_aux: bool = False, transform: str = ""
    ) -> None:
        tape = Tape()
        try:
            value = f(list(map(tape.lift, values)))
            self.aux = None
            if has_aux:
                value, aux = split_aux(value, has_aux, transform)
                self.aux = release(tape, aux)
            result = results(value, tape)
        finally:
            tape.close()
        self._tape = tape
        self.inputs = values
        self.result = result
        self._outputs = result.values
        self._is_foreign = False
        result.values = below = []
        for x in self._outputs:
            value = x._value if type(x) is TapeArray and x._level is tape else x
            below.append(value)
            if is_foreign(value):
                self._is_foreign = True

    def own(self) -> None:
        """Keep copies of what the user made read-only, too: this recording lives on, and the flag may be taken back."""
        tape = self._tape
        if tape.guard is not None:
            tape.entries[:] = tape.guard.copies_in(tape.entries)
        # Some of it is on the tape, too.
        self.aux = tree.map(in_own_memory, self.aux) if self.aux is not None else None

    def pull(self, cotangents: Sequence[Value]) -> list[Value]:
        """Return the cotangent of each input, None where no output depends on it."""
        # An infinite or undefined derivative is an answer, not an accident: no warnings from here.
        with np.errstate(all="ignore"):
            # What would have to be computed first, to see whether it is NaN, is swept strongly at once.
            found = self._sweep(cotangents, strong=self._is_foreign)
            for g in found:
                if g is not None and not self._is_foreign and may_hold_nan(g) and not is_strict():
                    return self._sweep(cotangents, strong=True)
        return found

    def _sweep(self, cotangents: Sequence[Value], strong: bool) -> list[Value]:
        tape = self._tape
        sweep = Sweep(tape, strong)
        start = -1
        for out, ct in zip(self._outputs, cotangents, strict=True):
            if type(out) is TapeArray and out._level is tape and ct is not None:
                sweep.add(out._number, ct)
                start = max(start, out._number)
        count = len(self.inputs)
        sweep.run(tape.entries, start, count)
        return [sweep.settle(k) for k in range(count)] if sweep.pending else sweep.cotangents[:count]


@overload
def vjp(f: Callable[..., R], x: X, /, *, has_aux: Literal[False] = False) -> tuple[R, Callable[[Any], tuple[X]]]: ...
@overload
def vjp(
    f: Callable[..., R], x: X, y: Y, /, *, has_aux: Literal[False] = False
) -> tuple[R, Callable[[Any], tuple[X, Y]]]: ...
@overload
def vjp(
    f: Callable[..., R], *primals: Any, has_aux: Literal[False] = False
) -> tuple[R, Callable[[Any], tuple[Any, ...]]]: ...
@overload
def vjp(
    f: Callable[..., tuple[R, A]], x: X, /, *, has_aux: Literal[True]
) -> tuple[R, Callable[[Any], tuple[X]], A]: ...
@overload
def vjp(
    f: Callable[..., tuple[R, A]], *primals: Any, has_aux: Literal[True]
) -> tuple[R, Callable[[Any], tuple[Any, ...]], A]: ...
@overload
def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool) -> Any: ...
def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return `(f(*primals), pullback)`, where `pullback(ct)` is `ct @ J` as a tuple with one cotangent per primal.

    `ct` has the structure and shapes of the result; the pullback may be called many times. Leaves that are no floats pass
    through, and have None as cotangent. With `has_aux`, `f` returns `(value, aux)` and the result is
    `(value, pullback, aux)`.

    >>> import numpy as np
    >>> from dualgrad import vjp
    >>> value, pullback = vjp(lambda x: np.sin(x), np.array([0.0, 1.0]))
    >>> pullback(np.array([1.0, 0.0]))
    (array([1., 0.]),)
    """
    check_callable(f, "vjp", "vjp(f, x)")
    inputs = as_primals(primals, "vjp")
    recording = Recording(lambda values: f(*inputs.fill(values)), inputs.values, has_aux, "vjp")
    recording.own()
    result = recording.result

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        cotangents = result.match((cotangent,), "cotangent", "result")
        found = recording.pull(cotangents)
        return inputs.fill_derivatives(settle(found, inputs.values, taken=cotangents))

    # The tape may hold these arrays too, and the caller may write to what is returned.
    (value,) = result.fill([x.copy() if type(x) is np.ndarray else x for x in result.values])
    return (value, pullback, recording.aux) if has_aux else (value, pullback)
