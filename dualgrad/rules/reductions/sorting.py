"""Sorting. Equal entries share their derivative evenly, as those of max and min do."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table import versions
from dualgrad._table.facets import BATCH, PATTERN
from dualgrad._table.functions import astype, overridable
from dualgrad._table.space import Space, Value, dtype_of, shape_of
from dualgrad._table.structure import Along
from dualgrad.patterns.along import along
from dualgrad.patterns.call import PatternCall
from dualgrad.patterns.probe import probe
from dualgrad.patterns.sets import IndexSets
from dualgrad.rules.axes import as_one_axis
from dualgrad.rules.reductions import _batched
from dualgrad.rules.samples import A, SpacedA, case, cases
from dualgrad.rules.words import composite, handwritten, linear

# ---- the order of an array, applied to another -----------------------------------------------------

# Sorting permutes, and the permutation P depends on `a` only where entries cross. Among equal entries any order is as
# good as another, so the derivative is the mean of all of them: A P, where A averages the sorted places that hold equal
# entries. A is symmetric, so the transpose is P^T A.


@overridable
def arranged(t: Value, a: Value, *, axis: Any, descending: bool | None = None) -> Value:
    """Return the entries of `t` in the order that sorts `a`, averaged where entries of `a` are equal; None is flat."""
    a, k = as_one_axis(a, axis)
    t, _ = as_one_axis(t, axis)
    order = _order(a, k, descending)
    return _averaged(np.take_along_axis(t, order, k), np.take_along_axis(a, order, k), k)


@overridable
def put_back(t: Value, a: Value, *, axis: Any, descending: bool | None = None) -> Value:
    """Return the entries of `t` at the places of `a` that sorting takes them from; the transpose of `arranged`."""
    shape = shape_of(a)
    a, k = as_one_axis(a, axis)
    order = _order(a, k, descending)
    averaged = _averaged(t, np.take_along_axis(a, order, k), k)
    found = np.empty(a.shape, averaged.dtype)
    np.put_along_axis(found, order, averaged, k)
    return np.reshape(found, shape)


def _order(a: Value, axis: int, descending: bool | None) -> Value:
    # Whoever asks for it has a NumPy that knows it.
    how: dict[str, Any] = {"descending": True} if descending else {}
    return np.argsort(a, axis=axis, stable=True, **how)


def _averaged(x: Value, ordered: Value, axis: int) -> Value:
    """Replace entries of `x` by their mean over each run of equal entries of `ordered` along the axis."""
    rows = np.moveaxis(ordered, axis, -1)
    equal = rows[..., 1:] == rows[..., :-1]
    if not equal.any():
        return x
    # Runs are numbered through all rows; each row starts a new one.
    starts = np.ones(rows.shape, bool)
    starts[..., 1:] = ~equal
    run = np.cumsum(starts.ravel()) - 1
    first = np.flatnonzero(starts)
    lengths = np.diff(first, append=run.size)
    values = np.moveaxis(x, axis, -1)
    means = np.add.reduceat(values.ravel(), first) / lengths.astype(values.dtype)
    return np.moveaxis(np.reshape(means[run], rows.shape), -1, axis)


def _arranged_transpose(ct: Value, t: Space, a: Value, *, axis: Any, descending: bool | None = None) -> Value:
    return put_back(ct, a, axis=axis, descending=descending)


def _put_back_transpose(ct: Value, t: Space, a: Value, *, axis: Any, descending: bool | None = None) -> Value:
    return arranged(ct, a, axis=axis, descending=descending)


_TIED = np.array([[2.0, 1.0, 2.0, 2.0], [0.0, 3.0, 0.0, 3.0], [1.0, 4.0, 2.0, 3.0]])


def _ints(x: Value) -> Value:
    # Integers, so that the samples do not differentiate by the array that only gives the order.
    return x.astype(int)


def _arranged_pattern(call: PatternCall) -> IndexSets | None:
    # The order is another array's, which may be fixed.
    return along(Along(-1, flat=True), call) if call.loose[1] else probe(call)


linear(
    arranged,
    _arranged_transpose,
    structure=Along(-1, flat=True),
    says=(PATTERN(_arranged_pattern),),
    samples=cases(
        case(A(3, 4), _ints(_TIED), axis=1),
        case(A(3, 4), _ints(_TIED), axis=0),
        case(A(3, 4), _ints(_TIED), axis=None),
        case(A(4, is_complex=True), _ints(_TIED[0]), axis=-1),
        case(A(0), _ints(_TIED[0, :0]), axis=0),
    ),
)
linear(
    put_back,
    _put_back_transpose,
    says=(BATCH(_batched.put_back), PATTERN(_arranged_pattern)),
    samples=cases(
        case(A(3, 4), _ints(_TIED), axis=1),
        case(A(3, 4), _ints(_TIED), axis=0),
        case(A(12), _ints(_TIED), axis=None),
        case(A(4, is_complex=True), _ints(_TIED[0]), axis=-1),
    ),
)

# ---- sort ------------------------------------------------------------------------------------------

# Which algorithm sorts, and whether it is stable, changes nothing: equal entries share anyway.


def _sort_jvp(
    tangents: tuple[Value, ...],
    ans: Value,
    /,
    a: Value,
    *,
    axis: Any = -1,
    kind: Any = None,
    stable: bool | None = None,
    descending: bool | None = None,
) -> Value:
    return arranged(tangents[0], a, axis=axis, descending=descending)


def _sort_vjp(
    ct: Value,
    wanted: tuple[bool, ...],
    ans: Value,
    /,
    a: Value,
    *,
    axis: Any = -1,
    kind: Any = None,
    stable: bool | None = None,
    descending: bool | None = None,
) -> tuple[Value, ...]:
    return (put_back(ct, a, axis=axis, descending=descending),)


# From NumPy 2.5 on. NaN comes last either way.
_DESCENDING = (
    case(SpacedA(5), descending=True),
    case(SpacedA(3, 4), axis=0, descending=True),
    case(SpacedA(3, 4), None, descending=True),
    case(A(4, is_complex=True), descending=True),
    case(SpacedA(5), descending=False),
)


handwritten(
    np.sort,
    _sort_jvp,
    _sort_vjp,
    keep=("a",),
    structure=Along(-1, flat=True),
    samples=cases(
        case(SpacedA(5)),
        case(SpacedA(3, 4)),
        case(SpacedA(3, 4), axis=0),
        case(SpacedA(3, 4), None),
        case(SpacedA(3, 4), axis=1, kind="stable"),
        case(SpacedA(5), stable=True),
        case(A(4, is_complex=True)),
        case(SpacedA(0)),
        case(SpacedA(3, 0), axis=0),
        *(_DESCENDING if versions.sort_descends else ()),
    ),
)

# ---- partition -------------------------------------------------------------------------------------

# NumPy does not say in which order entries end up beside the pivots, and np.argpartition may choose another one. So the
# places are found by value: sorted, the operand and the answer are the same.


def _partition_jvp(
    tangents: tuple[Value, ...],
    ans: Value,
    /,
    a: Value,
    *,
    kth: Any,
    axis: Any = -1,
    kind: str = "introselect",
) -> Value:
    k = _axis_of_answer(axis)
    return put_back(arranged(tangents[0], a, axis=axis), ans, axis=k)


def _partition_vjp(
    ct: Value,
    wanted: tuple[bool, ...],
    ans: Value,
    /,
    a: Value,
    *,
    kth: Any,
    axis: Any = -1,
    kind: str = "introselect",
) -> tuple[Value, ...]:
    return (put_back(arranged(ct, ans, axis=_axis_of_answer(axis)), a, axis=axis),)


def _axis_of_answer(axis: Any) -> Any:
    return 0 if axis is None else axis


handwritten(
    np.partition,
    _partition_jvp,
    _partition_vjp,
    keep=("ans", "a"),
    structure=Along(-1, flat=True),
    samples=cases(
        case(SpacedA(6), 2),
        case(SpacedA(3, 5), (1, 3)),
        case(SpacedA(5, 3), 2, axis=0, kind="introselect"),
        case(SpacedA(3, 3), 4, axis=None),
    ),
)

# ---- sort_complex ----------------------------------------------------------------------------------


def _sort_complex(a: Value) -> Value:
    a = np.sort(as_operand(a))
    dtype = dtype_of(a)
    return a if dtype.kind == "c" else astype(a, np.clongdouble if dtype == np.longdouble else np.complex128)


composite(np.sort_complex, _sort_complex, samples=cases(case(SpacedA(4)), case(A(2, 3, is_complex=True))))
