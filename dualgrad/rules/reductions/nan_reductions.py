"""Reductions and scans that skip NaN. What is skipped has derivative 0, also where nothing else is left."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.foreign import reduce
from dualgrad._table.space import Function, Value, dtype_of, shape_of
from dualgrad._table.structure import Along
from dualgrad._trace.level import may_be_anywhere, seen_anywhere
from dualgrad.rules.axes import in_dtype, masked, restore_axes
from dualgrad.rules.reductions.variance import degrees_lost, root_of, squared, within_rounding
from dualgrad.rules.samples import A, SpacedA, case, cases
from dualgrad.rules.words import composite, handwritten

_HOLED = np.array([[1.0, np.nan, -2.0, 0.5], [np.nan, 0.3, 3.0, 0.7], [2.5, np.nan, 1.5, -0.2]])
_COMPLEX = np.array([1.0 + 2j, complex(np.nan, 1.0), 0.5 - 1j])
_MASK = np.array([[True, False, True, True], [True, True, False, True], [False, True, True, False]])
_ROW = np.array([True, False, True, True])


def _filled(a: Value, fill: float) -> Value:
    """Return `a` with a number in the place of each NaN; the number has no derivative."""
    a = as_operand(a)
    return np.where(np.isnan(a), fill, a) if dtype_of(a).kind in "fc" else a


# ---- nansum, nanprod, nancumsum, nancumprod --------------------------------------------------------


def _nansum(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = False,
    initial: Value = None,
    where: Any = True,
) -> Value:
    return np.sum(_filled(a, 0), axis=axis, keepdims=keepdims, **_given(dtype=dtype, initial=initial, where=where))


def _nanprod(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = False,
    initial: Value = None,
    where: Any = True,
) -> Value:
    return np.prod(_filled(a, 1), axis=axis, keepdims=keepdims, **_given(dtype=dtype, initial=initial, where=where))


def _given(where: Any, **params: Any) -> dict[str, Any]:
    """Return the parameters that a call gives."""
    found = {name: x for name, x in params.items() if x is not None and x is not np._NoValue}
    return found if where is True or where is np._NoValue else {**found, "where": where}


def _nancumsum(a: Value, axis: Any = None, dtype: Any = None, out: None = None) -> Value:
    return np.cumsum(_filled(a, 0), axis, dtype)


def _nancumprod(a: Value, axis: Any = None, dtype: Any = None, out: None = None) -> Value:
    return np.cumprod(_filled(a, 1), axis, dtype)


_TOTALS = cases(
    case(_HOLED),
    case(_HOLED, axis=0),
    case(A(3, 4), -1, keepdims=True),
    case(_HOLED, axis=(0, 1)),
    case(_HOLED, axis=1, dtype=np.complex128),
    case(_HOLED, axis=0, initial=3, where=_MASK),
    case(_COMPLEX),
    case(np.array([np.nan, np.nan])),
    case(A()),
    case(A(0)),
)
_RUNNING = cases(case(_HOLED), case(_HOLED, 1), case(_HOLED, axis=0, dtype=np.complex128), case(_COMPLEX), case(A(0)))

composite(np.nansum, _nansum, samples=_TOTALS)
composite(np.nanprod, _nanprod, samples=_TOTALS)
composite(np.nancumsum, _nancumsum, samples=_RUNNING)
composite(np.nancumprod, _nancumprod, samples=_RUNNING)

# ---- nanmax, nanmin --------------------------------------------------------------------------------

# As for max and min; where everything is NaN nobody is tied.


def _winners(ans: Value, a: Value, axis: Any, keepdims: Any) -> tuple[Value, Value]:
    tied = np.equal(a, restore_axes(ans, a, axis, keepdims))
    count = np.maximum(reduce(np.add, tied, axis=axis, keepdims=keepdims), 1)
    return tied, count.astype(dtype_of(ans))


def _nan_extreme_jvp(
    tangents: tuple[Value, ...], ans: Value, /, a: Value, *, axis: Any = None, keepdims: Any = False
) -> Value:
    tied, count = _winners(ans, a, axis, keepdims)
    return reduce(np.add, np.where(tied, tangents[0], 0), axis=axis, keepdims=keepdims) / count


def _nan_extreme_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, axis: Any = None, keepdims: Any = False
) -> tuple[Value, ...]:
    tied, count = _winners(ans, a, axis, keepdims)
    return (np.where(tied, restore_axes(ct / count, a, axis, keepdims), 0),)


def _nan_extreme_of(
    fun: Function, larger: np.ufunc, worst: float, a: Value, axis: Any, keepdims: Any, initial: Value, where: Any
) -> Value:
    """Say an extreme with `where=` and `initial=` without them; `worst` is a number that never wins."""
    if keepdims is np._NoValue:
        keepdims = False
    if where is not True and where is not np._NoValue:
        if initial is None or initial is np._NoValue:
            raise ValueError(
                f"reduction operation '{larger.__name__}' does not have an identity, "
                "so to use a where mask one has to specify 'initial'"
            )
        a = masked(a, where, worst)
    if initial is None or initial is np._NoValue:
        return fun(a, axis=axis, keepdims=keepdims)
    if 0 in shape_of(a):
        return in_dtype(np.sum(a, axis=axis, keepdims=keepdims) + initial, dtype_of(a))
    with warnings.catch_warnings():
        # The initial value stands in for a slice that is all NaN.
        warnings.simplefilter("ignore", RuntimeWarning)
        found = fun(a, axis=axis, keepdims=keepdims)
    return in_dtype(larger(found, initial), dtype_of(a))


def _nanmax_desugar(
    a: Value, axis: Any = None, out: None = None, keepdims: Any = False, initial: Value = None, where: Any = True
) -> Value:
    return _nan_extreme_of(np.nanmax, np.fmax, -np.inf, a, axis, keepdims, initial, where)


def _nanmin_desugar(
    a: Value, axis: Any = None, out: None = None, keepdims: Any = False, initial: Value = None, where: Any = True
) -> Value:
    return _nan_extreme_of(np.nanmin, np.fmin, np.inf, a, axis, keepdims, initial, where)


_EXTREMES = cases(
    case(_HOLED),
    case(_HOLED, axis=0),
    case(_HOLED, 1, keepdims=True),
    case(SpacedA(2, 3, 4), axis=(0, -1)),
    case(_HOLED, axis=0, initial=0),
    case(_HOLED, axis=1, initial=-1, where=_ROW),
    case(_HOLED, keepdims=True, initial=0.1, where=_MASK),
    case(SpacedA()),
    case(SpacedA(3, 0), axis=1, initial=0),
    case(_COMPLEX),
)

handwritten(
    np.nanmax,
    _nan_extreme_jvp,
    _nan_extreme_vjp,
    keep=("ans", "a"),
    desugar=_nanmax_desugar,
    structure=Along(stays=False),
    samples=_EXTREMES,
)
handwritten(
    np.nanmin,
    _nan_extreme_jvp,
    _nan_extreme_vjp,
    keep=("ans", "a"),
    desugar=_nanmin_desugar,
    structure=Along(stays=False),
    samples=_EXTREMES,
)

# ---- nanmean, nanvar, nanstd -----------------------------------------------------------------------


def _counted(a: Value, where: Any) -> Value:
    """Tell which entries count: those that are not NaN, and that `where` does not leave out."""
    valid = ~np.isnan(a)
    return valid if where is True or where is np._NoValue else valid & where


def _divided(total: Value, count: Value) -> Value:
    """Return total / count, and a constant NaN where the count is not positive."""
    found = total / in_dtype(np.where(count > 0, count, 1), np.real(np.zeros(0, dtype_of(total))).dtype)
    if not may_be_anywhere(count <= 0):
        return found
    return in_dtype(np.where(count > 0, found, np.nan), dtype_of(found))


def _inexact_only(a: Value, dtype: Any) -> None:
    if dtype is not None and dtype_of(a).kind in "fc" and np.dtype(dtype).kind not in "fc":
        raise TypeError("If a is inexact, then dtype must be inexact")


def _nanmean(
    a: Value, axis: Any = None, dtype: Any = None, out: None = None, keepdims: Any = False, *, where: Any = True
) -> Value:
    a = as_operand(a)
    _inexact_only(a, dtype)
    valid = _counted(a, where)
    total = np.sum(np.where(valid, a, 0), axis=axis, keepdims=keepdims, **_given(True, dtype=dtype))
    count = np.sum(valid, axis=axis, keepdims=keepdims)
    if seen_anywhere(count == 0):
        warnings.warn("Mean of empty slice", RuntimeWarning, stacklevel=4)
    return _divided(total, count)


def _nanvar(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Value = np._NoValue,
    correction: Any = np._NoValue,
) -> Value:
    a = as_operand(a)
    _inexact_only(a, dtype)
    ddof = degrees_lost(ddof, None if correction is np._NoValue else correction)
    valid = _counted(a, where)
    kept = np.where(valid, a, 0)
    params = _given(True, dtype=dtype)
    if mean is np._NoValue or mean is None:
        mean = _divided(np.sum(kept, axis=axis, keepdims=True, **params), np.sum(valid, axis=axis, keepdims=True))
    # NumPy computes the deviations in the dtype of `a`.
    d = in_dtype(np.where(valid, kept - np.where(np.isnan(mean), 0, mean), 0), dtype_of(a))
    total = np.sum(squared(d), axis=axis, keepdims=keepdims, **params)
    free = np.sum(valid, axis=axis, keepdims=keepdims) - ddof
    if seen_anywhere(free <= 0):
        warnings.warn("Degrees of freedom <= 0 for slice.", RuntimeWarning, stacklevel=4)
    return _divided(total, free)


def _nanstd(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Value = np._NoValue,
    correction: Any = np._NoValue,
) -> Value:
    keep: Any = keepdims is True  # overloads tell True from False
    variance = np.nanvar(a, axis, dtype, None, ddof, keep, where=where, mean=mean, correction=correction)
    a = as_operand(a)
    # At the kink the derivative is 0, as that of std.
    zero = within_rounding(_filled(a, 0), variance, axis, keepdims, _counted(a, where))
    return root_of(variance, zero)


_SPREADS = (
    case(_HOLED),
    case(_HOLED, axis=1),
    case(_HOLED, -1, ddof=1, keepdims=True),
    case(A(2, 3, 4), axis=(0, -1), ddof=2),
    case(_HOLED, axis=1, correction=1),
    case(_HOLED, axis=0, mean=np.array([[1, 0, 1, 0]])),
    case(_HOLED, axis=1, where=_ROW),
    case(_HOLED, axis=1, keepdims=True, where=_MASK),
    case(_HOLED, dtype=np.longdouble, axis=0),
    case(_COMPLEX),
    case(A(3)),
)

composite(
    np.nanmean,
    _nanmean,
    samples=cases(
        case(_HOLED),
        case(_HOLED, axis=0),
        case(_HOLED, -1, keepdims=True),
        case(A(2, 3, 4), axis=(0, -1)),
        case(_HOLED, axis=1, dtype=np.complex128),
        case(_HOLED, axis=1, where=_MASK),
        case(_COMPLEX),
        case(A()),
    ),
)
composite(np.nanvar, _nanvar, samples=cases(*_SPREADS))
composite(np.nanstd, _nanstd, samples=cases(*_SPREADS))
