"""The vector space that a value lives in: its shape and dtype, without its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from dualgrad._table import foreign
from dualgrad._table.foreign import is_foreign, is_unknown, plain

Value: TypeAlias = Any
"""What a rule computes with: a plain number, an ndarray, any array that speaks NumPy's protocols, or a traced array."""

Function: TypeAlias = Callable[..., Any]

FLOAT = np.dtype(np.float64)

LARGE = 1024
"""From how many numbers on it is memory that costs, not calls."""

_SCALARS = frozenset((np.float64, np.float32, np.complex128, np.complex64))

_NUMPYS_COMMON = frozenset((np.ndarray, np.float64))
_PYTHONS = frozenset((float, complex, int))
_FLOATS = frozenset((float, np.float64))


class Space:
    """Shape and dtype of an array that nobody kept; what a rule gets for an operand whose numbers it does not need."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))

    def __repr__(self) -> str:
        return f"Space(shape={self.shape}, dtype={self.dtype})"


class ForeignSpace(Space):
    """The space of an array of another library, which makes what belongs to it."""

    __slots__ = ("like",)

    def __init__(self, x: Value) -> None:
        super().__init__(x.shape, x.dtype)
        self.like = plain(x)


def space_of(x: Value) -> Space:
    """Return the space of a number or array; a Python number counts as its NumPy scalar."""
    try:
        return Space(x.shape, x.dtype) if type(x) is np.ndarray or not is_foreign(x) else ForeignSpace(x)
    except AttributeError:
        dtype = np.dtype(type(x))
        return Space((), dtype)


def shape_of(x: Value) -> tuple[int, ...]:
    """Return the shape of a number or array without NumPy's conversion."""
    shape: tuple[int, ...] = getattr(x, "shape", ())
    return shape


def has_space(x: Value) -> bool:
    """Tell whether a value is a float or an array, not what else an operand can be."""
    return hasattr(x, "dtype") or isinstance(x, (float, complex))


def space_unless_equal(x: Value, ans: Value) -> Any:
    """Return the space of an operand, or None where the answer's space is the same and cotangents need no correction."""
    if type(x) is np.ndarray:
        return None if type(ans) is np.ndarray and x.shape == ans.shape and x.dtype is ans.dtype else (x.shape, x.dtype)
    if type(x) in _FLOATS and type(ans) in _FLOATS:
        return None
    return shape_of(x), dtype_of(x)


def base_class(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array of a subclass, a memory map for example, as one of NumPy's own class that a tape can look after.

    One whose class says itself what NumPy's functions mean comes back as it is.
    """
    if type(x).__array_ufunc__ is not np.ndarray.__array_ufunc__:
        return x
    found = np.asarray(x)
    # A view of `x` itself is copied where it is kept. NumPy may make one of what `x` is a view of, and then nobody would
    # see what is written through `x`.
    return found if found is x or found.base is x else found.copy()


def dtype_of(x: Value) -> np.dtype[Any]:
    """Return the dtype of a number or array; a Python number counts as its NumPy scalar."""
    dtype = getattr(x, "dtype", None)
    return np.dtype(type(x)) if dtype is None else dtype


def is_inexact(x: Value) -> bool:
    """Tell whether a value is a float or complex number or an array of such: what can be differentiated."""
    dtype = getattr(x, "dtype", None)
    if dtype is None:
        return isinstance(x, (float, complex))
    return getattr(dtype, "kind", "-") in "fc"


def zeros_of(x: Value) -> Value:
    """Return the zero of a value's space, as an array of the same sort (a dask array stays one)."""
    if shape_of(x) == ():
        return dtype_of(x).type(0)
    # NumPy's own arrays are made at once; another library's are made by it.
    return foreign.zeros_like(plain(x), x.shape, x.dtype) if is_foreign(x) else np.zeros(x.shape, x.dtype)


def conform_tangent(tangent: Value, ans: Value) -> Value:
    """Move a tangent into the space of the answer it belongs to: its shape, its dtype, real where the answer is real."""
    if (
        type(ans) in _NUMPYS_COMMON
        and type(tangent) not in _PYTHONS
        and tangent.shape == ans.shape
        and tangent.dtype is ans.dtype
    ):
        return tangent
    shape, dtype = shape_of(ans), dtype_of(ans)
    found = dtype_of(tangent)
    if found != dtype:
        if found.kind == "c" and dtype.kind != "c":
            tangent = np.real(tangent)
        tangent = dtype.type(tangent) if isinstance(tangent, (float, complex, int)) else tangent.astype(dtype)
    if shape_of(tangent) != shape:
        tangent = broadcast(tangent, shape)
    return tangent


def conform_cotangent(cotangent: Value, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Value:
    """Move a cotangent into the space of the operand it belongs to; the transpose of `conform_tangent`.

    Where the operand was broadcast the cotangent is summed; where a real operand met a complex one its real part is taken.
    """
    if type(cotangent) is np.ndarray and cotangent.shape == shape and cotangent.dtype is dtype:
        return cotangent
    if shape_of(cotangent) != shape:
        cotangent = unbroadcast(cotangent, shape)
    found = dtype_of(cotangent)
    if found is not dtype and found != dtype:
        if found.kind == "c" and dtype.kind != "c":
            cotangent = np.real(cotangent)
        if isinstance(cotangent, (float, complex, int)):
            return dtype.type(cotangent)
        cotangent = cotangent.astype(dtype)
    return cotangent


def broadcast(x: Value, shape: tuple[int, ...]) -> Value:
    """Return `x` broadcast to a shape: `np.broadcast_to`, at a tenth of its price for plain scalars.

    The result may be a view with repeated memory: it is for reading.
    """
    if type(x) in _SCALARS:
        return np.ndarray(shape, x.dtype, np.array(x), 0, (0,) * len(shape))
    # Sizes that are not known are believed to be right.
    return x if is_unknown(shape) else np.broadcast_to(x, shape)


def like_of(a: Value) -> Value:
    """Return the array of another library that a value is, or that a space is of; None where there is none."""
    if isinstance(a, Space):
        return a.like if type(a) is ForeignSpace else None
    return plain(a) if is_foreign(a) else None


def _sum(x: Value, axes: tuple[int, ...], keepdims: bool = False) -> Value:
    """Return the sum along axes. BLAS does it several times as fast as NumPy's own loops where these are short or strided."""
    if not (type(x) is np.ndarray and x.size >= LARGE and x.dtype.char in "fd" and x.flags.c_contiguous):
        return foreign.reduce(np.add, x, axes, keepdims)
    shape = x.shape
    first, last = axes[0], axes[-1]
    if axes != tuple(range(first, last + 1)):
        return np.add.reduce(x, axis=axes, keepdims=keepdims)  # type: ignore[call-overload]
    before, along = math.prod(shape[:first]), math.prod(shape[first : last + 1])
    ones = np.ones(along, x.dtype)
    if last == len(shape) - 1:
        total = x.reshape(before, along) @ ones
    elif before == 1:
        total = ones @ x.reshape(along, -1)
    else:
        total = np.matmul(ones, x.reshape(before, along, -1))
    between = (1,) * len(axes) if keepdims else ()
    return total.reshape((*shape[:first], *between, *shape[last + 1 :]))


def unbroadcast(cotangent: Value, shape: tuple[int, ...]) -> Value:
    """Sum over the axes along which an operand of the given shape was broadcast."""
    found = shape_of(cotangent)
    extra = len(found) - len(shape)
    if extra < 0:
        return broadcast(cotangent, shape)
    if extra:
        cotangent = _sum(cotangent, tuple(range(extra)))
        found = found[extra:]
    stretched = tuple([i for i, (n, m) in enumerate(zip(found, shape, strict=True)) if m == 1 != n])
    if stretched:
        cotangent = _sum(cotangent, stretched, True)
    return cotangent if shape_of(cotangent) == shape else broadcast(cotangent, shape)
