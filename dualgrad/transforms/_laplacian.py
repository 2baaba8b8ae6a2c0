"""The diagonal of the Hessian and its sum, without the Hessian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._call.arguments import ArgNames, ArgNums, Chooser, Chosen, P
from dualgrad._call.leaves import Leaves, settle
from dualgrad._call.transformed import transformed
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad.batching import Directions, each_batch, own_derivatives, parts, size_of
from dualgrad.forward import push
from dualgrad.transforms._grad import gradients_at


def hessian_diagonal(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[P, Any]:
    """Return the function that computes the second derivatives of `f` by each number of its argument: the Hessian's diagonal.

    The result must be one real number. The diagonal has the structure, shapes and dtypes of the argument, which is real.
    It is exact, from one product with the Hessian for each number, `chunk_size` of them in one batch: that, and
    not the square, is what it holds in memory. With `has_aux`, `f` returns `(value, aux)` and the result is
    `(diagonal, aux)`.

    Raises NotScalarError where the result is no real number of size 1, TypeError for complex arguments.

    >>> import numpy as np
    >>> from dualgrad import hessian_diagonal
    >>> hessian_diagonal(lambda x: x[0] ** 3 * x[1])(np.array([1.0, 2.0]))
    array([12.,  0.])
    """
    choose = Chooser(f, argnums, argnames, "hessian_diagonal")

    @transformed(hessian_diagonal, f, argnums=argnums, argnames=argnames, has_aux=has_aux, chunk_size=chunk_size)
    def diagonal(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = choose.of(args, kwargs)
        pieces, aux = _pieces(chosen, has_aux, "hessian_diagonal", chunk_size)
        values = chosen.leaves.values
        shaped = [np.reshape(d, shape_of(x)) for d, x in zip(parts(pieces, values), values, strict=True)]
        typed = [
            d if dtype_of(d) == dtype_of(x) else d.astype(dtype_of(x)) for d, x in zip(shaped, values, strict=True)
        ]
        filled = chosen.leaves.fill_derivatives(settle(typed, values))
        found = filled[0] if choose.single else filled
        return (found, aux) if has_aux else found

    return diagonal


def laplacian(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[P, Any]:
    """Return the function that computes the Laplacian of `f`: the sum of its second derivatives, the trace of the Hessian.

    `f` returns one real number; the sum goes over all numbers of the chosen arguments. Arguments, errors and costs
    are those of `hessian_diagonal`. With `has_aux` the result is `(laplacian, aux)`.

    >>> import numpy as np
    >>> from dualgrad import laplacian
    >>> float(laplacian(lambda x: np.sum(x**3))(np.array([1.0, 2.0])))
    18.0
    """
    choose = Chooser(f, argnums, argnames, "laplacian")

    @transformed(laplacian, f, argnums=argnums, argnames=argnames, has_aux=has_aux, chunk_size=chunk_size)
    def trace(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        pieces, aux = _pieces(choose.of(args, kwargs), has_aux, "laplacian", chunk_size)
        found = np.sum(pieces[0])
        for piece in pieces[1:]:
            found = found + np.sum(piece)
        return (found, aux) if has_aux else found

    return trace


def _pieces(chosen: Chosen, has_aux: bool, transform: str, chunk_size: int | None) -> tuple[list[Value], Any]:
    """Return the diagonal of the Hessian in pieces, one for each batch of directions, and auxiliary data."""
    values = chosen.leaves.values
    if any(dtype_of(x).kind == "c" for x in values):
        raise TypeError(
            f"{transform} needs real arguments; {' and '.join(chosen.names())} holds complex numbers. "
            "Write the function as one of real and imaginary parts."
        )

    def gradient(values: list[Value]) -> Any:
        _, found, aux = gradients_at(chosen, values, has_aux, transform)
        return found, aux

    aux = None

    def run(batch: Directions) -> Value:
        nonlocal aux
        result, tangents, aux = push(gradient, values, batch.units, True, transform)
        return _own(batch, tangents, result)

    pieces = each_batch(values, chunk_size, run)
    if not pieces:
        aux = push(gradient, values, [None] * len(values), True, transform)[2]
        pieces.append(np.zeros(0, np.result_type(*map(dtype_of, values))))
    return pieces, aux


def _own(batch: Directions, tangents: list[Value], result: Leaves) -> Value:
    """Return the derivative of each number's gradient along its own direction."""
    found = []
    member = offset = 0
    for unit, t, g in zip(batch.units, tangents, result.values, strict=True):
        size = size_of(g)
        if unit is not None:
            along = batch.stacked(t, g)
            count = min(offset + size, batch.start + shape_of(along)[0]) - (batch.start + member)
            found.append(own_derivatives(along, member, batch.start - offset + member, count))
            member += count
        offset += size
    return found[0] if len(found) == 1 else np.concatenate(found)
