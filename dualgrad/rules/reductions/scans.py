"""Running sums and differences. Running products are in products.py."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table import versions
from dualgrad._table.facets import THIN
from dualgrad._table.facts import Facts
from dualgrad._table.space import Space, Value, dtype_of, shape_of
from dualgrad._table.structure import Along
from dualgrad.batching import thin_functions as thin
from dualgrad.rules.axes import as_one_axis, backwards, in_dtype
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, linear

# ---- cumsum ----------------------------------------------------------------------------------------


def _cumsum_transpose(ct: Value, a: Space, *, axis: Any = None) -> Value:
    k = 0 if axis is None or not a.shape else operator.index(axis) % a.ndim
    found = backwards(np.cumsum(backwards(ct, k), axis=k), k)
    return found if shape_of(found) == a.shape else np.reshape(found, a.shape)


def _cumsum_desugar(a: Value, axis: Any = None, dtype: Any = None, out: None = None) -> Value:
    return np.cumsum(in_dtype(a, dtype), axis=axis)


linear(
    np.cumsum,
    _cumsum_transpose,
    desugar=_cumsum_desugar,
    structure=Along(mixes="before", flat=True),
    samples=cases(
        case(A(4)),
        case(A(3, 4)),
        case(A(3, 4), axis=0),
        case(A(3, 4), -1),
        case(A(3, 0), 1),
        case(A()),
        case(A(3, is_complex=True)),
        case(A(2, 3), 0, dtype=complex),
    ),
)

# ---- cumulative_sum, cumulative_prod ---------------------------------------------------------------


def _cumulative(scan: Any, identity: float, x: Value, axis: Any, dtype: Any, include_initial: bool) -> Value:
    x = as_operand(x)
    shape = shape_of(x)
    if axis is None and len(shape) > 1:
        raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
    x, k = as_one_axis(in_dtype(x, dtype), axis)
    found = scan(x, axis=k)
    if not include_initial:
        return found
    shape = shape_of(found)
    start = np.full((*shape[:k], 1, *shape[k + 1 :]), identity, dtype_of(found))
    return np.concatenate([start, found], axis=k)


def _cumulative_sum(
    x: Value, /, *, axis: Any = None, dtype: Any = None, out: None = None, include_initial: bool = False
) -> Value:
    return _cumulative(np.cumsum, 0, x, axis, dtype, include_initial)


def _cumulative_prod(
    x: Value, /, *, axis: Any = None, dtype: Any = None, out: None = None, include_initial: bool = False
) -> Value:
    return _cumulative(np.cumprod, 1, x, axis, dtype, include_initial)


_CUMULATIVE = cases(
    case(A(4)),
    case(A()),
    case(A(3, 4), axis=0),
    case(A(3, 4), axis=-1, include_initial=True),
    case(A(0), include_initial=True),
    case(A(3), dtype=complex),
)
if versions.cumulative_sum is not None:
    composite(versions.cumulative_sum, _cumulative_sum, samples=_CUMULATIVE)
    composite(versions.cumulative_prod, _cumulative_prod, samples=_CUMULATIVE)

# ---- diff ------------------------------------------------------------------------------------------


def _diff_transpose(ct: Value, a: Space, *, n: int = 1, axis: int = -1) -> Value:
    # Summation by parts: the transpose of a difference is minus the difference of what is padded with zeros.
    if n == 0:
        return ct
    k = axis % a.ndim
    if a.shape[k] <= n:
        return np.zeros(a.shape, a.dtype)
    zeros = np.zeros((*a.shape[:k], n, *a.shape[k + 1 :]), dtype_of(ct))
    found = np.diff(np.concatenate([zeros, ct, zeros], axis=k), n=n, axis=k)
    return found if n % 2 == 0 else -found


def _diff_desugar(a: Value, n: int = 1, axis: int = -1, prepend: Value = None, append: Value = None) -> Value:
    shape = shape_of(a)
    if n > 0 and shape:
        k = operator.index(axis) % len(shape)
        one = (*shape[:k], 1, *shape[k + 1 :])
        parts = [x if x is None else as_operand(x) for x in (prepend, append)]
        before, after = ([] if x is None else [x if shape_of(x) else np.broadcast_to(x, one)] for x in parts)
        a = np.concatenate([*before, a, *after], axis=k)
    return np.diff(a, n=n, axis=axis)


def _viewed_by_diff(a: Value, n: int = 1, *args: Any, **kwargs: Any) -> tuple[Value, ...]:
    # NumPy hands out the array itself.
    return () if n else (a,)


linear(
    np.diff,
    _diff_transpose,
    desugar=_diff_desugar,
    structure=Along(-1, "neighbours"),
    says=(THIN(thin.diff),),
    samples=cases(
        case(A(5)),
        case(A(2, 3)),
        case(A(5), 2),
        case(A(5), n=0),
        case(A(3, 4), axis=0),
        case(A(3, 4), n=3, axis=-1),
        case(A(3, 4), n=2, axis=-2),
        case(A(3), 3),
        case(A(3), 4),
        case(A(0)),
        case(A(3, is_complex=True)),
        case(A(3, 4), axis=0, prepend=A(), append=A(2, 4)),
        case(A(4), n=2, prepend=A(2)),
        case(A(4), append=1.0),
        case(np.arange(3), prepend=A()),
        case(A(2, 3)),
    ),
    facts=Facts(aliases=_viewed_by_diff),
)

# ---- ediff1d ---------------------------------------------------------------------------------------


def _ediff1d(ary: Value, to_end: Value = None, to_begin: Value = None) -> Value:
    ary = np.ravel(as_operand(ary))
    dtype = dtype_of(ary)
    parts = [ary[1:] - ary[:-1]]
    if to_begin is not None:
        parts.insert(0, _end_of_ediff1d(to_begin, dtype, "to_begin"))
    if to_end is not None:
        parts.append(_end_of_ediff1d(to_end, dtype, "to_end"))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _end_of_ediff1d(x: Value, dtype: np.dtype[Any], title: str) -> Value:
    x = as_operand(x)
    x = x if hasattr(x, "dtype") else np.asarray(x)
    if not np.can_cast(dtype_of(x), dtype, casting="same_kind"):
        raise TypeError(f"dtype of `{title}` must be compatible with input `ary` under the `same_kind` rule.")
    return np.ravel(in_dtype(x, dtype))


composite(
    np.ediff1d,
    _ediff1d,
    samples=cases(case(A(4)), case(A(2, 3), to_end=A(2), to_begin=A()), case(A(1), 1.0), case(A(4), to_begin=A(2, 1))),
)
