"""Arrays of other libraries that speak NumPy's protocols (dask, CuPy, ...): what has to be said otherwise for them.

They are not asked for their numbers, which may not have been computed yet; what belongs to them is made by their library, in
pieces as theirs; and of ufuncs' methods most know none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_OURS = frozenset((np.ndarray, np.float64, np.float32, np.complex128, float, int, complex, bool))
_NUMBERS = (np.ndarray, np.generic, float, int, complex)

_REDUCTIONS: dict[np.ufunc, Any] = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}


class StandIn:
    """What stands for an array of NumPy's in less memory: an array of our own, so not of another library."""

    __slots__ = ()

    def full(self) -> np.ndarray[Any, Any]:
        """Return the array that it stands for."""
        raise NotImplementedError

    def known(self, fun: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what a function makes of it and others, NotImplemented where it needs not know of stand-ins."""
        raise NotImplementedError


def plain(x: Any) -> Any:
    """Return the value of a tracer below all levels, and any other value as it is."""
    while hasattr(x, "_level"):
        x = x._value
    return x


def is_foreign(x: Any) -> bool:
    """Tell whether a value, traced or not, is an array of another library."""
    if type(x) in _OURS:
        return False
    x = plain(x)
    return not isinstance(x, _NUMBERS) and hasattr(x, "dtype") and not isinstance(x, StandIn)


def any_foreign(values: Any) -> bool:
    """Tell whether one of many values is an array of another library."""
    return not _OURS.issuperset(map(type, values)) and any([is_foreign(x) for x in values])


def is_unknown(shape: tuple[Any, ...]) -> bool:
    """Tell whether a library does not know a size yet, and says NaN."""
    return any([n != n for n in shape])


def reduce(ufunc: np.ufunc, x: Any, axis: Any, keepdims: Any = False) -> Any:
    """Return `ufunc.reduce(x, axis, keepdims=keepdims)`, through the function of that name where `x` is not NumPy's."""
    if isinstance(x, (np.ndarray, np.generic)):
        return ufunc.reduce(x, axis=axis, keepdims=keepdims)
    return _REDUCTIONS[ufunc](x, axis=axis, keepdims=keepdims)


def zeros_like(like: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return zeros made by the library of an array, in pieces as its own where the shape is the same."""
    given: dict[str, Any] = {} if like.shape == shape else {"shape": shape}
    return np.zeros_like(like, dtype=dtype, **given)


def stretched(x: Any, like: Any) -> Any:
    """Return a value broadcast to the shape of an array of another library, in pieces as its own."""
    return zeros_like(like, like.shape, getattr(x, "dtype", None)) + x


def settled(x: Any, like: Any) -> Any:
    """Return a derivative by an array of another library as one of that library, in pieces as its own."""
    if not is_foreign(x) or x.shape != like.shape:
        x = stretched(x, like)
    chunks = getattr(like, "chunks", None)
    return x.rechunk(chunks) if hasattr(x, "rechunk") and x.chunks != chunks else x
