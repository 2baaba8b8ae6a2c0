"""Derivatives along many directions at once. The one place that knows how they are computed: now one pass for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._core.level import Tracer
from dualgrad._core.space import Value, dtype_of
from dualgrad.forward import jvp
from dualgrad.reverse import vjp
from dualgrad.sparse._pattern import one_result

Array = np.ndarray[Any, Any]


def push_many(f: Callable[[Any], Any], x: Array, seeds: Array) -> tuple[Value, Array]:
    """Return `f(x)` and `seeds @ J.T`: for each row of seeds, the flat derivative of `f` along it."""
    value, pushed = None, []
    for seed in seeds:
        value, tangent = jvp(f, (x[()],), (seed.reshape(x.shape)[()],))
        pushed.append(np.ravel(_plain(one_result(tangent, "A sparse Jacobian"))))
    value = one_result(f(x[()]) if value is None else value, "A sparse Jacobian")
    return value, np.array(pushed).reshape(len(seeds), np.size(_plain(value)))


def pull_many(f: Callable[[Any], Any], x: Array, seeds: Array) -> tuple[Value, Array]:
    """Return `f(x)` and `seeds @ J`: for each row of seeds, the flat cotangent of `x`."""
    value, pullback = vjp(f, x[()])
    value = _plain(one_result(value, "A sparse Jacobian"))
    if np.size(value) != seeds.shape[1]:
        return value[()], np.zeros((len(seeds), x.size))
    dtype = dtype_of(value)
    pulled = [np.ravel(_plain(pullback(seed.reshape(value.shape).astype(dtype)[()])[0])) for seed in seeds]
    return value[()], np.array(pulled).reshape(len(seeds), x.size)


def _plain(x: Value) -> Value:
    if isinstance(x, Tracer):
        raise TypeError(
            "A sparse matrix holds plain numbers, but the function depends on a value that is being differentiated further "
            "out. Use jacobian or hessian there, or stop_gradient."
        )
    if dtype_of(x).kind == "c":
        raise TypeError(
            "A sparse Jacobian needs a real function; this one is complex. Return its real or imaginary part."
        )
    return np.asarray(x)
