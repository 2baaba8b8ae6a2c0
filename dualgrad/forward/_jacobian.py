"""The Jacobian by columns: one run of the function, along all its directions in one batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np

from dualgrad._call.annotations import A, Array, Derived, Number, P, Q, R, Taking
from dualgrad._call.arguments import ArgNames, ArgNums, Chooser, Chosen
from dualgrad._call.leaves import Leaves, with_floats
from dualgrad._call.stacking import check_holomorphic, nest
from dualgrad._call.transformed import Run, transformed
from dualgrad._table.space import Value, dtype_of, shape_of, zeros_of
from dualgrad.batching import Directions, block, each_batch, is_new, parts
from dualgrad.forward._jvp import push


@overload
def jacfwd(
    f: np.ufunc,
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Any: ...
@overload
def jacfwd(
    f: Taking[P, Array, Q, Array | Number],
    argnums: None = None,
    *,
    argnames: None = None,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
) -> Derived[P, Array]: ...
@overload
def jacfwd(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
) -> Derived[P, Any]: ...
@overload
def jacfwd(
    f: Taking[P, Array, Q, tuple[Array | Number, A]],
    argnums: None = None,
    *,
    argnames: None = None,
    has_aux: Literal[True],
    chunk_size: int | None = None,
) -> Derived[P, tuple[Array, A]]: ...
@overload
def jacfwd(
    f: Callable[P, tuple[Any, A]],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: Literal[True],
    chunk_size: int | None = None,
) -> Derived[P, tuple[Any, A]]: ...
@overload
def jacfwd(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool,
    chunk_size: int | None = None,
) -> Any: ...
def jacfwd(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[P, Any]:
    """Return the function that computes the Jacobian of `f` in forward mode: best where it is tall (few inputs).

    The Jacobian of an output of shape `m` by an input of shape `n` has shape `m + n`; trees give trees of trees. `argnums`
    and `argnames` choose the arguments (the first by default); with `has_aux`, `f` returns `(value, aux)` and the
    result is `(jacobian, aux)`. `f` runs once for each batch of input numbers, `chunk_size` of them at a time (by
    default all up to 512, fewer of larger arguments), so it should do the same each time.

    >>> import numpy as np
    >>> from dualgrad import jacfwd
    >>> jacfwd(lambda b: b[0] * np.exp(b[1] * np.array([0.0, 1.0])))(np.array([2.0, 0.0]))
    array([[1., 0.],
           [1., 2.]])
    """
    run = columns_of(Chooser(f, argnums, argnames, "jacfwd"), has_aux, chunk_size)
    return transformed(jacfwd, f, argnums=argnums, argnames=argnames, has_aux=has_aux, chunk_size=chunk_size)(run)


def columns_of(choose: Chooser, has_aux: bool, chunk_size: int | None) -> Run:
    """Return what is done in a call of the Jacobian by the chosen arguments."""

    def jacobian(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found, aux = columns(choose.of(args, kwargs), choose.single, has_aux, choose.transform, chunk_size)
        return (found, aux) if has_aux else found

    return jacobian


Push = Callable[[list[Value]], tuple[Leaves, list[Value], Any]]
"""From tangents of the input values (None: zero) to the result's leaves, their tangents, and auxiliary data."""


def columns(
    chosen: Chosen, single: bool, has_aux: bool, transform: str, chunk_size: int | None = None
) -> tuple[Any, Any]:
    """Return the Jacobian of a chosen call, a tree like the result of trees like the arguments, and the auxiliary data."""

    def along(units: list[Value]) -> tuple[Leaves, list[Value], Any]:
        return push(chosen.call, chosen.leaves.values, units, has_aux, transform)

    _, found, aux = columns_by(along, chosen.leaves, single, chunk_size)
    return found, aux


def columns_by(along: Push, inputs: Leaves, single: bool, chunk_size: int | None = None) -> tuple[Leaves, Any, Any]:
    """Return the leaves of the result, the Jacobian made of the derivatives along all unit directions, and auxiliary data."""
    values = inputs.values
    result: Leaves | None = None
    aux = None
    chunks: list[list[Value]] = []
    if len(values) == 1 and shape_of(values[0]) == ():
        result, tangents, aux = _pushed(along, values, [dtype_of(values[0]).type(1)])
        chunks.append([_zero_or(t, y)[None] for t, y in zip(tangents, result.values, strict=True)])
    else:

        def run(batch: Directions) -> list[Value]:
            nonlocal result, aux
            result, tangents, aux = _pushed(along, values, batch.units)
            return [batch.stacked(t, y) for t, y in zip(tangents, result.values, strict=True)]

        chunks = each_batch(values, chunk_size, run)
    if result is None:
        result, _, aux = along([None] * len(values))
    outputs = result
    if not result.values:
        outputs, chunks = with_floats(result), []
    blocks = [_blocks([chunk[i] for chunk in chunks], out, values) for i, out in enumerate(outputs.values)]
    return result, nest(outputs, inputs, blocks, single), aux


def _pushed(along: Push, values: list[Value], units: list[Value]) -> tuple[Leaves, list[Value], Any]:
    """Push the units of the real numbers, and of complex ones those along 1 and i together."""
    result, tangents, aux = along(units)
    if any(dtype_of(x).kind == "c" for x in values):
        turned_units = [
            u if u is None or dtype_of(x).kind != "c" else u * 1j for u, x in zip(units, values, strict=True)
        ]
        _, turned, _ = along(turned_units)
        tangents = [_complex_column(*three) for three in zip(tangents, turned, result.values, strict=True)]
    return result, tangents, aux


def _zero_or(t: Value, y: Value) -> Value:
    return zeros_of(y) if t is None else t


def _complex_column(t: Value, turned: Value, out: Value) -> Value:
    """Return the derivative by a complex number from those along 1 and i: df/dx - i df/dy where f is real."""
    if t is None or turned is None:
        return t if turned is None else -1j * turned
    if dtype_of(out).kind != "c":
        return t - 1j * turned
    check_holomorphic(turned, 1j * t)
    return t


def _blocks(chunks: list[Value], out: Value, values: list[Value]) -> list[Value]:
    """Return the Jacobian of one output by each input, from its derivatives along all directions."""
    shape = shape_of(out)
    if not chunks:
        return [np.zeros((*shape, *shape_of(x)), np.result_type(dtype_of(out), dtype_of(x)))[()] for x in values]
    is_ours = is_new(chunks)
    return [
        block(
            np.reshape(np.moveaxis(part, 0, -1), (*shape, *shape_of(x))),
            np.result_type(dtype_of(out), dtype_of(x)),
            is_ours=is_ours,
        )
        for part, x in zip(parts(chunks, values, last=True), values, strict=True)
    ]


def derivative(f: Callable[P, R], *, has_aux: bool = False) -> Callable[P, R]:
    """Return the function that computes df/dx of a function of one number, of any output shape, in one forward pass.

    The result has the structure and shapes of the output. Further arguments are passed on.

    >>> import numpy as np
    >>> from dualgrad import derivative
    >>> derivative(lambda t: np.array([np.cos(t), np.sin(t)]))(0.0)
    array([-0.,  1.])
    """
    choose = Chooser(f, 0, None, "derivative")

    @transformed(derivative, f, has_aux=has_aux)
    def df(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = choose.of(args, kwargs)
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
