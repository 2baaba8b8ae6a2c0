"""`TracedArray`: a tracer that behaves as an ndarray does. Operators, conversions and NumPy's two protocols."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from dualgrad._array.dispatch import call, call_function, call_ufunc, operator, reflected
from dualgrad._array.gather import as_operand
from dualgrad._array.methods import ArrayMethods
from dualgrad._array.object_loops import ObjectLoops
from dualgrad._array.places import is_array, is_view_index
from dualgrad._array.selection import Selection, select
from dualgrad._array.ufunc_methods import call_ufunc_method
from dualgrad._array.views import SCALARS, assign, link, link_item, mark, store, tie_number
from dualgrad._table.functions import getitem
from dualgrad._table.index import fixed_index
from dualgrad._table.record import RECORDS, UNARY
from dualgrad._table.space import Value, is_inexact, shape_of
from dualgrad._trace.level import Tracer, decide, plain
from dualgrad._trace.roots import even_power
from dualgrad.errors import ConversionError

# The operators reach their ufunc without an attribute look-up.
_absolute = np.absolute
_add = np.add
_bitwise_and = np.bitwise_and
_bitwise_or = np.bitwise_or
_bitwise_xor = np.bitwise_xor
_divmod = np.divmod
_equal = np.equal
_floor_divide = np.floor_divide
_greater = np.greater
_greater_equal = np.greater_equal
_invert = np.invert
_left_shift = np.left_shift
_less = np.less
_less_equal = np.less_equal
_matmul = np.matmul
_multiply = np.multiply
_negative = np.negative
_not_equal = np.not_equal
_positive = np.positive
_power = np.power
_remainder = np.remainder
_right_shift = np.right_shift
_square = np.square
_subtract = np.subtract
_true_divide = np.true_divide

_NUMBERS = frozenset((int, float))

_BASIC = frozenset((int, slice, type(None), type(Ellipsis)))


class TracedArray(ArrayMethods, ObjectLoops):
    """An array that one level is looking at: everything an ndarray can do, recorded or carried along by that level."""

    __slots__ = ()

    __pandas_priority__ = 10_000
    """Pandas leaves an operation to what says more than its own 4000; it would put traced numbers into an object series."""

    def __hash__(self) -> NoReturn:
        # As ndarrays, which compare elementwise.
        raise TypeError(
            f"unhashable type: a value being differentiated ({type(self).__name__}), as arrays are, cannot be a key of a dict, a "
            "member of a set, or an argument of a function with lru_cache. Cache inside of what is differentiated, or "
            "compute the key from stop_gradient(x)."
        )

    # ---- NumPy's protocols -----------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, /, *inputs: Any, **kwargs: Any) -> Value:
        if method == "__call__" and not kwargs:
            if (ufunc is _square or ufunc is _power) and inputs[0] is self:
                return self.__pow__(*(inputs[1:] or (2,)))
            if len(inputs) == 1 and (record := UNARY.get(ufunc)) is not None:
                return self._level.unary(record, self)
            return call_ufunc(ufunc, inputs)
        return call_ufunc_method(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
        answer = call_function(func, args, kwargs)
        record = RECORDS.get(func)
        return answer if record is None or not record.facts.fresh else self._made_like(answer)

    def _made_like(self, answer: Value) -> Value:
        # Made like this value, by zeros_like or by like= (NEP 35): an array that values like it can be written to.
        if is_inexact(answer) and not (isinstance(answer, Tracer) and answer._level.depth >= self._level.depth):
            answer = self._level.lift(answer)
        if not shape_of(answer):
            mark(answer)
        return answer

    @property
    def __array_interface__(self) -> NoReturn:
        # NumPy looks for this where an array is to be made of the value. Real numbers go into an object array, which is
        # gathered later; but of complex ones NumPy would say that the imaginary part is 0, without asking them.
        if self.dtype.kind == "c":
            raise ConversionError(
                "np.array or np.asarray of complex values being differentiated would lose their imaginary parts. "
                "Write np.stack([a, b]) instead of np.array([a, b]), or use dualgrad.numpy.array."
            )
        raise AttributeError("__array_interface__")

    # ---- arithmetic ------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Value:
        return operator(_add, self, other)

    def __radd__(self, other: Any) -> Value:
        return reflected(_add, other, self)

    def __sub__(self, other: Any) -> Value:
        return operator(_subtract, self, other)

    def __rsub__(self, other: Any) -> Value:
        return reflected(_subtract, other, self)

    def __mul__(self, other: Any) -> Value:
        if other is self:
            return even_power(self, self._level.binary(RECORDS[_multiply], self, self), 2)
        return operator(_multiply, self, other)

    def __rmul__(self, other: Any) -> Value:
        return reflected(_multiply, other, self)

    def __truediv__(self, other: Any) -> Value:
        return operator(_true_divide, self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return reflected(_true_divide, other, self)

    def __floordiv__(self, other: Any) -> Value:
        return operator(_floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Value:
        return reflected(_floor_divide, other, self)

    def __mod__(self, other: Any) -> Value:
        return operator(_remainder, self, other)

    def __rmod__(self, other: Any) -> Value:
        return reflected(_remainder, other, self)

    def __matmul__(self, other: Any) -> Value:
        return operator(_matmul, self, other)

    def __rmatmul__(self, other: Any) -> Value:
        return reflected(_matmul, other, self)

    def __and__(self, other: Any) -> Value:
        return operator(_bitwise_and, self, other)

    def __rand__(self, other: Any) -> Value:
        return reflected(_bitwise_and, other, self)

    def __or__(self, other: Any) -> Value:
        return operator(_bitwise_or, self, other)

    def __ror__(self, other: Any) -> Value:
        return reflected(_bitwise_or, other, self)

    def __xor__(self, other: Any) -> Value:
        return operator(_bitwise_xor, self, other)

    def __rxor__(self, other: Any) -> Value:
        return reflected(_bitwise_xor, other, self)

    def __pow__(self, other: Any) -> Value:
        # x ** 2 is a square to NumPy too, and its derivatives need no logarithm.
        if type(other) is int and other == 2:
            return even_power(self, self._level.unary(RECORDS[_square], self), 2)  # type: ignore[arg-type]
        answer = operator(_power, self, other)
        if type(other) in _NUMBERS and other >= 2 and other % 2 == 0:
            return even_power(self, answer, other)
        return answer

    def __rpow__(self, other: Any) -> Value:
        return reflected(_power, other, self)

    def __divmod__(self, other: Any) -> Value:
        return call(_divmod, self, other)

    def __rdivmod__(self, other: Any) -> Value:
        return call(_divmod, other, self)

    def __neg__(self) -> Value:
        return self._level.unary(RECORDS[_negative], self)  # type: ignore[arg-type]

    def __pos__(self) -> Value:
        return call(_positive, self)

    def __abs__(self) -> Value:
        return call(_absolute, self)

    def __lshift__(self, other: Any) -> Value:
        return operator(_left_shift, self, other)

    def __rlshift__(self, other: Any) -> Value:
        return reflected(_left_shift, other, self)

    def __rshift__(self, other: Any) -> Value:
        return operator(_right_shift, self, other)

    def __rrshift__(self, other: Any) -> Value:
        return reflected(_right_shift, other, self)

    def __invert__(self) -> Value:
        return call(_invert, self)

    # ---- arithmetic in place ---------------------------------------------------------------------

    def _in_place(self, answer: Value, symbol: str) -> Value:
        # Scalars are immutable in NumPy: `loss += term` makes a new one. Arrays change for everyone who holds them.
        if type(self._value) in SCALARS:
            return answer
        if answer is NotImplemented or (shape_of(self) == () and not is_array(self)):
            return answer
        return assign(self, answer, f"x {symbol} y")

    def __iadd__(self, other: Any) -> Value:
        return self._in_place(self.__add__(other), "+=")

    def __isub__(self, other: Any) -> Value:
        return self._in_place(self.__sub__(other), "-=")

    def __imul__(self, other: Any) -> Value:
        return self._in_place(self.__mul__(other), "*=")

    def __itruediv__(self, other: Any) -> Value:
        return self._in_place(self.__truediv__(other), "/=")

    def __ifloordiv__(self, other: Any) -> Value:
        return self._in_place(self.__floordiv__(other), "//=")

    def __imod__(self, other: Any) -> Value:
        return self._in_place(self.__mod__(other), "%=")

    def __ipow__(self, other: Any) -> Value:
        return self._in_place(self.__pow__(other), "**=")

    def __imatmul__(self, other: Any) -> Value:
        return self._in_place(self.__matmul__(other), "@=")

    def __iand__(self, other: Any) -> Value:
        return self._in_place(self.__and__(other), "&=")

    def __ior__(self, other: Any) -> Value:
        return self._in_place(self.__or__(other), "|=")

    def __ixor__(self, other: Any) -> Value:
        return self._in_place(self.__xor__(other), "^=")

    def __ilshift__(self, other: Any) -> Value:
        return self._in_place(self.__lshift__(other), "<<=")

    def __irshift__(self, other: Any) -> Value:
        return self._in_place(self.__rshift__(other), ">>=")

    # ---- comparisons -----------------------------------------------------------------------------

    def __eq__(self, other: Any) -> Value:
        return operator(_equal, self, other)

    def __ne__(self, other: Any) -> Value:
        return operator(_not_equal, self, other)

    def __lt__(self, other: Any) -> Value:
        return operator(_less, self, other)

    def __le__(self, other: Any) -> Value:
        return operator(_less_equal, self, other)

    def __gt__(self, other: Any) -> Value:
        return operator(_greater, self, other)

    def __ge__(self, other: Any) -> Value:
        return operator(_greater_equal, self, other)

    # ---- as a container --------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Value:
        kind = type(index)
        if kind in _BASIC or (kind is tuple and _BASIC.issuperset(map(type, index))):
            index = fixed_index(index)
            answer = self._level.apply(RECORDS[getitem], (self,), {"index": index})  # type: ignore[arg-type]
            if shape_of(answer):
                if shape_of(self):
                    link(self, answer, index)
                else:
                    link_item(self, answer, index)
            elif index is Ellipsis or (kind is tuple and Ellipsis in index):
                link_item(self, answer, index)
            return answer
        if (selection := select(self, index)) is not None:
            return selection
        answer = call(getitem, self, index)
        if is_view_index(index):
            link_item(self, answer, fixed_index(index))
        return answer

    def __setitem__(self, index: Any, value: Any) -> None:
        if type(value) is Selection:
            index, value = value.written(self, index)
        store(self, index, as_operand(value))

    def __len__(self) -> int:
        shape = shape_of(self)
        if not shape:
            raise TypeError("len() of unsized object")
        return shape[0]

    def __iter__(self) -> Iterator[Value]:
        if not shape_of(self):
            raise TypeError("iteration over a 0-d array")
        if len(shape_of(self)) > 1:
            # One row at a time: a row that is written to is carried to all rows in use.
            return (self[i] for i in range(len(self)))
        items = [self[i] for i in range(len(self))]
        if items:
            # np.asarray(x) comes here, and should share memory with x.
            tie_number(self, items[0])
        return iter(items)

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(self == item))

    # ---- conversions -----------------------------------------------------------------------------

    def __bool__(self) -> bool:
        return decide(bool, self)

    def __float__(self) -> NoReturn:
        raise self._conversion(
            "float(x) (called by yourself, by math.f(x), '%f' % x, np.arange, scipy.integrate.quad, or to store x in a plain "
            "array, as in buffer[i] = x or np.array(..., dtype=float))",
            "Use NumPy's functions (np.sin for math.sin); collect values in a list and np.stack them, or make the buffer like "
            "a traced array, np.zeros_like(x) or np.zeros(shape, like=x), instead of writing into a plain one; print with f'{x:.3f}'",
        )

    def __int__(self) -> NoReturn:
        raise self._conversion(
            "int(x)",
            "For an index or a count write int(stop_gradient(x)), for np.int64(x) of an array x.astype(np.int64)",
        )

    def __complex__(self) -> NoReturn:
        raise self._conversion(
            "complex(x) (called by yourself or by cmath.f(x))", "Use NumPy's functions (np.exp for cmath.exp)"
        )

    def __index__(self) -> NoReturn:
        raise TypeError(
            "A value being differentiated is no integer and cannot be an index or a length. Write int(stop_gradient(x))."
        )

    def item(self, *args: Any) -> NoReturn:
        raise self._conversion("x.item()", "Use x as it is, or x[index] for one of its numbers")

    def _conversion(self, what: str, advice: str) -> ConversionError:
        return ConversionError(
            f"{what} would turn a value being differentiated (shape {shape_of(self)}, {self._level.title}) into a plain number, "
            f"and its derivative would be lost. {advice}; if the value should count as constant, use stop_gradient(x)."
        )

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        x: Value = self
        while isinstance(x, Tracer):
            x._level.was_pickled = True
            x = x._value
        raise ConversionError(
            "Pickling would lose the derivative of a value being differentiated (does another process get it?). "
            "Keep it in this process; if the value should count as constant, use stop_gradient(x)."
        )

    def __dask_tokenize__(self) -> NoReturn:
        # Dask asks this of what it is about to put into a graph, from which no derivative comes back.
        raise ConversionError(
            "A function of dask (da.f, x.dot, x.map_blocks, from_array) was given a value being differentiated, and would have "
            "lost its derivative. Use NumPy's functions and operators, which dask arrays understand: np.sum(x), np.dot(x, y), "
            "x @ y; if the value should count as constant, use stop_gradient(x)."
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._value!r})"

    def __format__(self, spec: str) -> str:
        # Printing loses nothing: text has no derivative.
        return format(plain(self), spec)

    def __str__(self) -> str:
        return str(plain(self))
