"""Edges that send cotangents to more than one place, or to one member of a tuple."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dualgrad._table.record import Primitive, name_of
from dualgrad._table.space import Space, Value, conform_cotangent
from dualgrad._trace.zeros import drop_zeros
from dualgrad.errors import RuleError
from dualgrad.reverse._sweep import Sweep


def joint(
    sweep: Sweep,
    ct: Value,
    record: Primitive,
    parents: list[int],
    wanted: tuple[bool, ...],
    ans: Value,
    operands: list[Value],
    spaces: list[Space | None],
    params: dict[str, Any],
) -> None:
    """Run a pullback that serves all operands at once."""

    def pull(moves: Sequence[Value]) -> tuple[Value, ...]:
        return record.vjp(moves[0], wanted, ans, *operands, **params)

    cotangents = pull((ct,))
    if sweep.strong and record.outputs == 1:
        cotangents = tuple(
            [
                g if g is None else drop_zeros(_member(pull, k), (ct,), g, is_lanewise=False)
                for k, g in enumerate(cotangents)
            ]
        )
    if len(cotangents) != len(parents):
        raise RuleError(
            f"The VJP rule of {name_of(record.key)} returned {len(cotangents)} cotangents for {len(parents)} operands."
        )
    for parent, space, cotangent in zip(parents, spaces, cotangents, strict=True):
        if space is not None and cotangent is not None:
            sweep.add(parent, conform_cotangent(cotangent, space.shape, space.dtype))


def _member(pull: Callable[[Sequence[Value]], tuple[Value, ...]], k: int) -> Callable[[Sequence[Value]], Value]:
    return lambda moves: pull(moves)[k]


def pick(sweep: Sweep, ct: Value, node: int, member: int, count: int) -> None:
    """Hand the cotangent of one member of a tuple to the tuple."""
    members = sweep.cotangents[node]
    if members is None:
        members = sweep.cotangents[node] = [None] * count
    old = members[member]
    members[member] = ct if old is None else old + ct


def unpack(sweep: Sweep, ct: Value, parents: list[int]) -> None:
    """Hand the cotangent of an array of numbers to each of them."""
    flat = ct.ravel() if type(ct) is np.ndarray else np.ravel(ct)
    cotangents = sweep.cotangents
    for k, parent in enumerate(parents):
        if parent >= 0:
            if cotangents[parent] is None:
                cotangents[parent] = flat[k]
            else:
                sweep.add(parent, flat[k])
