"""Products of vectors: outer, kron, vdot, vecdot, matvec, vecmat, cross, all bilinear.

vdot, vecdot and vecmat conjugate their first operand. They are linear in it over the real numbers only: from
Re(ct conj(t) b) = Re(conj(ct b) t), its cotangent is conjugated as a whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table import versions
from dualgrad._table.facets import BATCH, PATTERN
from dualgrad._table.facts import ARRAY, Facts
from dualgrad._table.functions import overridable
from dualgrad._table.space import Space, Value, dtype_of, shape_of
from dualgrad._table.structure import Contracted
from dualgrad.errors import NoRuleError
from dualgrad.patterns.call import PatternCall, numbers
from dualgrad.patterns.sets import IndexSets, take
from dualgrad.rules.axes import ndim_of, with_axes
from dualgrad.rules.contractions import _batched
from dualgrad.rules.contractions.terms import matvec_terms, outer_terms, vdot_terms, vecdot_terms, vecmat_terms
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import bilinear, composite


def conjugate(x: Value) -> Value:
    """Return the complex conjugate; a real array as it is, without a copy."""
    return np.conjugate(x) if dtype_of(x).kind == "c" else x


# ---- outer, kron -----------------------------------------------------------------------------------


def _outer_left(ct: Value, a: Space, b: Value) -> Value:
    return np.reshape(ct @ np.ravel(b), a.shape)


def _outer_right(ct: Value, a: Value, b: Space) -> Value:
    return np.reshape(np.ravel(a) @ ct, b.shape)


bilinear(
    np.outer,
    _outer_left,
    _outer_right,
    structure=Contracted(outer_terms, flat=True),
    says=(BATCH(_batched.outer),),
    samples=cases(
        case(A(2), A(3)),
        case(A(2, 2), A(3, 1)),
        case(A(), A(3)),
        case(A(2, is_complex=True), A(3)),
        case(A(0), A(3)),
    ),
)


def _linalg_outer(x1: Value, x2: Value, /) -> Value:
    if ndim_of(as_operand(x1)) != 1 or ndim_of(as_operand(x2)) != 1:
        raise ValueError("np.linalg.outer takes one-dimensional arrays. np.outer takes any.")
    return np.outer(x1, x2)


composite(np.linalg.outer, _linalg_outer, samples=cases(case(A(2), A(3))))


def _kron(a: Value, b: Value) -> Value:
    a, b = as_operand(a), as_operand(b)
    ndim = max(ndim_of(a), ndim_of(b))
    rows = (1,) * (ndim - ndim_of(a)) + shape_of(a)
    columns = (1,) * (ndim - ndim_of(b)) + shape_of(b)
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
    structure=Contracted(vdot_terms, flat=True),
    says=(BATCH(_batched.vdot),),
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
        return with_axes(np.vecdot, a, b, axes)
    axis = -1 if axis is None else axis
    answer = np.vecdot(np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1))
    return np.expand_dims(answer, axis) if keepdims else answer


bilinear(
    np.vecdot,
    _vecdot_left,
    _vecdot_right,
    signature="a, b, axis=None, axes=None, keepdims=False",
    desugar=_vecdot_general,
    structure=Contracted(vecdot_terms),
    says=(BATCH(_batched.with_core(1, 1)),),
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
    return np.vecdot(x1, x2) if axis == -1 else _vecdot_general(x1, x2, axis=axis)


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


def _matvec_general(a: Value, b: Value, axes: Any) -> Value:
    return with_axes(np.matvec, a, b, axes)


def _vecmat_general(a: Value, b: Value, axes: Any) -> Value:
    return with_axes(np.vecmat, a, b, axes)


if versions.matvec is not None:
    bilinear(
        np.matvec,
        _matvec_left,
        _matvec_right,
        signature="a, b, axes=None",
        desugar=_matvec_general,
        structure=Contracted(matvec_terms),
        says=(BATCH(_batched.with_core(2, 1)),),
        facts=Facts(in_one_place=True),
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
        desugar=_vecmat_general,
        structure=Contracted(vecmat_terms),
        says=(BATCH(_batched.with_core(1, 2)),),
        facts=Facts(in_one_place=True),
        samples=cases(
            case(A(3), A(3, 2)),
            case(A(4, 3), A(3, 2)),
            case(A(3), A(4, 3, 2)),
            case(A(2, 2, is_complex=True), A(2, 3)),
            case(A(2), A(2, 3, is_complex=True)),
            case(A(3), A(2, 3), axes=[0, (1, 0), 0]),
        ),
    )

# ---- cross -----------------------------------------------------------------------------------------


@overridable
def cross_vectors(a: Value, b: Value) -> Value:
    """Return the cross products of 3-vectors along the last axes."""
    return np.cross(a, b)


def _cross_pattern(call: PatternCall) -> IndexSets:
    # Each component depends on the other two of both vectors.
    parts = []
    for _, sets, shape in call.traced():
        for shift in (1, 2):
            parts.append(take(sets, np.broadcast_to(np.roll(numbers(shape), shift, -1), call.shape)))
    return call.unite(parts)


# ct . (t x b) = t . (b x ct) and ct . (a x t) = t . (ct x a)
bilinear(
    cross_vectors,
    lambda ct, a, b: cross_vectors(b, ct),
    lambda ct, a, b: cross_vectors(ct, a),
    says=(BATCH(_batched.with_core(1, 1)), PATTERN(_cross_pattern)),
    samples=cases(case(A(3), A(3)), case(A(2, 3), A(3)), case(A(2, 1, 3, is_complex=True), A(2, 3))),
)


def _cross(a: Value, b: Value, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Value:
    if axis is not None:
        axisa = axisb = axisc = axis
    a = np.moveaxis(as_operand(a), axisa, -1)
    b = np.moveaxis(as_operand(b), axisb, -1)
    sizes = (2, 3) if versions.cross_takes_the_plane else (3,)
    if a.shape[-1] not in sizes or b.shape[-1] not in sizes:
        raise ValueError(
            f"numpy.cross takes vectors of {' or '.join(map(str, sizes))} numbers; these have {a.shape[-1]} and "
            f"{b.shape[-1]}. In the plane write a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]."
        )
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
    facts=ARRAY,
)


def _linalg_cross(x1: Value, x2: Value, /, *, axis: int = -1) -> Value:
    x1, x2 = as_operand(x1), as_operand(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError("np.linalg.cross takes vectors of three components.")
    return np.cross(x1, x2, axis=axis)


composite(np.linalg.cross, _linalg_cross, samples=cases(case(A(2, 3), A(3)), case(A(3, 2), A(3, 2), axis=0)))
