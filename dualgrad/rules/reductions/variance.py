"""Variance and standard deviation."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.facets import BATCH_BODY, UNDER, Root
from dualgrad._table.foreign import reduce
from dualgrad._table.functions import as_constant, overridable, own_body
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._table.structure import Along
from dualgrad.rules.axes import in_dtype, masked, reduced_count, restore_axes, selected_count
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import constant, handwritten

# ---- var -------------------------------------------------------------------------------------------

# var = sum |a - m|^2 / (n - ddof), with m the mean. The deviations sum to zero, so m may be held fixed:
# d var = 2 / (n - ddof) sum Re(conj(a - m) da). Its own derivative, through m, comes out right again.


def _slope(a: Value, axis: Any, ddof: float) -> Value:
    """Return the derivative of the variance by each entry."""
    free = reduced_count(a, axis) - ddof
    deviations = a - np.mean(a, axis=axis, keepdims=True)
    if dtype_of(a).kind == "c":
        deviations = np.conjugate(deviations)
    # Without degrees of freedom NumPy has warned, and the variance is undefined.
    return deviations * (2 / free if free > 0 else np.nan)


def _real_sum(x: Value, axis: Any, keepdims: Any) -> Value:
    return reduce(np.add, np.real(x) if dtype_of(x).kind == "c" else x, axis=axis, keepdims=keepdims)


def _var_jvp(
    tangents: tuple[Value, ...],
    ans: Value,
    /,
    a: Value,
    *,
    axis: Any = None,
    ddof: float = 0,
    keepdims: Any = False,
) -> Value:
    if 0 in shape_of(a):
        return None
    return _real_sum(tangents[0] * _slope(a, axis, ddof), axis, keepdims)


def _var_vjp(
    ct: Value,
    wanted: tuple[bool, ...],
    ans: Value,
    /,
    a: Value,
    *,
    axis: Any = None,
    ddof: float = 0,
    keepdims: Any = False,
) -> tuple[Value, ...]:
    if 0 in shape_of(a):
        return (None,)
    return (restore_axes(ct, a, axis, keepdims) * _slope(a, axis, ddof),)


def degrees_lost(ddof: float, correction: float | None) -> float:
    """Return what is taken from the number of entries: `ddof`, or `correction` by its newer name."""
    if correction is None:
        return ddof
    if ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    return correction


def squared(d: Value) -> Value:
    """Return |d|^2, real."""
    return np.real(d * np.conjugate(d)) if dtype_of(d).kind == "c" else d * d


def _var_desugar(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Value = None,
    correction: float | None = None,
) -> Value:
    ddof = degrees_lost(ddof, correction)
    if dtype is None and where is True and mean is None:
        return np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)
    if mean is None:
        total = np.sum(a, axis=axis, dtype=dtype, keepdims=True, where=where)
        mean = in_dtype(total / selected_count(a, axis, True, where), dtype_of(total))
    d = a - mean
    squares = squared(d)
    total = np.sum(squares, axis=axis, dtype=dtype, keepdims=keepdims, where=where)
    free = np.maximum(selected_count(a, axis, keepdims, where) - ddof, 0)
    return in_dtype(total / free, dtype_of(total))


_SPREADS = (
    case(A(5)),
    case(A(2, 3), keepdims=True),
    case(A(3, 4), axis=0),
    case(A(3, 4), -1, ddof=1, keepdims=True),
    case(A(2, 3, 4), axis=(0, -1), ddof=2),
    case(A(3, 4, is_complex=True), axis=1),
    case(A(3, 4), correction=1),
    case(A(3, 4), axis=0, mean=A(1, 4), ddof=1),
    case(A(3, 4), axis=1, where=np.array([True, False, True, True])),
    case(A(3, 4), axis=0, keepdims=True, where=np.array([[True], [False], [True]])),
    case(A(4), dtype=float),
    case(A(3, 4), dtype=np.longdouble, axis=0),
)
handwritten(
    np.var,
    _var_jvp,
    _var_vjp,
    keep=("a",),
    desugar=_var_desugar,
    structure=Along(stays=False),
    samples=cases(*_SPREADS, case(A()), case(A(1)), case(A(2, 3), axis=()), case(A(2, 3))),
)

# ---- std -------------------------------------------------------------------------------------------

# std = sqrt(var); where all entries are equal it has a kink, like a norm at 0, and its derivatives are chosen 0, to
# every order. The mean of equal numbers may be rounded, so that NumPy's std is not quite 0: hence the second look.


@overridable
def without_spread(a: Value, spread: Value, axis: Any, keepdims: Any) -> Value:
    """Tell where a standard deviation is zero, or only the rounding of the mean of equal entries."""
    zero = spread == 0
    if 0 in shape_of(a):
        return zero
    largest = reduce(np.maximum, a, axis=axis, keepdims=keepdims)
    return zero | (largest == reduce(np.minimum, a, axis=axis, keepdims=keepdims))


constant(without_spread, says=(BATCH_BODY(own_body(without_spread)),))


def _divided(t: Value, zero: Value, ans: Value) -> Value:
    """Return t / (2 ans), and 0 where there is no spread."""
    return np.where(zero, 0, t) / np.where(zero, 1, ans) * 0.5


def _std_jvp(
    tangents: tuple[Value, ...],
    ans: Value,
    /,
    a: Value,
    *,
    axis: Any = None,
    ddof: float = 0,
    keepdims: Any = False,
) -> Value:
    moved = _var_jvp(tangents, ans, a, axis=axis, ddof=ddof, keepdims=keepdims)
    return None if moved is None else _divided(moved, without_spread(a, ans, axis, keepdims), ans)


def _std_vjp(
    ct: Value,
    wanted: tuple[bool, ...],
    ans: Value,
    /,
    a: Value,
    *,
    axis: Any = None,
    ddof: float = 0,
    keepdims: Any = False,
) -> tuple[Value, ...]:
    ct = _divided(ct, without_spread(a, ans, axis, keepdims), ans)
    return _var_vjp(ct, wanted, ans, a, axis=axis, ddof=ddof, keepdims=keepdims)


@overridable
def within_rounding(a: Value, variance: Value, axis: Any, keepdims: Any, where: Any) -> Value:
    """Tell where a variance is zero, or no more than rounding for entries that are all equal."""
    if 0 in shape_of(a):
        return variance == 0
    smallest, largest = masked(a, where, np.inf), masked(a, where, -np.inf)
    largest = reduce(np.maximum, largest, axis=axis, keepdims=keepdims)
    equal = largest == reduce(np.minimum, smallest, axis=axis, keepdims=keepdims)
    # A sum of n numbers is exact to n eps, and this is a square.
    rounding = reduced_count(a, axis) * np.finfo(dtype_of(a)).eps * np.abs(np.where(equal, largest, 0))
    return (variance == 0) | (equal & (np.sqrt(variance) <= rounding))


constant(within_rounding, says=(BATCH_BODY(own_body(within_rounding)),))


def root_of(variance: Value, zero: Value) -> Value:
    """Return the standard deviation, whose derivative is 0 where there is no spread."""
    return np.where(zero, np.sqrt(as_constant(variance)), np.sqrt(np.where(zero, 1, variance)))


def _std_desugar(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Value = None,
    correction: float | None = None,
) -> Value:
    ddof = degrees_lost(ddof, correction)
    if dtype is None and where is True and mean is None:
        return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)
    variance = _var_desugar(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean)
    zero = within_rounding(a, variance, axis, keepdims, where)
    return root_of(variance, zero)


def _under_std(a: Value, **params: Any) -> Value:
    return np.var(a, **params)


def _is_without_spread(ans: Value, a: Value, *, axis: Any = None, ddof: float = 0, keepdims: Any = False) -> Value:
    return without_spread(a, ans, axis, keepdims)


handwritten(
    np.std,
    _std_jvp,
    _std_vjp,
    keep=("ans", "a"),
    desugar=_std_desugar,
    says=(UNDER(Root(_under_std, _is_without_spread)),),
    structure=Along(stays=False),
    samples=cases(*_SPREADS, case(A(2, 3))),
)
