"""The pushforward: a function's value and its derivative along a direction, in one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

from dualgrad._call.annotations import A, R
from dualgrad._call.arguments import check_callable, split_aux
from dualgrad._call.leaves import Leaves, as_primals, in_own_memory, owned, release, results, settle
from dualgrad._table.space import Value
from dualgrad.forward._dual import ForwardLevel
from dualgrad.forward._hot import DualArray, dual_array


def push(
    f: Callable[[list[Any]], Any], values: Sequence[Value], tangents: Sequence[Value], has_aux: bool, transform: str
) -> tuple[Leaves, list[Value], Any]:
    """Run `f` on a list of dual arrays; return the leaves of its result, their tangents (None: zero), and auxiliary data."""
    level = ForwardLevel()
    try:
        duals = [
            x if t is None else dual_array(in_own_memory(x), in_own_memory(t), level)
            for x, t in zip(values, tangents, strict=True)
        ]
        value, aux = split_aux(f(duals), has_aux, transform)
        result = results(value, level)
        aux = release(level, aux)
    finally:
        level.close()
    outputs = result.values
    tangents = [x._tangent if isinstance(x, DualArray) and x._level is level else None for x in outputs]
    result.values = [x._value if isinstance(x, DualArray) and x._level is level else x for x in outputs]
    return result, tangents, aux


@overload
def jvp(
    f: Callable[..., R], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: Literal[False] = False
) -> tuple[R, R]: ...
@overload
def jvp(
    f: Callable[..., tuple[R, A]], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: Literal[True]
) -> tuple[R, R, A]: ...
@overload
def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool) -> Any: ...
def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool = False) -> Any:
    """Return `(f(*primals), J @ tangents)`: the value of `f` and its derivative along `tangents`.

    `primals` and `tangents` are tuples with one entry per argument, of equal structure and shapes; a tangent that is None
    counts as zero. Leaves that are no floats pass through, and have None as tangent. With `has_aux`, `f` returns
    `(value, aux)` and the result is `(value, tangent, aux)`.

    Raises TreeError where the structures differ, ValueError where shapes do, TypeError where nothing can be differentiated.

    >>> import numpy as np
    >>> from dualgrad import jvp
    >>> value, tangent = jvp(lambda x, y: x * np.sin(y), (2.0, 0.0), (0.0, 1.0))
    >>> float(value), float(tangent)
    (0.0, 2.0)
    """
    check_callable(f, "jvp", "jvp(f, (x,), (v,))")
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError("jvp takes primals and tangents as tuples with one entry per argument: jvp(f, (x,), (v,)).")
    if len(primals) != len(tangents):
        raise TypeError(
            f"jvp got {len(primals)} primals and {len(tangents)} tangents; they belong together one by one."
        )
    inputs = as_primals(primals, "jvp")
    directions = inputs.match(tuple(tangents), "tangents", "primals")
    result, found, aux = push(lambda values: f(*inputs.fill(values)), inputs.values, directions, has_aux, "jvp")
    (value,) = result.fill([owned(x, inputs.values) for x in result.values])
    (tangent,) = result.fill_derivatives(settle(found, result.values, taken=directions))
    return (value, tangent, aux) if has_aux else (value, tangent)
