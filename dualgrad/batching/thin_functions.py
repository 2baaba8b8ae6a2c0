"""NumPy's functions of derivatives along a few directions: those that move numbers about, and sums of few.

Their records say these with the facet THIN. Each is called as the function itself, and returns None where it takes arrays in full.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dualgrad._table.index import join_index
from dualgrad.batching._slots import OpenSlot, fill, keeps_first, names_once
from dualgrad.batching._thin import Array, Places, ThinBatch, added, stretched, thinned

Move = Callable[[Array], Array]


def _behind(axis: Any, ndim: int) -> bool:
    """Tell whether an axis, or all of several, are behind the first."""
    return all(k % ndim != 0 for k in (axis if isinstance(axis, (tuple, list)) else (axis,)))


# ---- numbers that change places ------------------------------------------------------------------------


def reshape(a: Any, shape: Any, order: Any = "C") -> Any:
    """Run `np.reshape` on a thin array."""
    if order != "C" or type(shape) is not tuple or not shape or shape[0] != len(a):
        return None
    return a.moved(lambda x: x.reshape(len(x), *shape[1:]))


def broadcast_to(array: Any, shape: Any) -> Any:
    """Run `np.broadcast_to` on a thin array."""
    if type(shape) is not tuple or len(shape) != array.ndim or shape[0] != len(array):
        return None
    return array.moved(lambda x: np.broadcast_to(x, (len(x), *shape[1:])))


def transpose(a: Any, axes: Any = None) -> Any:
    """Run `np.transpose` on a thin array."""
    return a.moved(lambda x: np.transpose(x, axes)) if axes is not None and axes[0] == 0 else None


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Run `np.moveaxis` on a thin array."""
    if not (_behind(source, a.ndim) and _behind(destination, a.ndim)):
        return None
    return a.moved(lambda x: np.moveaxis(x, source, destination))


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Run `np.swapaxes` on a thin array."""
    return a.moved(lambda x: np.swapaxes(x, axis1, axis2)) if _behind((axis1, axis2), a.ndim) else None


def expand_dims(a: Any, axis: Any) -> Any:
    """Run `np.expand_dims` on a thin array."""
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    return a.moved(lambda x: np.expand_dims(x, axis)) if _behind(axis, a.ndim + count) else None


def squeeze(a: Any, axis: Any = None) -> Any:
    """Run `np.squeeze` on a thin array."""
    return a.moved(lambda x: np.squeeze(x, axis)) if axis is not None and _behind(axis, a.ndim) else None


def flip(m: Any, axis: Any = None) -> Any:
    """Run `np.flip` on a thin array."""
    return m.moved(lambda x: np.flip(x, axis)) if axis is not None and _behind(axis, m.ndim) else None


def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Run `np.roll` on a thin array."""
    return a.moved(lambda x: np.roll(x, shift, axis)) if axis is not None and _behind(axis, a.ndim) else None


def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """Run `np.repeat` on a thin array."""
    if type(a) is not ThinBatch or axis is None or not _behind(axis, a.ndim):
        return None
    return a.moved(lambda x: np.repeat(x, repeats, axis))


# ---- several arrays ------------------------------------------------------------------------------------


def concatenate(arrays: Sequence[Any], axis: Any = 0, **kwargs: Any) -> Any:
    """Run `np.concatenate` on a thin array."""
    return _joined(np.concatenate, arrays, axis, arrays[0].ndim) if not kwargs else None


def stack(arrays: Sequence[Any], axis: int = 0, **kwargs: Any) -> Any:
    """Run `np.stack` on a thin array."""
    return _joined(np.stack, arrays, axis, arrays[0].ndim + 1) if not kwargs else None


def _joined(join: Callable[..., Array], arrays: Sequence[Any], axis: Any, ndim: int) -> Any:
    """Return several arrays as one: they do not overlap, so that its slots are as many as the most among them."""
    if axis is None or axis % ndim == 0:
        return None
    thin = next(x for x in arrays if type(x) is ThinBatch)
    pieces = []
    for x in arrays:
        one = x if type(x) is ThinBatch else thinned(x, thin.common)
        pieces.append(_zeros(x) if one is None else (one.values, one.places))
    if any(piece is None for piece in pieces):
        return None
    slots = max(len(values) for values, _ in pieces)
    values, places = ([_filled(array, slots) for array in column] for column in zip(*pieces, strict=True))
    return ThinBatch(join(values, axis), join(places, axis), thin.common)


def _zeros(x: Any) -> Any:
    """Return an array of zeros that was repeated along all directions as slots; None of any other."""
    if type(x) is not np.ndarray or x.strides[0] != 0 or x[:1].any():
        return None
    return x[:1], np.zeros(x[:1].shape, np.intp)


def _filled(x: Array, slots: int) -> Array:
    return x if len(x) == slots else np.concatenate((x, np.zeros((slots - len(x), *x.shape[1:]), x.dtype)))


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Return a choice between two thin arrays, or one and zero, that is the same along all directions."""
    if type(condition) is not np.ndarray and not isinstance(condition, (bool, np.bool_)):
        return None
    thin = [part for part in (x, y) if type(part) is ThinBatch]
    if not thin or np.ndim(condition) >= max(part.ndim for part in thin):
        return None
    shape = np.broadcast_shapes(np.shape(condition), *[part.shape[1:] for part in thin])
    parts = []
    for part, here in ((x, condition), (y, np.logical_not(condition))):
        if type(part) is ThinBatch:
            part = stretched(part, shape)
            parts.append(part.with_values(np.where(here, part.values, 0)))
        elif np.ndim(part) > 0 or part != 0:
            return None
    return parts[0] if len(parts) == 1 else added(parts[0], parts[1])


# ---- sums ------------------------------------------------------------------------------------------------


def sum_of(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Run `np.sum` on a thin array."""
    if axis is None:
        return a.values.sum()
    axes = tuple([k % a.ndim for k in (axis if isinstance(axis, tuple) else (axis,))])
    if 0 in axes:
        return None
    kept = tuple([1 if k in axes else n for k, n in enumerate(a.shape) if keepdims or k not in axes][1:])
    count = len(a.values) * math.prod([a.shape[k] for k in axes])
    if 0 < count <= a.common.few:
        return a.moved(lambda x: np.moveaxis(x, axes, range(1, len(axes) + 1)).reshape(count, *kept))
    return _sum_of_many(a, axes, kept) if a.dtype == np.float64 else None


def _sum_of_many(a: ThinBatch, axes: tuple[int, ...], kept: tuple[int, ...]) -> Array:
    """Return a sum over axes in full, as it moves along many directions."""
    shape = tuple([1 if k in axes else n for k, n in enumerate(a.shape)][1:])
    size = math.prod(shape)
    a.common.check(len(a) * size)
    where = a.places * size + np.arange(size).reshape(shape)
    found = np.bincount(where.ravel(), a.values.ravel(), len(a) * size)
    return found.astype(a.dtype, copy=False).reshape(len(a), *kept)


def mean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Run `np.mean` on a thin array."""
    total = None if axis is None else sum_of(a, axis, keepdims=keepdims)
    if total is None:
        return None
    axes = axis if isinstance(axis, tuple) else (axis,)
    return total / math.prod([a.shape[k] for k in axes])


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Run `np.tensordot` on a thin array."""
    if type(a) is not ThinBatch or type(b) is not np.ndarray or not isinstance(axes, tuple):
        return None
    left, right = ([k] if isinstance(k, int) else list(k) for k in axes)
    if len(left) != 1 or left[0] % a.ndim == 0:
        return None
    letters = [chr(97 + k) for k in range(a.ndim + b.ndim)]
    of_a, of_b = letters[: a.ndim], letters[a.ndim :]
    of_b[right[0]] = of_a[left[0]]
    found = [k for k in (*of_a, *of_b) if k != of_a[left[0]]]
    return einsum(f"{''.join(of_a)},{''.join(of_b)}->{''.join(found)}", a, b)


def einsum(subscripts: Any, *operands: Any, **kwargs: Any) -> Any:
    """Return a sum of products of which one factor is thin, its first axis the result's, and the sum is of few."""
    if type(subscripts) is not str or "->" not in subscripts or "." in subscripts:
        return None
    operands = tuple([x if type(x) is ThinBatch else np.asarray(x) for x in operands])
    inputs, _, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    here = [k for k, x in enumerate(operands) if type(x) is ThinBatch]
    if len(here) != 1 or any(len(set(term)) < len(term) for term in terms):
        return None
    first, thin = terms[here[0]][0], operands[here[0]]
    if output[:1] != first or inputs.count(first) > 1:
        return None
    summed = "".join(sorted(set(inputs) - set(output) - {","}))
    sizes: dict[str, int] = {}
    for term, x in zip(terms, operands, strict=True):
        for letter, n in zip(term, x.shape, strict=True):
            # An axis of length 1 is stretched.
            sizes[letter] = n if sizes.get(letter, 1) == 1 else sizes[letter]
    if len(thin.values) * math.prod([sizes[k] for k in summed]) > thin.common.few:
        return None
    order = output + summed
    total = _arranged(thin, terms[here[0]], order)
    for k, (x, term) in enumerate(zip(operands, terms, strict=True)):
        if k != here[0]:
            total = total * _arranged(x, term, order)[0]
    missing = [k for k, letter in enumerate(order) if total.shape[k] != sizes[letter]]
    if missing:
        total = np.broadcast_to(total, tuple([sizes[letter] for letter in order]))
    return np.sum(total, axis=tuple(range(len(output), len(order)))) if summed else total


def _arranged(x: Any, term: str, order: str) -> Any:
    """Return an operand with its axes in an order, and axes of length 1 for those that it lacks."""
    if order[0] not in term:
        x, term = x[None], order[0] + term
    x = np.transpose(x, tuple([term.index(k) for k in order if k in term]))
    return x[tuple([slice(None) if k in term else None for k in order])]


def diff(a: Any, n: int = 1, axis: int = -1, **kwargs: Any) -> Any:
    """Run `np.diff` on a thin array."""
    if kwargs or axis % a.ndim == 0:
        return None
    front = (slice(None),) * (axis % a.ndim)
    for _ in range(n):
        found = added(a[(*front, slice(1, None))], a[(*front, slice(None, -1))], is_difference=True)
        if found is None:
            return None
        a = found
    return a


# ---- places in an array of zeros, or of something ------------------------------------------------------


def set_item(value: Any, a: Any, *arrays: Any, index: Any) -> Any:
    """Return a copy of `a` with `value` at an index."""
    index = join_index(index, arrays)
    if not keeps_first(index) or any(type(part) is np.ndarray for part in index):
        return None
    common = (value if type(value) is ThinBatch else a).common
    if type(a) is ThinBatch:
        slots = [
            OpenSlot(np.array(v), np.array(p), np.asarray(v != 0)) for v, p in zip(a.values, a.places, strict=True)
        ]
    elif type(a) is np.ndarray and a.strides[0] == 0 and not a[:1].any():
        slots = []
    else:
        return None
    for slot in slots:
        slot.clear(index[1:])
    value = thinned(value, common) or value
    if type(value) is ThinBatch:
        if not fill(slots, value.values, value.places, index[1:], a.shape[1:], a.dtype, common.few):
            return None
    elif np.ndim(value) > 0 or value != 0:
        return None
    return _of_slots(slots or [OpenSlot.free(a.shape[1:], a.dtype)], common).astype(a.dtype)


def scatter(ct: Any, *arrays: Any, index: Any, shape: tuple[int, ...], like: Any = None) -> Any:
    """Return zeros of a shape with `ct` added at an index."""
    return scatter_many(ct, indices=(join_index(index, arrays),), shape=shape) if type(ct) is ThinBatch else None


def scatter_many(*cts: Any, indices: Sequence[Any], shape: tuple[int, ...], like: Any = None) -> Any:
    """Return zeros of a shape with each of `cts` added at its own index."""
    common = next(ct.common for ct in cts if type(ct) is ThinBatch)
    thin = [ct if type(ct) is ThinBatch else thinned(ct, common) for ct in cts]
    if not all(ct is not None and names_once(i, shape) for ct, i in zip(thin, indices, strict=True)):
        return None
    slots: list[OpenSlot] = []
    dtype = np.result_type(*[ct.dtype for ct in thin if ct is not None])
    for ct, index in zip(thin, indices, strict=True):
        if ct is None or not fill(slots, ct.values, ct.places, index[1:], shape[1:], dtype, common.few):
            return None
    return _of_slots(slots, common)


def _of_slots(slots: list[OpenSlot], common: Places) -> ThinBatch:
    return ThinBatch(np.stack([s.values for s in slots]), np.stack([s.places for s in slots]), common)
