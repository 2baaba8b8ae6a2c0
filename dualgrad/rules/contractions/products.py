"""Products of matrices and of arrays of any dimension: matmul, dot, inner, tensordot, all bilinear.

If <x, y> is the sum of products without conjugation, the cotangent of `a` in c = a b is ct b^T and that of `b` is
a^T ct. For one and two dimensions that is one BLAS call each, on transposed views; stacks of matrices that were
broadcast are summed by the interpreters.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from dualgrad._table.facets import BATCH, THIN
from dualgrad._table.facts import ARRAY, Facts
from dualgrad._table.space import Space, Value
from dualgrad._table.structure import Contracted
from dualgrad.batching import thin_functions as thin
from dualgrad.batching._thin import product
from dualgrad.rules.axes import ndim_of, with_axes
from dualgrad.rules.contractions import _batched
from dualgrad.rules.contractions.terms import dot_terms, inner_terms, matmul_terms, tensordot_terms
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import bilinear, composite

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


def _matmul_general(a: Value, b: Value, axes: Any) -> Value:
    return with_axes(np.matmul, a, b, axes)


bilinear(
    np.matmul,
    _matmul_left,
    _matmul_right,
    operate=operator.matmul,
    waits=True,
    signature="a, b, axes=None",
    desugar=_matmul_general,
    structure=Contracted(matmul_terms),
    says=(BATCH(_batched.matmul), THIN(product)),
    facts=Facts(in_one_place=True),
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
    m = ndim_of(b)
    if a.ndim == 0 or m == 0:
        return ct * b
    if a.ndim <= 2 and m <= 2:
        return _matmul_left(ct, a, b)
    # ans[i.., j.., l] = sum over k of a[i.., k] b[j.., k, l]
    free = (*range(m - 2), m - 1) if m > 1 else ()
    return np.tensordot(ct, b, (tuple(range(a.ndim - 1, ndim_of(ct))), free))


def _dot_right(ct: Value, a: Value, b: Space) -> Value:
    n = ndim_of(a)
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
    structure=Contracted(dot_terms),
    says=(BATCH(_batched.dot),),
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
    m = ndim_of(b)
    if a.ndim == 0 or m == 0:
        return ct * b
    return np.tensordot(ct, b, (tuple(range(a.ndim - 1, ndim_of(ct))), tuple(range(m - 1))))


def _inner_right(ct: Value, a: Value, b: Space) -> Value:
    n = ndim_of(a)
    if n == 0 or b.ndim == 0:
        return ct * a
    rows = tuple(range(n - 1))
    return np.tensordot(ct, a, (rows, rows))


bilinear(
    np.inner,
    _inner_left,
    _inner_right,
    signature="a, b",
    structure=Contracted(inner_terms),
    says=(BATCH(_batched.inner),),
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

# ---- tensordot -------------------------------------------------------------------------------------


def _contracted(axes: Any, n: int, m: int) -> tuple[list[int], list[int]]:
    """Return the axes of both operands that tensordot sums over, counted from 0."""
    if isinstance(axes, (int, np.integer)):
        return list(range(n - axes, n)), list(range(axes))
    left, right = ([k] if isinstance(k, (int, np.integer)) else list(k) for k in axes)
    return [int(k) % n for k in left], [int(k) % m for k in right]


def _tensordot_left(ct: Value, a: Space, b: Value, *, axes: Any = 2) -> Value:
    n, m = a.ndim, ndim_of(b)
    summed, partners = _contracted(axes, n, m)
    kept = [k for k in range(n) if k not in summed]
    free = [k for k in range(m) if k not in partners]
    found = np.tensordot(ct, b, (list(range(len(kept), len(kept) + len(free))), free))
    # The axes of `found` are those of `a` that were kept, then those summed over, in the order they have in `b`.
    order = kept + [summed[partners.index(k)] for k in sorted(partners)]
    return _reordered(found, order)


def _tensordot_right(ct: Value, a: Value, b: Space, *, axes: Any = 2) -> Value:
    n, m = ndim_of(a), b.ndim
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
    structure=Contracted(tensordot_terms),
    says=(BATCH(_batched.tensordot), THIN(thin.tensordot)),
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
    facts=ARRAY,
)


def _linalg_tensordot(x1: Value, x2: Value, /, *, axes: Any = 2) -> Value:
    return np.tensordot(x1, x2, axes=axes)


composite(
    np.linalg.tensordot,
    _linalg_tensordot,
    samples=cases(case(A(2, 3, 4), A(3, 4, 2)), case(A(2, 3), A(4, 2), axes=(0, 1))),
)
