"""Derivatives along all unit directions at once, where each number moves along only a few of them.

The unit directions of n numbers are n ** 2 numbers of which n are not zero. As long as a function acts on each number apart,
moves numbers about, and adds a few, what it makes of them stays as thin: the second differences of a grid move along three
directions each. A `ThinBatch` holds, for each number, the directions it moves along and how far, and is an array to NumPy
(NEP 13 and 18), the directions in front. What it does not know it does as the array in full.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from dualgrad._table.facets import THIN
from dualgrad._table.foreign import StandIn
from dualgrad._table.record import RECORDS, Primitive, Word
from dualgrad.batching._slots import keeps_first

Array = np.ndarray[Any, Any]

_FEW = 32
"""Along how many directions a number may move: from there on, the array in full is made. Of hundreds it is fewer."""

_FEW_ITEMS = 8
"""From how many single numbers on, which are read in full as a loop over items pays for calls, the array is too."""


class TooThick(BaseException):
    """An array in full is needed that takes more memory than it may; not for users, who could catch an Exception."""


class Places:
    """The directions of all thin arrays of one batch, each array of them once: equal ones are one object."""

    __slots__ = ("_numbers", "few", "is_too_thick", "items", "limit", "members")

    def __init__(self, members: int, limit: int | None) -> None:
        self.members = members
        # Remembered, as the code that runs may catch all that is raised.
        self.is_too_thick = False
        # How many single numbers were read.
        self.items = 0
        self.few = max(6, min(_FEW, members // 24))
        self.limit = limit
        self._numbers: dict[tuple[tuple[int, ...], bytes], int] = {}

    def check(self, size: int) -> None:
        """Give up where an array in full has more numbers than it may."""
        if self.limit is not None and size > self.limit:
            self.is_too_thick = True
            raise TooThick

    def numbers(self, places: Array) -> tuple[int, ...]:
        """Return a number for each slot, the same for equal places."""
        known = self._numbers
        shape = places.shape[1:]
        return tuple([known.setdefault((shape, slot.tobytes()), len(known)) for slot in places])


class ThinBatch(StandIn, NDArrayOperatorsMixin):
    """An array of which, for each place behind the first axis, only a few numbers along that axis are not zero.

    Number `i` behind the first axis is `values[s][i]` at `places[s][i]` along it, for each slot `s`, and zero elsewhere; where
    two slots name one place they add up.
    """

    __slots__ = ("_full", "_numbers", "common", "places", "values")

    def __init__(self, values: Array, places: Array, common: Places, numbers: tuple[int, ...] | None = None) -> None:
        self.values = values
        self.places = places
        self.common = common
        self._numbers = numbers
        self._full: Array | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """What stands for the places of each slot: equal numbers for equal places."""
        if self._numbers is None:
            self._numbers = self.common.numbers(self.places)
        return self._numbers

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.common.members, *self.values.shape[1:])

    @property
    def ndim(self) -> int:
        return self.values.ndim

    @property
    def size(self) -> int:
        return self.common.members * (self.values.size // max(1, len(self.values)))

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self.values.dtype
        return dtype

    def full(self) -> Array:
        """Return the array in full, made once."""
        if self._full is None:
            self.common.check(self.size)
            self._full = self.part(0, self.common.members)
            # It says what the slots say, and must go on doing so.
            self._full.flags.writeable = False
        return self._full

    def part(self, start: int, stop: int, *, last: bool = False) -> Array:
        """Return some directions in full, in new memory; with `last` so that a number's directions lie side by side."""
        shape = self.shape[1:]
        numbers = self.values[0].size
        if last:
            found = np.zeros((*shape, stop - start), self.dtype)
            table = found.reshape(numbers, stop - start).T
            found = np.moveaxis(found, -1, 0)
        else:
            found = np.zeros((stop - start, *shape), self.dtype)
            table = found.reshape(stop - start, numbers)
        each = np.arange(numbers)
        for slot, moved in zip(self.places, self.values, strict=True):
            places, values = slot.ravel(), moved.ravel()
            # Within a slot no number is named twice.
            if start == 0 and stop == self.common.members:
                table[places, each] += values
            else:
                here = (places >= start) & (places < stop)
                table[places[here] - start, each[here]] += values[here]
        return found

    def along(self, places: Array) -> Array:
        """Return each number's derivative along one direction, its place behind the first axis as `places`."""
        found: Array = np.where(self.places == places, self.values, 0).sum(axis=0)
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.full(), dtype, copy=copy)

    def __len__(self) -> int:
        return self.common.members

    def __getattr__(self, name: str) -> Any:
        # Methods of arrays that are not written out here.
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.full(), name)

    def __getitem__(self, index: Any) -> Any:
        if keeps_first(index):
            if type(index[-1]) is int and self._full is not None and self.ndim == 2:
                item: Array = self._full[index]
                return item
            found = self.moved(lambda x: x[index])
            return self._item(found, index) if found.ndim == 1 else found
        return self.full()[index]

    def _item(self, found: ThinBatch, index: Any) -> Array:
        """Return a number in full: of the array in full where many are read."""
        common = self.common
        common.items += 1
        if common.items > _FEW_ITEMS and (common.limit is None or self.size <= common.limit):
            several: Array = self.full()[index]
            return several
        return found.part(0, common.members)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> ThinBatch:
        return self.with_values(self.values.astype(dtype, *args, **kwargs))

    def with_values(self, values: Array) -> ThinBatch:
        """Return what moves along the same directions, differently far."""
        return ThinBatch(values, self.places, self.common, self._numbers)

    def moved(self, move: Callable[[Array], Array]) -> ThinBatch:
        """Return what a function makes that only moves and repeats numbers behind the first axis."""
        values, places = move(self.values), move(self.places)
        return ThinBatch(values, places, self.common)

    # ---- NumPy's protocols -----------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            found = self.known(ufunc, inputs, kwargs)
            if found is NotImplemented:
                found = _by_facts(RECORDS.get(ufunc), ufunc, inputs)
            if found is not None:
                return found
        if any(type(x) is ThinBatch for x in kwargs.get("out", ())):
            raise TypeError(
                f"np.{ufunc.__name__} was to write into derivatives along directions, which cannot be written to."
            )
        return getattr(ufunc, method)(*[in_full(x) for x in inputs], **kwargs)

    def __array_function__(self, fun: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = self.known(fun, args, kwargs)
        if found is not NotImplemented:
            return found
        return fun(*in_full(args), **{name: in_full(x) for name, x in kwargs.items()})

    def known(self, fun: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        rule = THIN.of(RECORDS.get(fun))
        found = None if rule is None else rule(*args, **kwargs)
        return NotImplemented if found is None else found


def unit_directions(size: int, shape: tuple[int, ...], dtype: np.dtype[Any], start: int, common: Places) -> ThinBatch:
    """Return the unit directions of one value among several, whose own begin at `start`."""
    places = np.arange(start, start + size).reshape(1, *shape)
    return ThinBatch(np.ones((1, *shape), dtype), places, common)


def thinned(x: Any, common: Places) -> ThinBatch | None:
    """Return one number that was read in full as it was before; None where that is not what it is, or not of few directions."""
    if type(x) is not np.ndarray or x.size != common.members or x.shape[0] != x.size:
        return None
    flat = x.ravel()
    (places,) = np.nonzero(flat)
    if len(places) > common.few:
        return None
    places = places if len(places) else np.zeros(1, np.intp)
    return ThinBatch(flat[places].reshape(-1, *x.shape[1:]), places.reshape(-1, *x.shape[1:]), common)


def speaks(fun: Any) -> bool:
    """Tell whether a function is NumPy's or ours, and so asks its arguments what it means; others may want plain memory."""
    return isinstance(fun, np.ufunc) or (fun.__module__ or "").partition(".")[0] in ("numpy", "dualgrad")


def is_thin(x: Any) -> bool:
    """Tell whether a value is held as few numbers."""
    return type(x) is ThinBatch


def in_full(x: Any) -> Any:
    """Return a value, or nested lists of them, with thin arrays in full."""
    if type(x) is ThinBatch:
        return x.full()
    if type(x) is list or type(x) is tuple:
        return type(x)([in_full(one) for one in x])
    return x


_ARRAYS = (np.ndarray, np.generic, float, int, complex)


def _by_facts(record: Any, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> ThinBatch | None:
    """Return what a function of each number makes of thin arrays, by what its record says of it; None where that is not thin."""
    if type(record) is not Primitive or record.word is not Word.ELEMENTWISE:
        return None
    facts = record.facts
    if len(inputs) == 1:
        (t,) = inputs
        moved: ThinBatch | None = t.with_values(ufunc(t.values)) if facts.linear else None
        return moved
    if len(inputs) != 2 or not (facts.product or facts.quotient):
        return None
    x, y = inputs
    if type(x) is ThinBatch:
        return _scaled(ufunc, x, y)
    return _scaled(ufunc, y, x) if facts.product else None


def _scaled(ufunc: np.ufunc, t: ThinBatch, factor: Any) -> ThinBatch | None:
    """Return a product with numbers that all directions share, or such a quotient; None where they do not."""
    if not isinstance(factor, _ARRAYS):
        return None
    shape = np.shape(factor)
    if len(shape) >= t.values.ndim and type(factor) is np.ndarray:
        # It says itself that all directions share it, or has axes that the members lack.
        if len(shape) > t.values.ndim or shape[0] != 1:
            return None
        factor, shape = factor[0], shape[1:]
    values = ufunc(t.values, factor)
    if values.shape == t.values.shape:
        return t.with_values(values)
    return ThinBatch(values, np.broadcast_to(t.places, values.shape), t.common)


def product(x: Any, y: Any) -> Any:
    """Return a product with small matrices that all directions share; None where they do not, or are larger."""
    t, matrix = (x, y) if type(x) is ThinBatch else (y, x)
    if type(matrix) is not np.ndarray or not 2 <= matrix.ndim < t.ndim or t.ndim < 3:
        return None
    if len(t.values) * matrix.shape[-1 if t is y else -2] > t.common.few:
        return None
    if t is y:
        return np.sum(t[:, ..., None, :, :] * matrix[..., :, :, None], axis=-2)
    return np.sum(t[:, ..., :, :, None] * matrix[..., None, :, :], axis=-2)


def added(x: Any, y: Any, is_difference: bool = False) -> ThinBatch | None:
    """Return the sum of two thin arrays, or their difference; None where it is not thin."""
    if type(x) is not ThinBatch or type(y) is not ThinBatch:
        return None
    if x.numbers == y.numbers:
        return x.with_values(x.values - y.values if is_difference else x.values + y.values)
    if x.shape != y.shape:
        shape = np.broadcast_shapes(x.shape[1:], y.shape[1:])
        x, y = stretched(x, shape), stretched(y, shape)
    values, places, numbers = [*x.values], [*x.places], [*x.numbers]
    for value, place, number in zip(y.values, y.places, y.numbers, strict=True):
        value = -value if is_difference else value
        if number in numbers:
            values[numbers.index(number)] = values[numbers.index(number)] + value
        else:
            values.append(value)
            places.append(place)
            numbers.append(number)
    if len(values) > x.common.few:
        return None
    return ThinBatch(np.stack(values), np.stack(places), x.common, tuple(numbers))


def subtracted(x: Any, y: Any) -> ThinBatch | None:
    """Return the difference of two thin arrays; None where it is not thin."""
    return added(x, y, is_difference=True)


def stretched(t: ThinBatch, shape: tuple[int, ...]) -> ThinBatch:
    """Return a thin array broadcast to a shape, which is that of a member."""
    if t.shape[1:] == shape:
        return t
    t = t.moved(lambda x: x.reshape(len(x), *(1,) * (len(shape) - x.ndim + 1), *x.shape[1:]))
    return t.moved(lambda x: np.broadcast_to(x, (len(x), *shape)))
