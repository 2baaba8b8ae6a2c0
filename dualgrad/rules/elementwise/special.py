"""np.sinc and np.i0, each with a family of functions that is closed under differentiation: exact to any order."""

from __future__ import annotations

import math

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facts import ARRAY
from dualgrad._table.functions import overridable
from dualgrad._table.space import Value, dtype_of
from dualgrad._table.structure import Numberwise
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, handwritten

# ---- sinc ------------------------------------------------------------------------------------------

# With f(z) = sin(z) / z, differentiating z f(z) = sin(z) n times gives z f_n + n f_(n-1) = sin(z + n pi / 2) for the
# derivatives f_n. Upwards this recurrence multiplies rounding by n / z, so below |z| = n + 1 the power series takes its
# place: f_n(z) = sum over k with 2 k >= n of (-1)^k z^(2k - n) / ((2k - n)! (2k + 1)).


@overridable
def sinc_derivative(z: Value, *, order: int) -> Value:
    """Return the derivative of sin(z) / z of some order."""
    near = np.abs(z) <= max(order + 1, 1e-20)
    far = np.where(near, 1, z)
    found = np.sin(far) / far
    for n in range(1, order + 1):
        found = (np.sin(far + n * (math.pi / 2)) - n * found) / far
    return np.where(near, _sinc_series(np.where(near, z, 0), order), found)


def _sinc_series(z: Value, order: int) -> Value:
    """Return the power series of the derivative, for |z| up to order + 1."""
    first = (order + 1) // 2
    # The terms fall below rounding where (order + 1) ** m < eps * m!.
    last = first + 12 + 2 * order
    square = z * z
    total = np.zeros_like(z)
    for k in range(last, first - 1, -1):
        total = total * square + (-1) ** k / (math.factorial(2 * k - order) * (2 * k + 1))
    return total * z if order % 2 else total


def _sinc_jvp(tangents: tuple[Value, ...], ans: Value, /, z: Value, *, order: int) -> Value:
    return tangents[0] * sinc_derivative(z, order=order + 1)


def _sinc_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, z: Value, *, order: int) -> tuple[Value, ...]:
    return (ct * sinc_derivative(z, order=order + 1),)


_NEAR_ZERO = np.array([0.0, 1e-9, -1e-4, 0.3, -1.7, 2.9, 4.1, -30.0])

handwritten(
    sinc_derivative,
    _sinc_jvp,
    _sinc_vjp,
    keep=("z",),
    structure=Numberwise(),
    samples=cases(
        case(_NEAR_ZERO, order=0),
        case(_NEAR_ZERO, order=1),
        case(_NEAR_ZERO, order=2),
        case(A(2, 3), order=5),
        case(A(), order=0),
        case(A(2, is_complex=True), order=1),
        case(A(0), order=2),
    ),
)


def _sinc(x: Value) -> Value:
    return sinc_derivative(np.pi * as_operand(x), order=0)


composite(
    np.sinc,
    _sinc,
    samples=cases(case(A(2, 3)), case(A()), case(_NEAR_ZERO), case(A(2, is_complex=True)), case(A(0))),
)

# ---- i0 --------------------------------------------------------------------------------------------

# I_n' = (I_(n-1) + I_(n+1)) / 2, and I_(-1) = I_1 (DLMF 10.29.1). The ratios r_n = I_n / I_(n-1) follow from each other
# downwards, r_n = x / (2 n + x r_(n+1)), without cancellation and without a division by x (Gautschi 1967, "Computational
# aspects of three-term recurrence relations").


@overridable
def bessel_i(x: Value, *, order: int) -> Value:
    """Return the modified Bessel function I of the first kind and of some order (0, 1, 2, ...)."""
    found = np.i0(x)
    if order == 0 or not found.size:
        return found
    # Where I_0 overflows, at 714, a ratio only has to be finite.
    z = np.clip(x, -1000, 1000)
    largest = float(np.max(np.abs(z), initial=0.0, where=np.isfinite(z)))
    # A step multiplies an error by r_n ** 2, about exp(-2 n / x); this many make it less than rounding.
    steps = order + 20 + math.ceil(math.sqrt(40 * largest))
    ratio = z / (2 * steps + np.abs(z))
    for n in range(steps - 1, 0, -1):
        ratio = z / (2 * n + z * ratio)
        if n <= order:
            found = found * ratio
    return found


def _bessel_slope(x: Value, order: int) -> Value:
    if order == 0:
        return bessel_i(x, order=1)
    return (bessel_i(x, order=order - 1) + bessel_i(x, order=order + 1)) * 0.5


def _bessel_jvp(tangents: tuple[Value, ...], ans: Value, /, x: Value, *, order: int) -> Value:
    return tangents[0] * _bessel_slope(x, order)


def _bessel_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, x: Value, *, order: int) -> tuple[Value, ...]:
    return (ct * _bessel_slope(x, order),)


_NUMBERS = np.array([0.0, 1e-8, -0.5, 3.0, -7.9, 8.1])

handwritten(
    bessel_i,
    _bessel_jvp,
    _bessel_vjp,
    keep=("x",),
    structure=Numberwise(),
    samples=cases(
        case(_NUMBERS, order=0),
        case(_NUMBERS, order=1),
        case(A(2, 3), order=4),
        case(A(), order=0),
        case(A(0), order=1),
    ),
)


def _i0(x: Value) -> Value:
    x = as_operand(x)
    if dtype_of(x).kind == "c":
        raise TypeError("i0 not supported for complex values")
    return bessel_i(x, order=0)


composite(np.i0, _i0, samples=cases(case(A(2, 3)), case(A()), case(_NUMBERS), case(A(0))), facts=ARRAY)
