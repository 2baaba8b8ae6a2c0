"""The Jacobian by rows: one run of the function, one sweep of its tape per output number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._core.arguments import ArgNames, ArgNums, Chooser, Chosen, P, like
from dualgrad._core.space import Value, dtype_of, shape_of
from dualgrad._core.stacking import basis, check_holomorphic, nest
from dualgrad.reverse._vjp import Recording


def jacrev(
    f: Callable[P, Any], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool = False
) -> Callable[P, Any]:
    """Return the function that computes the Jacobian of `f` in reverse mode: best where it is wide (few outputs).

    The Jacobian of an output of shape `m` by an input of shape `n` has shape `m + n`; trees give trees of trees. `argnums`
    and `argnames` choose the arguments (the first by default); with `has_aux`, `f` returns `(value, aux)` and the
    result is `(jacobian, aux)`.

    >>> import numpy as np
    >>> from dualgrad import jacrev
    >>> jacrev(lambda x: np.array([x[0] * x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.]])
    """
    choose = Chooser(f, argnums, argnames, "jacrev")

    @like(f, "jacrev")
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        chosen = choose(args, kwargs)
        recording, aux = record(chosen, has_aux, "jacrev")
        found = rows(recording, chosen, choose.single)
        return (found, aux) if has_aux else found

    return jacobian


def record(chosen: Chosen, has_aux: bool, transform: str) -> tuple[Recording, Any]:
    """Run a chosen call on a tape; return the recording and the auxiliary data."""
    recording = Recording(chosen.call, chosen.leaves.values, has_aux, transform)
    return recording, recording.aux


def rows(recording: Recording, chosen: Chosen, single: bool) -> Any:
    """Return the Jacobian of a recorded run: a tree like the result of trees like the arguments."""
    result, inputs = recording.result, chosen.leaves
    blocks: list[list[Value]] = []
    for k, out in enumerate(result.values):
        pulled = [_row(recording, k, ct) for ct in basis(out)]
        blocks.append([_stack([row[i] for row in pulled], out, x) for i, x in enumerate(inputs.values)])
    return nest(result, inputs, blocks, single)


def _row(recording: Recording, k: int, unit: Value) -> list[Value]:
    """Return the derivatives of one output number by all inputs."""

    def pull(ct: Value) -> list[Value]:
        return recording.pull([ct if j == k else None for j in range(len(recording.result.values))])

    found = pull(unit)
    if dtype_of(unit).kind != "c":
        return found
    # A complex output needs its imaginary part too; the derivative by a complex input is one number only where the
    # Cauchy-Riemann equations hold.
    turned = pull(unit * -1j)
    row: list[Value] = []
    for g, h, x in zip(found, turned, recording.inputs, strict=True):
        if g is None or h is None:
            row.append(None if g is h else g if h is None else 1j * h)
        elif dtype_of(x).kind != "c":
            row.append(g + 1j * h)
        else:
            check_holomorphic(h, -1j * g)
            row.append(g)
    return row


def _stack(pulled: list[Value], out: Value, x: Value) -> Value:
    shape = (*shape_of(out), *shape_of(x))
    if all(row is None for row in pulled):
        return np.zeros(shape, np.result_type(dtype_of(out), dtype_of(x)))[()]
    if not shape:
        return pulled[0]
    zero = np.zeros(shape_of(x), np.result_type(dtype_of(out), dtype_of(x)))
    return np.reshape(np.stack([zero if row is None else row for row in pulled]), shape)
