"""Derivatives of high order along a direction: the coefficients of f(x + t v)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Literal, overload

from dualgrad import tree
from dualgrad._call.annotations import A, R
from dualgrad._call.arguments import check_callable, split_aux
from dualgrad._call.leaves import (
    Leaves,
    as_primals,
    conform,
    in_own_memory,
    is_differentiable,
    release,
    results,
    settle,
)
from dualgrad._table.space import Value
from dualgrad.series._array import SeriesArray
from dualgrad.series._level import SeriesLevel


@overload
def taylor(f: Callable[[Any], R], x: Any, v: Any, order: int, *, has_aux: Literal[False] = False) -> tuple[R, ...]: ...
@overload
def taylor(
    f: Callable[[Any], tuple[R, A]], x: Any, v: Any, order: int, *, has_aux: Literal[True]
) -> tuple[tuple[R, ...], A]: ...
@overload
def taylor(f: Callable[[Any], Any], x: Any, v: Any, order: int, *, has_aux: bool) -> Any: ...
def taylor(f: Callable[[Any], Any], x: Any, v: Any, order: int, *, has_aux: bool = False) -> Any:
    """Return the `order + 1` coefficients c_0, c_1, ... of `f(x + t * v) = c_0 + c_1 t + c_2 t**2 + ...`, as a tuple.

    c_0 is `f(x)`, c_1 what `jvp` gives, and the k-th derivative along `v` is `k! * c_k`. The coefficients have the structure, shapes
    and dtypes of the result of `f`. `x` and `v` are trees of equal structure and shapes; None in `v` counts as
    zero. Leaves that are no floats pass through, and have None as coefficients beyond c_0. With `has_aux`, `f` returns
    `(value, aux)` and the result is `(coefficients, aux)`.

    `f` runs once. The cost grows as the second or third power of `order`, where that of nested `jvp` doubles with each order.

    Raises TreeError where the structures differ, ValueError where shapes do or `order` is negative, TypeError where nothing
    can be differentiated.

    >>> import numpy as np
    >>> from dualgrad import taylor
    >>> [float(c) for c in taylor(np.exp, 0.0, 1.0, 4)]
    [1.0, 1.0, 0.5, 0.166667, 0.0416667]
    """
    check_callable(f, "taylor", "taylor(f, x, v, order)")
    if isinstance(order, bool) or not hasattr(order, "__index__"):
        raise TypeError(f"taylor: order is an integer; it is a {type(order).__name__} here.")
    order = operator.index(order)
    if order < 0:
        raise ValueError(f"taylor: order is the number of derivatives, 0 or more; it is {order}.")
    inputs = as_primals((x,), "taylor")
    velocities = _velocities(inputs, v)
    level = SeriesLevel(order)
    try:
        moving = [
            x if t is None or order == 0 else level.moving(in_own_memory(x), in_own_memory(t))
            for x, t in zip(inputs.values, velocities, strict=True)
        ]
        value, aux = split_aux(f(*inputs.fill(moving)), has_aux, "taylor")
        result = results(value)
        aux = release(level, aux)
    finally:
        level.close()
    coefficients = _coefficients(result, level, velocities)
    return (coefficients, aux) if has_aux else coefficients


def _velocities(inputs: Leaves, v: Any) -> list[Value]:
    """Return what `v` holds for each differentiable leaf of the argument, in its space; None for zero."""
    (x,) = inputs.fill(inputs.values)
    leaves, structure = tree.flatten(x)
    given = tree.match(structure, v, name="v", expected_name="x", allow_none=True)
    found = []
    for leaf, t, path in zip(leaves, given, structure.paths("x"), strict=True):
        if is_differentiable(leaf):
            found.append(None if t is None else conform(t, leaf, path.replace("x", "v", 1), path))
    return found


def _coefficients(result: Leaves, level: SeriesLevel, velocities: list[Value]) -> tuple[Any, ...]:
    columns = []
    for x in result.values:
        is_moving = type(x) is SeriesArray and x._level is level
        columns.append(x._series.coefficients if is_moving else [x, *[None] * level.order])
    result.values = values = [column[0] for column in columns]
    # All at once, since they should share memory with one another as little as with the direction.
    flat = [column[k] for k in range(1, level.order + 1) for column in columns]
    flat = settle(flat, values * level.order, taken=velocities)
    rows = [flat[k : k + len(values)] for k in range(0, len(flat), len(values) or 1)]
    if not values:
        rows = [[]] * level.order
    return (*result.fill(values), *[tree_of for row in rows for tree_of in result.fill_derivatives(row)])
