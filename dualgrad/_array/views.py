"""Writing to traced arrays: a write makes the array stand for a new value, and so do the arrays that share its memory.

NumPy's slices are views. A slice of a traced array remembers what it is a slice of, and the array remembers its slices, weakly.
A write to one of them is carried up to the array that owns the memory, and down to every slice that is still in use. So
is `x.flat`. What shares memory in a way that is not followed (a reshape, a transpose) makes the write an error.

A scalar has no memory: nothing is a view of it, and `s += 1` makes a new one. Of values without axes that hold many (batches),
those that are arrays to NumPy are marked.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from dualgrad._array.places import index_of, is_array, is_same, is_view_index, place_of, slice_of_slice, within
from dualgrad._table.functions import getitem, set_item
from dualgrad._table.record import RECORDS, Primitive
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import Level, Tracer
from dualgrad.errors import ConversionError

_FEW = 32

SCALARS = frozenset((float, np.float64, np.float32))
"""What the value of a scalar is, never that of an array without axes."""

FLAT = object()
"""In the place of an index: the link between an array and its `flat`, all its numbers in C order."""


class Links:
    """What one traced array shares its memory with: the array it is a slice of, and its own slices."""

    __slots__ = ("base", "index", "is_array", "limit", "others", "views")

    is_array: bool
    """Set where it was seen of a value without axes whether it is an array."""

    def __init__(self, base: Tracer | None, index: Any) -> None:
        self.base = base
        self.index = index
        self.views: list[weakref.ref[Tracer]] = []
        self.others: list[weakref.ref[Tracer]] = []
        self.limit = _FEW

    def add(self, view: Tracer) -> None:
        """Remember a slice; those that nobody holds any more are forgotten now and then."""
        if len(self.views) >= self.limit:
            self.views = [r for r in self.views if r() is not None]
            self.limit = max(_FEW, 2 * len(self.views))
        self.views.append(weakref.ref(view))

    def tie(self, other: Tracer) -> None:
        """Remember an array that is not a slice."""
        self.others = [r for r in self.others if r() is not None]
        self.others.append(weakref.ref(other))


def links_of(x: Tracer) -> Links:
    """Return the links of an array, made where it has none yet."""
    links: Links | None = getattr(x, "_links", None)
    if links is None:
        links = x._links = Links(None, None)
    return links


def mark(x: Value) -> None:
    """Note that a value without axes is an array, not a scalar."""
    if isinstance(x, Tracer):
        links_of(x).is_array = True
        if type(x._value) in SCALARS:
            x._value = np.asarray(x._value)


def link(base: Tracer, view: Tracer, index: Any) -> None:
    """Note that an array is a slice of another."""
    links: Links | None = getattr(base, "_links", None)
    if links is None:
        links = base._links = Links(None, None)
    elif links.base is not None:
        _link_to_owner(base, links, view, index)
        return
    view._links = Links(base, index)
    links.add(view)


def _link_to_owner(base: Tracer, links: Links, view: Tracer, index: Any) -> None:
    """Note that an array is a slice of a slice: one of the array that owns the memory."""
    if links.index is FLAT:
        # NumPy's flat is an iterator, and its slices are copies.
        return
    first, kind = links.index, type(index)
    if type(first) is slice and (kind is slice or kind is int):
        # Along the first axis, without taking all others apart.
        assert links.base is not None
        base, index = links.base, slice_of_slice(first, index, shape_of(links.base)[0])
    elif (place := _place_in_base(links, index)) is not None:
        assert links.base is not None
        base, index = links.base, index_of(place)
    view._links = Links(base, index)
    links_of(base).add(view)


def _place_in_base(links: Links, index: Any) -> Any:
    """Return where in the base of an array one of its own slices lies."""
    shape = shape_of(links.base)
    place = place_of(links.index, shape)
    return None if place is None else within(place, index, shape)


def apart(answer: Any, args: Any) -> Any:
    """Return what a function gives that NumPy makes anew: it shares its memory with nothing, and without axes it is a number."""
    if isinstance(answer, Tracer):
        is_number = not shape_of(answer)
        if (
            getattr(answer, "_links", None) is not None
            or any([answer is x for x in args])
            or (is_number and is_array(answer))
        ):
            answer = frozen(answer)
            if is_number:
                links_of(answer).is_array = False
        return answer
    if isinstance(answer, (tuple, list)):
        parts = [apart(x, args) for x in answer]
        return answer._make(parts) if hasattr(answer, "_make") else type(answer)(parts)
    return answer


def link_item(base: Tracer, item: Any, index: Any) -> None:
    """Note what an index gives that NumPy answers with a view, or with a scalar."""
    if not isinstance(item, Tracer):
        return
    if not shape_of(item):
        if index is not Ellipsis and not (type(index) is tuple and any([part is Ellipsis for part in index])):
            return
        mark(item)
    if is_array(base):
        link(base, item, index)


def tie(x: Tracer, other: Tracer) -> None:
    """Note that two arrays share memory in a way that is not followed: while both are in use, neither can be written to."""
    if x is other or not is_array(x):
        return
    if not shape_of(other):
        mark(other)
    _tie_all(x, other)


def _tie_all(x: Tracer, other: Tracer) -> None:
    root = _root(x)
    relatives = [one for r in links_of(root).others if (one := r()) is not None and one is not other]
    for one in (root, *relatives):
        links_of(one).tie(other)
        links_of(other).tie(one)


def tie_number(x: Tracer, item: Tracer) -> None:
    """Note that a number is held by an array of objects that NumPy makes of an array, and that should share its memory."""
    _tie_all(x, item)


def _root(x: Tracer) -> Tracer:
    while (links := getattr(x, "_links", None)) is not None and links.base is not None:
        x = links.base
    return x


def is_slice_of(x: Any, base: Tracer, index: Any) -> bool:
    """Tell whether a value is the slice of an array at an index: what `y[1:] += z` assigns in the end."""
    links: Links | None = getattr(x, "_links", None) if isinstance(x, Tracer) else None
    if links is None or links.base is None:
        return False
    if index is FLAT or links.index is FLAT:
        return links.base is base and links.index is index
    if not is_view_index(index):
        return False
    own = place_of(links.index, shape_of(links.base))
    if links.base is base:
        return is_same(own, place_of(index, shape_of(base)))
    of_base: Links | None = getattr(base, "_links", None)
    if of_base is None or of_base.base is not links.base or of_base.index is FLAT:
        return False
    return is_same(own, _place_in_base(of_base, index))


def flat(x: Tracer) -> Tracer:
    """Return what `x.flat` stands for: an array of one dimension, through which writes are followed."""
    answer: Tracer = _reshape(x, -1)
    link(x, answer, FLAT)
    return answer


def change_shape(target: Tracer, shape: Any) -> None:
    """Do what `target.shape = shape` does; only where nothing else shares the memory, which would be linked to the old shape."""
    links: Links | None = getattr(target, "_links", None)
    if links is not None and (
        links.base is not None or any(reference() is not None for reference in (*links.views, *links.others))
    ):
        raise ConversionError(
            "x.shape = ... changes in place a traced array that shares memory with another one (a slice, a reshape, a "
            "transpose). Write x = x.reshape(shape)."
        )
    _take(target, _reshape(target, shape), "x.shape = ...")


def store(target: Tracer, index: Any, value: Any) -> None:
    """Do what `target[index] = value` does."""
    if is_slice_of(value, target, index):
        return
    title = "x[index] = value"
    _check_writable(target, title)
    if dtype_of(value).kind == "c" and dtype_of(target).kind != "c":
        raise TypeError(f"{title}: a complex value cannot be stored in an array of dtype {dtype_of(target)}.")
    _become(target, _set_item(target, index, value), title)
    if not shape_of(target):
        mark(target)


def assign(target: Tracer, answer: Value, title: str) -> Value:
    """Make a traced array stand for a new value, as NumPy's in-place operations do."""
    if shape_of(answer) != shape_of(target):
        raise ValueError(
            f"{title}: a result of shape {shape_of(answer)} cannot be stored in an array of shape {shape_of(target)}."
        )
    check_kind(answer, target, title)
    dtype = dtype_of(target)
    if dtype_of(answer) != dtype:
        answer = answer.astype(dtype)
    _check_writable(target, title)
    _become(target, answer, title)
    if not shape_of(target):
        mark(target)
    return target


def check_kind(answer: Value, target: Value, title: str) -> None:
    """Raise TypeError where NumPy's in-place operations refuse to store an answer for its dtype."""
    given, dtype = dtype_of(answer), dtype_of(target)
    if not np.can_cast(given, dtype, "same_kind"):
        raise TypeError(f"{title}: cannot cast from {given} to {dtype} with casting rule 'same_kind'.")


def _reshape(x: Tracer, shape: Any) -> Value:
    record = RECORDS[np.reshape]
    assert isinstance(record, Primitive)
    operands, params, _ = record.normalise((x, shape), {})
    return x._level.apply(record, operands, params)


def _set_item(target: Tracer, index: Any, value: Value) -> Value:
    if index is FLAT:
        return _reshape(value, shape_of(target))
    record = RECORDS[set_item]
    assert isinstance(record, Primitive)
    operands, params, _ = record.normalise((value, target, index), {})
    return _deepest(operands).write(record, operands, params)


def _deepest(operands: tuple[Value, ...]) -> Level:
    return max((x._level for x in operands if isinstance(x, Tracer)), key=_depth_of)


def _depth_of(level: Level) -> int:
    return level.depth


def _take(target: Tracer, answer: Value, title: str) -> None:
    """Give an array the value of another one, which must be of its own transformation."""
    level = target._level
    if not isinstance(answer, Tracer) or answer._level.depth < level.depth:
        answer = level.lift(answer)
    if answer._level is not level:
        raise ConversionError(
            f"{title} writes a value of an inner transformation into an array of an outer one, which would outlive it. "
            "Make the array inside: y = np.zeros_like(x), with the x of the inner function."
        )
    _copy_value(answer, target)


def frozen(x: Tracer) -> Tracer:
    """Return an array that stands for the present value of another, whatever is written to that one later."""
    found: Tracer = object.__new__(type(x))
    _copy_value(x, found)
    return found


def _copy_value(source: Tracer, target: Tracer) -> None:
    """Make an array stand for what another one of its class does; what it shares its memory with stays its own."""
    for slot in ("_level", "_value", *type(target).__slots__):
        setattr(target, slot, getattr(source, slot))
    target._made_by = getattr(source, "_made_by", None)


def _become(target: Tracer, answer: Value, title: str) -> None:
    """Give an array another value, and carry it to everything that shares its memory."""
    _take(target, answer, title)
    _spread_down(target, None, title)
    node = target
    while (links := getattr(node, "_links", None)) is not None and links.base is not None:
        base = links.base
        _take(base, _set_item(base, links.index, node), title)
        _spread_down(base, node, title)
        node = base


def _spread_down(node: Tracer, came_from: Tracer | None, title: str) -> None:
    """Carry the value of an array to its slices but the one that it came from."""
    ahead = [node]
    while ahead:
        node = ahead.pop()
        for view in _views_of(node):
            if view is not came_from:
                _take(view, _item(node, view._links.index), title)
                ahead.append(view)


def _views_of(node: Tracer) -> list[Tracer]:
    links: Links | None = getattr(node, "_links", None)
    return [] if links is None else [view for r in links.views if (view := r()) is not None]


def _item(x: Tracer, index: Any) -> Value:
    if index is FLAT:
        return _reshape(x, -1)
    record = RECORDS[getitem]
    assert isinstance(record, Primitive)
    operands, params, _ = record.normalise((x, index), {})
    return _deepest(operands).apply(record, operands, params)


def _check_writable(target: Tracer, title: str) -> None:
    """Raise where memory is shared in a way that is not followed, by the array or by any relative of it."""
    if _is_opaque(_root(target)):
        raise ConversionError(
            f"{title} writes in place to a traced array that shares memory with a reshape, a transpose or a diagonal of it, or is "
            "one (or with what np.asarray or unpacking made of it), and dualgrad follows writes through slices only. "
            "Write x = x + y instead of x += y, or take .copy() first."
        )


def _is_opaque(node: Tracer) -> bool:
    ahead = [node]
    while ahead:
        node = ahead.pop()
        links: Links | None = getattr(node, "_links", None)
        if links is not None and any([r() is not None for r in links.others]):
            return True
        ahead += _views_of(node)
    return False
