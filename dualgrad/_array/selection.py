"""`x[mask]` where the mask differs between the members of a batch: as many numbers as each member's mask says.

There is no array of such a shape. But what acts on each number apart can act on all numbers of the array, and only what the
mask selects is written back: `y[mask] *= 2` is `y[...] = np.where(mask, y * 2, y)`. So derivatives follow from those of `np.where`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from dualgrad._array.views import check_kind
from dualgrad._table.index import Region, region_of_mask, split_index
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import Tracer, is_batched
from dualgrad.errors import ConversionError


class Selection(np.lib.mixins.NDArrayOperatorsMixin):
    """What a mask selects: all numbers of the region that it is about, of which it hides some."""

    __slots__ = ("_numbers", "_region")

    def __init__(self, numbers: Value, region: Region) -> None:
        self._numbers = numbers
        self._region = region

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if method != "__call__" or ufunc.signature is not None or kwargs:
            refuse(f"numpy.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}"))
        answer = _number_by_number(ufunc, inputs)
        if out is None:
            return answer
        (target,) = out
        if not isinstance(target, Selection) or isinstance(answer, tuple):
            refuse(f"numpy.{ufunc.__name__}(..., out=)")
        return target._become(answer, ufunc)

    def _become(self, answer: Selection, ufunc: np.ufunc) -> Selection:
        """Do what `x[mask] *= y` does to the numbers, in their shape and dtype."""
        numbers, dtype = answer._numbers, dtype_of(self._numbers)
        if shape_of(numbers) != shape_of(self._numbers):
            raise ValueError(f"numpy.{ufunc.__name__} in place: its result does not fit into what a mask selects.")
        check_kind(numbers, self._numbers, f"numpy.{ufunc.__name__} in place")
        self._numbers = numbers if dtype_of(numbers) == dtype else numbers.astype(dtype)
        return self

    def map(self, f: Callable[[Value], Value]) -> Selection:
        """Return the same with `f` of the numbers, which acts on each of them apart."""
        return Selection(f(self._numbers), self._region)

    # The left operand is asked first, and may be a traced number, which knows nothing of this.

    def __radd__(self, other: Any) -> Any:
        return _number_by_number(np.add, (other, self))

    def __rsub__(self, other: Any) -> Any:
        return _number_by_number(np.subtract, (other, self))

    def __rmul__(self, other: Any) -> Any:
        return _number_by_number(np.multiply, (other, self))

    def __rtruediv__(self, other: Any) -> Any:
        return _number_by_number(np.true_divide, (other, self))

    def __rfloordiv__(self, other: Any) -> Any:
        return _number_by_number(np.floor_divide, (other, self))

    def __rmod__(self, other: Any) -> Any:
        return _number_by_number(np.remainder, (other, self))

    def __rpow__(self, other: Any) -> Any:
        return _number_by_number(np.power, (other, self))

    # ---- what needs a shape ------------------------------------------------------------------------

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            # Python and NumPy ask for these to see what this is.
            raise AttributeError(name)
        refuse(f"x[mask].{name}")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse("an array of it")

    def __getitem__(self, index: Any) -> NoReturn:
        refuse("x[mask][index]")

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        refuse("x[mask][index] = value")

    def __len__(self) -> NoReturn:
        refuse("len(x[mask])")

    def __iter__(self) -> NoReturn:
        refuse("a loop over it")

    def __bool__(self) -> NoReturn:
        refuse("a Python branch on it")

    def __float__(self) -> NoReturn:
        refuse("float(x[mask])")

    def __repr__(self) -> str:
        return f"Selection({self._numbers!r}, {self._region.mask!r})"

    # ---- writing -----------------------------------------------------------------------------------

    def written(self, target: Tracer, index: Any) -> tuple[Any, Value]:
        """Return index and value of the write that `target[index] = selection` is."""
        region = _region_of(target, index)
        if region is None or not _is_same(region, self._region):
            refuse("a write to other places than the same mask selects")
        part = target[region.index]  # type: ignore[index]
        if np.broadcast_shapes(shape_of(self._numbers), shape_of(part)) != shape_of(part):
            raise ValueError("x[mask] = value: the value does not fit into what the mask selects.")
        return region.index, np.where(region.mask, self._numbers, part)


def select(x: Tracer, index: Any) -> Selection | None:
    """Return what `x[index]` is where the index has one array, a mask that differs between members; None otherwise."""
    region = _region_of(x, index)
    if region is None:
        return None
    part = x[region.index]  # type: ignore[index]
    # In the place of what is hidden, a number that hardly any function warns about.
    return Selection(np.where(region.mask, part, dtype_of(part).type(1)), region)


def _region_of(x: Tracer, index: Any) -> Region | None:
    parts = index if isinstance(index, tuple) else (index,)
    if not any([isinstance(part, Tracer) and dtype_of(part).kind == "b" and is_batched(part) for part in parts]):
        return None
    static, arrays = split_index(index)
    return region_of_mask(static, arrays[0], shape_of(x)) if len(arrays) == 1 else None


def _number_by_number(ufunc: np.ufunc, inputs: Sequence[Any]) -> Any:
    region = next(x._region for x in inputs if isinstance(x, Selection))
    answer = ufunc(*[_operand(x, region) for x in inputs])
    return tuple([Selection(a, region) for a in answer]) if isinstance(answer, tuple) else Selection(answer, region)


def _operand(x: Any, region: Region) -> Value:
    if isinstance(x, Selection):
        if not _is_same(x._region, region):
            refuse("to compute with what two different masks select")
        return x._numbers
    if not isinstance(x, (bool, int, float, complex, np.generic, np.ndarray, Tracer)):
        refuse(f"to compute with a {type(x).__name__} and it")
    if len(shape_of(x)) > region.trailing:
        refuse(f"to compute with an array of shape {shape_of(x)} and it")
    return x


def _is_same(one: Region, other: Region) -> bool:
    """Tell whether masks select the same numbers, and give them the same axes."""
    return (one.position, one.trailing) == (other.position, other.trailing) and _is_equal(one.mask, other.mask)


def _is_equal(a: Value, b: Value) -> bool:
    if isinstance(a, Tracer) and isinstance(b, Tracer):
        return a._level is b._level and _is_equal(a._value, b._value)
    return not isinstance(a, Tracer) and not isinstance(b, Tracer) and np.array_equal(a, b)


def refuse(what: str) -> NoReturn:
    raise ConversionError(
        f"x[mask] under vmap, with a mask that differs between the members of the batch, has no one shape; {what} asks for one. "
        "Compute with it number by number (2 * x[mask], np.sqrt(x[mask])) and write that to where the same mask selects, "
        "y[mask] = ... Or write np.where(mask, x, 0) and go on with arrays of full shape."
    )
