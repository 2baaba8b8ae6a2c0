"""Sums, means, products, extremes."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._core.space import Space, Value
from dualgrad.rules.define import linear
from dualgrad.rules.samples import A, case, cases


def restore_axes(ct: Value, a: Space, axis: Any, keepdims: bool) -> Value:
    """Give the result of a reduction of `a` its reduced axes back, with length 1."""
    if keepdims or axis is None:
        return ct
    axes = (axis,) if isinstance(axis, (int, np.integer)) else axis
    ndim = a.ndim
    reduced = {k % ndim for k in axes}
    return np.reshape(ct, tuple([1 if k in reduced else n for k, n in enumerate(a.shape)]))


# ---- sum -------------------------------------------------------------------------------------------


def _sum(a: Value, *, axis: Any = None, keepdims: bool = False) -> Value:
    return np.add.reduce(a, axis=axis, keepdims=keepdims)


def _sum_transpose(ct: Value, a: Space, *, axis: Any = None, keepdims: bool = False) -> Value:
    return np.broadcast_to(restore_axes(ct, a, axis, keepdims), a.shape)


linear(np.sum, _sum_transpose, call=_sum, samples=cases(case(A(3, 4)), case(A(3, 4), axis=0)))
