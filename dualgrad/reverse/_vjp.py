"""Reverse mode on flat lists of arrays; trees are the transformations' business."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dualgrad._core.level import Tracer
from dualgrad._core.space import Value, zeros_of
from dualgrad.reverse._sweep import Sweep
from dualgrad.reverse._tape import Tape, TapeArray


class Pullback:
    """The linear map from cotangents of a function's outputs to cotangents of its inputs, at one point.

    May be called many times, and from many threads: the tape is only read.
    """

    __slots__ = ("_inputs", "_outputs", "_tape")

    def __init__(self, tape: Tape, inputs: Sequence[Value], outputs: Sequence[Value]) -> None:
        self._tape = tape
        self._inputs = inputs
        self._outputs = outputs

    def __call__(self, cotangents: Sequence[Value]) -> list[Value]:
        """Return the inputs' cotangents, None for an input that the outputs do not depend on."""
        with np.errstate(all="ignore"):
            found = self._sweep(cotangents, strong=False)
            if any(_has_nan(g) for g in found):
                found = self._sweep(cotangents, strong=True)
        return found

    def _sweep(self, cotangents: Sequence[Value], strong: bool) -> list[Value]:
        tape = self._tape
        sweep = Sweep(len(tape.entries))
        start = -1
        for out, ct in zip(self._outputs, cotangents, strict=True):
            if type(out) is TapeArray and out._level is tape and ct is not None:
                sweep.add(out._number, ct)
                start = max(start, out._number)
        if strong:
            sweep.run_strong(tape.entries, start)
        else:
            sweep.run(tape.entries, start)
        return [sweep.settle(k) for k in range(len(self._inputs))]


def _has_nan(g: Value) -> bool:
    return g is not None and bool(np.isnan(g).any())


def flat_vjp(f: Callable[..., Sequence[Value]], inputs: Sequence[Value]) -> tuple[list[Value], Pullback]:
    """Run `f(*inputs)`, which returns a sequence of arrays, and return their values and the pullback."""
    tape = Tape()
    try:
        outputs = list(f(*[tape.lift(x) for x in inputs]))
    finally:
        tape.close()
    values = [out._value if isinstance(out, Tracer) and out._level is tape else out for out in outputs]
    return values, Pullback(tape, inputs, outputs)


def instantiate(cotangents: Sequence[Value], inputs: Sequence[Any]) -> list[Value]:
    """Return the cotangents with zeros for None."""
    return [zeros_of(x) if ct is None else ct for ct, x in zip(cotangents, inputs, strict=True)]
