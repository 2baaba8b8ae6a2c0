"""Writing into traced arrays: `x[index] = value`, and NumPy's functions that write in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dualgrad._array.dispatch import call
from dualgrad._array.gather import as_data, as_operand
from dualgrad._table.facets import BATCH, PATTERN, THIN, said
from dualgrad._table.functions import getitem, set_item
from dualgrad._table.index import Slot, join_index, region_of_mask, split_index
from dualgrad._table.record import Primitive, Pull, Word, register
from dualgrad._table.signature import Normaliser
from dualgrad._table.space import Value, dtype_of, shape_of, unbroadcast, zeros_of
from dualgrad._trace.batch import batch_size, widened
from dualgrad._trace.level import Tracer, is_batched, seen_anywhere
from dualgrad.batching import thin_functions as thin
from dualgrad.errors import ConversionError
from dualgrad.rules.indexing._batched import batch_index, moved_axes
from dualgrad.rules.indexing._patterns import set_item_pattern
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite

# ---- x[index] = value ------------------------------------------------------------------------------

# Linear in both operands. The value comes first, so that a sweep has read the cotangent at the index before it
# writes zeros there.


class _Normaliser(Normaliser):
    """Takes `set_item(value, a, index)`, whose index is still whole, and the primitive's own form."""

    __slots__ = ()

    def __call__(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Value, ...], dict[str, Any], dict[str, Any]]:
        if kwargs:
            return args, dict(kwargs), {}
        value, a, index = args
        static, arrays = split_index(index)
        return (value, a, *arrays), {"index": static}, {}


def _set_item_jvp(tangents: tuple[Value, ...], ans: Value, /, *operands: Value, index: Any) -> Value:
    t_value, t_a = tangents[:2]
    if t_value is None and t_a is None:
        return None
    _, a, *arrays = operands
    return set_item(0.0 if t_value is None else t_value, zeros_of(a) if t_a is None else t_a, *arrays, index=index)


def _value_pull(ct: Value, shape: tuple[int, ...], *arrays: Value, index: Any) -> Value:
    # A value as large as the array may still be broadcast, by y[None] = x: the shape of `ct` does not tell.
    found = _chosen(ct, *arrays, index=index)
    surplus = len(shape) - len(shape_of(found))
    if surplus <= 0:
        return unbroadcast(found, shape)
    # NumPy drops axes of length 1 in front that the place written to does not have.
    return np.reshape(unbroadcast(found, shape[surplus:]), shape)


def _chosen(ct: Value, *arrays: Value, index: Any) -> Value:
    """Return what the value written at an index has of a cotangent, in the shape that the index gives."""
    if _is_traced_mask(arrays):
        # One number, or the write would have been refused.
        region = region_of_mask(index, arrays[0], shape_of(ct))
        return np.sum(np.where(region.mask, ct[region.index], 0))
    whole = join_index(index, arrays)
    if all(x.dtype.kind == "b" for x in arrays):
        found = ct[whole]
        # Not a view: the cotangent may be written over.
        return np.array(found) if type(found) is np.ndarray else found
    # Where an index names a place twice, the last value stays.
    numbers = np.arange(1, 1 + int(np.prod(shape_of(ct), dtype=int))).reshape(shape_of(ct))
    # By name: a plain array cannot be asked for what a batch of an outer level names.
    shape = shape_of(call(getitem, numbers, whole))
    order = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    last = set_item(order, np.zeros(shape_of(ct), int), *arrays, index=index)
    return call(getitem, ct, whole) * (call(getitem, last, whole) == order)


def _is_traced_mask(arrays: Sequence[Value]) -> bool:
    """Tell whether an index has one array, a mask that differs between the members of a batch."""
    return len(arrays) == 1 and is_batched(arrays[0]) and dtype_of(arrays[0]).kind == "b"


def _array_pull(ct: Value, *arrays: Value, index: Any) -> Value:
    return set_item(0.0, ct, *arrays, index=index)


def _zeros_over(ct: Value, *arrays: Value, index: Any) -> Value:
    *kept, out = arrays
    if any([isinstance(x, Tracer) for x in kept]):
        return _array_pull(ct, *kept, index=index)
    out[join_index(index, kept)] = 0
    return out


def _select_value(ans: Value, value: Value, a: Value, *arrays: Value) -> tuple[Value, ...]:
    return (shape_of(value), *arrays)


def _select(ans: Value, value: Value, a: Value, *arrays: Value) -> tuple[Value, ...]:
    return arrays


_pulls = (Pull(_value_pull, _select_value), Pull(_array_pull, _select, in_place=_zeros_over))


def _set_item_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, *operands: Value, index: Any
) -> tuple[Value, ...]:
    arrays = operands[2:]
    return (
        _value_pull(ct, shape_of(operands[0]), *arrays, index=index) if wanted[0] else None,
        _array_pull(ct, *arrays, index=index) if wanted[1] else None,
        *[None for _ in arrays],
    )


def _set_item_batch(
    record: Primitive, batched: tuple[bool, ...], operands: tuple[Value, ...], params: dict[str, Any]
) -> Value:
    value, a, *arrays = operands
    size = batch_size(batched, operands)
    if not batched[1]:
        a = np.broadcast_to(a, (size, *shape_of(a)))
    if shape_of(value)[batched[0] :] in ((), (1,)) and (
        _is_traced_mask(arrays) or (batched[2:] == (True,) and dtype_of(arrays[0]).kind == "b")
    ):
        if len(shape_of(value)) > batched[0]:
            value = np.reshape(value, shape_of(value)[: batched[0]])
        # One number for all that a mask selects, which differs between members.
        region = region_of_mask(params["index"], arrays[0], shape_of(a)[1:], many=batched[2])
        index = (slice(None), *region.index)
        part = a[index]
        number = widened(value, len(shape_of(part)) - 1) if batched[0] else value
        return set_item(np.where(region.mask, number, part), a, index=index)
    where = batch_index(params["index"], arrays, batched[2:], len(shape_of(a)) - 1, size)
    whole = join_index(where.index, where.arrays)
    shape = shape_of(call(getitem, np.broadcast_to(np.zeros(()), shape_of(a)), whole))
    if batched[0]:
        value = _with_rank(value, len(shape))
    if where.found != where.wanted and where.width:
        # The value in the order of axes that the index of the whole batch has.
        value = moved_axes(np.broadcast_to(value, _wanted_shape(shape, where)), where.wanted, where.found, where.width)
    return set_item(value, a, *where.arrays, index=where.index)


def _with_rank(value: Value, rank: int) -> Value:
    """Return a batch of values with as many axes as they are broadcast to: NumPy takes surplus ones of length 1 too."""
    surplus = len(shape_of(value)) - rank
    if surplus <= 0:
        return widened(value, -surplus)
    size, *shape = shape_of(value)
    return np.reshape(value, (size, *shape[surplus:]))


def _wanted_shape(shape: tuple[int, ...], where: Any) -> tuple[int, ...]:
    return np.moveaxis(
        np.broadcast_to(np.zeros(()), shape),
        tuple(range(where.found, where.found + where.width)),
        tuple(range(where.wanted, where.wanted + where.width)),
    ).shape


register(
    Primitive(
        key=set_item,
        word=Word.HANDWRITTEN,
        fun=set_item,
        jvp=_set_item_jvp,
        vjp=_set_item_vjp,
        samples=cases(
            case(A(), A(4), index=1),
            case(A(2), A(3, 2), index=slice(1, 3)),
            case(A(3, 1), A(3, 4), index=(Ellipsis, slice(None, None, -2))),
            case(A(3), A(5), np.array([0, 2, 2]), index=(Slot(0),)),
            case(A(), A(3, 4), np.array([[True, False, True, True]] * 3), index=(Slot(0),)),
            case(A(2), A(3, 4, 2), np.array([0, 2]), np.array([1, 1]), index=(Slot(0), Slot(1), 1)),
            case(A(2), A(3, is_complex=True), index=slice(0, 2)),
            case(1.0, A(3), index=0),
            case(A(2), A(2), index=Ellipsis),
        ),
        normalise=_Normaliser("x[index] = value", ("value", "a"), ("value", "a"), ("index",), {}),
        operate=set_item,
        pulls=_pulls,
        says=said((BATCH(_set_item_batch), PATTERN(set_item_pattern), THIN(thin.set_item))),
    )
)

# ---- copyto, put, place, putmask, put_along_axis, fill_diagonal --------------------------------------


def _destination(a: Any, name: str) -> Tracer:
    if not isinstance(a, Tracer):
        raise ConversionError(
            f"numpy.{name} would write a value being differentiated into a plain array, which cannot hold its derivative. "
            "Make the array like a traced one, np.zeros_like(x)."
        )
    return a


def _is_empty(values: Value) -> bool:
    """Tell whether there is nothing to repeat: NumPy leaves the array as it is, where `np.resize` would make zeros."""
    return 0 in shape_of(values)


def _copyto(dst: Any, src: Value, casting: str = "same_kind", where: Any = True) -> None:
    target: Any = _destination(dst, "copyto")
    src = as_operand(src)
    target[...] = src if where is True else np.where(where, src, target)


def _put(a: Any, ind: Any, v: Value, mode: str = "raise") -> None:
    target: Any = _destination(a, "put")
    places = np.ravel(as_data(ind))
    v = as_operand(v)
    if _is_empty(v):
        return
    size = int(np.prod(shape_of(target), dtype=int))
    if mode != "raise":
        places = places % size if mode == "wrap" else np.clip(places, 0, size - 1)
    if places.size == 0:
        return
    if seen_anywhere((places < -size) | (places >= size)):
        raise IndexError(
            f"numpy.put: an index is out of bounds for an array of {size} numbers. Pass mode='wrap' or 'clip'."
        )
    target[np.unravel_index(places % size, shape_of(target))] = np.resize(v, places.shape)


def _putmask(a: Any, mask: Any, values: Value) -> None:
    target: Any = _destination(a, "putmask")
    values = as_operand(values)
    if _is_empty(values):
        return
    shape = shape_of(target)
    target[...] = np.where(np.reshape(as_data(mask), shape), np.resize(values, shape), target)


def _place(arr: Any, mask: Any, vals: Value) -> None:
    target: Any = _destination(arr, "place")
    chosen = np.reshape(as_data(mask), shape_of(target)).astype(bool)
    if is_batched(chosen):
        _place_in_members(target, chosen, np.ravel(as_operand(vals)))
        return
    count = int(np.count_nonzero(chosen))
    vals = as_operand(vals)
    if count and _is_empty(vals):
        raise ValueError(_NOTHING_TO_PLACE)
    if count:
        target[chosen] = np.resize(vals, (count,))


_NOTHING_TO_PLACE = "numpy.place: there are no values to write where the mask is True."


def _place_in_members(target: Any, chosen: Any, values: Value) -> None:
    """Write values where masks say that differ between the members of a batch, and so in how many values they take."""
    count = shape_of(values)[0]
    if count:
        order = np.reshape(np.cumsum(chosen) - 1, shape_of(target)) % count
        target[...] = np.where(chosen, call(np.take, values, order), target)
    elif seen_anywhere(chosen):
        raise ValueError(_NOTHING_TO_PLACE)


def _put_along_axis(arr: Any, indices: Any, values: Value, axis: int | None = -1) -> None:
    target: Any = _destination(arr, "put_along_axis")
    places = as_data(indices)
    if axis is None:
        values = as_operand(values)
        if len(surplus := shape_of(values)[: -places.ndim]) and set(surplus) == {1}:
            values = np.reshape(values, shape_of(values)[-places.ndim :])
        return _put(target, places, np.ravel(np.broadcast_to(values, places.shape)))
    shape = shape_of(target)
    axis = range(len(shape))[axis]
    index = [
        places if k == axis else np.arange(n).reshape([n if j == k else 1 for j in range(len(shape))])
        for k, n in enumerate(shape)
    ]
    target[tuple(index)] = as_operand(values)


def _fill_diagonal(a: Any, val: Value, wrap: bool = False) -> None:
    target: Any = _destination(a, "fill_diagonal")
    val = as_operand(val)
    if _is_empty(val):
        return
    plain = np.zeros(shape_of(target))
    np.fill_diagonal(plain, 1, wrap)
    count = int(np.count_nonzero(plain))
    if count:
        target[np.nonzero(plain)] = np.resize(np.ravel(val), (count,))


for _fun, _body in (
    (np.copyto, _copyto),
    (np.put, _put),
    (np.putmask, _putmask),
    (np.place, _place),
    (np.put_along_axis, _put_along_axis),
    (np.fill_diagonal, _fill_diagonal),
):
    composite(_fun, _body, samples=cases())
