"""Histograms. Counts are constant; sums of weights have derivatives by the weights, and edges by the range of the data."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facets import BATCH_BODY
from dualgrad._table.facts import AS_BODY
from dualgrad._table.functions import as_constant, constant_astype, overridable
from dualgrad._table.index import Slot
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import anywhere
from dualgrad.errors import ConversionError
from dualgrad.rules.axes import in_dtype
from dualgrad.rules.indexing.items import scatter
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, constant

_INDEX = np.dtype(np.intp)

# ---- edges -----------------------------------------------------------------------------------------


@overridable
def estimated_count(a: Value, bins: str, range: Any) -> int:
    """Return how many bins NumPy's estimator of this name wants."""
    return len(np.histogram_bin_edges(a, bins, range)) - 1


def _estimated_in_batch(a: Value, bins: str, range: Any) -> int:
    raise ConversionError(
        f"bins={bins!r} under vmap: how many bins there are would differ between the members of the batch. "
        "Pass a number of bins."
    )


constant(estimated_count, says=(BATCH_BODY(_estimated_in_batch),))


def _outer_edges(a: Value, range: Any) -> tuple[Value, Value]:
    if range is not None:
        first, last = [as_operand(x) for x in range]
        if anywhere(first > last):
            raise ValueError("max must be larger than min in range parameter.")
    elif 0 in shape_of(a):
        first, last = 0.0, 1.0
    else:
        first, last = np.min(a), np.max(a)
    if anywhere(~np.isfinite(first) | ~np.isfinite(last)):
        raise ValueError(f"{'autodetected' if range is None else 'supplied'} range of histogram is not finite")
    empty = first == last
    if anywhere(empty):
        first, last = np.where(empty, first - 0.5, first), np.where(empty, last + 0.5, last)
    return first, last


def _given_edges(bins: Value, title: str) -> Value:
    edges = as_operand(bins)
    if len(shape_of(edges)) != 1:
        raise ValueError(f"`{title}` must be 1d, when an array")
    if anywhere(edges[:-1] > edges[1:]):
        raise ValueError(f"`{title}` must increase monotonically, when an array")
    return edges


def _count(bins: Any, title: str) -> int:
    try:
        count = operator.index(bins)
    except TypeError as error:
        raise TypeError(f"`{title}` must be an integer, a string, or an array") from error
    if count < 1:
        raise ValueError(f"`{title}` must be positive, when an integer")
    return count


def _histogram_bin_edges(a: Value, bins: Any = 10, range: Any = None, weights: Value = None) -> Value:
    a, weights = _flat(a, weights)
    if isinstance(bins, str):
        if weights is not None:
            raise TypeError("Automated estimation of the number of bins is not supported for weighted data")
        count = estimated_count(as_constant(a), bins, range)
    elif len(shape_of(as_operand(bins))) > 0:
        return _given_edges(bins, "bins")
    else:
        count = _count(bins, "bins")
    first, last = _outer_edges(a, range)
    dtype = np.result_type(*[x if type(x) in (int, float) else dtype_of(x) for x in (first, last)], dtype_of(a))
    edges = np.linspace(first, last, count + 1, dtype=dtype if dtype.kind in "fc" else np.result_type(dtype, float))
    if anywhere(edges[:-1] >= edges[1:]):
        raise ValueError(f"Too many bins for data range. Cannot create {count} finite-sized bins.")
    return edges


def _flat(a: Value, weights: Value) -> tuple[Value, Value]:
    a = as_operand(a)
    a = in_dtype(a, np.uint8) if dtype_of(a).kind == "b" else a
    if weights is not None:
        weights = as_operand(weights)
        if shape_of(weights) != shape_of(a):
            raise ValueError("weights should have the same shape as a.")
        weights = np.ravel(weights)
    return np.ravel(a), weights


_DATA = np.array([0.1, 0.9, 0.35, 0.36, 0.8, 0.62])

composite(
    np.histogram_bin_edges,
    _histogram_bin_edges,
    samples=cases(
        case(A(2, 5)),
        case(A(6), 4, (-3, 3)),
        case(A(3), np.array([0.0, 1.0, 3.0])),
        case(_DATA, bins=3, weights=A(6)),
        case(A(0), 2),
    ),
    facts=AS_BODY,
)

# ---- what falls where ------------------------------------------------------------------------------


def _bin_of(a: Value, edges: Value) -> Value:
    """Return the bin of each number; those outside get the number behind the last bin."""
    a, edges = as_constant(a), as_constant(edges)
    count = shape_of(edges)[0] - 1
    place = np.minimum(np.searchsorted(edges, a, side="right") - 1, count - 1)
    # The last bin includes its right edge. NaN is in no bin.
    return constant_astype(np.where((a >= edges[0]) & (a <= edges[-1]), place, count), _INDEX)


def _collected(weights: Value, place: Value, count: int) -> Value:
    """Return the sum of weights in each of `count` bins, leaving out those behind."""
    return scatter(weights, place, index=(Slot(0),), shape=(count + 1,))[:count]


def _histogram(
    a: Value, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Value = None
) -> tuple[Value, Value]:
    edges = np.histogram_bin_edges(a, bins, range, weights)
    a, weights = _flat(a, weights)
    count = shape_of(edges)[0] - 1
    found = _collected(np.ones(shape_of(a), np.intp) if weights is None else weights, _bin_of(a, edges), count)
    if density:
        found = found / in_dtype(np.diff(edges), float) / np.sum(found)
    return found, edges


composite(
    np.histogram,
    _histogram,
    samples=cases(
        case(_DATA, weights=A(6)),
        case(_DATA * 9, 3, (2, 8), None, A(6)),
        case(_DATA.reshape(2, 3), bins=np.array([0, 0.2, 0.5, 0.7]), weights=A(2, 3)),
        case(_DATA, bins=3, weights=A(6, low=0.5), density=True),
        case(_DATA, bins=2, density=True),
        case(_DATA, bins=4, weights=A(6, is_complex=True)),
        case(np.array([1, 2, 2, 5]), weights=A(4)),
        case(A(0), weights=A(0), bins=2),
    ),
    facts=AS_BODY,
)

# ---- in several dimensions -------------------------------------------------------------------------


def _columns(sample: Value) -> list[Value]:
    if hasattr(sample, "dtype"):
        shape = shape_of(sample)
        if len(shape) == 2:
            return [sample[:, k] for k in range(shape[1])]
        sample = [sample] if len(shape) == 1 else list(sample)
    return [as_operand(x) for x in sample]


def _histogramdd(
    sample: Value, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Value = None
) -> tuple[Value, Any]:
    columns = _columns(sample)
    ranges = [None] * len(columns) if range is None else list(range)
    if len(ranges) != len(columns):
        raise ValueError("range argument must have one entry per dimension")
    each = _bins_of_each(bins, len(columns))
    edges = [_edges_along(*given, k) for k, given in enumerate(zip(columns, each, ranges, strict=True))]
    found = _collected_in_boxes(columns, edges, weights)
    if density:
        total = np.sum(found)
        for k, e in enumerate(edges):
            found = found / np.reshape(np.diff(e), [-1 if m == k else 1 for m, _ in enumerate(edges)])
        found = found / total
    return found, edges


def _bins_of_each(bins: Any, dimensions: int) -> list[Any]:
    if isinstance(bins, (int, np.integer)):
        return [bins] * dimensions
    if len(bins) != dimensions:
        raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    return list(bins)


def _edges_along(x: Value, bins: Any, range: Any, number: int) -> Value:
    if len(shape_of(as_operand(bins))) > 0:
        return _given_edges(bins, f"bins[{number}]")
    first, last = _outer_edges(x, range)
    return np.linspace(first, last, _count(bins, f"bins[{number}]") + 1)


def _collected_in_boxes(columns: Sequence[Value], edges: Sequence[Value], weights: Value) -> Value:
    counts = [shape_of(e)[0] - 1 for e in edges]
    place: Value = 0
    outside: Value = False
    for x, e, count in zip(columns, edges, counts, strict=True):
        along = _bin_of(x, e)
        outside = outside | (along == count)
        place = place * count + along
    size = math.prod(counts)
    place = constant_astype(np.where(outside, size, place), _INDEX)
    if weights is None:
        weights = np.ones(shape_of(columns[0]))
    return np.reshape(_collected(in_dtype(as_operand(weights), float), place, size), counts)


_POINTS = np.array([[0.1, 0.9], [0.4, 0.2], [0.35, 0.5], [0.8, 0.6], [0.62, 0.3]])

composite(
    np.histogramdd,
    _histogramdd,
    samples=cases(
        case(_POINTS, 3, weights=A(5)),
        case(_POINTS, [2, np.array([0.0, 0.4, 0.8])], None, None, A(5)),
        case(_POINTS, bins=(2, 3), range=[(0, 1), None], density=True, weights=A(5, low=0.5)),
        case([A(5), A(5), A(5)], bins=2, weights=np.arange(5)),
    ),
    facts=AS_BODY,
)


def _histogram2d(
    x: Value, y: Value, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Value = None
) -> tuple[Value, Value, Value]:
    x, y = as_operand(x), as_operand(y)
    if shape_of(x)[0] != shape_of(y)[0]:
        raise ValueError("x and y must have the same length.")
    is_edges = isinstance(bins, (list, tuple)) or shape_of(bins) != ()
    if is_edges and len(bins) not in (1, 2):
        bins = [bins, bins]
    found, (first, second) = _histogramdd([x, y], bins, range, density, weights)
    return found, first, second


composite(
    np.histogram2d,
    _histogram2d,
    samples=cases(
        case(_POINTS[:, 0], _POINTS[:, 1], 3, None, None, A(5)),
        case(_POINTS[:, 0], _POINTS[:, 1], bins=np.array([0.0, 0.45, 0.7, 1.0]), weights=A(5)),
        case(_POINTS[:, 0], _POINTS[:, 1], bins=[2, 3], range=[[0, 1], [0, 1]], density=True, weights=A(5, low=0.5)),
        case(A(5), A(5), bins=2),
    ),
    facts=AS_BODY,
)
