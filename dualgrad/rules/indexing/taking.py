"""Selections by place: take and take_along_axis, diagonals, triangles, and matrices made of diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.dispatch import call
from dualgrad._array.gather import as_data, as_operand
from dualgrad._table.facets import BATCH
from dualgrad._table.facts import AS_BODY, VIEW
from dualgrad._table.foreign import is_foreign, zeros_like
from dualgrad._table.functions import getitem, overridable
from dualgrad._table.space import Space, Value, shape_of
from dualgrad._table.structure import Rearranged
from dualgrad._trace.batch import axes_named
from dualgrad.rules.indexing import _batched
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, linear

# ---- take ------------------------------------------------------------------------------------------


def _places(indices: Value, n: int, mode: str) -> Value:
    """Return indices into an axis of length n, with those outside wrapped or clipped as NumPy's `mode` says."""
    found = as_data(indices)
    if found.size == 0 and not hasattr(indices, "dtype"):
        found = found.astype(np.intp)
    if not np.can_cast(found.dtype, np.intp, "same_kind") or found.dtype.kind not in "iub":
        raise TypeError(f"numpy.take: indices are integers; they are of dtype {found.dtype} here.")
    # A boolean array means 0 and 1 here, not a mask as in x[mask].
    found = found.astype(np.intp)
    if mode == "raise":
        return found
    if n == 0 and found.size:
        raise IndexError("cannot do a non-empty take from an empty axes.")
    if mode == "wrap":
        return found % n if found.size else found
    if mode == "clip":
        return np.clip(found, 0, n - 1)
    raise ValueError(f"numpy.take: mode is 'raise', 'wrap' or 'clip'; it is {mode!r} here.")


def _take(a: Value, indices: Value, axis: Any = None, out: None = None, mode: str = "raise") -> Value:
    a = as_operand(a)
    if axis is None:
        a, axis = np.ravel(a), 0
    elif shape_of(a) == ():
        a = np.reshape(a, (1,))
    ndim = len(shape_of(a))
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    axis = range(ndim)[axis]
    # A plain array does not know what to do with a traced index.
    return call(getitem, a, (*[slice(None)] * axis, _places(indices, shape_of(a)[axis], mode)))


composite(
    np.take,
    _take,
    samples=cases(
        case(A(4), 2),
        case(A(4), [0, 2, 2, -1]),
        case(A(3, 4), np.array([[0, 11], [5, 5]])),
        case(A(3, 4), np.array([[0, 2], [2, -3]]), axis=0),
        case(A(3, 4), [3, 3], axis=-1),
        case(A(3, 4), 1, 1),
        case(A(3, 4), [7, -9, 0], axis=1, mode="wrap"),
        case(A(3, 4), [7, -9, 0], axis=0, mode="clip"),
        case(A(3), [True, False, True]),
        case(A(3), []),
        case(A(), [0, 0]),
        case(A(2, 3, is_complex=True), [0, 0], axis=1),
    ),
)

# ---- take_along_axis -------------------------------------------------------------------------------


def _take_along_axis(arr: Value, indices: Value, axis: int | None = -1) -> Value:
    a = as_operand(arr)
    places = as_data(indices)
    if places.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if axis is None:
        if places.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        a, axis = np.ravel(a), 0
    ndim = len(shape_of(a))
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    if places.ndim != ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    axis = range(ndim)[axis]
    index: list[Any] = []
    for k, n in enumerate(shape_of(a)):
        along = [1] * ndim
        along[k] = n
        index.append(places if k == axis else np.arange(n).reshape(along))
    return call(getitem, a, tuple(index))


composite(
    np.take_along_axis,
    _take_along_axis,
    samples=cases(
        case(A(4), np.array([0, 2, 2, -1]), 0),
        case(A(2, 3), np.array([[0, 0, 1], [2, -1, 2]]), 1),
        case(A(2, 3), np.array([[1], [1]]), axis=-1),
        case(A(2, 3), np.array([[1, 0, 1]]), axis=0),
        case(A(2, 3), np.array([5, 0, 0]), axis=None),
        case(A(2, 3), np.array([[1]]), axis=1),
    ),
)

# ---- diagonal, trace -------------------------------------------------------------------------------


@overridable
def on_diagonal(x: Value, *, shape: tuple[int, ...], offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
    """Return zeros of a shape with `x` on a diagonal; the transpose of np.diagonal."""
    if is_foreign(x):
        return _selected_on_diagonal(x, shape, offset, axis1, axis2)
    buffer = np.zeros(shape, x.dtype)
    planes = np.moveaxis(buffer, (axis1, axis2), (-2, -1))
    length = x.shape[-1]
    rows = np.arange(length) + max(-offset, 0)
    planes[..., rows, rows + offset] = x
    return buffer


def _selected_on_diagonal(x: Value, shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> Value:
    """Return the same without writing, for arrays of other libraries."""
    length = x.shape[-1]
    if length == 0:
        return zeros_like(x, shape, x.dtype)
    rows, columns = np.arange(shape[axis1]), np.arange(shape[axis2])
    of_rows = x[..., np.clip(rows - max(-offset, 0), 0, length - 1)]
    planes = np.where(rows[:, None] + offset == columns, np.expand_dims(of_rows, -1), x.dtype.type(0))
    return np.moveaxis(planes, (-2, -1), (axis1, axis2))


def _on_diagonal_transpose(
    ct: Value, x: Space, *, shape: Any, offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Value:
    return np.diagonal(ct, offset, axis1, axis2)


linear(
    on_diagonal,
    _on_diagonal_transpose,
    structure=Rearranged(),
    says=(BATCH(_batched.on_diagonal),),
    samples=cases(
        case(A(3), shape=(3, 3)),
        case(A(2), shape=(3, 4), offset=-1),
        case(A(2, 2), shape=(3, 2, 4), offset=1, axis1=-1, axis2=0),
        case(A(0), shape=(2, 2), offset=5),
    ),
)


def _diagonal_transpose(ct: Value, a: Space, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
    return on_diagonal(ct, shape=a.shape, offset=int(offset), axis1=axis1, axis2=axis2)


linear(
    np.diagonal,
    _diagonal_transpose,
    structure=Rearranged(),
    says=(BATCH(axes_named("axis1", "axis2", axis1=0, axis2=1)),),
    samples=cases(
        case(A(3, 3)),
        case(A(3, 4), offset=1),
        case(A(3, 4), -2),
        case(A(3, 4), offset=7),
        case(A(2, 3, 4), 1, 0, 2),
        case(A(2, 3, 4), axis1=-1, axis2=-2),
        case(A(0, 3)),
        case(A(2, 2, is_complex=True), offset=-1),
    ),
    facts=VIEW,
)


def _linalg_diagonal(x: Value, /, *, offset: int = 0) -> Value:
    return np.diagonal(x, offset=offset, axis1=-2, axis2=-1)


composite(
    np.linalg.diagonal, _linalg_diagonal, samples=cases(case(A(2, 3, 4)), case(A(3, 4), offset=-1)), facts=AS_BODY
)


def _trace(a: Value, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None) -> Value:
    return np.sum(np.diagonal(as_operand(a), offset, axis1, axis2), axis=-1, dtype=dtype)


composite(
    np.trace,
    _trace,
    samples=cases(
        case(A(3, 3)),
        case(A(3, 4), 1),
        case(A(2, 3, 4), offset=-1, axis1=2, axis2=0),
        case(A(2, 2), dtype=np.complex128),
        case(A(3, 3, is_complex=True), offset=5),
    ),
)


def _linalg_trace(x: Value, /, *, offset: int = 0, dtype: Any = None) -> Value:
    return np.trace(x, offset=offset, axis1=-2, axis2=-1, dtype=dtype)


composite(np.linalg.trace, _linalg_trace, samples=cases(case(A(2, 3, 3)), case(A(3, 4), offset=1, dtype=np.complex128)))

# ---- diag, diagflat --------------------------------------------------------------------------------


def _diag(v: Value, k: int = 0) -> Value:
    v = as_operand(v)
    shape = shape_of(v)
    if len(shape) == 1:
        n = shape[0] + abs(k)
        return on_diagonal(v, shape=(n, n), offset=k)
    if len(shape) != 2:
        raise ValueError("Input must be 1- or 2-d.")
    return np.diagonal(v, k)


composite(
    np.diag,
    _diag,
    samples=cases(
        case(A(3)), case(A(2), 2), case(A(2), k=-1), case(A(3, 4)), case(A(3, 4), 1), case(A(3, 2), k=-1), case(A(0))
    ),
    facts=AS_BODY,
)


def _diagflat(v: Value, k: int = 0) -> Value:
    return np.diag(np.ravel(as_operand(v)), k)


composite(np.diagflat, _diagflat, samples=cases(case(A(2, 2)), case(A(2), 1), case(A(), k=-1)))

# ---- tril, triu ------------------------------------------------------------------------------------

# Masks, so that infinities outside the triangle count for nothing. A vector stands for a matrix of equal rows; the
# interpreters sum its cotangent over them.


def _tril_transpose(ct: Value, m: Space, *, k: int = 0) -> Value:
    return np.tril(ct, k)


def _triu_transpose(ct: Value, m: Space, *, k: int = 0) -> Value:
    return np.triu(ct, k)


_TRIANGLES = cases(
    case(A(3, 3)),
    case(A(3, 4), 1),
    case(A(2, 3, 2), k=-1),
    case(A(3)),
    case(A(0, 2)),
    case(A(2, 2, is_complex=True)),
)

linear(np.tril, _tril_transpose, structure=Rearranged(), says=(BATCH(_batched.triangle),), samples=_TRIANGLES)
linear(np.triu, _triu_transpose, structure=Rearranged(), says=(BATCH(_batched.triangle),), samples=_TRIANGLES)
