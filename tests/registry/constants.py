"""Calls of the functions without a derivative that say how they run on a batch: what they get for one member of three."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dualgrad._table.facets import BATCH_BODY, BATCH_CONSTANT
from dualgrad._table.functions import as_constant, constant_astype
from dualgrad._table.record import Constant, records
from dualgrad.rules.linalg.eig import eig_in_direction, is_defective
from dualgrad.rules.linalg.eigen import eigh_in_direction, fixed_eigenvalues
from dualgrad.rules.linalg.qr import complete_q
from dualgrad.rules.linalg.singular import fixed_singular_values, singular_vectors_in_direction
from dualgrad.rules.reductions.histograms import estimated_count
from dualgrad.rules.reductions.sets import first_places, set_answer
from dualgrad.rules.reductions.sums import tied_with
from dualgrad.rules.reductions.variance import within_rounding, without_spread

SIZE = 3

RAISING = frozenset((np.nonzero, np.argwhere, np.flatnonzero, set_answer, first_places, estimated_count))
"""What differs in shape between the members: these raise."""

PRINTING = frozenset((np.array2string, np.array_repr, np.array_str))
"""What prints a batch prints all of it."""


class ConstantCall(NamedTuple):
    """A call on one member, whose arrays `values` are batches of members along their first axis."""

    name: str
    fun: Callable[..., Any]
    call: Callable[..., Any]
    values: tuple[Any, ...]


_rng = np.random.default_rng(5)
_ROUND = np.round(_rng.standard_normal((SIZE, 2, 4)), 1)
_ROUND[0, 0, 1] = _ROUND[1, 1, 0] = 0
_ROWS = _ROUND[:, 0]
_NUMBERS = _ROUND[:, 0, 0]
_SQUARE = _rng.standard_normal((SIZE, 3, 3))
_SYMMETRIC = _SQUARE + np.swapaxes(_SQUARE, 1, 2)
_EDGES = np.array([-1.0, 0.0, 1.0])


def _along(fun: Any) -> list[ConstantCall]:
    """Return calls of a function along an axis, by default of all or the flat array."""
    given: list[dict[str, Any]] = [{}, {"axis": None}, {"axis": 0}, {"axis": 1}, {"axis": -1}]
    if fun not in (np.argsort, np.argpartition):
        given += [{"keepdims": True}, {"axis": -2, "keepdims": True}, {"axis": None, "keepdims": False}]
    if fun in (np.all, np.any, np.count_nonzero):
        given += [{"axis": (0, 1)}, {"axis": (-1, 0), "keepdims": True}]
    rest = (1,) if fun is np.argpartition else ()
    found = [ConstantCall("", fun, lambda x, kw=kw: fun(x, *rest, **kw), (_ROUND,)) for kw in given]
    found.append(ConstantCall("", fun, lambda x: fun(x, *rest, 0), (_ROUND,)))
    found.append(ConstantCall("", fun, lambda x: fun(a=x, axis=0, **({"kth": 1} if rest else {})), (_ROUND,)))
    if not rest:
        found += [
            ConstantCall("", fun, lambda x, kw=kw: fun(x, **kw), (_NUMBERS,)) for kw in ({}, {"axis": 0}, {"axis": -1})
        ]
    return found


def _calls() -> list[ConstantCall]:
    found = [
        call
        for fun in (
            np.all,
            np.any,
            np.count_nonzero,
            np.argmax,
            np.argmin,
            np.nanargmax,
            np.nanargmin,
            np.argsort,
            np.argpartition,
        )
        for call in _along(fun)
    ]
    rows = (_ROWS,)
    one = (
        (np.zeros_like, lambda x: x + np.zeros_like(x), (_ROUND,)),
        (np.ones_like, lambda x: x + np.ones_like(x[0]), (_ROUND,)),
        (np.empty_like, lambda x: x * np.empty_like(x).size, (_ROUND,)),
        (constant_astype, lambda x: constant_astype(x, np.dtype(int)), rows),
        (as_constant, as_constant, rows),
        (np.fix, np.fix, rows),
        (np.iscomplex, np.iscomplex, (_ROWS + 1j * (_ROWS > 0),)),
        (np.isreal, np.isreal, (_ROWS + 1j * (_ROWS > 0),)),
        (np.isneginf, lambda x: np.isneginf(np.log(np.abs(x))), rows),
        (np.isposinf, lambda x: np.isposinf(-np.log(np.abs(x))), rows),
        (np.isclose, np.isclose, (_NUMBERS, _ROUND)),
        (np.isclose, lambda x: np.isclose(0.0, x), rows),
        (np.isclose, lambda x, y: np.isclose(x, b=y), (_NUMBERS, _ROWS)),
        (np.isclose, lambda x: np.isclose([x[0], x[1], x[2]], x[:3]), rows),
        (np.isclose, lambda x: np.isclose([x[2], x[1], x[0]], x[:3]), rows),
        (np.around, lambda x: np.around(x / 3, 1), rows),
        (np.around, lambda x: np.around(a=x / 3, decimals=1), rows),
        (np.round, lambda x: np.round(x / 3, decimals=1), rows),
        (np.digitize, lambda x: np.digitize(x, _EDGES), (_ROUND,)),
        (np.digitize, lambda x: np.digitize(x, bins=_EDGES, right=True), (_ROUND,)),
        (np.unravel_index, lambda x: np.unravel_index(np.argmax(x), (2, 4)), (_ROUND,)),
        (np.allclose, lambda x: np.allclose(x, np.abs(x), atol=0.5), rows),
        (np.array_equal, lambda x: np.array_equal(x, _ROWS[1]), rows),
        (np.array_equal, lambda x: np.array_equal(x, x[:2]), rows),
        (np.array_equal, lambda x: np.array_equal(x / x, x / x, equal_nan=True), (_ROWS - _ROWS[0],)),
        (np.isin, lambda x: np.isin(x, _ROWS[1]), (_ROUND,)),
        (np.isin, lambda x, y: np.isin(x, y, invert=True), (_ROUND, _ROWS)),
        (np.searchsorted, lambda x: np.searchsorted(_EDGES, x), (_ROUND,)),
        (np.searchsorted, lambda x: np.searchsorted(np.sort(x), _EDGES, side="right"), rows),
        (np.searchsorted, lambda x: np.searchsorted(x, _EDGES, sorter=np.argsort(x)), rows),
        (tied_with, lambda x: tied_with(x, np.max(x, axis=0)), (_ROUND,)),
        (
            without_spread,
            lambda x: without_spread(x, np.std(x, axis=0), 0, False),
            (_ROUND * [[[1.0, 1.0, 0.0, 1.0]]],),
        ),
        (
            within_rounding,
            lambda x: within_rounding(x, np.var(x, axis=0), 0, False, x < 1),
            (_ROUND * [[[1, 1, 0, 1]]],),
        ),
        (is_defective, is_defective, (_SQUARE * np.array([1.0, 0.0, 1.0])[:, None, None],)),
        (np.linalg.matrix_rank, np.linalg.matrix_rank, (_SQUARE * np.array([1.0, 0.0, 1.0])[:, None, None],)),
        (complete_q, complete_q, (_SQUARE[:, :, :2],)),
        (fixed_eigenvalues, lambda a: fixed_eigenvalues(a, UPLO="U"), (_SYMMETRIC,)),
        (fixed_singular_values, fixed_singular_values, (_SQUARE,)),
        (eigh_in_direction, lambda a, t: eigh_in_direction(a, t, UPLO="L"), (_SYMMETRIC, _SYMMETRIC[::-1])),
        (eigh_in_direction, lambda t: eigh_in_direction(_SYMMETRIC[:2], t), (_SYMMETRIC,)),
        (eig_in_direction, eig_in_direction, (_SQUARE, _SQUARE[::-1])),
        (singular_vectors_in_direction, singular_vectors_in_direction, (_SQUARE, _SQUARE[::-1])),
    )
    found += [ConstantCall("", fun, call, values) for fun, call, values in one]
    return [call._replace(name=f"{call.fun.__name__}-{k}") for k, call in enumerate(found)]


def speaking() -> list[Constant]:
    """Return the records of functions without a derivative that say how they run on a batch."""
    return [
        record
        for record in records().values()
        if isinstance(record, Constant)
        and (record.structure or record.facts.outline or BATCH_BODY.of(record) or BATCH_CONSTANT.of(record))
    ]


CALLS = _calls()
