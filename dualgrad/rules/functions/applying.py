"""Functions of the user's applied to parts of an array: piecewise, apply_along_axis, apply_over_axes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dualgrad._array.gather import as_data, as_operand
from dualgrad._table.facts import ARRAY, AS_BODY
from dualgrad._table.functions import astype
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import Tracer, decide, is_batched
from dualgrad.errors import ConversionError
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite


def _as_array(x: Any) -> Value:
    found = as_operand(x)
    return found if hasattr(found, "dtype") else np.asarray(found)


def _in_dtype(x: Value, dtype: np.dtype[Any], title: str) -> Value:
    if dtype_of(x).kind == "c" and dtype.kind != "c":
        raise TypeError(f"{title}: a complex result does not fit into a real array; start from a complex one.")
    return x if dtype_of(x) == dtype else astype(x, dtype)


# ---- piecewise -------------------------------------------------------------------------------------

# Each function gets the selected numbers alone, as in NumPy, so that one that is undefined elsewhere does no harm. The
# pieces are laid end to end behind a zero, and each place of the answer fetches the number of the last condition that holds.


def _piecewise(x: Value, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Value:
    x = _as_array(x)
    conditions = _conditions(x, condlist, len(funclist))
    pieces: list[Value] = [np.zeros(1, dtype_of(x))]
    places, used = np.zeros(shape_of(x), np.intp), 1
    for condition, function in zip(conditions, funclist, strict=True):
        count = places[condition].size
        if count == 0:
            continue
        shape = places[condition].shape
        found = function(x[condition], *args, **kw) if callable(function) else function
        piece = _in_dtype(_as_array(found), dtype_of(x), "numpy.piecewise")
        pieces.append(np.ravel(np.broadcast_to(piece, shape)))
        places[condition] = used + np.arange(count).reshape(shape)
        used += count
    return np.concatenate(pieces)[places]


def _truths(condition: Any) -> Any:
    return np.asarray(condition, bool).tolist()


def _conditions(x: Value, condlist: Any, count: int) -> np.ndarray[Any, Any]:
    """Return one mask for each of `count` functions; the last one may be left out, and is then where no other holds."""
    first = condlist if np.isscalar(condlist) or isinstance(condlist, Tracer) else condlist[0]
    bare = not isinstance(first, (list, tuple)) and shape_of(first) == () != shape_of(x)
    if bare or first is condlist:
        condlist = [condlist]
    found = [as_data(condition) for condition in condlist]
    if any(is_batched(condition) for condition in found):
        raise ConversionError(
            "numpy.piecewise under vmap: its functions get the selected numbers alone, and how many those are differs between "
            "the members of the batch. Write np.where or np.select, which take the functions' values everywhere."
        )
    masks = np.stack([np.asarray(decide(_truths, condition), bool) for condition in found])
    if len(masks) == count - 1:
        return np.concatenate([masks, ~np.any(masks, axis=0, keepdims=True)])
    if len(masks) != count:
        raise ValueError(
            f"with {len(masks)} condition(s), either {len(masks)} or {len(masks) + 1} functions are expected"
        )
    return masks


_LEFT = np.array([True, True, False, False])


def _cubed(v: Value, scale: float = 1.0) -> Value:
    return scale * v**3


def _total(v: Value, scale: float = 1.0) -> Value:
    return np.sum(v) * scale


composite(
    np.piecewise,
    _piecewise,
    samples=cases(
        case(A(4), [_LEFT, ~_LEFT], [np.sin, _cubed]),
        case(A(4), _LEFT, [np.sin, 2]),
        case(A(4), [_LEFT, _LEFT[::-1]], [_total, _cubed, _total], 2),
        case(A(4), [_LEFT, [False, True, True, False]], [_cubed, np.exp]),
        case(A(2, 2), [[[True, False], [False, True]]], [_cubed, _total], scale=3),
        case(A(), [True], [_cubed]),
        case(A(4), [_LEFT & ~_LEFT], [_cubed]),
        case(A(4, is_complex=True), [_LEFT], [np.exp, 2]),
    ),
    facts=ARRAY,
)

# ---- apply_along_axis ------------------------------------------------------------------------------


def _apply_along_axis(func1d: Callable[..., Any], axis: Any, arr: Value, *args: Any, **kwargs: Any) -> Value:
    arr = _as_array(arr)
    ndim, axis = len(shape_of(arr)), operator.index(axis)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    axis %= ndim
    rows = np.moveaxis(arr, axis, -1)
    outer = shape_of(rows)[:-1]
    if 0 in outer:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    answers = [_as_array(func1d(rows[place], *args, **kwargs)) for place in np.ndindex(outer)]
    # NumPy makes room for the first answer, and the others have to fit into it.
    inner, dtype = shape_of(answers[0]), dtype_of(answers[0])
    fitted = [np.broadcast_to(_in_dtype(x, dtype, "numpy.apply_along_axis"), inner) for x in answers]
    found = np.reshape(np.stack(fitted), (*outer, *inner))
    made = tuple(range(len(outer), len(outer) + len(inner)))
    return np.moveaxis(found, made, tuple(range(axis, axis + len(inner))))


def _both_ends(v: Value, factor: float = 1.0) -> Value:
    return factor * np.stack([v[0] * v[-1], v[-1] ** 2])


def _matrix_of(v: Value) -> Value:
    return v[:2, None] * v


composite(
    np.apply_along_axis,
    _apply_along_axis,
    samples=cases(
        case(_total, 0, A(2, 3)),
        case(_total, 1, A(2, 3), 2),
        case(_both_ends, 1, A(2, 3, 2), factor=3),
        case(_matrix_of, 0, A(3, 2)),
        case(np.sort, -1, A(2, 3)),
        case(func1d=_both_ends, axis=0, arr=A(3)),
        case(_total, 0, A(2, 2, is_complex=True)),
    ),
    facts=ARRAY,
)

# ---- apply_over_axes -------------------------------------------------------------------------------


def _apply_over_axes(func: Callable[..., Any], a: Value, axes: Any) -> Value:
    value = _as_array(a)
    ndim = len(shape_of(value))
    chosen: Sequence[Any] = tuple(axes) if np.iterable(axes) else (axes,)
    for axis in chosen:
        axis = axis + ndim if axis < 0 else axis
        found = func(value, axis)
        if len(shape_of(found)) != len(shape_of(value)):
            found = np.expand_dims(found, axis)
        if len(shape_of(found)) != len(shape_of(value)):
            raise ValueError("function is not returning an array of the correct shape")
        value = found
    return value


composite(
    np.apply_over_axes,
    _apply_over_axes,
    samples=cases(
        case(np.sum, A(2, 3, 2), [0, -1]), case(np.cumsum, A(2, 3), (1, 0)), case(func=np.mean, a=A(2, 3), axes=1)
    ),
    facts=AS_BODY,
)
