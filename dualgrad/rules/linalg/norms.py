"""Norms of vectors and matrices, of every order. Where a norm is 0, or an entry is, its derivative counts as 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facets import BATCH, UNDER, Root
from dualgrad._table.foreign import reduce
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._table.structure import Along, axes_of
from dualgrad.rules.axes import ndim_of, reduced_count, restore_axes
from dualgrad.rules.elementwise.own import squared_size
from dualgrad.rules.linalg import _batched
from dualgrad.rules.matrices import conj
from dualgrad.rules.samples import A, SpacedA, case, cases
from dualgrad.rules.words import composite, handwritten

# ---- norm ------------------------------------------------------------------------------------------

# Without an order: the root of the sum of squares, along one axis, two (Frobenius) or all.


def _direction(ans: Value, x: Value, axis: Any, keepdims: Any) -> Value:
    """Return conj(x) / norm, and 0 where the norm is 0, to every order of differentiation."""
    norm = restore_axes(ans, x, axis, keepdims)
    is_zero = norm == 0
    return conj(np.where(is_zero, 0, x / np.where(is_zero, 1, norm)))


def _norm_jvp(
    tangents: tuple[Value, ...], ans: Value, /, x: Value, *, axis: Any = None, keepdims: Any = False
) -> Value:
    moved = _direction(ans, x, axis, keepdims) * tangents[0]
    if dtype_of(moved).kind == "c":
        moved = np.real(moved)
    return reduce(np.add, moved, axis=axis if shape_of(x) else None, keepdims=keepdims)


def _norm_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, x: Value, *, axis: Any = None, keepdims: Any = False
) -> tuple[Value, ...]:
    return (restore_axes(ct, x, axis, keepdims) * _direction(ans, x, axis, keepdims),)


def _under_norm(x: Value, *, axis: Any = None, keepdims: Any = False) -> Value:
    return reduce(np.add, squared_size(x), axis=axis if shape_of(x) else None, keepdims=keepdims)


def _norm_of_order(x: Value, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Value:
    ndim = ndim_of(x)
    if ord is None or (axis is None and ((ord in ("f", "fro") and ndim == 2) or (ord == 2 and ndim == 1))):
        return np.linalg.norm(x, axis=axis, keepdims=keepdims)
    if axis is None and ndim not in (1, 2):
        raise ValueError("Improper number of dimensions to norm.")
    axes = axes_of(ndim, axis)
    if len(axes) == 1:
        return _order_of_vectors(x, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    if axes[0] == axes[1]:
        raise ValueError("Duplicate axes given.")
    if ord in ("f", "fro"):
        return np.linalg.norm(x, axis=axes, keepdims=keepdims)
    found = _order_of_matrices(np.moveaxis(x, axes, (-2, -1)), ord)
    return np.expand_dims(found, tuple(sorted(axes))) if keepdims else found


def _order_of_vectors(x: Value, order: Any, axis: int, keepdims: Any) -> Value:
    if isinstance(order, str):
        raise ValueError(f"Invalid norm order '{order}' for vectors")
    if order == 2:
        return np.linalg.norm(x, axis=axis, keepdims=keepdims)
    size = np.abs(x)
    if order == np.inf:
        return _largest(size, axis, keepdims)
    if order == -np.inf:
        return np.min(size, axis=axis, keepdims=keepdims)
    if order == 0:
        return np.sum((x != 0).astype(dtype_of(size)), axis=axis, keepdims=keepdims)
    if order == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    # Powers are taken of entries and sums that are not 0 only: those that are stand aside, with the value that they had.
    absent = 0 if order > 0 else np.inf
    is_zero = size == 0
    powers = np.where(is_zero, absent, np.where(is_zero, 1, size) ** order)
    total = np.sum(powers, axis=axis, keepdims=keepdims)
    is_trivial = total == absent
    return np.where(is_trivial, 0, np.where(is_trivial, 1, total) ** (1 / order))[()]


def _order_of_matrices(x: Value, order: Any) -> Value:
    if order == "nuc" or (not isinstance(order, str) and order in (2, -2)):
        # Where a singular value is exactly 0, abs has the derivative 0.
        values = np.abs(np.linalg.svdvals(x))
        return np.sum(values, axis=-1) if order == "nuc" else _best(values, order)
    if isinstance(order, str) or order not in (1, -1, np.inf, -np.inf):
        raise ValueError("Invalid norm order for matrices.")
    return _best(np.sum(np.abs(x), axis=-2 if order in (1, -1) else -1), order)


def _best(values: Value, order: Any) -> Value:
    return _largest(values, -1, False) if order > 0 else np.min(values, axis=-1)


def _largest(size: Value, axis: int, keepdims: Any) -> Value:
    # NumPy before 2.3 refuses an empty axis here, later ones return 0.
    if reduced_count(size, axis) == 0:
        return np.sum(size, axis=axis, keepdims=keepdims)
    return np.max(size, axis=axis, keepdims=keepdims)


handwritten(
    np.linalg.norm,
    _norm_jvp,
    _norm_vjp,
    keep=("ans", "x"),
    desugar=_norm_of_order,
    structure=Along(stays=False),
    says=(BATCH(_batched.norm), UNDER(Root(_under_norm))),
    samples=cases(
        case(A(4)),
        case(A(3, 4)),
        case(A(2, 3, 2)),
        case(A(low=0.5)),
        case(A(3, 4), axis=0),
        case(A(3, 4), None, -1, True),
        case(A(2, 3, 2), axis=(0, -1), keepdims=True),
        case(A(2, 3), keepdims=True),
        case(A(3, is_complex=True)),
        case(A(0)),
        *[case(SpacedA(4, low=-1.3), p) for p in (0, 1, 2, 3, 4, -1, -2, np.inf, -np.inf)],
        *[case(SpacedA(2, 4, low=0.3), p, axis=1, keepdims=True) for p in (0, 1, 2, 3, -1, np.inf, -np.inf)],
        *[case(SpacedA(3, 4), p) for p in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
        *[case(SpacedA(3, 2, 4), p, (2, 0), True) for p in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
        *[case(A(2, 3, is_complex=True, low=0.2), p, axis=-1) for p in (1, 3)],
    ),
)


# ---- vector_norm, matrix_norm ----------------------------------------------------------------------


def _vector_norm(x: Value, /, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Value:
    x = as_operand(x)
    shape = shape_of(x)
    axes = axes_of(len(shape), axis)
    kept = [k for k in range(len(shape)) if k not in axes]
    moved = np.reshape(np.transpose(x, [*axes, *kept]), (reduced_count(x, axis), *[shape[k] for k in kept]))
    found = np.linalg.norm(moved, ord=ord, axis=0)
    return np.expand_dims(found, tuple(sorted(axes))) if keepdims else found


composite(
    np.linalg.vector_norm,
    _vector_norm,
    samples=cases(
        case(A(4)),
        case(A(2, 3)),
        case(A(2, 3), axis=0, keepdims=True),
        case(A(2, 3, 4), axis=(0, -1), ord=3),
        case(A(2, 3), keepdims=True, ord=1),
    ),
)


def _matrix_norm(x: Value, /, *, keepdims: Any = False, ord: Any = "fro") -> Value:
    return np.linalg.norm(as_operand(x), ord=ord, axis=(-2, -1), keepdims=keepdims)


composite(
    np.linalg.matrix_norm,
    _matrix_norm,
    samples=cases(case(A(2, 3)), case(A(2, 3, 3), keepdims=True), case(A(2, 3), ord="nuc"), case(A(3, 3), ord=2)),
)
