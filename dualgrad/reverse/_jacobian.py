"""The Jacobian by rows: one run of the function, one sweep of its tape along all output numbers in one batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np

from dualgrad._call.annotations import A, Array, Derived, Number, P, Q, Taking
from dualgrad._call.arguments import ArgNames, ArgNums, Chooser, Chosen
from dualgrad._call.leaves import Leaves, with_floats
from dualgrad._call.stacking import check_holomorphic, nest
from dualgrad._call.transformed import transformed
from dualgrad._table.space import Value, dtype_of, shape_of, zeros_of
from dualgrad.batching import Directions, block, each_batch, is_new, parts
from dualgrad.reverse._vjp import Recording


@overload
def jacrev(
    f: np.ufunc,
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Any: ...
@overload
def jacrev(
    f: Taking[P, Array, Q, Array | Number],
    argnums: None = None,
    *,
    argnames: None = None,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
) -> Derived[P, Array]: ...
@overload
def jacrev(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
) -> Derived[P, Any]: ...
@overload
def jacrev(
    f: Taking[P, Array, Q, tuple[Array | Number, A]],
    argnums: None = None,
    *,
    argnames: None = None,
    has_aux: Literal[True],
    chunk_size: int | None = None,
) -> Derived[P, tuple[Array, A]]: ...
@overload
def jacrev(
    f: Callable[P, tuple[Any, A]],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: Literal[True],
    chunk_size: int | None = None,
) -> Derived[P, tuple[Any, A]]: ...
@overload
def jacrev(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool,
    chunk_size: int | None = None,
) -> Any: ...
def jacrev(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[P, Any]:
    """Return the function that computes the Jacobian of `f` in reverse mode: best where it is wide (few outputs).

    The Jacobian of an output of shape `m` by an input of shape `n` has shape `m + n`; trees give trees of trees. `argnums`
    and `argnames` choose the arguments (the first by default); with `has_aux`, `f` returns `(value, aux)` and the
    result is `(jacobian, aux)`. `f` runs once, and its tape is swept along all output numbers in one batch, or along
    `chunk_size` of them at a time, which bounds the memory.

    >>> import numpy as np
    >>> from dualgrad import jacrev
    >>> jacrev(lambda x: np.array([x[0] * x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.]])
    """
    choose = Chooser(f, argnums, argnames, "jacrev")

    @transformed(jacrev, f, argnums=argnums, argnames=argnames, has_aux=has_aux, chunk_size=chunk_size)
    def jacobian(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = choose.of(args, kwargs)
        recording, aux = record(chosen, has_aux, "jacrev")
        found = rows(recording, chosen.leaves, choose.single, chunk_size)
        return (found, aux) if has_aux else found

    return jacobian


def record(chosen: Chosen, has_aux: bool, transform: str) -> tuple[Recording, Any]:
    """Run a chosen call on a tape; return the recording and the auxiliary data."""
    recording = Recording(chosen.call, chosen.leaves.values, has_aux, transform)
    return recording, recording.aux


def rows(recording: Recording, inputs: Leaves, single: bool, chunk_size: int | None = None) -> Any:
    """Return the Jacobian of a recorded run: a tree like the result of trees like the arguments."""
    result = with_floats(recording.result)
    outputs = result.values
    chunks: list[list[Value]] = []
    if not recording.result.values:
        pass
    elif len(outputs) == 1 and shape_of(outputs[0]) == ():
        found = pulled(recording, [dtype_of(outputs[0]).type(1)])
        chunks.append([(zeros_of(x) if g is None else g)[None] for g, x in zip(found, recording.inputs, strict=True)])
    else:

        def run(batch: Directions) -> list[Value]:
            found = pulled(recording, batch.units)
            return [batch.stacked(g, x) for g, x in zip(found, recording.inputs, strict=True)]

        chunks = each_batch(outputs, chunk_size, run)
    columns = [_blocks([chunk[i] for chunk in chunks], x, outputs) for i, x in enumerate(recording.inputs)]
    blocks = [[column[k] for column in columns] for k in range(len(outputs))]
    return nest(result, inputs, blocks, single)


def pulled(recording: Recording, units: list[Value]) -> list[Value]:
    """Pull real cotangents back: for real outputs as ever, for complex ones to the complex derivative."""
    outputs = recording.result.values
    if all(dtype_of(y).kind != "c" for y in outputs):
        return recording.pull(units)
    # A complex output needs its imaginary part too; the derivative by a complex input is one number only where the
    # Cauchy-Riemann equations hold.
    complex_units = [u if dtype_of(y).kind == "c" else None for u, y in zip(units, outputs, strict=True)]
    plain_units = [None if dtype_of(y).kind == "c" else u for u, y in zip(units, outputs, strict=True)]
    along = recording.pull(complex_units)
    turned = recording.pull([None if u is None else u * -1j for u in complex_units])
    real = recording.pull(plain_units)
    return [_complex_row(*four) for four in zip(along, turned, real, recording.inputs, strict=True)]


def _complex_row(g: Value, h: Value, real: Value, x: Value) -> Value:
    if g is None or h is None:
        total = g if h is None else 1j * h
    elif dtype_of(x).kind != "c":
        total = g + 1j * h
    else:
        check_holomorphic(h, -1j * g)
        total = g
    return total if real is None else real if total is None else real + total


def _blocks(chunks: list[Value], x: Value, outputs: list[Value]) -> list[Value]:
    """Return the Jacobian of each output by one input, from the derivatives of all output numbers."""
    if not chunks:
        return [np.zeros((*shape_of(y), *shape_of(x)), np.result_type(dtype_of(y), dtype_of(x)))[()] for y in outputs]
    is_ours = is_new(chunks)
    return [
        block(np.reshape(part, (*shape_of(y), *shape_of(x))), np.result_type(dtype_of(y), dtype_of(x)), is_ours=is_ours)
        for part, y in zip(parts(chunks, outputs), outputs, strict=True)
    ]
