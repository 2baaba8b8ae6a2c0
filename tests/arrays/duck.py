"""The least that an array of another library can be: both protocols, a few attributes, and nobody gets at its numbers."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin


class Duck(NDArrayOperatorsMixin):
    """An array that cannot be asked: it has no truth value, is no number, and does not become an ndarray."""

    def __init__(self, numbers: Any) -> None:
        self.hidden = np.asarray(numbers)

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.hidden.shape
        return shape

    @property
    def ndim(self) -> int:
        return self.hidden.ndim

    @property
    def size(self) -> int:
        return self.hidden.size

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self.hidden.dtype
        return dtype

    @property
    def T(self) -> Duck:
        return Duck(self.hidden.T)

    def astype(self, dtype: Any) -> Duck:
        return Duck(self.hidden.astype(dtype))

    def copy(self) -> Duck:
        return Duck(self.hidden.copy())

    def __getitem__(self, index: Any) -> Duck:
        return Duck(self.hidden[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.hidden[index] = _hidden(value)

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("somebody asked for the numbers")

    __bool__ = __float__ = __int__ = __complex__ = __index__ = __array__ = __iter__ = _refuse

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs or not all(isinstance(x, _KNOWN) for x in inputs):
            return NotImplemented
        return _wrapped(ufunc(*map(_hidden, inputs)))

    def __array_function__(self, fun: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(kind, _KNOWN) for kind in types) or not fun.__module__.startswith("numpy"):
            return NotImplemented
        return _wrapped(fun(*map(_hidden, args), **{name: _hidden(x) for name, x in kwargs.items()}))


_KNOWN = (Duck, np.ndarray, np.generic, float, int, complex)


def _hidden(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return type(x)([_hidden(y) for y in x])
    return x.hidden if isinstance(x, Duck) else x


def _wrapped(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return type(x)([_wrapped(y) for y in x])
    return Duck(x) if isinstance(x, (np.ndarray, np.generic)) else x
