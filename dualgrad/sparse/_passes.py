"""Derivatives along many directions at once. The one place that knows how they are computed: in one batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._table.space import Value, dtype_of
from dualgrad._trace.level import Tracer
from dualgrad.batching import members_by_default, vmap
from dualgrad.forward import jvp
from dualgrad.reverse import vjp
from dualgrad.sparse._pattern import one_result

Array = np.ndarray[Any, Any]


def push_many(f: Callable[[Any], Any], x: Array, seeds: Array, title: str) -> tuple[Value, Array]:
    """Return `f(x)` and `seeds @ J.T`: for each row of seeds, the flat derivative of `f` along it."""

    def along(seed: Value) -> Any:
        value, tangent = jvp(f, (x[()],), (seed,))
        return one_result(value, title), one_result(tangent, title)

    value, pushed = None, []
    for rows in _chunks(seeds, x.size):
        value, tangents = vmap(along, out_axes=(None, 0))(rows.reshape(len(rows), *x.shape))
        pushed.append(np.reshape(_plain(tangents, title), (len(rows), -1)))
    value = one_result(f(x[()]), title) if value is None else value
    return value, np.concatenate(pushed) if pushed else np.zeros((0, np.size(_plain(value, title))))


def pull_many(f: Callable[[Any], Any], x: Array, seeds: Array, title: str) -> tuple[Value, Array]:
    """Return `f(x)` and `seeds @ J`: for each row of seeds, the flat cotangent of `x`."""
    value, pullback = vjp(f, x[()])
    value = _plain(one_result(value, title), title)
    if np.size(value) != seeds.shape[1]:
        return value[()], np.zeros((len(seeds), x.size))
    dtype = dtype_of(value)
    pulled = [
        np.reshape(
            _plain(vmap(pullback)(rows.reshape(len(rows), *value.shape).astype(dtype))[0], title), (len(rows), -1)
        )
        for rows in _chunks(seeds, x.size)
    ]
    return value[()], np.concatenate(pulled) if pulled else np.zeros((0, x.size))


def _chunks(seeds: Array, size: int) -> list[Array]:
    """Return the seeds in as many parts as memory asks for."""
    count = members_by_default(max(size, seeds.shape[1]))
    return [seeds[start : start + count] for start in range(0, len(seeds), count)]


def _plain(x: Value, title: str) -> Value:
    if isinstance(x, Tracer):
        raise TypeError(
            f"{title} makes a matrix of plain numbers, but the function depends on a value that is being differentiated "
            "further out. Use jacobian or hessian there, or stop_gradient."
        )
    if dtype_of(x).kind == "c":
        raise TypeError(f"{title} needs a real function; this one is complex. Return its real or imaginary part.")
    return np.asarray(x)
