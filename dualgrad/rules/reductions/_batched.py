"""How counts by place, and the undoing of an order, run on a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.record import Primitive
from dualgrad._table.space import Value, shape_of
from dualgrad._trace.batch import all_batched, batch_size, flat, moved, one_by_one, rank_of
from dualgrad._trace.level import Tracer, bind
from dualgrad.errors import ConversionError

Operands = tuple[Value, ...]
Params = dict[str, Any]


def put_back(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    t, a = all_batched(batched, operands)
    axis = params["axis"]
    if axis is not None:
        return bind(record, (t, a), {**params, "axis": moved(axis, rank_of(t))})
    return np.reshape(bind(record, (flat(t), flat(a)), {**params, "axis": 1}), shape_of(a))


def bincount(record: Primitive, batched: tuple[bool, ...], operands: Operands, params: Params) -> Value:
    weights, x = operands
    if isinstance(x, Tracer):
        return one_by_one(record, batched, operands, params)
    x = np.asarray(x)
    size = batch_size(batched, operands)
    longest = np.max(x, axis=-1, initial=-1) + 1
    length = max(int(params.get("minlength", 0)), int(np.max(longest, initial=0)))
    if np.any(np.maximum(longest, params.get("minlength", 0)) != length):
        raise ConversionError(
            "np.bincount under vmap: the members of the batch have different largest numbers, and so would their counts have "
            f"different lengths. Pass minlength={length} (or more)."
        )
    # The bins of each member one after another.
    places = np.ravel(x + length * np.arange(size)[:, None])
    if weights is not None:
        weights = np.ravel(weights if batched[0] else np.broadcast_to(weights, (size, *shape_of(weights))))
    return np.reshape(np.bincount(places, weights, minlength=length * size), (size, length))
