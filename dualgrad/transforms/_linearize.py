"""The linear map that a function is near a point, recorded once and applied as often as wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np

from dualgrad._call.annotations import A, R
from dualgrad._call.arguments import check_callable
from dualgrad._call.leaves import Leaves, as_primals, settle
from dualgrad._table.space import Value, dtype_of, shape_of, zeros_of
from dualgrad.reverse import Recording


def transposed(recording: Recording) -> Recording:
    """Return the recording of a recording's backward sweep: its pullback takes tangents of the inputs to those of the result.

    The sweep is linear in the cotangents that it starts from, and a linear function is the transpose of its own pullback.
    """
    # The cotangents at which this is recorded matter for one thing only: a number that comes out as zero, or cancels, by
    # accident would be taken for one that always does. Those of a fixed seed do not.
    rng = np.random.default_rng(0)
    cotangents = [_generic(rng, y) for y in recording.result.values]

    def sweep(cotangents: list[Value]) -> list[Value]:
        found = recording.pull(cotangents)
        return [zeros_of(x) if g is None else g for g, x in zip(found, recording.inputs, strict=True)]

    return Recording(sweep, cotangents)


def _generic(rng: np.random.Generator, y: Value) -> Value:
    dtype = dtype_of(y)
    return dtype.type(1) * rng.uniform(1.0, 2.0, shape_of(y)).astype(dtype)[()]


@overload
def linearize(f: Callable[..., R], *primals: Any, has_aux: Literal[False] = False) -> tuple[R, Callable[..., R]]: ...
@overload
def linearize(
    f: Callable[..., tuple[R, A]], *primals: Any, has_aux: Literal[True]
) -> tuple[R, Callable[..., R], A]: ...
@overload
def linearize(f: Callable[..., Any], *primals: Any, has_aux: bool) -> Any: ...
def linearize(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return `(f(*primals), f_lin)`, where `f_lin(*tangents)` is `J @ tangents`, as often as wanted and without running `f`.

    `f` runs once, and is recorded. `f_lin` takes one tangent per primal, of its structure and shapes (None counts as zero),
    and returns a tangent of the result; it may be called under `vmap`, and be differentiated. A call costs about one
    backward sweep: less than `jvp`, more memory. With `has_aux`, `f` returns `(value, aux)` and the result is
    `(value, f_lin, aux)`.

    Raises TypeError where nothing can be differentiated; `f_lin` raises TreeError or ValueError where tangents do not fit.

    >>> import numpy as np
    >>> from dualgrad import linearize
    >>> value, f_lin = linearize(lambda x: x[0] * x, np.array([2.0, 3.0]))
    >>> f_lin(np.array([1.0, 0.0])), f_lin(np.array([0.0, 1.0]))
    (array([4., 3.]), array([0., 2.]))
    """
    check_callable(f, "linearize", "linearize(f, x)")
    inputs = as_primals(primals, "linearize")
    recording = Recording(lambda values: f(*inputs.fill(values)), inputs.values, has_aux, "linearize")
    linear = transposed(recording)
    linear.own()
    result = recording.result

    def f_lin(*tangents: Any) -> Any:
        if len(tangents) != len(primals):
            raise TypeError(
                f"f_lin takes one tangent per primal of linearize ({len(primals)}); it got {len(tangents)}."
            )
        return _pushed(linear, inputs.match(tangents, "tangents", "primals"), result)

    (value,) = result.fill([x.copy() if type(x) is np.ndarray else x for x in result.values])
    return (value, f_lin, recording.aux) if has_aux else (value, f_lin)


def _pushed(linear: Recording, tangents: Sequence[Value], result: Leaves) -> Any:
    (tangent,) = result.fill_derivatives(settle(linear.pull(tangents), result.values, taken=tangents))
    return tangent
