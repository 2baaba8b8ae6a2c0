"""The Jacobian by columns: one run of the function per input number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._core.arguments import ArgNames, ArgNums, Chooser, Chosen, P, like
from dualgrad._core.leaves import Leaves
from dualgrad._core.space import Value, dtype_of, shape_of
from dualgrad._core.stacking import basis, check_holomorphic, nest
from dualgrad.forward._jvp import push


def jacfwd(
    f: Callable[P, Any], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool = False
) -> Callable[P, Any]:
    """Return the function that computes the Jacobian of `f` in forward mode: best where it is tall (few inputs).

    The Jacobian of an output of shape `m` by an input of shape `n` has shape `m + n`; trees give trees of trees. `argnums`
    and `argnames` choose the arguments (the first by default); with `has_aux`, `f` returns `(value, aux)` and the
    result is `(jacobian, aux)`.

    >>> import numpy as np
    >>> from dualgrad import jacfwd
    >>> jacfwd(lambda b: b[0] * np.exp(b[1] * np.array([0.0, 1.0])))(np.array([2.0, 0.0]))
    array([[1., 0.],
           [1., 2.]])
    """
    choose = Chooser(f, argnums, argnames, "jacfwd")

    @like(f, "jacfwd")
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        found, aux = columns(choose(args, kwargs), choose.single, has_aux, "jacfwd")
        return (found, aux) if has_aux else found

    return jacobian


def columns(chosen: Chosen, single: bool, has_aux: bool, transform: str) -> tuple[Any, Any]:
    """Return the Jacobian of a chosen call, a tree like the result of trees like the arguments, and the auxiliary data."""
    inputs = chosen.leaves
    aux = None
    result: Leaves | None = None
    pushed: list[list[list[Value]]] = []
    for k, x in enumerate(inputs.values):
        columns_of_x = []
        for unit in basis(x):
            direction = [unit if j == k else None for j in range(len(inputs.values))]
            result, tangents, aux = push(chosen.call, inputs.values, direction, has_aux, transform)
            if dtype_of(x).kind == "c":
                direction[k] = unit * 1j
                _, turned, _ = push(chosen.call, inputs.values, direction, has_aux, transform)
                tangents = [_complex_column(*pair) for pair in zip(tangents, turned, result.values, strict=True)]
            columns_of_x.append(tangents)
        pushed.append(columns_of_x)
    if result is None or any(not columns_of_x for columns_of_x in pushed):
        result, _, aux = push(chosen.call, inputs.values, [None] * len(inputs.values), has_aux, transform)
    blocks = [
        [_stack([tangents[i] for tangents in pushed[k]], out, x) for k, x in enumerate(inputs.values)]
        for i, out in enumerate(result.values)
    ]
    return nest(result, inputs, blocks, single), aux


def _complex_column(t: Value, turned: Value, out: Value) -> Value:
    """Return the derivative by a complex number from those along 1 and i: df/dx - i df/dy where f is real."""
    if t is None or turned is None:
        return t if turned is None else -1j * turned
    if dtype_of(out).kind != "c":
        return t - 1j * turned
    check_holomorphic(turned, 1j * t)
    return t


def _stack(pushed: list[Value], out: Value, x: Value) -> Value:
    shape = (*shape_of(out), *shape_of(x))
    if all(column is None for column in pushed):
        return np.zeros(shape, np.result_type(dtype_of(out), dtype_of(x)))[()]
    if not shape:
        return pushed[0]
    zero = np.zeros(shape_of(out), np.result_type(dtype_of(out), dtype_of(x)))
    return np.reshape(np.stack([zero if c is None else c for c in pushed], axis=-1), shape)


def derivative(f: Callable[..., Any], *, has_aux: bool = False) -> Callable[..., Any]:
    """Return the function that computes df/dx of a function of one number, of any output shape, in one forward pass.

    The result has the structure and shapes of the output. Further arguments are passed on.

    >>> import numpy as np
    >>> from dualgrad import derivative
    >>> derivative(lambda t: np.array([np.cos(t), np.sin(t)]))(0.0)
    array([-0.,  1.])
    """
    choose = Chooser(f, 0, None, "derivative")

    @like(f, "derivative")
    def df(*args: Any, **kwargs: Any) -> Any:
        chosen = choose(args, kwargs)
        values = chosen.leaves.values
        if len(values) != 1 or shape_of(values[0]) != ():
            found = [shape_of(x) for x in values]
            raise TypeError(
                f"derivative takes a function of one number; the argument {chosen.names()[0]} holds arrays of shape {found}. "
                "Use jacfwd or jacobian for arrays, jvp for a derivative along a direction."
            )
        result, aux = columns(chosen, True, has_aux, "derivative")
        return (result, aux) if has_aux else result

    return df
