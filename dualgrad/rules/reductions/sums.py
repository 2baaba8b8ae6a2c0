"""Sums, means and extremes. Products are in products.py, variances in variance.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facets import BATCH, BATCH_BODY, PATTERN, THIN
from dualgrad._table.foreign import reduce
from dualgrad._table.functions import overridable, own_body
from dualgrad._table.space import FLOAT, Function, Space, Value, dtype_of, shape_of
from dualgrad._table.structure import Along, axes_of
from dualgrad._trace.level import may_be_anywhere, seen_anywhere
from dualgrad.batching import thin_functions as thin
from dualgrad.patterns.call import PatternCall, joined_along
from dualgrad.patterns.sets import IndexSets, collect
from dualgrad.rules.axes import (
    in_dtype,
    masked,
    reduced_count,
    restore_axes,
    selected_count,
    spread,
)
from dualgrad.rules.reductions import _batched
from dualgrad.rules.samples import A, SpacedA, case, cases
from dualgrad.rules.words import composite, constant, handwritten, linear

_MASK = np.array([[True, False, True, True], [True, True, False, True], [False, True, True, False]])
_ROW = np.array([True, False, True, True])

# ---- sum -------------------------------------------------------------------------------------------


# By position, which is faster than by keyword.
_add: Function = np.add.reduce


def _sum(a: Value, *, axis: Any = None, keepdims: Any = False) -> Value:
    return _add(a, axis, None, None, keepdims) if type(a) is np.ndarray else reduce(np.add, a, axis, keepdims)


def _sum_transpose(ct: Value, a: Space, *, axis: Any = None, keepdims: Any = False) -> Value:
    return spread(ct, a, axis, keepdims)


def _sum_desugar(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = False,
    initial: Value = None,
    where: Any = True,
) -> Value:
    a = in_dtype(a, dtype)
    if where is not True:
        a = masked(a, where, 0)
    total = np.sum(a, axis=axis, keepdims=keepdims)
    return total if initial is None else in_dtype(total + initial, dtype_of(total))


linear(
    np.sum,
    _sum_transpose,
    call=_sum,
    desugar=_sum_desugar,
    says=(THIN(thin.sum_of),),
    structure=Along(stays=False),
    samples=cases(
        case(A(3, 4)),
        case(A(3, 4), axis=0),
        case(A(3, 4), -1, keepdims=True),
        case(A(2, 3, 4), axis=(0, -1)),
        case(A(2, 3, 4), axis=(-2,), keepdims=True),
        case(A(2, 3), axis=()),
        case(A()),
        case(A(), axis=0),
        case(A(0, 3), axis=0),
        case(A(3, 0), axis=0),
        case(A(2, 3, is_complex=True), axis=1),
        case(A(3, 4), axis=0, where=_MASK, initial=3),
        case(A(3, 4), keepdims=True, where=_ROW, initial=2),
        case(A(3), dtype=complex),
    ),
)

# ---- mean ------------------------------------------------------------------------------------------


def _mean(a: Value, *, axis: Any = None, keepdims: Any = False) -> Value:
    if type(a) is np.ndarray and a.dtype is FLOAT and a.size:
        return reduce(np.add, a, axis=axis, keepdims=keepdims) / reduced_count(a, axis)
    return np.mean(a, axis=axis, keepdims=keepdims)


def _mean_transpose(ct: Value, a: Space, *, axis: Any = None, keepdims: Any = False) -> Value:
    # The mean of nothing has nobody to hand its cotangent to.
    return spread(ct / (reduced_count(a, axis) or 1), a, axis, keepdims)


def _mean_desugar(
    a: Value, axis: Any = None, dtype: Any = None, out: None = None, keepdims: Any = False, where: Any = True
) -> Value:
    half = dtype is None and dtype_of(a) == np.float16
    total = np.sum(a, axis=axis, dtype=np.float32 if half else dtype, keepdims=keepdims, where=where)
    return in_dtype(total / selected_count(a, axis, keepdims, where), np.float16 if half else dtype_of(total))


linear(
    np.mean,
    _mean_transpose,
    call=_mean,
    desugar=_mean_desugar,
    says=(THIN(thin.mean),),
    structure=Along(stays=False),
    samples=cases(
        case(A(3, 4)),
        case(A(3, 4), axis=0),
        case(A(3, 4), -1, keepdims=True),
        case(A(2, 3, 4), axis=(0, -1)),
        case(A(2, 3), axis=()),
        case(A()),
        case(A(3, 0), axis=0),
        case(A(2, 3, is_complex=True), axis=1),
        case(A(3, 4), axis=0, where=_MASK),
        case(A(3, 4), axis=(0, 1), keepdims=True, where=_ROW),
        case(A(3), dtype=complex),
    ),
)

# ---- max, min --------------------------------------------------------------------------------------

# The entries that equal the extreme share its derivative evenly, so that symmetric functions have symmetric
# gradients, and max(x) is the last of sort(x). Who is tied is constant: the second derivative is zero. Where the
# extreme is NaN, the entries that are NaN are the ones that it came from.


@overridable
def tied_with(a: Value, extreme: Value) -> Value:
    """Tell which entries of `a` equal their extreme, where NaN equals NaN."""
    tied = np.equal(a, extreme)
    lost = np.isnan(extreme)
    return tied | (lost & np.isnan(a)) if may_be_anywhere(lost) else tied


constant(tied_with, says=(BATCH_BODY(own_body(tied_with)),))


def _extreme_jvp(
    tangents: tuple[Value, ...], ans: Value, /, a: Value, *, axis: Any = None, keepdims: Any = False
) -> Value:
    tied, count = _ties(ans, a, axis, keepdims)
    # Selected, not multiplied by 0: an infinite tangent of another entry must not leave NaN.
    return reduce(np.add, np.where(tied, tangents[0], 0), axis=axis, keepdims=keepdims) / count


def _extreme_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, axis: Any = None, keepdims: Any = False
) -> tuple[Value, ...]:
    tied, count = _ties(ans, a, axis, keepdims)
    return (np.where(tied, restore_axes(ct / count, a, axis, keepdims), 0),)


def _ties(ans: Value, a: Value, axis: Any, keepdims: Any) -> tuple[Value, Value]:
    tied = tied_with(a, restore_axes(ans, a, axis, keepdims))
    return tied, reduce(np.add, tied, axis=axis, keepdims=keepdims).astype(dtype_of(ans))


def _extreme_of(
    fun: Function, larger: np.ufunc, worst: float, a: Value, axis: Any, keepdims: Any, initial: Value, where: Any
) -> Value:
    """Say a maximum with `where=` and `initial=` without them; `worst` is a number that never wins."""
    if where is not True:
        if initial is None:
            raise ValueError(
                f"reduction operation '{larger.__name__}' does not have an identity, "
                "so to use a where mask one has to specify 'initial'"
            )
        a = masked(a, where, worst)
    if initial is None:
        return fun(a, axis=axis, keepdims=keepdims)
    if reduced_count(a, axis) == 0:
        found = np.sum(a, axis=axis, keepdims=keepdims) + initial
    else:
        found = larger(fun(a, axis=axis, keepdims=keepdims), initial)
    return in_dtype(found, dtype_of(a))


def _max_desugar(
    a: Value, axis: Any = None, out: None = None, keepdims: Any = False, initial: Value = None, where: Any = True
) -> Value:
    return _extreme_of(np.max, np.maximum, -np.inf, a, axis, keepdims, initial, where)


def _min_desugar(
    a: Value, axis: Any = None, out: None = None, keepdims: Any = False, initial: Value = None, where: Any = True
) -> Value:
    return _extreme_of(np.min, np.minimum, np.inf, a, axis, keepdims, initial, where)


_EXTREMES = cases(
    case(SpacedA(5)),
    case(SpacedA(2, 3), keepdims=True),
    case(SpacedA(3, 4), axis=0),
    case(SpacedA(3, 4), -1, keepdims=True),
    case(SpacedA(2, 3, 4), axis=(0, -1)),
    case(SpacedA(2, 3), axis=()),
    case(SpacedA()),
    case(SpacedA(3, 0), axis=0),
    case(A(4, is_complex=True)),
    case(SpacedA(3, 4), axis=0, initial=0),
    case(SpacedA(3, 4), initial=0, where=_MASK),
    case(SpacedA(3, 4), axis=1, keepdims=True, initial=-1, where=_ROW),
    case(SpacedA(3, 0), axis=1, initial=0),
    case(SpacedA(2, 3)),
)
# amax and amin are functions of their own to NumPy's dispatch.
for _fun in (np.max, np.amax):
    handwritten(
        _fun,
        _extreme_jvp,
        _extreme_vjp,
        keep=("ans", "a"),
        desugar=_max_desugar,
        structure=Along(stays=False),
        samples=_EXTREMES,
    )
for _fun in (np.min, np.amin):
    handwritten(
        _fun,
        _extreme_jvp,
        _extreme_vjp,
        keep=("ans", "a"),
        desugar=_min_desugar,
        structure=Along(stays=False),
        samples=_EXTREMES,
    )

# ---- ptp -------------------------------------------------------------------------------------------


def _ptp(a: Value, axis: Any = None, out: None = None, keepdims: Any = False) -> Value:
    a = as_operand(a)
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


composite(
    np.ptp,
    _ptp,
    samples=cases(
        case(SpacedA(5)),
        case(SpacedA(3, 4), 0),
        case(SpacedA(3, 4), axis=-1, keepdims=True),
        case(SpacedA(2, 3, 2), axis=(0, 1)),
    ),
)

# ---- average ---------------------------------------------------------------------------------------


def _average(
    a: Value, axis: Any = None, weights: Value = None, returned: bool = False, *, keepdims: Any = False
) -> Value:
    a = as_operand(a)
    if weights is None:
        found = np.mean(a, axis=axis, keepdims=keepdims)
        total = dtype_of(found).type(reduced_count(a, axis))
    else:
        weights = weights_along(as_operand(weights), a, axis)
        total = np.sum(weights, axis=axis, keepdims=keepdims)
        if seen_anywhere(total == 0):
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        found = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
        total = in_dtype(total, dtype_of(found))
    if not returned:
        return found
    return found, total if shape_of(total) == shape_of(found) else np.copy(np.broadcast_to(total, shape_of(found)))


def weights_along(weights: Value, a: Value, axis: Any) -> Value:
    """Give weights that belong to the averaged axes a place beside `a`."""
    shape = shape_of(a)
    if shape_of(weights) == shape:
        return weights
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    axes = axes_of(len(shape), axis)
    if shape_of(weights) != tuple([shape[k] for k in axes]):
        raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
    ordered = np.transpose(weights, [axes.index(k) for k in sorted(axes)])
    return np.reshape(ordered, tuple([n if k in axes else 1 for k, n in enumerate(shape)]))


composite(
    np.average,
    _average,
    samples=cases(
        case(A(4)),
        case(A(3, 4), axis=0, keepdims=True),
        case(A(3, 4), weights=A(3, 4, low=0.5)),
        case(A(3, 4), 1, A(4, low=0.5)),
        case(A(3, 4), 1, A(4, low=0.5), keepdims=True),
        case(A(2, 3, 4), axis=(2, 0), weights=A(4, 2, low=0.5)),
        case(A(3, 4), axis=0, weights=A(3, low=0.5), returned=True),
        case(A(3, 4), axis=0, returned=True),
        case(A(3, is_complex=True), weights=np.array([1, 2, 3])),
    ),
)

# ---- bincount --------------------------------------------------------------------------------------


def _bincount(weights: Value, x: Value, *, minlength: int = 0) -> Value:
    return np.bincount(x, weights, minlength)


def _bincount_transpose(ct: Value, weights: Space, x: Value, *, minlength: int = 0) -> Value:
    return ct[x]


def _bincount_pattern(call: PatternCall) -> IndexSets:
    sets = call.sets[0]
    if sets is None:
        return call.nothing()
    if call.loose[1]:
        return joined_along(sets, shape_of(call.values[0]), (0,), call.shape)
    return collect(sets, call.values[1], call.count)


linear(
    np.bincount,
    _bincount_transpose,
    call=_bincount,
    signature="x, weights=None, minlength=0",
    says=(BATCH(_batched.bincount), PATTERN(_bincount_pattern)),
    samples=cases(
        case(np.array([0, 2, 2, 1]), A(4)), case(np.array([1, 1, 3]), A(3), 6), case([0, 1], weights=A(2), minlength=1)
    ),
)
