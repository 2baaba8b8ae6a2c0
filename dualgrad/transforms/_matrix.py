"""The matrix of a linear map, put together from what it makes of unit directions.

Tangents are pushed from the numbers of the inputs to columns; cotangents are pulled from the numbers of the result to rows. Both
are linear maps of some values, the sources, to others, the targets, and all that is done with one is done here with both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from dualgrad._call.arguments import Chosen
from dualgrad._call.leaves import Leaves, with_floats
from dualgrad._table.space import Value, dtype_of, shape_of, zeros_of
from dualgrad._trace.level import anywhere
from dualgrad.batching import Directions, block, each_batch, is_new, parts
from dualgrad.forward import push
from dualgrad.reverse import Recording

Move: TypeAlias = Callable[[list[Value]], tuple[Sequence[Value], list[Value]]]
"""From directions of the sources (None: zero) to the targets and their derivatives along them."""

Push: TypeAlias = Callable[[list[Value]], tuple[Leaves, list[Value], Any]]
"""From tangents of the input values (None: zero) to the result's leaves, their tangents, and auxiliary data."""


# ---- by columns, and by rows -----------------------------------------------------------------------


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
    sources = inputs.values
    result: Leaves | None = None
    aux = None

    def move(units: list[Value]) -> tuple[Sequence[Value], list[Value]]:
        nonlocal result, aux
        result, tangents, aux = along(units)
        return result.values, tangents

    chunks = _along_all(sources, move, chunk_size)
    if result is None:
        result, _, aux = along([None] * len(sources))
    outputs = with_floats(result)
    if not result.values:
        chunks = []
    blocks = [_blocks([chunk[k] for chunk in chunks], y, sources, False) for k, y in enumerate(outputs.values)]
    return result, _nest(outputs, inputs, blocks, single), aux


def rows(recording: Recording, inputs: Leaves, single: bool, chunk_size: int | None = None) -> Any:
    """Return the Jacobian of a recorded run: a tree like the result of trees like the arguments."""
    sources, outputs = recording.result.values, with_floats(recording.result)
    chunks = _along_all(sources, _puller(recording), chunk_size) if sources else []
    by_input = [
        _blocks([chunk[k] for chunk in chunks], x, outputs.values, True) for k, x in enumerate(recording.inputs)
    ]
    blocks = [[row[k] for row in by_input] for k in range(len(outputs.values))]
    return _nest(outputs, inputs, blocks, single)


def pulled(recording: Recording, cotangents: list[Value]) -> list[Value]:
    """Pull real cotangents back: for real outputs as ever, for complex ones to the complex derivative."""
    return _moved(recording.result.values, cotangents, _puller(recording))[1]


def _puller(recording: Recording) -> Move:
    return lambda cotangents: (recording.inputs, recording.pull(cotangents))


# ---- along all directions ----------------------------------------------------------------------------


def _along_all(sources: Sequence[Value], move: Move, chunk_size: int | None) -> list[list[Value]]:
    """Return the derivatives of each target along all unit directions of the sources, which are in front, chunk by chunk."""
    if len(sources) == 1 and shape_of(sources[0]) == ():
        targets, found = _moved(sources, [dtype_of(sources[0]).type(1)], move)
        return [[(zeros_of(y) if t is None else t)[None] for t, y in zip(found, targets, strict=True)]]

    def run(batch: Directions) -> list[Value]:
        targets, found = _moved(sources, batch.units, move)
        return [batch.stacked(t, y) for t, y in zip(found, targets, strict=True)]

    return each_batch(sources, chunk_size, run)


def _moved(sources: Sequence[Value], units: list[Value], move: Move) -> tuple[Sequence[Value], list[Value]]:
    """Move along real directions: those of real sources as ever, those of complex ones to the complex derivative."""
    is_complex = [dtype_of(x).kind == "c" for x in sources]
    if not any(is_complex):
        return move(units)
    # That derivative is one number only where the Cauchy-Riemann equations hold, or by what it is of or by is real.
    of_complex = [u if c else None for u, c in zip(units, is_complex, strict=True)]
    of_real = [None if c else u for u, c in zip(units, is_complex, strict=True)]
    if _are_zero(of_complex):
        return move(of_real)
    targets, found = move(of_complex)
    _, turned = move([None if u is None else u * 1j for u in of_complex])
    found = [_complex_derivative(*three) for three in zip(found, turned, targets, strict=True)]
    if not _are_zero(of_real):
        found = [_sum(t, real) for t, real in zip(found, move(of_real)[1], strict=True)]
    return targets, found


def _are_zero(directions: list[Value]) -> bool:
    return all([u is None for u in directions])


def _sum(t: Value, u: Value) -> Value:
    return t if u is None else u if t is None else t + u


def _complex_derivative(t: Value, turned: Value, target: Value) -> Value:
    """Return the derivative from those along 1 and i: df/dx - i df/dy where the target is real."""
    if t is None or turned is None:
        return t if turned is None else -1j * turned
    if dtype_of(target).kind != "c":
        return t - 1j * turned
    if not is_holomorphic(turned, 1j * t):
        raise TypeError(
            "The Jacobian of a complex function by a complex argument needs the Cauchy-Riemann equations, and this function "
            "does not satisfy them (does it use conj, abs, real or imag?). Differentiate its real and imaginary parts."
        )
    return t


def is_holomorphic(turned: Value, expected: Value) -> bool:
    """Tell whether derivatives along i times a direction are i times those along it, up to rounding."""
    found, wanted = [np.reshape(x, ((*shape_of(x), 1)[0], -1)) for x in (turned, expected)]
    # Turning by i is exact, so rounding leaves little: of the size of what belongs to the same output, and to the same input.
    eps = float(np.finfo(dtype_of(wanted)).eps)
    sizes = np.where(np.isfinite(wanted), np.abs(wanted), 0)
    near = np.minimum(np.max(sizes, 1, keepdims=True, initial=0), np.max(sizes, 0, keepdims=True, initial=0))
    close = np.abs(found - wanted) <= eps**0.5 * (np.abs(found) + np.abs(wanted)) + 10 * eps * near
    return not anywhere(np.logical_not(close) & (np.isfinite(found) | np.isfinite(wanted)))


# ---- blocks ------------------------------------------------------------------------------------------


def _blocks(chunks: list[Value], target: Value, sources: Sequence[Value], are_rows: bool) -> list[Value]:
    """Return the blocks of the matrix that belong to one target, one for each source, from its derivatives along all directions."""
    found = []
    along = parts(chunks, sources, last=not are_rows) if chunks else [None] * len(sources)
    for part, x in zip(along, sources, strict=True):
        shape = (*shape_of(x), *shape_of(target)) if are_rows else (*shape_of(target), *shape_of(x))
        dtype = np.result_type(dtype_of(target), dtype_of(x))
        if part is None:
            found.append(np.zeros(shape, dtype)[()])
            continue
        in_place = part if are_rows else np.moveaxis(part, 0, -1)
        found.append(block(np.reshape(in_place, shape), dtype, is_ours=is_new(chunks)))
    return found


def _nest(result: Leaves, inputs: Leaves, blocks: list[list[Value]], single: bool) -> Any:
    """Return Jacobian blocks, one per output leaf and input leaf, as a tree like the result of trees like the arguments."""
    rows = []
    for row in blocks:
        trees = inputs.fill_derivatives(row)
        rows.append(trees[0] if single else trees)
    (found,) = result.fill_derivatives(rows)
    return found
