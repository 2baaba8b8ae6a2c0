"""Parts of a floating-point number: its neighbour, mantissa and exponent, whole and remainder."""

from __future__ import annotations

import numpy as np

from dualgrad._table.space import Value
from dualgrad._table.structure import Numberwise
from dualgrad.rules.samples import A, case, cases, real, reals
from dualgrad.rules.words import elementwise, handwritten

elementwise(np.nextafter, lambda t: t, None, samples=cases(case(A(3), np.zeros(3))))
elementwise(np.ldexp, lambda t, y: np.ldexp(t, y), None, samples=cases(case(A(3), np.array([1, -2, 0])), case(A(), 3)))


def _modf_jvp(tangents: tuple[Value, ...], ans: Value, /, x: Value) -> tuple[Value, ...]:
    return tangents[0], None


def _modf_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, x: Value) -> tuple[Value, ...]:
    return (ct[0],)


handwritten(
    np.modf,
    _modf_jvp,
    _modf_vjp,
    keep=(),
    outputs=2,
    structure=Numberwise(moves=(True, False)),
    samples=real(),
    signature="x",
)


def _frexp_jvp(tangents: tuple[Value, ...], ans: Value, /, x: Value) -> tuple[Value, ...]:
    return np.ldexp(tangents[0], -ans[1]), None


def _frexp_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, x: Value) -> tuple[Value, ...]:
    return (None if ct[0] is None else np.ldexp(ct[0], -ans[1]),)


handwritten(
    np.frexp,
    _frexp_jvp,
    _frexp_vjp,
    keep=("ans",),
    outputs=2,
    structure=Numberwise(moves=(True, False)),
    samples=real(0.3, 0.45),
    signature="x",
)


def _divmod_jvp(tangents: tuple[Value, ...], ans: Value, /, x: Value, y: Value) -> tuple[Value, ...]:
    tx, ty = tangents
    if ty is None:
        return None, tx
    across = -(ty * np.floor_divide(x, y))
    return None, across if tx is None else tx + across


def _divmod_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, x: Value, y: Value) -> tuple[Value, ...]:
    if ct[1] is None:
        return None, None
    return ct[1], -(ct[1] * np.floor_divide(x, y)) if wanted[1] else None


handwritten(
    np.divmod,
    _divmod_jvp,
    _divmod_vjp,
    keep=("x", "y"),
    outputs=2,
    structure=Numberwise(moves=(False, True)),
    samples=reals((1.0, 1.2), (0.7, 0.8)),
    signature="x, y",
)
