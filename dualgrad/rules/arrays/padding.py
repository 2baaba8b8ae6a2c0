"""`np.pad` in all modes: each axis gets a piece on either side, one axis after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facts import ARRAY
from dualgrad._table.functions import astype
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad.errors import NoRuleError
from dualgrad.rules.samples import A, SpacedA, case, cases
from dualgrad.rules.words import composite

_OPTION = {
    "constant": "constant_values",
    "edge": None,
    "linear_ramp": "end_values",
    "maximum": "stat_length",
    "mean": "stat_length",
    "median": "stat_length",
    "minimum": "stat_length",
    "reflect": "reflect_type",
    "symmetric": "reflect_type",
    "wrap": None,
}
"""The modes, and the option that each one takes."""


def _pad(array: Value, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Value:
    a = as_operand(array)
    widths = _widths(pad_width, len(shape_of(a)))
    if callable(mode):
        return _by_function(a, widths, mode, kwargs)
    _check(mode, kwargs)
    if mode != "constant" and 0 in shape_of(a):
        # NumPy decides which axes it refuses to extend; there are no numbers.
        return astype(np.pad(np.zeros(shape_of(a)), widths, mode), dtype_of(a))
    for axis, width in enumerate(widths):
        if width != (0, 0):
            a = _extended(a, axis, width, mode, kwargs)
    return a


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """Return how many numbers come before and after, for each axis."""
    if isinstance(pad_width, dict):
        found: list[Any] = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            found[axis] = width if np.iterable(width) else (width, width)
        pad_width = np.array(found, np.intp).reshape(ndim, 2)
    widths = np.asarray(pad_width)
    if widths.dtype.kind != "i":
        raise TypeError("`pad_width` must be of integral type.")
    return [(int(before), int(after)) for before, after in _not_negative(np.broadcast_to(widths, (ndim, 2)))]


def _not_negative(pairs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if np.any(pairs < 0):
        raise ValueError("index can't contain negative values")
    return pairs


def _check(mode: Any, kwargs: dict[str, Any]) -> None:
    if mode == "empty":
        raise NoRuleError(
            "numpy.pad(x, ..., mode='empty') of a value being differentiated: what it pads with is undefined. "
            "Write mode='constant'."
        )
    if mode not in _OPTION:
        raise ValueError(f"mode {mode!r} is not supported")
    if unknown := set(kwargs) - {_OPTION[mode]}:
        raise ValueError(f"unsupported keyword arguments for mode '{mode}': {unknown}")


def _extended(a: Value, axis: int, width: tuple[int, int], mode: str, kwargs: dict[str, Any]) -> Value:
    """Return an array with a piece on either side of one axis."""
    if mode == "constant":
        pieces = _constants(a, axis, width, kwargs.get("constant_values", 0))
    elif mode == "linear_ramp":
        pieces = _ramps(a, axis, width, kwargs.get("end_values", 0))
    elif mode in _STATISTICS:
        pieces = _statistics(a, axis, width, _STATISTICS[mode], kwargs.get("stat_length"))
    elif kwargs.get("reflect_type", "even") == "odd":
        pieces = _odd_reflections(a, axis, width, mode)
    else:
        pieces = _repetitions(a, axis, width, mode)
    return np.concatenate([pieces[0], a, pieces[1]], axis=axis)


def _along(a: Value, axis: int, index: Any) -> Value:
    return a[(*(slice(None),) * axis, index)]


def _fetched(a: Value, axis: int, places: np.ndarray[Any, Any]) -> Value:
    """Return what is at some places of an axis: as a slice where it is one, whose transpose is much faster."""
    count = len(places)
    first, steps = int(places[0]) if count else 0, set(np.diff(places).tolist())
    if count < 2 or steps == {1}:
        return _along(a, axis, slice(first, first + count))
    if steps == {0}:
        return _stretched(_along(a, axis, slice(first, first + 1)), a, axis, count)
    if steps == {-1}:
        return _along(a, axis, slice(first, first - count if first >= count else None, -1))
    return _along(a, axis, places)


def _of_axis(given: Value, a: Value, axis: int) -> tuple[Value, Value]:
    """Return the option of one axis, before and after, of those given for all."""
    pairs = np.broadcast_to(as_operand(given), (len(shape_of(a)), 2))
    return pairs[axis, 0], pairs[axis, 1]


def _in_dtype_of(x: Value, a: Value) -> Value:
    if dtype_of(x).kind == "c" and dtype_of(a).kind != "c":
        raise TypeError("numpy.pad: a complex value does not fit into a real array; write x.astype(complex).")
    return x if dtype_of(x) == dtype_of(a) else astype(x, dtype_of(a))


def _stretched(x: Value, a: Value, axis: int, count: int) -> Value:
    shape = shape_of(a)
    return np.broadcast_to(x, (*shape[:axis], count, *shape[axis + 1 :]))


# ---- the modes -------------------------------------------------------------------------------------


def _constants(a: Value, axis: int, width: tuple[int, int], values: Value) -> list[Value]:
    both = _of_axis(values, a, axis)
    return [_stretched(_in_dtype_of(x, a), a, axis, n) for x, n in zip(both, width, strict=True)]


def _ramps(a: Value, axis: int, width: tuple[int, int], values: Value) -> list[Value]:
    before, after = _of_axis(values, a, axis)
    left = np.linspace(before, _along(a, axis, 0), width[0], endpoint=False, axis=axis)
    right = np.linspace(after, _along(a, axis, -1), width[1], endpoint=False, axis=axis)
    return [_in_dtype_of(left, a), _in_dtype_of(np.flip(right, axis), a)]


def _repetitions(a: Value, axis: int, width: tuple[int, int], mode: str) -> list[Value]:
    places = np.pad(np.arange(shape_of(a)[axis]), width, mode)  # type: ignore[call-overload]
    return [_fetched(a, axis, places[: width[0]]), _fetched(a, axis, places[len(places) - width[1] :])]


def _odd_reflections(a: Value, axis: int, width: tuple[int, int], mode: Any) -> list[Value]:
    # A reflection is 2 * edge - x, and one of a reflection again is s * x + c * first + d * last with whole numbers
    # s + c + d = 1. NumPy's own answers for unit vectors at the edges tell c and d.
    n = shape_of(a)[axis]
    if n == 1:
        return _repetitions(a, axis, width, "edge")
    positions = np.arange(n)
    places = np.pad(positions, width, mode)
    weights = [np.pad((positions == k).astype(int), width, mode, reflect_type="odd") for k in (0, n - 1)]
    pieces = []
    for part in (slice(width[0]), slice(len(places) - width[1], None)):
        c, d = (w[part].reshape(-1, *(1,) * (len(shape_of(a)) - 1 - axis)) for w in weights)
        piece = (1 - c - d) * _fetched(a, axis, places[part])
        for count, edge in ((c, slice(0, 1)), (d, slice(n - 1, n))):
            piece = piece + count * _along(a, axis, edge) if np.any(count) else piece
        pieces.append(_in_dtype_of(piece, a))
    return pieces


def _median(a: Value, axis: int, keepdims: Any) -> Value:
    n = shape_of(a)[axis]
    ordered = np.sort(a, axis)
    middle = np.mean(_along(ordered, axis, slice((n - 1) // 2, n // 2 + 1)), axis=axis, keepdims=keepdims)
    # NaN sorts to the end, and makes the median NaN.
    return np.where(np.isnan(_along(ordered, axis, slice(n - 1, n))), np.nan, middle)


_STATISTICS: dict[str, Callable[..., Value]] = {
    "maximum": np.max,
    "mean": np.mean,
    "median": _median,
    "minimum": np.min,
}


def _statistics(
    a: Value, axis: int, width: tuple[int, int], statistic: Callable[..., Value], stat_length: Any
) -> list[Value]:
    n = shape_of(a)[axis]
    lengths = [n, n]
    if stat_length is not None:
        pairs = _not_negative(np.broadcast_to(np.asarray(stat_length), (len(shape_of(a)), 2)))
        lengths = [min(n, int(k)) for k in pairs[axis]]
    if 0 in lengths:
        raise ValueError("stat_length of 0 yields no value for padding")
    parts = (slice(lengths[0]), slice(n - lengths[1], n))
    pieces = [statistic(_along(a, axis, part), axis=axis, keepdims=True) for part in parts[: 1 + (lengths != [n, n])]]
    whole = dtype_of(a).kind in "iu"
    return [
        _stretched(_in_dtype_of(np.round(x) if whole else x, a), a, axis, count)
        for x, count in zip((pieces[0], pieces[-1]), width, strict=True)
    ]


def _by_function(
    a: Value, widths: list[tuple[int, int]], function: Callable[..., Any], kwargs: dict[str, Any]
) -> Value:
    # The function writes into each vector. An array of objects can be written to, whatever the numbers are.
    a = np.pad(a, widths)
    for axis, width in enumerate(widths):
        rows = np.moveaxis(a, axis, -1)
        found = []
        for place in np.ndindex(shape_of(rows)[:-1]):
            row = rows[place]
            vector = np.empty(shape_of(row)[0], object)
            for k in range(len(vector)):
                vector[k] = row[k]
            function(vector, width, axis, kwargs)
            found.append(_in_dtype_of(np.stack([as_operand(x) for x in vector]), a))
        a = np.moveaxis(np.reshape(np.stack(found), shape_of(rows)), -1, axis) if found else a
    return a


def _mirror_ends(vector: Any, width: tuple[int, int], axis: int, kwargs: dict[str, Any]) -> None:
    vector[: width[0]] = kwargs.get("factor", 1.0) * vector[width[0]]
    vector[len(vector) - width[1] :] = vector[len(vector) - width[1] - 1] ** 2


composite(
    np.pad,
    _pad,
    # NumPy asks only `array` what to do, so that the generated tests, which trace one operand at a time, give plain numbers
    # as constants and ends.
    samples=cases(
        case(A(3), 2),
        case(A(2, 3), ((1, 0), (2, 3)), constant_values=((1, 2), (3, 4))),
        case(A(3), [2], "constant", constant_values=1),
        case(A(2, 0), (1, 2)),
        case(A(), 3),
        case(A(2, 3), (1, 2), "edge"),
        case(A(2, 3), ((2, 1), (1, 3)), "linear_ramp", end_values=((1, 2), (3, 4))),
        case(A(3), (2, 0), "linear_ramp"),
        case(SpacedA(2, 3), 1, "maximum"),
        case(SpacedA(2, 4), (2, 1), "minimum", stat_length=((1, 2), (3, 2))),
        case(A(2, 3), 2, "mean"),
        case(A(4), 2, "mean", stat_length=(2, 3)),
        case(SpacedA(2, 3), ((0, 0), (1, 2)), "median"),
        case(SpacedA(5), 1, "median", stat_length=(4, 3)),
        case(A(2, 4), ((1, 1), (2, 3)), "reflect"),
        case(A(2, 4), ((1, 1), (2, 3)), "reflect", reflect_type="odd"),
        case(A(3), (5, 8), "reflect", reflect_type="odd"),
        case(A(3, 2), ((2, 1), (1, 2)), "symmetric"),
        case(A(3, 2), ((7, 4), (1, 5)), "symmetric", reflect_type="odd"),
        case(A(1, 3), ((1, 2), (0, 0)), "reflect", reflect_type="odd"),
        case(A(2, 3), ((3, 1), (2, 4)), "wrap"),
        case(A(0, 2), ((0, 0), (1, 1)), "edge"),
        case(A(2, 2, is_complex=True), 1, constant_values=2),
        case(A(2, 2), pad_width=((1, 2), (0, 1)), mode=_mirror_ends, factor=2),
    ),
    facts=ARRAY,
)
