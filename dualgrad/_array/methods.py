"""ndarray's methods and properties, written out, each one saying which NumPy function it is."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from dualgrad._array.dispatch import call
from dualgrad._array.gather import as_operand
from dualgrad._array.layout import in_order
from dualgrad._array.places import is_array
from dualgrad._array.views import FLAT, assign, change_shape, flat, is_slice_of, mark, store
from dualgrad._table.functions import astype
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import Tracer, plain
from dualgrad.errors import ConversionError


class ArrayMethods(Tracer):
    """The methods and properties of a traced array."""

    __slots__ = ()

    # ---- facts -----------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return shape_of(self._value)

    @shape.setter
    def shape(self, shape: Any) -> None:
        change_shape(self, shape)

    @property
    def ndim(self) -> int:
        return len(shape_of(self._value))

    @property
    def size(self) -> int:
        size = 1
        for n in shape_of(self._value):
            size *= n
        return size

    @property
    def dtype(self) -> np.dtype[Any]:
        return dtype_of(self._value)

    @dtype.setter
    def dtype(self, dtype: Any) -> NoReturn:
        raise ConversionError(
            "x.dtype = ... reinterprets the bytes of a value being differentiated. Use x.astype(dtype)."
        )

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def strides(self) -> NoReturn:
        # as_strided makes an array of objects of a traced one, in which these strides would lead out of its memory.
        raise ConversionError(
            "x.strides: a value being differentiated has no layout in memory of its own. For windows use "
            "np.lib.stride_tricks.sliding_window_view, for anything else index with arrays of places."
        )

    @property
    def flags(self) -> Any:
        return np.asarray(plain(self)).flags

    # ---- views and shapes ------------------------------------------------------------------------

    @property
    def T(self) -> Value:
        return call(np.transpose, self)

    @property
    def mT(self) -> Value:
        return call(np.swapaxes, self, -1, -2)

    @property
    def real(self) -> Value:
        return call(np.real, self)

    @real.setter
    def real(self, value: Any) -> None:
        if self.dtype.kind == "c":
            raise ConversionError("x.real = value writes to a part of x. Write x[...] = value + 1j * np.imag(x).")
        store(self, Ellipsis, as_operand(value))

    @property
    def imag(self) -> Value:
        return call(np.imag, self)

    @imag.setter
    def imag(self, value: Any) -> NoReturn:
        if self.dtype.kind == "c":
            raise ConversionError("x.imag = value writes to a part of x. Write x[...] = np.real(x) + 1j * value.")
        raise TypeError("array does not have imaginary part to set")

    @property
    def flat(self) -> Value:
        return flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        if is_slice_of(value, self, FLAT):
            return
        # Too few numbers are repeated, too many are dropped.
        value = as_operand(value)
        if size := int(np.prod(shape_of(value))):
            store(
                self, Ellipsis, value if size == 1 else call(np.reshape, call(np.resize, value, self.size), self.shape)
            )

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> Value:
        wanted = shape[0] if len(shape) == 1 else shape
        return call(np.reshape, self, wanted, order=order, **_given(copy=copy))

    def ravel(self, order: Any = "C") -> Value:
        return call(np.ravel, self, order=order)

    def flatten(self, order: Any = "C") -> Value:
        answer = call(np.ravel, call(np.copy, self), order=order)
        # It shares memory with the copy only, which nobody else has.
        return call(np.positive, answer) if isinstance(answer, Tracer) else answer

    def transpose(self, *axes: Any) -> Value:
        if not axes or axes == (None,):
            return call(np.transpose, self)
        return call(np.transpose, self, axes=axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes)

    def swapaxes(self, axis1: int, axis2: int) -> Value:
        return call(np.swapaxes, self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> Value:
        return call(np.squeeze, self, axis=axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
        return call(np.diagonal, self, offset=offset, axis1=axis1, axis2=axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Value:
        return call(np.trace, self, offset=offset, axis1=axis1, axis2=axis2, **_given(dtype=dtype, out=out))

    def repeat(self, repeats: Any, axis: int | None = None) -> Value:
        return call(np.repeat, self, repeats, axis=axis)

    def take(self, indices: Any, axis: int | None = None, out: Any = None, mode: Any = "raise") -> Value:
        return call(np.take, self, indices, axis=axis, mode=mode, **_given(out=out))

    def choose(self, choices: Any, out: Any = None, mode: Any = "raise") -> Value:
        return call(np.choose, self, choices, mode=mode, **_given(out=out))

    def compress(self, condition: Any, axis: int | None = None, out: Any = None) -> Value:
        return call(np.compress, condition, self, axis=axis, **_given(out=out))

    def copy(self, order: Any = "C") -> Value:
        # A scalar's copy is a scalar.
        return call(np.copy, self) if is_array(self) else self

    def __copy__(self) -> Value:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Value:
        return self.copy()

    def astype(
        self, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
    ) -> Value:
        if not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"Cannot cast from {self.dtype} to {np.dtype(dtype)} with casting rule {casting!r}.")
        if not copy and np.dtype(dtype) == self.dtype:
            return in_order(self, order)
        answer = call(astype, self, dtype)
        if not shape_of(answer) and is_array(self):
            mark(answer)
        return answer

    def view(self, *args: Any, **kwargs: Any) -> Value:
        if not args and not kwargs:
            return call(np.reshape, self, self.shape)
        raise ConversionError(
            "x.view(dtype) reinterprets the bytes of a value being differentiated. Use x.astype(dtype)."
        )

    def tolist(self) -> Any:
        return self if not self.shape else [x.tolist() for x in self]  # type: ignore[attr-defined]

    # ---- reductions ------------------------------------------------------------------------------

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, **kwargs: Any) -> Value:
        return call(np.sum, self, axis=axis, **_given(dtype=dtype, out=out), **kwargs)

    def prod(self, axis: Any = None, dtype: Any = None, out: Any = None, **kwargs: Any) -> Value:
        return call(np.prod, self, axis=axis, **_given(dtype=dtype, out=out), **kwargs)

    def mean(self, axis: Any = None, dtype: Any = None, out: Any = None, **kwargs: Any) -> Value:
        return call(np.mean, self, axis=axis, **_given(dtype=dtype, out=out), **kwargs)

    def var(self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, **kwargs: Any) -> Value:
        return call(np.var, self, axis=axis, ddof=ddof, **_given(dtype=dtype, out=out), **kwargs)

    def std(self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, **kwargs: Any) -> Value:
        return call(np.std, self, axis=axis, ddof=ddof, **_given(dtype=dtype, out=out), **kwargs)

    def max(self, axis: Any = None, out: Any = None, **kwargs: Any) -> Value:
        return call(np.max, self, axis=axis, **_given(out=out), **kwargs)

    def min(self, axis: Any = None, out: Any = None, **kwargs: Any) -> Value:
        return call(np.min, self, axis=axis, **_given(out=out), **kwargs)

    def all(self, axis: Any = None, out: Any = None, keepdims: bool = False, **kwargs: Any) -> Value:
        return call(np.all, self, axis=axis, **_given(out=out, keepdims=keepdims or None), **kwargs)

    def any(self, axis: Any = None, out: Any = None, keepdims: bool = False, **kwargs: Any) -> Value:
        return call(np.any, self, axis=axis, **_given(out=out, keepdims=keepdims or None), **kwargs)

    def argmax(self, axis: Any = None, out: Any = None, **kwargs: Any) -> Value:
        return call(np.argmax, self, axis=axis, **_given(out=out), **kwargs)

    def argmin(self, axis: Any = None, out: Any = None, **kwargs: Any) -> Value:
        return call(np.argmin, self, axis=axis, **_given(out=out), **kwargs)

    def argsort(self, axis: Any = -1, kind: Any = None, order: Any = None, **kwargs: Any) -> Value:
        return call(np.argsort, self, axis=axis, **_given(kind=kind, order=order), **kwargs)

    def argpartition(self, kth: Any, axis: Any = -1, kind: Any = None, order: Any = None) -> Value:
        return call(np.argpartition, self, kth, axis=axis, **_given(kind=kind, order=order))

    def nonzero(self) -> Value:
        return call(np.nonzero, self)

    def searchsorted(self, v: Any, side: Any = "left", sorter: Any = None) -> Value:
        return call(np.searchsorted, self, v, side=side, sorter=sorter)

    # ---- arithmetic ------------------------------------------------------------------------------

    def cumsum(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Value:
        return call(np.cumsum, self, axis=axis, **_given(dtype=dtype, out=out))

    def cumprod(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Value:
        return call(np.cumprod, self, axis=axis, **_given(dtype=dtype, out=out))

    def clip(self, min: Any = None, max: Any = None, out: Any = None, **kwargs: Any) -> Value:
        return call(np.clip, self, min, max, **_given(out=out), **kwargs)

    def round(self, decimals: int = 0, out: Any = None) -> Value:
        return call(np.round, self, decimals, **_given(out=out))

    def __round__(self, ndigits: int = 0) -> Value:
        return call(np.round, self, ndigits)

    def conj(self) -> Value:
        return call(np.conjugate, self) if self.dtype.kind == "c" else self

    def dot(self, other: Any, /, out: Any = None) -> Value:
        return call(np.dot, self, other, **_given(out=out))

    # ---- in place --------------------------------------------------------------------------------

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None, **kwargs: Any) -> None:
        assign(self, call(np.sort, self, axis=axis, **_given(kind=kind, order=order), **kwargs), "x.sort()")

    def partition(self, kth: Any, axis: int = -1, kind: Any = None, order: Any = None) -> None:
        assign(self, call(np.partition, self, kth, axis=axis, **_given(kind=kind, order=order)), "x.partition()")

    def fill(self, value: Any) -> None:
        store(self, Ellipsis, as_operand(value))

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        call(np.put, self, indices, values, mode=mode)

    def __delitem__(self, index: Any) -> NoReturn:
        raise ValueError("cannot delete array elements")

    def resize(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ConversionError(
            "x.resize() changes an array in place. Use np.resize(x, shape) or np.concatenate instead."
        )

    def setflags(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise _of_memory("x.setflags()", "Write x.copy() and keep that, where x must not change")

    def setfield(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise _of_memory(
            "x.setfield()", "Write x[...] = value, or x[...] = value + 1j * np.imag(x) for the real part of x"
        )

    # ---- as a library of arrays ------------------------------------------------------------------

    @property
    def device(self) -> Any:
        return getattr(plain(self), "device", "cpu")

    def to_device(self, device: Any, /, *, stream: Any = None) -> Value:
        if stream is not None or device != self.device:
            raise ValueError(
                f"x.to_device({device!r}): a value being differentiated stays where it is, on {self.device!r}. Move the "
                "arguments before the derivative is taken."
            )
        return self

    def __array_namespace__(self, *, api_version: Any = None) -> Any:
        # Its functions are told of traced values, as everywhere.
        return np.zeros(0).__array_namespace__(api_version=api_version) if api_version else np

    # ---- what would lose the derivative ----------------------------------------------------------

    @property
    def base(self) -> NoReturn:
        raise _of_memory("x.base", "Write x.copy() where x must share with nothing")

    @property
    def data(self) -> NoReturn:
        raise _of_memory("x.data", "Use x itself, with NumPy's functions")

    @property
    def ctypes(self) -> NoReturn:
        raise _of_memory("x.ctypes", "Give the function in C rules of its own, with custom_jvp or custom_vjp")

    def byteswap(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise _of_memory("x.byteswap()", "Write x.astype(dtype) for another byte order")

    def getfield(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise _of_memory("x.getfield()", "Write np.real(x), np.imag(x) or x.astype(dtype)")

    def __dlpack__(self, **kwargs: Any) -> NoReturn:
        raise _lost("from_dlpack(x)", "To go through another library, use custom_jvp or custom_vjp", "from_dlpack({})")

    def __dlpack_device__(self) -> NoReturn:
        self.__dlpack__()

    def tobytes(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise _lost("x.tobytes()", "Write it down after the derivative is taken", "{}.tobytes()")

    def tostring(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise _lost("x.tostring()", "Write it down after the derivative is taken", "{}.tobytes()")

    def tofile(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise _lost("x.tofile()", "Write it down after the derivative is taken", "{}.tofile(file)")

    def dump(self, file: Any) -> NoReturn:
        raise _lost("x.dump()", "Write it down after the derivative is taken", "{}.dump(file)")

    def dumps(self) -> NoReturn:
        raise _lost("x.dumps()", "Write it down after the derivative is taken", "{}.dumps()")


def _lost(call: str, advice: str, constant: str) -> ConversionError:
    """Return the error for what would make plain numbers of a traced value."""
    return ConversionError(
        f"{call} would lose the derivative of x. {advice}; if it should count as constant, use "
        f"{constant.format('stop_gradient(x)')}."
    )


def _of_memory(call: str, advice: str) -> ConversionError:
    """Return the error for what asks for the memory of a traced value."""
    return ConversionError(
        f"{call}: a value being differentiated has no memory of its own. {advice}; if it should count as constant, use "
        "stop_gradient(x)."
    )


def _given(**kwargs: Any) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if value is not None}
