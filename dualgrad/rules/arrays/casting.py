"""Copies, in the same dtype or in another one: copy, astype."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.facts import AS_BODY, Facts
from dualgrad._table.foreign import is_foreign
from dualgrad._table.functions import astype, constant_astype, overridable
from dualgrad._table.record import Primitive, Pull, Word, register
from dualgrad._table.signature import Normaliser
from dualgrad._table.space import Function, Space, Value, dtype_of
from dualgrad.errors import ConversionError
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, linear, select_positions

# ---- astype, copy ----------------------------------------------------------------------------------


@overridable
def cast(a: Value, *, dtype: Any) -> Value:
    """Return a copy of `a` in another float or complex dtype."""
    return astype(a, dtype)


# The interpreters move tangents and cotangents into the dtype they belong to, and take real parts where that is real.


def _cast_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, *, dtype: Any) -> Value:
    return tangents[0]


def _cast_pull(ct: Value, *, dtype: Any) -> Value:
    return ct


def _cast_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, *, dtype: Any) -> tuple[Value, ...]:
    return (ct,)


register(
    Primitive(
        key=cast,
        word=Word.ELEMENTWISE,
        fun=astype,
        jvp=_cast_jvp,
        vjp=_cast_vjp,
        samples=cases(case(A(3), dtype="complex128"), case(A(), dtype="complex128"), case(A(2), dtype="float64")),
        normalise=Normaliser("astype", ("a", "dtype"), ("a",), ("dtype",), {}),
        operate=astype,
        pulls=(Pull(_cast_pull, select_positions(())),),
    )
)


def _astype(a: Value, dtype: Any) -> Value:
    # A number rounded to an integer has no derivative.
    dtype = np.dtype(dtype)
    if dtype.kind in "fc":
        return cast(a, dtype=dtype)
    if dtype.kind not in "iub":
        raise ConversionError(
            f"astype({dtype}) would turn a value being differentiated into something without a derivative. "
            "Keep numbers in float arrays; if the value should count as constant, use stop_gradient(x)."
        )
    return constant_astype(a, dtype)


composite(
    astype,
    _astype,
    samples=cases(
        case(A(3), complex), case(A(2, 2), float), case(A(), "complex128"), case(A(2, is_complex=True), "c16")
    ),
)


def _numpy_astype(x: Value, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Value:
    if device not in ("cpu", None):
        raise ValueError(f"Device not understood; only 'cpu' is allowed, but received: {device}")
    return x if not copy and dtype_of(x) == np.dtype(dtype) else astype(x, dtype)


composite(
    np.astype,
    _numpy_astype,
    samples=cases(case(A(3), complex), case(A(2), np.dtype("c16"), copy=False), case(A(2), np.dtype("f8"), copy=False)),
    facts=AS_BODY,
)


def _copy(a: Value, *, order: Any = "K", subok: bool = False) -> Value:
    # Other libraries have the method only.
    numpys: Function = np.copy
    return a.copy() if is_foreign(a) else numpys(a, order, subok)


def _copy_transpose(ct: Value, a: Space, *, order: Any = "K", subok: bool = False) -> Value:
    return ct


linear(
    np.copy,
    _copy_transpose,
    call=_copy,
    word=Word.ELEMENTWISE,
    facts=Facts(is_array=True, linear=True),
    samples=cases(case(A(2, 3)), case(A(2, 3), order="F"), case(A(2), "C", subok=True), case(A()), case(A(0))),
)
