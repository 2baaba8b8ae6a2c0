"""Medians, quantiles and percentiles, also those that skip NaN.

They are entries of the sorted array, or between two of them: so they are differentiated by sorting, and equal entries share
evenly as they do there. Which entries they are is constant; how far between two of them depends on `q`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from dualgrad._array.dispatch import call
from dualgrad._array.gather import as_operand
from dualgrad._table.facts import Facts
from dualgrad._table.functions import as_constant, constant_astype, getitem
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import anywhere
from dualgrad.errors import NoRuleError
from dualgrad.rules.axes import in_dtype
from dualgrad.rules.reductions.sums import weights_along
from dualgrad.rules.samples import A, SpacedA, case, cases
from dualgrad.rules.words import composite

_INDEX = np.dtype(np.intp)
_nanmean: Any = np.nanmean  # of NumPy 2.5, its types tell keepdims=True from False, not from bool


def _first(a: Value, axis: Any) -> Value:
    """Return `a` with the given axes merged into one, the first."""
    if axis is None:
        return np.ravel(a)
    shape = shape_of(a)
    axes = sorted(normalize_axis_tuple(axis, len(shape)))
    kept = [k for k in range(len(shape)) if k not in axes]
    moved = a if axes + kept == list(range(len(shape))) else np.transpose(a, axes + kept)
    return np.reshape(moved, (math.prod([shape[k] for k in axes]), *[shape[k] for k in kept]))


def _restored(found: Value, a: Value, axis: Any, keepdims: Any) -> Value:
    """Give a result the axes of `a` back, with length 1, behind those that it has in front for `q`."""
    if not keepdims:
        return found
    shape = shape_of(a)
    axes = range(len(shape)) if axis is None else normalize_axis_tuple(axis, len(shape))
    kept = tuple([1 if k in axes else n for k, n in enumerate(shape)])
    lead = len(shape_of(found)) - (len(shape) - len(axes))
    return np.reshape(found, shape_of(found)[:lead] + kept)


def _valid_counts(ordered: Value) -> Value:
    """Return how many entries of each column are not NaN, and say so where there are none."""
    counts = np.sum(~np.isnan(ordered), axis=0)
    if anywhere(counts == 0):
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=5)
    return counts


def _entries(ordered: Value, places: Value) -> Value:
    """Return entries of each column; `places` has, behind the axes of `q`, those of the columns, or ones for all alike."""
    columns = shape_of(ordered)[1:]
    lead = shape_of(places)[: len(shape_of(places)) - len(columns)]
    if shape_of(places)[len(lead) :] == (1,) * len(columns):
        return call(getitem, ordered, np.reshape(places, lead))
    flat = np.reshape(places, (math.prod(lead), *columns))
    return np.reshape(np.take_along_axis(ordered, flat, 0), lead + columns)


def _nan_where_nan(found: Value, ordered: Value) -> Value:
    """Return NaN for columns that hold one; sorted, it is the last entry."""
    if dtype_of(ordered).kind not in "fc" or shape_of(ordered)[0] == 0:
        return found
    lost = np.isnan(ordered[-1])
    return np.where(lost, in_dtype(ordered[-1], dtype_of(found)), found) if anywhere(lost) else found


# ---- medians ---------------------------------------------------------------------------------------


def _median(
    a: Value, axis: Any = None, out: None = None, overwrite_input: bool = False, keepdims: Any = False
) -> Value:
    # To be overwritten is a permission, which nobody has to use.
    a = as_operand(a)
    ordered = np.sort(_first(a, axis), axis=0)
    n = shape_of(ordered)[0]
    middle = ordered[n // 2 : n // 2 + 1] if n % 2 else ordered[n // 2 - 1 : n // 2 + 1]
    return _restored(_nan_where_nan(np.mean(middle, axis=0), ordered), a, axis, keepdims)


def _nanmedian(
    a: Value, axis: Any = None, out: None = None, overwrite_input: bool = False, keepdims: Any = False
) -> Value:
    a = as_operand(a)
    ordered = np.sort(_first(a, axis), axis=0)
    if 0 in shape_of(a):
        return _nanmean(a, axis, keepdims=bool(keepdims))
    counts = _valid_counts(ordered)
    lower, upper = [_entries(ordered, np.maximum(k, 0)[None])[0] for k in ((counts - 1) // 2, counts // 2)]
    # The first entry of a column that is all NaN is NaN, and no number has a part in it.
    found = np.where(counts == 0, np.nan, in_dtype((lower + upper) * 0.5, dtype_of(a)))
    return _restored(in_dtype(found, dtype_of(a)), a, axis, keepdims)


_MEDIANS = (
    case(SpacedA(5)),
    case(SpacedA(4)),
    case(SpacedA(3, 4), axis=0),
    case(SpacedA(3, 4), -1, keepdims=True),
    case(SpacedA(2, 3, 2), axis=(0, -1)),
    case(SpacedA(2, 3, 2), (2, 1), None, True, True),
    case(SpacedA(2, 3), keepdims=True, overwrite_input=True),
    case(SpacedA()),
)
_FEW_HOLES = np.array([[1.0, 0.3, -2.0, 0.5], [np.nan, -0.4, 3.0, 0.7], [2.5, np.nan, 1.5, -0.2]])
_WITH_HOLES = (
    case(_FEW_HOLES),
    case(_FEW_HOLES, axis=0),
    case(_FEW_HOLES, axis=1, keepdims=True),
    # NumPy makes use of the permission: not on the array of the others.
    case(_FEW_HOLES.copy(), axis=(0, 1), overwrite_input=True),
)

composite(np.median, _median, samples=cases(*_MEDIANS, case(A(4, is_complex=True))))
composite(np.nanmedian, _nanmedian, samples=cases(*_MEDIANS, *_WITH_HOLES))

# ---- quantiles -------------------------------------------------------------------------------------

# Hyndman & Fan (1996), "Sample quantiles in statistical packages": the quantile lies at a virtual index among the n sorted
# entries, n q + (alpha + q (1 - alpha - beta)) - 1 for the continuous methods, and is interpolated.

_CONTINUOUS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3.0, 1 / 3.0),
    "normal_unbiased": (3 / 8.0, 3 / 8.0),
}


def _inverted_cdf(n: Value, q: Value) -> Value:
    return np.ceil(n * q - 1)


def _closest_observation(n: Value, q: Value) -> Value:
    index = n * q - 1 - 0.5
    below = np.floor(index)
    return np.where((index == below) & (below % 2 == 1), below, below + 1)


def _lower(n: Value, q: Value) -> Value:
    return np.floor((n - 1) * q)


def _higher(n: Value, q: Value) -> Value:
    return np.ceil((n - 1) * q)


def _nearest(n: Value, q: Value) -> Value:
    return np.round((n - 1) * q)


_DISCRETE: dict[str, Callable[[Value, Value], Value]] = {
    "inverted_cdf": _inverted_cdf,
    "closest_observation": _closest_observation,
    "lower": _lower,
    "higher": _higher,
    "nearest": _nearest,
}


def _virtual_index(n: Value, q: Value, method: str) -> Value:
    if method == "linear":
        return (n - 1) * q
    if method == "averaged_inverted_cdf":
        return n * q - 1
    if method == "midpoint":
        return 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q))
    if method not in _CONTINUOUS:
        known = ["linear", "averaged_inverted_cdf", "midpoint", *_CONTINUOUS, *_DISCRETE]
        raise ValueError(f"{method!r} is not a valid method. Use one of: {', '.join(known)}")
    alpha, beta = _CONTINUOUS[method]
    return n * q + (alpha + q * (1 - alpha - beta)) - 1


def _interpolated(ordered: Value, n: Value, q: Value, method: str, weak: bool) -> Value:
    """Return the quantiles of the first n entries of each sorted column."""
    if method in _DISCRETE:
        place = _DISCRETE[method](n, as_constant(q))
        return _entries(ordered, constant_astype(np.clip(place, 0, np.maximum(n - 1, 0)) * 1.0, _INDEX))
    index = _virtual_index(n, q, method)
    at = as_constant(index)
    if dtype_of(at).kind in "iub":
        return _entries(ordered, at)
    outside = (at < 0) | (at >= n - 1)
    below = np.floor(np.clip(at, 0, np.maximum(n - 1, 0)))
    previous = constant_astype(below * 1.0, _INDEX)
    lower, upper = _entries(ordered, previous), _entries(ordered, np.where(outside, previous, previous + 1))
    gamma = np.where(outside, 0.0, index - below)
    if method == "averaged_inverted_cdf":
        gamma = np.where(gamma == 0, 0.5, 1.0)
    elif method == "midpoint":
        gamma = np.where(at % 1 == 0, 0.0, 0.5)
    gamma = in_dtype(gamma, dtype_of(ordered if weak and dtype_of(ordered).kind == "f" else index))
    rise = upper - lower
    # From the nearer end, so that both ends are met exactly.
    return np.where(gamma >= 0.5, upper - rise * (1 - gamma), lower + rise * gamma)


def _weighted(ordered: Value, weights: Value, columns: Value, n: Value, q: Value) -> Value:
    """Return the entries at which the sum of weights first reaches q of their total: constant in weights and q."""
    order = np.argsort(columns, axis=0)
    total = np.cumsum(np.take_along_axis(weights, order, 0), axis=0, dtype=np.float64)
    whole = total[-1]
    if anywhere((~np.isfinite(whole) | (whole == 0)) & (n != 0)):
        raise ValueError("Weights included NaN, inf or were all zero.")
    reached = total / np.where(whole == 0, 1, whole)
    if dtype_of(q).kind == "f":
        reached = in_dtype(reached, dtype_of(q))
    # What has no weight is never the answer, not for q = 0 either.
    reached = np.where(reached == 0, -1, reached)
    lead = len(shape_of(q)) - len(shape_of(ordered)) + 1
    along = np.reshape(reached, (shape_of(reached)[0], *(1,) * lead, *shape_of(reached)[1:]))
    place = np.sum(along < q[None], axis=0)
    return _entries(ordered, np.minimum(place, shape_of(ordered)[0] - 1))


def _quantile_of(
    a: Value, q: Value, axis: Any, method: str, keepdims: Any, weights: Value, weak: bool, skip_nan: bool
) -> Value:
    a = as_operand(a)
    if dtype_of(a).kind == "c":
        raise TypeError("a must be an array of real numbers")
    if skip_nan and 0 in shape_of(a):
        return _nanmean(a, axis, keepdims=bool(keepdims))
    if skip_nan and weights is None and len(shape_of(q)) > 1 and isinstance(axis, (tuple, list)) and len(axis) > 1:
        raise NoRuleError(
            "NumPy brings the axes of nanquantile and nanpercentile into another order than it says where q has several and "
            "several are reduced. Write np.nanquantile(a, q.ravel(), axis), and reshape the answer."
        )
    columns = _first(a, axis)
    ordered = np.sort(columns, axis=0)
    rank = len(shape_of(ordered)) - 1
    q = np.reshape(q, shape_of(q) + (1,) * rank)
    n = shape_of(ordered)[0]
    if skip_nan:
        # Not int64, which would make float64 of the index.
        n = in_dtype(_valid_counts(ordered), dtype_of(q) if dtype_of(q).kind == "f" else _INDEX)
    if weights is None:
        found = _interpolated(ordered, n, q, method, weak)
    else:
        if method != "inverted_cdf":
            raise ValueError(f"Only method 'inverted_cdf' supports weights. Got: {method}.")
        columns, w = as_constant(columns), _first(_full_weights(weights, a, axis), axis)
        found = _weighted(ordered, np.where(np.isnan(columns), 0, w) if skip_nan else w, columns, n, as_constant(q))
    if skip_nan:
        found = in_dtype(np.where(n == 0, np.nan, found), dtype_of(found)) if anywhere(n == 0) else found
    else:
        found = _nan_where_nan(found, ordered)
    return _restored(found, a, axis, keepdims)


def _full_weights(weights: Value, a: Value, axis: Any) -> Value:
    axes = None if axis is None else normalize_axis_tuple(axis, len(shape_of(a)))
    found = as_constant(weights_along(as_operand(weights), a, axes))
    if anywhere(found < 0):
        raise ValueError("Weights must be non-negative.")
    return np.broadcast_to(found, shape_of(a))


def _checked(q: Value, scale: float, title: str) -> tuple[Value, bool]:
    """Return probabilities between 0 and 1, and whether they were a Python number."""
    weak = type(q) in (int, float)
    q = as_operand(q)
    q = np.true_divide(q, scale) if scale != 1 else q if hasattr(q, "dtype") else np.asarray(q)
    if anywhere(~((q >= 0) & (q <= 1))):
        raise ValueError(f"{title} must be in the range [0, {scale:g}]")
    return q, weak


def _named(method: str, interpolation: str | None) -> str:
    # NumPy before 2.4 knows the parameter by its old name too.
    if interpolation is None:
        return method
    warnings.warn("the `interpolation=` argument was renamed to `method=`", DeprecationWarning, stacklevel=5)
    return interpolation


def _quantile(
    a: Value,
    q: Value,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    *,
    weights: Value = None,
    interpolation: str | None = None,
) -> Value:
    q, weak = _checked(q, 1, "Quantiles")
    return _quantile_of(a, q, axis, _named(method, interpolation), keepdims, weights, weak, skip_nan=False)


def _percentile(
    a: Value,
    q: Value,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    *,
    weights: Value = None,
    interpolation: str | None = None,
) -> Value:
    q, weak = _checked(q, 100, "Percentiles")
    return _quantile_of(a, q, axis, _named(method, interpolation), keepdims, weights, weak, skip_nan=False)


def _nanquantile(
    a: Value,
    q: Value,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    *,
    weights: Value = None,
    interpolation: str | None = None,
) -> Value:
    q, weak = _checked(q, 1, "Quantiles")
    return _quantile_of(a, q, axis, _named(method, interpolation), keepdims, weights, weak, skip_nan=True)


def _nanpercentile(
    a: Value,
    q: Value,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    *,
    weights: Value = None,
    interpolation: str | None = None,
) -> Value:
    q, weak = _checked(q, 100, "Percentiles")
    return _quantile_of(a, q, axis, _named(method, interpolation), keepdims, weights, weak, skip_nan=True)


_METHODS = ("linear", "averaged_inverted_cdf", "midpoint", *_CONTINUOUS, *_DISCRETE)
_WEIGHTS = np.array([1, 2, 0, 3, 1])


def _samples_of(scale: float) -> list[case]:
    return [
        case(SpacedA(6), 0.5 * scale),
        case(SpacedA(6), 0),
        case(SpacedA(6), 1 * scale),
        case(SpacedA(1), 0.3 * scale),
        case(SpacedA(), 0.3 * scale),
        case(SpacedA(6), A(low=0.31 * scale, high=0.32 * scale)),
        case(SpacedA(2, 5), A(2, low=0.31 * scale, high=0.32 * scale), axis=1, keepdims=True),
        case(SpacedA(2, 3, 2), A(2, low=0.31 * scale, high=0.32 * scale), (0, -1), None, True, "hazen", True),
        case(SpacedA(3, 4), A(2, 1, low=0.31 * scale, high=0.32 * scale), axis=1),
        case(SpacedA(3, 4), np.array([0, 1]) * int(scale), axis=0, overwrite_input=True),
        case(np.array([3, 1, 4, 1, 5]), A(low=0.31 * scale, high=0.32 * scale)),
        *[case(SpacedA(2, 5), np.array([0.07, 0.33, 0.57, 0.86]) * scale, axis=-1, method=name) for name in _METHODS],
        *[case(SpacedA(5), 0.4 * scale, method=name) for name in _METHODS],
        case(SpacedA(5), 0.4 * scale, method="inverted_cdf", weights=_WEIGHTS),
        case(SpacedA(5, 2), 0.5 * scale, axis=0, method="inverted_cdf", weights=A(5, 2, low=0.5), keepdims=True),
    ]


def _weighted_alike(scale: float) -> list[case]:
    return [case(SpacedA(2, 5), np.array([0.07, 0.56]) * scale, axis=1, method="inverted_cdf", weights=_WEIGHTS)]


def _holes(scale: float) -> list[case]:
    return [
        case(_FEW_HOLES, 0.4 * scale),
        case(_FEW_HOLES, A(2, low=0.31 * scale, high=0.32 * scale), axis=0, keepdims=True),
        case(_FEW_HOLES, np.array([0.1, 0.8]) * scale, 1, method="inverted_cdf", weights=np.array([[1, 2, 0, 3]] * 3)),
        *[case(_FEW_HOLES, 0.6 * scale, axis=0, method=name) for name in _METHODS],
    ]


_FACTS = Facts(is_array=lambda *args, weights=None, **kwargs: weights is not None)
# NumPy's nanquantile takes weights of all entries only.
composite(np.quantile, _quantile, samples=cases(*_samples_of(1), *_weighted_alike(1)), facts=_FACTS)
composite(np.percentile, _percentile, samples=cases(*_samples_of(100), *_weighted_alike(100)), facts=_FACTS)
composite(np.nanquantile, _nanquantile, samples=cases(*_samples_of(1), *_holes(1)), facts=_FACTS)
composite(np.nanpercentile, _nanpercentile, samples=cases(*_samples_of(100), *_holes(100)), facts=_FACTS)
