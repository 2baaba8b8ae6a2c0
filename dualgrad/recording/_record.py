"""`record`: run a function once, and keep what it did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad import tree
from dualgrad._array.gather import gather
from dualgrad._call.arguments import P
from dualgrad._call.leaves import owned
from dualgrad._call.transformed import Transformed, transformed
from dualgrad._trace.level import Tracer
from dualgrad.errors import ProgramError
from dualgrad.recording._inputs import Inputs, is_input
from dualgrad.recording._level import RecordArray, RecordLevel
from dualgrad.recording._program import Program
from dualgrad.recording._rows import Data, Leaf, Ref


def record(f: Callable[P, Any], *, twice: bool = False, lower: bool = False) -> Callable[P, Program]:
    """Return a function that runs `f` once and returns what it did as a `Program`, to be printed, drawn and run again.

    `f` may be any function of NumPy's, also one made by `grad`, `hessian`, `vmap` and their kin: what transformations do is
    recorded as well. Floats and arrays among the arguments are inputs; Python's integers, booleans and strings are static. A look at
    a number (a branch, an index, `float(x)`) becomes a guard, which a run with other arguments checks.

    NumPy among plain arrays is not seen: `x * (data * 2)` holds the product, as it was, as a constant. With `twice`, `f` runs a second
    time, and a ProgramError says what differed (random numbers, state that changes).

    With `lower`, functions that say how they are computed (the facet LOWER of `dualgrad.extend`) are recorded as the steps that they say, so
    that the program consists of fewer sorts of rows, and a function of another library as functions of NumPy's.

    Raises TypeError inside of another transformation: record outside of it, `record(grad(f))`; a program may be differentiated.

    >>> import numpy as np
    >>> from dualgrad import record
    >>> print(record(lambda x: np.sin(x) * x)(0.5))  # doctest: +ELLIPSIS
    program of <lambda>
      %0 = input x: float64
      %1 = sin(%0): float64...
      %2 = multiply(%1, %0): float64...
    returns %2
    """

    @transformed(record, f, twice=twice, lower=lower)
    def recorded(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Program:
        found = _once(f, args, kwargs, lower)
        if twice and (differences := found.differences(_once(f, args, kwargs, lower))):
            raise ProgramError(
                f"record: {found.title} did something else when it ran a second time: {'; '.join(differences)}. It reads what the "
                "recorder cannot see (random numbers, a clock, state that changes). Pass that as an argument."
            )
        return found

    return recorded


def _once(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], lower: bool) -> Program:
    inputs = Inputs(f, args, kwargs)
    leaves = [x for x in tree.leaves((args, kwargs)) if is_input(x)]
    if any(isinstance(x, Tracer) for x in leaves):
        raise TypeError(
            "record was called inside of another transformation, with values that it is tracing. Record outside of it, "
            "record(grad(f))(x), or record first and differentiate the program."
        )
    level = RecordLevel(lower)
    try:
        traced = [level.input(x) for x in leaves]
        filled, named = inputs.fill(traced)
        returned = tree.map(_gathered, f(*filled, **named))
        result = tree.map(lambda x: _reference(x, level), returned)
        value = tree.map(lambda x: owned(x._value, leaves) if _is_own(x, level) else x, returned)
    finally:
        level.close()
    title = repr(f).strip("<>") if isinstance(f, Transformed) else getattr(f, "__name__", None) or repr(f)
    return Program(title, inputs, level.steps, level.constants, result, value)


def _gathered(x: Any) -> Any:
    return gather(x) if type(x) is np.ndarray and x.dtype.hasobject else x


def _is_own(x: Any, level: RecordLevel) -> bool:
    return type(x) is RecordArray and x._level is level


def _reference(x: Any, level: RecordLevel) -> Any:
    """Return what stands for a leaf of the result: a row, a constant array, or the leaf itself."""
    if _is_own(x, level):
        return Leaf(x._ref)
    found = level.reference(x)
    return Leaf(found) if isinstance(found, (Ref, Data)) else x
