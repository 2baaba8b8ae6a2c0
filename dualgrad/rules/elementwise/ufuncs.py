"""NumPy's ufuncs that act on each number apart: one formula per operand, to be proof-read in columns.

A formula says how a tangent `t` of that operand moves the answer. `t` comes first in every product, so that a division by
zero is NumPy's (inf, nan), never Python's exception.
"""

from __future__ import annotations

import math

import numpy as np

from dualgrad._table.facets import LOWER, PATTERN, REDUCES, UNDER, Root
from dualgrad._table.facts import Facts
from dualgrad._table.functions import own_body
from dualgrad._table.space import Value, dtype_of
from dualgrad._trace.zeros import may_hold_nan
from dualgrad.rules.elementwise._patterns import power_pattern
from dualgrad.rules.elementwise.digits import degree, log_of
from dualgrad.rules.elementwise.own import (
    cosine_of,
    hypot_slope,
    logistic,
    one_minus_square,
    safe_quotient,
    sech2,
    squared_size,
    tanh_slope,
)
from dualgrad.rules.samples import A, analytic, case, real, reals
from dualgrad.rules.words import elementwise, handwritten

# ---- powers and roots ------------------------------------------------------------------------------


def power_x(t: Value, x: Value, y: Value) -> Value:
    """Exact at base 0 for the exponents 0, 1, 2, ...: the factor y is 0 before 0 ** (y - 1) can be infinite."""
    if isinstance(y, (int, float)):
        return t * (y * np.power(x, y - 1)) if y not in (0, 1, 2) else t * (y * x) if y == 2 else t * y
    return t * (y * np.power(x, np.where((x == 0) & (y == 0), 1, y - 1)))


def power_y(t: Value, ans: Value, x: Value) -> Value:
    """At base 0 the limit for positive exponents: 0."""
    if isinstance(x, (int, float)):
        # As a Python float, which is weak.
        return t * (ans * (log_of(x, ans) if x > 0 else 0.0 if x == 0 else math.nan))
    return t * (ans * np.log(np.where(x == 0, 1, x)))


def _power(x: Value, y: Value) -> Value:
    found = np.power(x, y)
    # A Python float stays one: beside an array of float32 it is weak.
    return found.item() if type(x) in _WEAK and type(y) in _WEAK else found


_WEAK = (float, int)
POWERS = reals(
    (0.3, 2.0),
    (-2.0, 2.0),
    case(A(3, low=0.3), 2),
    case(A(3, low=0.3), 3.0),
    case(A(3, low=0.3), np.array([0.0, 1.0, 2.0])),
    case(A(2, is_complex=True, low=0.3), A(2, is_complex=True)),
)
elementwise(np.power, power_x, power_y, says=(PATTERN(power_pattern),), samples=POWERS, operate=_power, poles=True)
elementwise(np.float_power, power_x, power_y, says=(PATTERN(power_pattern),), samples=POWERS, poles=True)


def _sqrt_over(t: Value, ans: Value, out: Value) -> Value:
    np.true_divide(t, ans, out=out)
    return np.multiply(out, 0.5, out=out)


def _under_sqrt(x: Value) -> Value:
    return x


def _operand_of_sqrt(ans: Value) -> Value:
    return ans**2


elementwise(
    np.sqrt,
    lambda t, ans: t / ans * 0.5,
    samples=analytic(0.3, 3),
    poles=True,
    in_place=(_sqrt_over,),
    says=(UNDER(Root(_under_sqrt, operand=_operand_of_sqrt)),),
)
elementwise(np.cbrt, lambda t, ans: t / (3 * ans * ans), samples=real(0.3, 3), poles=True)

# ---- exponentials and logarithms -------------------------------------------------------------------

elementwise(np.exp, lambda t, ans: t * ans, samples=analytic(), poles=True, in_place=(np.multiply,))
elementwise(np.exp2, lambda t, ans: t * ans * log_of(2, ans), samples=analytic(), poles=True)
# Not ans + 1, which loses all digits where x is very negative.
elementwise(np.expm1, lambda t, x: t * np.exp(x), samples=analytic(), poles=True)
elementwise(np.log, lambda t, x: t / x, samples=analytic(0.3, 3), poles=True, in_place=(np.true_divide,))
elementwise(np.log2, lambda t, x: t / x / log_of(2, x), samples=analytic(0.3, 3), poles=True)
elementwise(np.log10, lambda t, x: t / x / log_of(10, x), samples=analytic(0.3, 3), poles=True)
elementwise(np.log1p, lambda t, x: t / (1 + x), samples=analytic(-0.5, 3), poles=True)


def _difference(a: Value, b: Value) -> Value:
    """Return a - b, and 0 where both are the same infinity."""
    found = a - b
    return np.where(a == b, 0, found) if may_hold_nan(found) else found


# What `x` has of the sum of both exponentials. Not exp(x - ans), which loses digits where x is large, and its derivative
# all of them.
elementwise(
    np.logaddexp,
    lambda t, x, y: t * logistic(_difference(x, y)),
    lambda t, x, y: t * logistic(_difference(y, x)),
    samples=reals(),
)


def _logistic2(x: Value) -> Value:
    return logistic(x * log_of(2, x))


elementwise(
    np.logaddexp2,
    lambda t, x, y: t * _logistic2(_difference(x, y)),
    lambda t, x, y: t * _logistic2(_difference(y, x)),
    samples=reals(),
)
elementwise(logistic, lambda t, ans, x: t * ans * logistic(-x), says=(LOWER(own_body(logistic)),), samples=real())

# ---- trigonometric and hyperbolic ------------------------------------------------------------------

elementwise(np.sin, lambda t, x: t * np.cos(x), samples=analytic())
elementwise(np.cos, lambda t, x: -(t * np.sin(x)), samples=analytic())


def _tan(t: Value, ans: Value, x: Value) -> Value:
    # Of complex numbers 1 + tan ** 2 loses all digits far from the real axis.
    return t * (sech2(1j * x) if dtype_of(x).kind == "c" else 1 + ans * ans)


elementwise(np.tan, _tan, samples=analytic(-1, 1))
elementwise(
    one_minus_square, lambda t, x: t * (-2 * x), says=(LOWER(own_body(one_minus_square)),), samples=analytic(-0.9, 0.9)
)


def _cosine_of_arcsin(x: Value) -> Value:
    """Return the square root of 1 - x * x, to full precision near the poles, on the side of the cut that `x` is on."""
    if dtype_of(x).kind == "c":
        # 1 - x and x + 1 would forget the sign of a zero imaginary part, and with it the side.
        return np.sqrt(-(x - 1)) * np.sqrt(-(-x - 1))
    return np.sqrt(one_minus_square(x))


elementwise(np.arcsin, lambda t, x: t / _cosine_of_arcsin(x), samples=analytic(-0.9, 0.9), poles=True)
elementwise(np.arccos, lambda t, x: -(t / _cosine_of_arcsin(x)), samples=analytic(-0.9, 0.9), poles=True)
elementwise(np.arctan, lambda t, x: t / (1 + x * x), samples=analytic())
elementwise(np.sinh, lambda t, x: t * np.cosh(x), samples=analytic(), poles=True)
elementwise(np.cosh, lambda t, x: t * np.sinh(x), samples=analytic(), poles=True)
# Not 1 - tanh(x) ** 2, which loses all digits in the tails.
elementwise(np.tanh, lambda t, ans, x: t * tanh_slope(x, ans), samples=analytic())
elementwise(sech2, lambda t, ans, x: t * ans * (-2 * np.tanh(x)), says=(LOWER(own_body(sech2)),), samples=analytic())


def _arcsinh(t: Value, x: Value) -> Value:
    return t / (np.sqrt(x * x + 1) if dtype_of(x).kind == "c" else np.hypot(x, 1))


elementwise(np.arcsinh, _arcsinh, samples=analytic())
elementwise(np.arccosh, lambda t, x: t / (np.sqrt(x - 1) * np.sqrt(-(-x - 1))), samples=analytic(1.2, 3), poles=True)
elementwise(np.arctanh, lambda t, x: t / one_minus_square(x), samples=analytic(-0.9, 0.9), poles=True)


def _under_hypot(x: Value, y: Value) -> Value:
    return x * x + y * y


elementwise(
    np.hypot,
    lambda t, ans, x, y: t * hypot_slope(x, y, ans),
    lambda t, ans, x, y: t * hypot_slope(y, x, ans),
    says=(UNDER(Root(_under_hypot)),),
    samples=reals((0.5, 2), (0.5, 2)),
)


def _cosine_of_x(t: Value, x: Value, y: Value) -> Value:
    r = np.hypot(x, y)
    sine = cosine_of(y, x)
    return t * (sine * sine) / np.where(r == 0, 1, r)


def _cosine_of_y(t: Value, ans: Value, x: Value, y: Value) -> Value:
    r = np.hypot(x, y)
    return -(t * (ans * cosine_of(y, x)) / np.where(r == 0, 1, r))


elementwise(
    cosine_of, _cosine_of_x, _cosine_of_y, says=(LOWER(own_body(cosine_of)),), samples=reals((0.5, 2), (0.5, 2))
)


def _arctan2_x(t: Value, x: Value, y: Value) -> Value:
    # Divided twice by the radius: its square would overflow at 1e200 and vanish at 1e-200.
    r = np.hypot(x, y)
    return t * (y / r) / r


def _arctan2_y(t: Value, x: Value, y: Value) -> Value:
    r = np.hypot(x, y)
    return -(t * (x / r) / r)


elementwise(np.arctan2, _arctan2_x, _arctan2_y, samples=reals((0.5, 2), (-2, 2)), poles=True)

elementwise(np.degrees, lambda t: t / degree(t), samples=real())
elementwise(np.rad2deg, lambda t: t / degree(t), samples=real())
elementwise(np.radians, lambda t: t * degree(t), samples=real())
elementwise(np.deg2rad, lambda t: t * degree(t), samples=real())

# ---- magnitude, sign, complex parts ----------------------------------------------------------------


def _absolute(t: Value, ans: Value, x: Value) -> Value:
    if dtype_of(x).kind == "c":
        return t * safe_quotient(np.conj(x), ans)
    return t * np.sign(x)


elementwise(
    np.absolute,
    _absolute,
    samples=analytic(),
    operate=abs,
    same_space=False,
    says=(UNDER(Root(squared_size)),),
)
elementwise(
    np.fabs,
    lambda t, x: t * np.sign(x),
    samples=real(),
    says=(UNDER(Root(squared_size)),),
)
elementwise(np.conjugate, lambda t: np.conjugate(t), samples=analytic(), facts=Facts(linear=True))


def _sign_jvp(tangents: tuple[Value, ...], ans: Value, /, x: Value) -> Value:
    # A real sign is constant. A complex one, z / |z|, turns with the part of t that is across z.
    (t,) = tangents
    if dtype_of(x).kind != "c":
        return None
    return _across(t, ans, np.conj(ans), x)


def _sign_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, x: Value) -> tuple[Value, ...]:
    if dtype_of(x).kind != "c":
        return (None,)
    return (_across(ct, np.conj(ans), ans, x),)


def _across(t: Value, s: Value, s_conjugate: Value, x: Value) -> Value:
    r = np.abs(x)
    return np.where(r == 0, 0, t - s * np.real(s_conjugate * t)) / np.where(r == 0, 1, r)


handwritten(np.sign, _sign_jvp, _sign_vjp, keep=("ans", "x"), samples=analytic(0.5, 2), signature="x")
elementwise(np.copysign, lambda t, x, y: t * np.copysign(np.sign(x), x * y), None, samples=reals())

# ---- larger and smaller ----------------------------------------------------------------------------


def _share(t: Value, wins: Value, ties: Value) -> Value:
    """Give the tangent to the winner; a tie is shared evenly."""
    return np.where(wins, t, np.where(ties, t * 0.5, 0))


elementwise(
    np.maximum,
    lambda t, x, y: _share(t, x > y, x == y),
    lambda t, x, y: _share(t, y > x, x == y),
    samples=reals(),
    says=(REDUCES(np.max),),
)
elementwise(
    np.minimum,
    lambda t, x, y: _share(t, x < y, x == y),
    lambda t, x, y: _share(t, y < x, x == y),
    samples=reals(),
    says=(REDUCES(np.min),),
)
# fmax and fmin ignore a NaN: the other operand wins.
elementwise(
    np.fmax,
    lambda t, x, y: _share(t, (x > y) | np.isnan(y), x == y),
    lambda t, x, y: _share(t, (y > x) | np.isnan(x), x == y),
    samples=reals(),
)
elementwise(
    np.fmin,
    lambda t, x, y: _share(t, (x < y) | np.isnan(y), x == y),
    lambda t, x, y: _share(t, (y < x) | np.isnan(x), x == y),
    samples=reals(),
)
elementwise(
    np.heaviside,
    None,
    lambda t, x: t * (x == 0),
    samples=reals((0.5, 2), (-2, 2), case(np.array([0, 1, -1, 0]), A(4))),
)
