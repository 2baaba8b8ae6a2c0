"""The methods that NumPy's ufuncs call on the elements of object arrays.

`np.sqrt(objects)` runs `x.sqrt()` for each element. With these methods, functions applied to an object array of traced
scalars (see gather.py) come out right before anything has gathered it.
"""

from __future__ import annotations

import numpy as np

from dualgrad._array.dispatch import call_ufunc
from dualgrad._table.space import Value
from dualgrad._trace.level import Tracer


class ObjectLoops(Tracer):
    """One method per ufunc that has an object loop of its own."""

    __slots__ = ()

    def arccos(self) -> Value:
        return call_ufunc(np.arccos, (self,))

    def arccosh(self) -> Value:
        return call_ufunc(np.arccosh, (self,))

    def arcsin(self) -> Value:
        return call_ufunc(np.arcsin, (self,))

    def arcsinh(self) -> Value:
        return call_ufunc(np.arcsinh, (self,))

    def arctan(self) -> Value:
        return call_ufunc(np.arctan, (self,))

    def arctan2(self, other: Value) -> Value:
        return call_ufunc(np.arctan2, (self, other))

    def arctanh(self) -> Value:
        return call_ufunc(np.arctanh, (self,))

    def cbrt(self) -> Value:
        return call_ufunc(np.cbrt, (self,))

    def conjugate(self) -> Value:
        # ndarray's method, which real numbers do not pass: NumPy hands out the array itself.
        return call_ufunc(np.conjugate, (self,)) if self.dtype.kind == "c" else self  # type: ignore[attr-defined]

    def cos(self) -> Value:
        return call_ufunc(np.cos, (self,))

    def cosh(self) -> Value:
        return call_ufunc(np.cosh, (self,))

    def deg2rad(self) -> Value:
        return call_ufunc(np.deg2rad, (self,))

    def degrees(self) -> Value:
        return call_ufunc(np.degrees, (self,))

    def exp(self) -> Value:
        return call_ufunc(np.exp, (self,))

    def exp2(self) -> Value:
        return call_ufunc(np.exp2, (self,))

    def expm1(self) -> Value:
        return call_ufunc(np.expm1, (self,))

    def fabs(self) -> Value:
        return call_ufunc(np.fabs, (self,))

    def fmod(self, other: Value) -> Value:
        return call_ufunc(np.fmod, (self, other))

    def hypot(self, other: Value) -> Value:
        return call_ufunc(np.hypot, (self, other))

    def log(self) -> Value:
        return call_ufunc(np.log, (self,))

    def log10(self) -> Value:
        return call_ufunc(np.log10, (self,))

    def log1p(self) -> Value:
        return call_ufunc(np.log1p, (self,))

    def log2(self) -> Value:
        return call_ufunc(np.log2, (self,))

    def logical_xor(self, other: Value) -> Value:
        return call_ufunc(np.logical_xor, (self, other))

    def rad2deg(self) -> Value:
        return call_ufunc(np.rad2deg, (self,))

    def radians(self) -> Value:
        return call_ufunc(np.radians, (self,))

    def rint(self) -> Value:
        return call_ufunc(np.rint, (self,))

    def sin(self) -> Value:
        return call_ufunc(np.sin, (self,))

    def sinh(self) -> Value:
        return call_ufunc(np.sinh, (self,))

    def sqrt(self) -> Value:
        return call_ufunc(np.sqrt, (self,))

    def tan(self) -> Value:
        return call_ufunc(np.tan, (self,))

    def tanh(self) -> Value:
        return call_ufunc(np.tanh, (self,))
