"""Products of vectors and matrices: matmul, dot and their relatives, all bilinear.

If <x, y> is the sum of products without conjugation, the cotangent of `a` in c = a b is ct b^T and that of `b` is a^T ct.
For one and two dimensions that is one BLAS call each, on transposed views; stacks of matrices that were broadcast are summed
by the interpreters. vdot, vecdot and vecmat conjugate their first operand: they are linear in it over the real numbers only,
and its cotangent is conjugated as a whole.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from dualgrad._core.functions import overridable
from dualgrad._core.gather import as_operand
from dualgrad._core.space import Space, Value, dtype_of, shape_of
from dualgrad.errors import NoRuleError
from dualgrad.rules.define import bilinear, composite
from dualgrad.rules.samples import A, case, cases


def conjugate(x: Value) -> Value:
    """Return the complex conjugate; a real array as it is, without a copy."""
    return np.conjugate(x) if dtype_of(x).kind == "c" else x


def _ndim(x: Value) -> int:
    return len(shape_of(x))


# ---- matmul ----------------------------------------------------------------------------------------


def _matmul_left(ct: Value, a: Space, b: Value) -> Value:
    if b.ndim == 1:
        return ct * b if a.ndim == 1 else np.expand_dims(ct, -1) * b
    if a.ndim == 1:
        return b @ ct if b.ndim == 2 else np.squeeze(b @ np.expand_dims(ct, -1), -1)
    return ct @ (b.T if b.ndim == 2 else np.swapaxes(b, -1, -2))


def _matmul_right(ct: Value, a: Value, b: Space) -> Value:
    if a.ndim == 1:
        return ct * a if b.ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(ct, -2)
    if b.ndim > 2:
        return np.swapaxes(a, -1, -2) @ ct
    if a.ndim > 2:
        # One large product instead of a stack of products to be summed.
        rows = ct.size // max(1, b.shape[-1]) if b.ndim == 2 else ct.size
        if b.size == 0:
            return np.zeros(b.shape, ct.dtype)
        a = np.reshape(a, (rows, a.shape[-1]))
        ct = np.reshape(ct, (rows, *b.shape[1:]))
    return a.T @ ct if b.ndim == 2 else ct @ a


def _with_axes(ufunc: np.ufunc, x1: Value, x2: Value, axes: Sequence[Any]) -> Value:
    """Call a product of two operands with `axes=`: the axes that each operand and the answer have their vectors along."""
    places = [(k,) if isinstance(k, (int, np.integer)) else tuple(k) for k in axes]
    first, second = (
        np.moveaxis(x, at, tuple(range(-len(at), 0))) for x, at in zip((x1, x2), places[:2], strict=True)
    )
    answer = ufunc(first, second)
    if len(places) == 3:
        return np.moveaxis(answer, tuple(range(-len(places[2]), 0)), places[2])
    if ufunc.signature != "(n),(n)->()":
        raise ValueError(f"{ufunc.__name__}: axes= needs a third entry, for the result.")
    return answer


def _matmul_general(x1: Value, x2: Value, axes: Any = None, axis: Any = None, keepdims: Any = None) -> Value:
    if axes is None or axis is not None or keepdims:
        raise TypeError("matmul takes axes=, but neither axis= nor keepdims=.")
    return _with_axes(np.matmul, x1, x2, axes)


bilinear(
    np.matmul,
    _matmul_left,
    _matmul_right,
    operate=operator.matmul,
    signature="a, b, axes=None, axis=None, keepdims=None",
    desugar=lambda a, b, **params: _matmul_general(a, b, **params),
    samples=cases(
        case(A(3), A(3)),
        case(A(2, 3), A(3)),
        case(A(3), A(3, 2)),
        case(A(2, 3), A(3, 4)),
        case(A(4, 2, 3), A(3)),
        case(A(3), A(4, 3, 2)),
        case(A(4, 2, 3), A(3, 2)),
        case(A(2, 3), A(4, 3, 2)),
        case(A(5, 1, 2, 3), A(4, 3, 2)),
        case(A(2, 3, is_complex=True), A(3, 2)),
        case(A(2, 2), A(3, 2, 2, is_complex=True)),
        case(A(3, 2), A(3, 4), axes=[(1, 0), (0, 1), (1, 0)]),
        case(A(0, 3), A(3, 2)),
        case(A(2, 0), A(0, 2)),
        case(A(2, 3, 0), A(0, 2)),
        case(np.arange(6).reshape(2, 3), A(3, 2)),
    ),
)
composite(np.linalg.matmul, lambda x1, x2, /: np.matmul(x1, x2), samples=cases(case(A(4, 2, 3), A(3, 2))))

# ---- dot, inner ------------------------------------------------------------------------------------


def _dot_left(ct: Value, a: Space, b: Value) -> Value:
    m = _ndim(b)
    if a.ndim == 0 or m == 0:
        return ct * b
    if a.ndim <= 2 and m <= 2:
        return _matmul_left(ct, a, b)
    # ans[i.., j.., l] = sum over k of a[i.., k] b[j.., k, l]
    free = (*range(m - 2), m - 1) if m > 1 else ()
    return np.tensordot(ct, b, (tuple(range(a.ndim - 1, _ndim(ct))), free))


def _dot_right(ct: Value, a: Value, b: Space) -> Value:
    n = _ndim(a)
    if n == 0 or b.ndim == 0:
        return ct * a
    if n <= 2 and b.ndim <= 2:
        return _matmul_right(ct, a, b)
    rows = tuple(range(n - 1))
    return np.moveaxis(np.tensordot(a, ct, (rows, rows)), 0, max(b.ndim - 2, 0))


bilinear(
    np.dot,
    _dot_left,
    _dot_right,
    signature="a, b",
    samples=cases(
        case(A(), A()),
        case(A(), A(2, 3)),
        case(A(2, 3), 3.0),
        case(A(3), A(3)),
        case(A(2, 3), A(3)),
        case(A(3), A(3, 2)),
        case(A(2, 3), A(3, 4)),
        case(A(2, 4, 3), A(3)),
        case(A(3), A(2, 3, 4)),
        case(A(2, 4, 3), A(3, 2)),
        case(A(2, 3), A(4, 3, 2)),
        case(A(2, 1, 3), A(2, 2, 3, 2)),
        case(A(2, 3, is_complex=True), A(3)),
        case(A(0), A(0)),
        case([1.0, 2.0], A(2, 3)),
    ),
)


def _inner_left(ct: Value, a: Space, b: Value) -> Value:
    m = _ndim(b)
    if a.ndim == 0 or m == 0:
        return ct * b
    return np.tensordot(ct, b, (tuple(range(a.ndim - 1, _ndim(ct))), tuple(range(m - 1))))


def _inner_right(ct: Value, a: Value, b: Space) -> Value:
    n = _ndim(a)
    if n == 0 or b.ndim == 0:
        return ct * a
    rows = tuple(range(n - 1))
    return np.tensordot(ct, a, (rows, rows))


bilinear(
    np.inner,
    _inner_left,
    _inner_right,
    signature="a, b",
    samples=cases(
        case(A(), A()),
        case(A(2, 3), A()),
        case(A(), A(2)),
        case(A(3), A(3)),
        case(A(2, 3), A(3)),
        case(A(2, 3), A(4, 3)),
        case(A(3), A(2, 4, 3)),
        case(A(2, 2, 3, is_complex=True), A(4, 3)),
    ),
)

# ---- outer, kron -----------------------------------------------------------------------------------


def _outer_left(ct: Value, a: Space, b: Value) -> Value:
    return np.reshape(ct @ np.ravel(b), a.shape)


def _outer_right(ct: Value, a: Value, b: Space) -> Value:
    return np.reshape(np.ravel(a) @ ct, b.shape)


bilinear(
    np.outer,
    _outer_left,
    _outer_right,
    samples=cases(
        case(A(2), A(3)),
        case(A(2, 2), A(3, 1)),
        case(A(), A(3)),
        case(A(2, is_complex=True), A(3)),
        case(A(0), A(3)),
    ),
)


def _linalg_outer(x1: Value, x2: Value, /) -> Value:
    if _ndim(as_operand(x1)) != 1 or _ndim(as_operand(x2)) != 1:
        raise ValueError("np.linalg.outer takes one-dimensional arrays. np.outer takes any.")
    return np.outer(x1, x2)


composite(np.linalg.outer, _linalg_outer, samples=cases(case(A(2), A(3))))


def _kron(a: Value, b: Value) -> Value:
    a, b = as_operand(a), as_operand(b)
    ndim = max(_ndim(a), _ndim(b))
    rows = (1,) * (ndim - _ndim(a)) + shape_of(a)
    columns = (1,) * (ndim - _ndim(b)) + shape_of(b)
    left = np.reshape(a, [n for row in rows for n in (row, 1)])
    right = np.reshape(b, [n for column in columns for n in (1, column)])
    return np.reshape(left * right, [n * m for n, m in zip(rows, columns, strict=True)])


composite(
    np.kron,
    _kron,
    samples=cases(
        case(A(2), A(3)), case(A(2, 3), A(2, 2)), case(A(2), A(3, 1, 2, is_complex=True)), case(A(), A(2, 2))
    ),
)

# ---- vdot, vecdot ----------------------------------------------------------------------------------


def _vdot_left(ct: Value, a: Space, b: Value) -> Value:
    return np.reshape(conjugate(ct * b), a.shape)


def _vdot_right(ct: Value, a: Value, b: Space) -> Value:
    return np.reshape(ct * conjugate(a), b.shape)


bilinear(
    np.vdot,
    _vdot_left,
    _vdot_right,
    signature="a, b",
    samples=cases(
        case(A(3), A(3)),
        case(A(2, 3), A(6)),
        case(A(), A()),
        case(A(3, is_complex=True), A(3)),
        case(A(3), A(3, is_complex=True)),
        case(A(2, 2, is_complex=True), A(4, is_complex=True)),
    ),
)


def _vecdot_left(ct: Value, a: Space, b: Value) -> Value:
    return conjugate(np.expand_dims(ct, -1) * b)


def _vecdot_right(ct: Value, a: Value, b: Space) -> Value:
    return np.expand_dims(ct, -1) * conjugate(a)


def _vecdot_general(a: Value, b: Value, axis: Any = None, axes: Any = None, keepdims: bool = False) -> Value:
    if axes is not None:
        if axis is not None or keepdims:
            raise NoRuleError("vecdot is not differentiated with both axes= and axis= or keepdims=. Use one of them.")
        return _with_axes(np.vecdot, a, b, axes)
    axis = -1 if axis is None else axis
    answer = np.vecdot(np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1))
    return np.expand_dims(answer, axis) if keepdims else answer


bilinear(
    np.vecdot,
    _vecdot_left,
    _vecdot_right,
    signature="a, b, axis=None, axes=None, keepdims=False",
    desugar=_vecdot_general,
    samples=cases(
        case(A(3), A(3)),
        case(A(2, 3), A(3)),
        case(A(4, 1, 3), A(2, 3)),
        case(A(3, 2), A(3, 1), axis=0),
        case(A(3, 2), A(3, 2), axis=0, keepdims=True),
        case(A(3, 2), A(2, 3), axes=[0, 1]),
        case(A(2, 3, is_complex=True), A(3, is_complex=True)),
        case(A(3), A(3, is_complex=True)),
        case(A(3, is_complex=True), A(2, 3)),
    ),
)


def _linalg_vecdot(x1: Value, x2: Value, /, *, axis: int = -1) -> Value:
    return np.vecdot(x1, x2, axis=axis)


composite(
    np.linalg.vecdot,
    _linalg_vecdot,
    samples=cases(case(A(2, 3, is_complex=True), A(3)), case(A(3, 2), A(3, 2), axis=0)),
)

# ---- matvec, vecmat --------------------------------------------------------------------------------


def _matvec_left(ct: Value, a: Space, b: Value) -> Value:
    return np.expand_dims(ct, -1) * np.expand_dims(b, -2)


def _matvec_right(ct: Value, a: Value, b: Space) -> Value:
    return np.squeeze(np.expand_dims(ct, -2) @ a, -2)


def _vecmat_left(ct: Value, a: Space, b: Value) -> Value:
    return conjugate(np.squeeze(b @ np.expand_dims(ct, -1), -1))


def _vecmat_right(ct: Value, a: Value, b: Space) -> Value:
    return np.expand_dims(conjugate(a), -1) * np.expand_dims(ct, -2)


# NumPy has these two since 2.2.
if hasattr(np, "matvec"):
    bilinear(
        np.matvec,
        _matvec_left,
        _matvec_right,
        signature="a, b, axes=None",
        desugar=lambda a, b, axes: _with_axes(np.matvec, a, b, axes),
        samples=cases(
            case(A(2, 3), A(3)),
            case(A(4, 2, 3), A(3)),
            case(A(2, 3), A(4, 3)),
            case(A(2, 2, is_complex=True), A(3, 2)),
            case(A(3, 2), A(3), axes=[(1, 0), 0, 0]),
        ),
    )
    bilinear(
        np.vecmat,
        _vecmat_left,
        _vecmat_right,
        signature="a, b, axes=None",
        desugar=lambda a, b, axes: _with_axes(np.vecmat, a, b, axes),
        samples=cases(
            case(A(3), A(3, 2)),
            case(A(4, 3), A(3, 2)),
            case(A(3), A(4, 3, 2)),
            case(A(2, 2, is_complex=True), A(2, 3)),
            case(A(2), A(2, 3, is_complex=True)),
            case(A(3), A(2, 3), axes=[0, (1, 0), 0]),
        ),
    )

# ---- tensordot -------------------------------------------------------------------------------------


def _contracted(axes: Any, n: int, m: int) -> tuple[list[int], list[int]]:
    """Return the axes of both operands that tensordot sums over, counted from 0."""
    if isinstance(axes, (int, np.integer)):
        return list(range(n - axes, n)), list(range(axes))
    left, right = ([k] if isinstance(k, (int, np.integer)) else list(k) for k in axes)
    return [int(k) % n for k in left], [int(k) % m for k in right]


def _tensordot_left(ct: Value, a: Space, b: Value, *, axes: Any = 2) -> Value:
    n, m = a.ndim, _ndim(b)
    summed, partners = _contracted(axes, n, m)
    kept = [k for k in range(n) if k not in summed]
    free = [k for k in range(m) if k not in partners]
    found = np.tensordot(ct, b, (list(range(len(kept), len(kept) + len(free))), free))
    # The axes of `found` are those of `a` that were kept, then those summed over, in the order they have in `b`.
    order = kept + [summed[partners.index(k)] for k in sorted(partners)]
    return _reordered(found, order)


def _tensordot_right(ct: Value, a: Value, b: Space, *, axes: Any = 2) -> Value:
    n, m = _ndim(a), b.ndim
    partners, summed = _contracted(axes, n, m)
    kept = [k for k in range(m) if k not in summed]
    free = [k for k in range(n) if k not in partners]
    found = np.tensordot(a, ct, (free, list(range(len(free)))))
    order = [summed[partners.index(k)] for k in sorted(partners)] + kept
    return _reordered(found, order)


def _reordered(x: Value, order: list[int]) -> Value:
    places = sorted(range(len(order)), key=order.__getitem__)
    return x if places == list(range(len(order))) else np.transpose(x, places)


bilinear(
    np.tensordot,
    _tensordot_left,
    _tensordot_right,
    samples=cases(
        case(A(2, 3, 4), A(3, 4, 2)),
        case(A(2, 3), A(3, 4), axes=1),
        case(A(2), A(3), axes=0),
        case(A(2, 3, 4), A(4, 5, 2), axes=((0, 2), (2, 0))),
        case(A(2, 3, 4), A(4, 5, 3), axes=([-1, 1], [0, -1])),
        case(A(2, 3), A(4, 2), axes=(0, 1)),
        case(A(2, 3), A(2, 3), axes=((1, 0), (1, 0))),
        case(A(2, 3, is_complex=True), A(3), axes=1),
        case(A(2, 0), A(0, 3), axes=1),
    ),
)


def _linalg_tensordot(x1: Value, x2: Value, /, *, axes: Any = 2) -> Value:
    return np.tensordot(x1, x2, axes=axes)


composite(
    np.linalg.tensordot,
    _linalg_tensordot,
    samples=cases(case(A(2, 3, 4), A(3, 4, 2)), case(A(2, 3), A(4, 2), axes=(0, 1))),
)

# ---- cross -----------------------------------------------------------------------------------------


@overridable
def cross_vectors(a: Value, b: Value) -> Value:
    """Return the cross products of 3-vectors along the last axes."""
    return np.cross(a, b)


# ct . (t x b) = t . (b x ct) and ct . (a x t) = t . (ct x a)
bilinear(
    cross_vectors,
    lambda ct, a, b: cross_vectors(b, ct),
    lambda ct, a, b: cross_vectors(ct, a),
    samples=cases(case(A(3), A(3)), case(A(2, 3), A(3)), case(A(2, 1, 3, is_complex=True), A(2, 3))),
)


def _cross(
    a: Value, b: Value, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Value:
    if axis is not None:
        axisa = axisb = axisc = axis
    a = np.moveaxis(as_operand(a), axisa, -1)
    b = np.moveaxis(as_operand(b), axisb, -1)
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise ValueError("incompatible dimensions for cross product\n(dimension must be 2 or 3)")
    if a.shape[-1] == b.shape[-1] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    answer = cross_vectors(_in_space(a), _in_space(b))
    return answer if axisc in (-1, answer.ndim - 1) else np.moveaxis(answer, -1, axisc)


def _in_space(x: Value) -> Value:
    """Return vectors of the plane as vectors of space."""
    return x if x.shape[-1] == 3 else np.concatenate([x, np.zeros_like(x[..., :1])], axis=-1)


composite(
    np.cross,
    _cross,
    samples=cases(
        case(A(3), A(3)),
        case(A(2, 3), A(3)),
        case(A(3, 2), A(3, 2), axis=0),
        case(A(3, 2), A(2, 3), axisa=0, axisb=1, axisc=0),
        case(A(2, 3, is_complex=True), A(3)),
    ),
)


def _linalg_cross(x1: Value, x2: Value, /, *, axis: int = -1) -> Value:
    x1, x2 = as_operand(x1), as_operand(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError("np.linalg.cross takes vectors of three components.")
    return np.cross(x1, x2, axis=axis)


composite(np.linalg.cross, _linalg_cross, samples=cases(case(A(2, 3), A(3)), case(A(3, 2), A(3, 2), axis=0)))
