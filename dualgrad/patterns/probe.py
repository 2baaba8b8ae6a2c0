"""The pattern of a function that is linear in each array operand, read off its matrix, column by column.

This costs a call for each number of the operand: no more than a dense pattern would. Where another operand of a bilinear
function depends on inputs too, random numbers stand for it: an entry that is not zero for every operand is not zero for
these, except with probability zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.record import Word
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import plain
from dualgrad.patterns.call import PatternCall, numbers
from dualgrad.patterns.sets import IndexSets

_LARGEST = 4096


def probe(call: PatternCall) -> IndexSets | None:
    """Return the sets of a linear or bilinear function; None where data that it reads may change, or it is too large."""
    linear = range(2) if call.record.word is Word.BILINEAR else _linear_operands(call)
    if any(loose and k not in linear for k, loose in enumerate(call.loose)) or call.count == 0:
        return None
    parts = []
    for k, sets, shape in call.traced():
        if sets.count > _LARGEST:
            return None
        rows, columns = _nonzeros(call, k, shape)
        parts.append(call.linked(k, rows, columns))
    return call.unite(parts)


def _linear_operands(call: PatternCall) -> range:
    # With one pullback for all operands, the function is linear in all of them together (see `linear` in rules/words).
    return range(len(call.values)) if call.record.pulls is None else range(1)


def _nonzeros(call: PatternCall, position: int, shape: tuple[int, ...]) -> tuple[Any, Any]:
    operands = [_other(call, k, x) for k, x in enumerate(call.values)]
    rows, columns = [], []
    flat = np.ravel(numbers(shape))
    for number in flat.tolist():
        operands[position] = np.asarray(flat == number, dtype_of(call.values[position])).reshape(shape)[()]
        with np.errstate(all="ignore"):
            found = np.flatnonzero(call.record.fun(*operands, **call.params))
            if operands[position].dtype.kind == "c":
                # The function may take real and imaginary parts apart.
                operands[position] = operands[position] * 1j
                found = np.union1d(found, np.flatnonzero(call.record.fun(*operands, **call.params)))
        rows.append(found)
        columns.append(np.full(len(found), number - 1))
    return np.concatenate([np.zeros(0, np.intp), *rows]), np.concatenate([np.zeros(0, np.intp), *columns])


def _other(call: PatternCall, k: int, x: Value) -> Value:
    if call.record.word is not Word.BILINEAR:
        return x if k not in _linear_operands(call) else np.zeros(shape_of(x), dtype_of(x))[()]
    if not call.loose[k]:
        return x
    # A fixed seed: the same call always gives the same answer.
    return np.random.default_rng(k).uniform(1.0, 2.0, shape_of(plain(x)))[()]
