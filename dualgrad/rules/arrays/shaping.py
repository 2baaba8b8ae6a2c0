"""Functions that rearrange numbers: reshape, transpose, squeeze, broadcast and their kin."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facets import BATCH, THIN
from dualgrad._table.facts import AS_BODY, VIEW, Facts, first
from dualgrad._table.foreign import is_foreign
from dualgrad._table.signature import Normaliser
from dualgrad._table.space import Space, Value, shape_of, unbroadcast
from dualgrad._table.structure import Rearranged
from dualgrad._trace.batch import axes_named
from dualgrad.batching import thin_functions as thin
from dualgrad.rules.arrays import _batched
from dualgrad.rules.arrays.layout import complain_of, index_order, memory_axes
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, linear, structural

# ---- reshape, ravel --------------------------------------------------------------------------------

# The orders A and K mean the layout of the operand in memory. Its tangent may lie in memory otherwise, so both are
# turned into an order of indices before a rule sees them.


class _OrderNormaliser(Normaliser):
    """Hands calls whose order depends on the layout in memory to the desugaring body."""

    __slots__ = ()

    def __call__(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Value, ...], dict[str, Any], dict[str, Any]]:
        operands, params, rest = super().__call__(args, kwargs)
        order = params.get("order", "C")
        if order is None or order not in "CF":
            rest["order"] = order
        return operands, params, rest


def _reshape(a: Value, *, shape: Any, order: Literal["C", "F"] = "C") -> Value:
    if order == "C" and is_foreign(a):
        # Other libraries know no order, and shapes as tuples.
        return np.reshape(a, (shape,) if isinstance(shape, int) else shape)
    return np.reshape(a, shape, order=order)


def _reshape_undo(ct: Value, a: Space, *, shape: Any, order: Literal["C", "F"] = "C") -> Value:
    return _reshape(ct, shape=a.shape, order=order)


def _reshape_desugar(
    a: Value, shape: Any = None, order: Any = "C", newshape: Any = None, copy: bool | None = None
) -> Value:
    shape = newshape if shape is None else shape
    order = index_order(a, order)
    if order not in ("C", "F") or copy is False:
        # NumPy's own complaint, if it has one: about the order, or about a copy that cannot be avoided.
        complain_of(a, np.reshape, shape, order=order, **({} if copy is None else {"copy": copy}))
    return np.reshape(a, shape, order=order)


def _viewed_by_reshape(a: Value, *args: Any, copy: bool | None = None, **kwargs: Any) -> tuple[Value, ...]:
    return () if copy else (a,)


structural(
    np.reshape,
    _reshape_undo,
    call=_reshape,
    signature="a, shape=None, order='C', newshape=None, copy=None",
    desugar=_reshape_desugar,
    normaliser=_OrderNormaliser,
    says=(BATCH(_batched.reshape), THIN(thin.reshape)),
    samples=cases(
        case(A(3, 4), (2, 6)),
        case(A(3, 4), -1),
        case(A(3, 4), (6, -1), order="F"),
        case(A(3, 4), (4, 3), order="A"),
        case(A(3, 4), (4, 3), "F"),
        case(A(), (1, 1)),
        case(A(0, 3), (3, 0)),
        case(A(2, 3, is_complex=True), (3, 2)),
    ),
    facts=Facts(aliases=_viewed_by_reshape),
)


def _ravel(a: Value, *, order: Literal["C", "F"] = "C") -> Value:
    return _reshape(a, shape=-1) if order == "C" and is_foreign(a) else np.ravel(a, order=order)


def _ravel_undo(ct: Value, a: Space, *, order: Literal["C", "F"] = "C") -> Value:
    return _reshape(ct, shape=a.shape, order=order)


def _ravel_desugar(a: Value, order: Any = "C") -> Value:
    if order in ("K", "k"):
        return np.ravel(np.transpose(a, memory_axes(a)))
    order = index_order(a, order)
    if order not in ("C", "F"):
        complain_of(a, np.ravel, order=order)
    return np.ravel(a, order=order)


structural(
    np.ravel,
    _ravel_undo,
    call=_ravel,
    desugar=_ravel_desugar,
    normaliser=_OrderNormaliser,
    says=(BATCH(_batched.reshape),),
    samples=cases(
        case(A(3, 4)),
        case(A(2, 3, 2), order="F"),
        case(A(2, 3), "A"),
        case(A(2, 3), order="K"),
        case(A()),
        case(A(0, 2)),
    ),
    facts=VIEW,
)

# ---- transpose -------------------------------------------------------------------------------------


def _transpose_undo(ct: Value, a: Space, *, axes: Any = None) -> Value:
    if axes is None:
        return np.transpose(ct)
    inverse = [0] * a.ndim
    for place, axis in enumerate(axes):
        inverse[operator.index(axis)] = place
    return np.transpose(ct, inverse)


structural(
    np.transpose,
    _transpose_undo,
    says=(BATCH(_batched.transpose), THIN(thin.transpose)),
    samples=cases(
        case(A(3, 4)),
        case(A(2, 3, 4)),
        case(A(2, 3, 4), (1, 2, 0)),
        case(A(2, 3, 4), axes=(-1, 0, 1)),
        case(A(3)),
        case(A()),
        case(A(2, 3, is_complex=True)),
    ),
    facts=VIEW,
)


def _swapaxes_undo(ct: Value, a: Space, *, axis1: int, axis2: int) -> Value:
    return np.swapaxes(ct, axis1, axis2)


structural(
    np.swapaxes,
    _swapaxes_undo,
    samples=cases(case(A(2, 3, 4), 0, 2), case(A(2, 3, 4), axis1=-1, axis2=1)),
    says=(BATCH(axes_named("axis1", "axis2")), THIN(thin.swapaxes)),
    facts=VIEW,
)


def _moveaxis_undo(ct: Value, a: Space, *, source: Any, destination: Any) -> Value:
    return np.moveaxis(ct, destination, source)


structural(
    np.moveaxis,
    _moveaxis_undo,
    says=(BATCH(axes_named("source", "destination")), THIN(thin.moveaxis)),
    samples=cases(case(A(2, 3, 4), 0, -1), case(A(2, 3, 4), source=[0, 1], destination=[-1, 0]), case(A(2, 3), (), ())),
    facts=VIEW,
)


def _rollaxis(a: Value, axis: int, start: int = 0) -> Value:
    ndim = len(shape_of(a))
    axis, start = operator.index(axis), operator.index(start)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    if not -ndim <= start <= ndim:
        raise np.exceptions.AxisError(f"'start' must lie between {-ndim} and {ndim}; it is {start}")
    axis, start = axis % ndim, start + ndim if start < 0 else start
    # `start` is the place before which the axis goes, counted before it is taken out.
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


composite(
    np.rollaxis,
    _rollaxis,
    samples=cases(
        case(A(2, 3, 4), 2), case(A(2, 3, 4), 0, 3), case(A(2, 3, 4), axis=-2, start=-1), case(A(2, 3, 4), 1, start=2)
    ),
    facts=AS_BODY,
)


def _matrix_transpose_undo(ct: Value, x: Space) -> Value:
    return np.swapaxes(ct, -1, -2)


for _fun in (np.matrix_transpose, np.linalg.matrix_transpose):
    structural(
        _fun,
        _matrix_transpose_undo,
        signature="x",
        says=(BATCH(_batched.swapped_matrices),),
        samples=cases(case(A(2, 3)), case(A(2, 3, 4))),
        facts=VIEW,
    )

# ---- axes of length 1 ------------------------------------------------------------------------------


def _squeeze_undo(ct: Value, a: Space, *, axis: Any = None) -> Value:
    return np.reshape(ct, a.shape)


structural(
    np.squeeze,
    _squeeze_undo,
    says=(BATCH(_batched.squeeze), THIN(thin.squeeze)),
    samples=cases(case(A(1, 3, 1)), case(A(1, 3, 1), axis=0), case(A(1, 3, 1), (0, -1)), case(A(1)), case(A())),
    facts=VIEW,
)


def _expand_dims_undo(ct: Value, a: Space, *, axis: Any) -> Value:
    return np.reshape(ct, a.shape)


structural(
    np.expand_dims,
    _expand_dims_undo,
    samples=cases(case(A(3), 0), case(A(3, 2), axis=(0, -1)), case(A(), 0)),
    says=(BATCH(_batched.expand_dims), THIN(thin.expand_dims)),
    facts=VIEW,
)


def _atleast_1d(*arys: Value) -> Any:
    return _each(arys, _shape_1d)


def _atleast_2d(*arys: Value) -> Any:
    return _each(arys, _shape_2d)


def _atleast_3d(*arys: Value) -> Any:
    return _each(arys, _shape_3d)


def _shape_1d(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape or (1,)


def _shape_2d(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape if len(shape) > 1 else (1, *(shape or (1,)))


def _shape_3d(shape: tuple[int, ...]) -> tuple[int, ...]:
    # A vector lies along the middle axis, as in NumPy.
    match shape:
        case ():
            return (1, 1, 1)
        case (n,):
            return (1, n, 1)
        case (m, n):
            return (m, n, 1)
    return shape


def _each(arys: tuple[Value, ...], wanted: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Any:
    """Return arrays in the wanted shapes: one as it is, several in a tuple."""
    found = []
    for x in map(as_operand, arys):
        shape = shape_of(x)
        found.append(x if wanted(shape) == shape else np.reshape(x, wanted(shape)))
    return found[0] if len(found) == 1 else tuple(found)


_AT_LEAST: tuple[tuple[Any, Any], ...] = (
    (np.atleast_1d, _atleast_1d),
    (np.atleast_2d, _atleast_2d),
    (np.atleast_3d, _atleast_3d),
)
for _fun, _body in _AT_LEAST:
    composite(
        _fun,
        _body,
        samples=cases(
            case(A()),
            case(A(3)),
            case(A(2, 3)),
            case(A(2, 1, 2)),
            case(A(), A(3), A(0)),
            case(A(2), [1, 2], A(2, 3, 1)),
        ),
        facts=AS_BODY,
    )

# ---- broadcasting ----------------------------------------------------------------------------------


def _broadcast_to_transpose(ct: Value, array: Space, *, shape: Any, subok: bool = False) -> Value:
    return unbroadcast(ct, array.shape)


linear(
    np.broadcast_to,
    _broadcast_to_transpose,
    structure=Rearranged(),
    says=(BATCH(_batched.broadcast_to), THIN(thin.broadcast_to)),
    samples=cases(
        case(A(3), (2, 3)),
        case(A(2, 1), (4, 2, 3)),
        case(A(), 3),
        case(A(1), (0,)),
        case(A(3), shape=(3,), subok=True),
        case(A(2, 1, is_complex=True), (2, 2)),
    ),
    facts=Facts(aliases=first, is_array=True),
)


def _broadcast_arrays(*args: Value, subok: bool = False) -> tuple[Value, ...]:
    values = [as_operand(x) for x in args]
    shape = np.broadcast_shapes(*[shape_of(x) for x in values])
    return tuple([np.broadcast_to(x, shape, subok=subok) for x in values])


composite(
    np.broadcast_arrays,
    _broadcast_arrays,
    samples=cases(case(A(3)), case(A(3), A(2, 1)), case(A(), [1.0, 2.0], A(1, 2), subok=True), case(A(1), A(0))),
    facts=AS_BODY,
)
