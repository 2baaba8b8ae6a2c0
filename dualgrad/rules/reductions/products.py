"""Products and running products, exact with zeros among the factors, to any order."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.foreign import any_foreign, reduce
from dualgrad._table.functions import overridable
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._table.structure import Along, axes_of
from dualgrad.rules.axes import as_one_axis, backwards, delayed, in_dtype, masked, restore_axes
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, handwritten

# The derivative of a product by one factor is the product of the others. Dividing the product by the factor is fast,
# but fails at zeros, and differentiated again it loses digits near zeros. So the rules are written with running
# products, whose derivatives are linear recurrences, whose derivatives are linear recurrences again: no division at any
# order. Plain arrays whose products are ordinary numbers are divided after all: nobody differentiates that again, and
# it is exact to rounding.


def _is_ordinary(*values: Value) -> bool:
    """Tell whether all of these are plain arrays without zero, underflow, infinity or NaN: safe to divide by."""
    for x in values:
        if type(x) is not np.ndarray and not isinstance(x, np.inexact):
            return False
        magnitude = np.abs(x)
        limits = np.finfo(x.dtype)
        if not ((magnitude >= limits.smallest_normal) & (magnitude <= limits.max)).all():
            return False
    return True


# ---- linear recurrences ----------------------------------------------------------------------------


@overridable
def recurrence(a: Value, b: Value, *, axis: int) -> Value:
    """Return y with y[i] = a[i] * y[i - 1] + b[i] along an axis (not negative), starting from 0."""
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    solved = _solve_apart(a, b) if any_foreign((a, b)) else _solve(a, b, np.result_type(a, b))
    return np.moveaxis(solved, 0, axis)


def _solve_apart(a: Value, b: Value) -> Value:
    """Return the same without a look at the numbers, and without writing."""
    y = [b[i] for i in range(shape_of(b)[0])]
    for i in range(1, len(y)):
        y[i] = y[i] + a[i] * y[i - 1]
    return np.stack(y)


def _solve(a: Value, b: Value, dtype: Any) -> Value:
    n = len(b)
    if n > 32 and b[0].size < 1024:
        # Two steps in one: y[i + 1] = (a[i + 1] a[i]) y[i - 1] + (a[i + 1] b[i] + b[i + 1]). That is O(n) work in
        # O(log n) calls.
        half = n // 2
        first, second = slice(0, 2 * half, 2), slice(1, 2 * half, 2)
        with np.errstate(all="ignore"):
            doubled = a[second] * a[first]
            # A product that overflowed could meet a zero that y[i - 1] would have met in its turn.
            if np.isfinite(doubled).all():
                y = np.empty(b.shape, dtype)
                y[second] = _solve(doubled, a[second] * b[first] + b[second], dtype)
                y[0] = b[0]
                y[2::2] = a[2::2] * y[1 : n - 1 : 2] + b[2::2]
                return y
    y = np.array(b, dtype)
    for i in range(1, n):
        y[i] += a[i] * y[i - 1]
    return y


def _recurrence_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, b: Value, *, axis: int) -> Value:
    ta, tb = tangents
    if ta is None:
        return recurrence(a, tb, axis=axis)
    moved = ta * delayed(ans, axis, 0.0)
    return recurrence(a, moved if tb is None else moved + tb, axis=axis)


def _recurrence_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, b: Value, *, axis: int
) -> tuple[Value, ...]:
    r = _recurrence_back(ct, a, axis)
    return r * delayed(ans, axis, 0.0) if wanted[0] else None, r


def _recurrence_back(ct: Value, a: Value, axis: int) -> Value:
    """Return the transposed recurrence r[i] = a[i + 1] * r[i + 1] + ct[i], which runs from the end to the start."""
    return backwards(recurrence(delayed(backwards(a, axis), axis, 0.0), backwards(ct, axis), axis=axis), axis)


handwritten(
    recurrence,
    _recurrence_jvp,
    _recurrence_vjp,
    keep=("ans", "a"),
    structure=Along(0, "before"),
    samples=cases(
        case(A(4), A(4), axis=0),
        case(A(2, 40), A(2, 40), axis=1),
        case(A(33, 2), A(33, 2), axis=0),
        case(A(3, is_complex=True), A(3), axis=0),
        case(A(0), A(0), axis=0),
        case(A(1), A(1), axis=0),
    ),
)

# ---- cumprod ---------------------------------------------------------------------------------------

# c[i] = a[i] c[i - 1], so dc[i] = a[i] dc[i - 1] + da[i] c[i - 1].


@overridable
def cumprod_moved(t: Value, a: Value, ans: Value, axis: int) -> Value:
    """Return how the running product of `a` moves with it, given that product."""
    return ans * np.add.accumulate(t / a, axis=axis) if _is_ordinary(ans) else _cumprod_moved(t, a, ans, axis)


def _cumprod_moved(t: Value, a: Value, ans: Value, axis: int) -> Value:
    return recurrence(a, t * delayed(ans, axis, 1.0), axis=axis)


@overridable
def cumprod_pulled(ct: Value, a: Value, ans: Value, axis: int) -> Value:
    """Return the cotangent of `a` from that of its running product, given that product."""
    if _is_ordinary(ans, a):
        found: Value = backwards(np.add.accumulate(backwards(ct * ans, axis), axis=axis), axis) / a
        return found
    return _cumprod_pulled(ct, a, ans, axis)


def _cumprod_pulled(ct: Value, a: Value, ans: Value, axis: int) -> Value:
    return _recurrence_back(ct, a, axis) * delayed(ans, axis, 1.0)


composite(cumprod_moved, _cumprod_moved, whole=True, samples=cases())
composite(cumprod_pulled, _cumprod_pulled, whole=True, samples=cases())


def _cumprod_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, *, axis: Any = None) -> Value:
    a, k = as_one_axis(a, axis)
    t, _ = as_one_axis(tangents[0], axis)
    return cumprod_moved(t, a, ans, k)


def _cumprod_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, axis: Any = None
) -> tuple[Value, ...]:
    shape = shape_of(a)
    a, k = as_one_axis(a, axis)
    return (np.reshape(cumprod_pulled(ct, a, ans, k), shape),)


def _cumprod_desugar(a: Value, axis: Any = None, dtype: Any = None, out: None = None) -> Value:
    return np.cumprod(in_dtype(a, dtype), axis=axis)


handwritten(
    np.cumprod,
    _cumprod_jvp,
    _cumprod_vjp,
    keep=("ans", "a"),
    desugar=_cumprod_desugar,
    structure=Along(mixes="before", flat=True),
    samples=cases(
        case(A(4)),
        case(A(3, 4)),
        case(A(3, 4), axis=0),
        case(A(3, 4), -1),
        case(A(3, 0), 1),
        case(A()),
        case(np.array([1.5, 0.0, -2.0, 0.5])),
        case(np.array([[1.5, 0.0, -2.0, 0.0, 3.0], [0.0, 0.5, 1.0, 2.0, 1.0]]), axis=1),
        case(A(3, is_complex=True)),
        case(A(3), dtype=complex),
    ),
)

# ---- prod ------------------------------------------------------------------------------------------


@overridable
def product_of_others(a: Value, ans: Value, axis: Any, keepdims: Any) -> Value:
    """Return, for each entry of `a`, the product of the other entries along the axes, given the product of all."""
    if _is_ordinary(ans):
        return restore_axes(ans, a, axis, keepdims) / a
    return _running_product_of_others(a, ans, axis, keepdims)


def _running_product_of_others(a: Value, ans: Value, axis: Any, keepdims: Any) -> Value:
    x, order = _with_last_axis(a, axis)
    n = shape_of(x)[-1]
    if n <= 1:
        return np.ones(shape_of(a), dtype_of(a))
    k = len(shape_of(x)) - 1
    before = delayed(np.cumprod(x, axis=k), k, 1.0)
    after = backwards(delayed(np.cumprod(backwards(x, k), axis=k), k, 1.0), k)
    found = np.reshape(before * after, [shape_of(a)[m] for m in order])
    return found if order == sorted(order) else np.transpose(found, [order.index(m) for m in range(len(order))])


composite(product_of_others, _running_product_of_others, whole=True, samples=cases())


def _with_last_axis(a: Value, axis: Any) -> tuple[Value, list[int]]:
    """Return `a` with the given axes merged into one, the last, and the order that its axes were brought into."""
    shape = shape_of(a)
    reduced = axes_of(len(shape), axis)
    kept = [m for m in range(len(shape)) if m not in reduced]
    order = [*kept, *sorted(reduced)]
    moved = a if order == sorted(order) else np.transpose(a, order)
    n = 1
    for m in reduced:
        n *= shape[m]
    return np.reshape(moved, (*[shape[m] for m in kept], n)), order


def _prod(a: Value, *, axis: Any = None, keepdims: Any = False) -> Value:
    return reduce(np.multiply, a, axis=axis, keepdims=keepdims)


def _prod_jvp(
    tangents: tuple[Value, ...], ans: Value, /, a: Value, *, axis: Any = None, keepdims: Any = False
) -> Value:
    return reduce(np.add, tangents[0] * product_of_others(a, ans, axis, keepdims), axis=axis, keepdims=keepdims)


def _prod_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, axis: Any = None, keepdims: Any = False
) -> tuple[Value, ...]:
    return (restore_axes(ct, a, axis, keepdims) * product_of_others(a, ans, axis, keepdims),)


def _prod_desugar(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = False,
    initial: Value = None,
    where: Any = True,
) -> Value:
    a = in_dtype(a, dtype)
    if where is not True:
        a = masked(a, where, 1)
    found = np.prod(a, axis=axis, keepdims=keepdims)
    return found if initial is None else in_dtype(found * initial, dtype_of(found))


handwritten(
    np.prod,
    _prod_jvp,
    _prod_vjp,
    keep=("ans", "a"),
    call=_prod,
    desugar=_prod_desugar,
    structure=Along(stays=False),
    samples=cases(
        case(A(4)),
        case(A(2, 3), keepdims=True),
        case(A(3, 4), axis=0),
        case(A(3, 4), -1, keepdims=True),
        case(A(2, 3, 2), axis=(0, -1)),
        case(A(2, 3, 2), axis=(-1, 0), keepdims=True),
        case(A(2, 3), axis=()),
        case(A()),
        case(A(0, 3), axis=0),
        case(A(1, 3), axis=0),
        case(np.array([1.5, 0.0, -2.0, 0.5])),
        case(np.array([[1.5, 0.0, -2.0, 0.0], [0.0, 0.5, 1.0, 2.0]]), axis=1),
        case(np.array([[1.5, 0.0], [0.0, 0.5], [2.0, 3.0]]), axis=(0, 1)),
        case(np.zeros((2, 3)), axis=1, keepdims=True),
        case(A(3, is_complex=True)),
        case(A(3, 4), axis=0, where=np.array([True, False, True, True]), initial=3),
        case(A(3, 4), initial=2, dtype=complex),
        case(A(2, 3)),
    ),
)
