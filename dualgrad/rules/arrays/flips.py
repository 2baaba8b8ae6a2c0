"""Functions that turn an array around or along an axis: flip, roll, rot90."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.facets import BATCH, THIN
from dualgrad._table.facts import ARRAY, VIEW
from dualgrad._table.space import Space, Value
from dualgrad._trace.batch import axes_named
from dualgrad.batching import thin_functions as thin
from dualgrad.rules.arrays import _batched
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import structural


def _flip_undo(ct: Value, m: Space, *, axis: Any = None) -> Value:
    return np.flip(ct, axis)


def _fliplr_undo(ct: Value, m: Space) -> Value:
    return np.fliplr(ct)


def _flipud_undo(ct: Value, m: Space) -> Value:
    return np.flipud(ct)


def _roll_undo(ct: Value, a: Space, *, shift: Any, axis: Any = None) -> Value:
    back = tuple([-k for k in shift]) if np.iterable(shift) else -shift
    return np.roll(ct, back, axis)


def _rot90_undo(ct: Value, m: Space, *, k: int = 1, axes: Any = (0, 1)) -> Value:
    return np.rot90(ct, -k, axes)


structural(
    np.flip,
    _flip_undo,
    says=(BATCH(_batched.flip), THIN(thin.flip)),
    samples=cases(case(A(2, 3)), case(A(2, 3), 0), case(A(2, 3, 2), axis=(0, -1)), case(A()), case(A(0, 2), -1)),
    facts=VIEW,
)
structural(
    np.fliplr,
    _fliplr_undo,
    says=(BATCH(_batched.flip_second),),
    samples=cases(case(A(2, 3)), case(A(2, 3, 2))),
    facts=VIEW,
)
structural(
    np.flipud, _flipud_undo, says=(BATCH(_batched.flip_first),), samples=cases(case(A(3)), case(A(2, 3))), facts=VIEW
)
structural(
    np.roll,
    _roll_undo,
    says=(BATCH(_batched.roll), THIN(thin.roll)),
    samples=cases(
        case(A(5), 2),
        case(A(2, 3), -1),
        case(A(2, 3), 1, axis=1),
        case(A(2, 3), (1, 1), axis=(0, -1)),
        case(A(2, 3), shift=(1, 2), axis=1),
        case(A(2, 3), 1, (0, 0)),
        case(A(5), np.array([1, 2])),
        case(A(0), 1),
        case(A(), 1),
    ),
    facts=ARRAY,
)
structural(
    np.rot90,
    _rot90_undo,
    says=(BATCH(axes_named("axes", axes=(0, 1))),),
    samples=cases(
        case(A(2, 3)), case(A(2, 3), 2), case(A(2, 3), -1), case(A(2, 3, 4), k=3, axes=(1, 2)), case(A(2, 3), 1, (1, 0))
    ),
    facts=VIEW,
)
