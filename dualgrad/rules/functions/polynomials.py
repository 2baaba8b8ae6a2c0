"""Arithmetic of polynomials, given by their coefficients, the highest power first: polyval, polyadd, polymul and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table import versions
from dualgrad._table.facts import AS_BODY
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad.errors import NoRuleError
from dualgrad.rules.agreement import agreed
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite


def _coefficients(p: Any, title: str) -> Value:
    """Return the coefficients of a polynomial as an array with at least one axis."""
    if isinstance(p, np.poly1d):
        raise NoRuleError(
            f"{title} of a np.poly1d and a value being differentiated: a np.poly1d drops leading zeros, and their "
            "derivatives with them. Pass its coefficients, p.coeffs."
        )
    return np.atleast_1d(as_operand(p))


def _length(p: Value) -> int:
    return shape_of(p)[0]


def _zeros(count: int, like: Value) -> Value:
    return np.zeros(count, dtype_of(like))


# ---- polyval ---------------------------------------------------------------------------------------


def _polyval(p: Value, x: Value) -> Value:
    if isinstance(x, np.poly1d):
        _coefficients(x, "numpy.polyval")
    p, x = (as_operand(y.coeffs if isinstance(y, np.poly1d) else y) for y in (p, x))
    # A Python number has no dtype of its own elsewhere; here NumPy takes it as an array.
    p, x = (y if hasattr(y, "dtype") else np.asarray(y) for y in (p, x))
    total = np.zeros(shape_of(x), dtype_of(x))
    for k in range(_length(p)):
        total = total * x + p[k]
    return total if shape_of(total) else total[()]


composite(
    np.polyval,
    _polyval,
    samples=cases(
        case(A(3), A()),
        case(A(4), A(2, 3)),
        case([1, 2.0], A(2)),
        case(A(3), 2.0),
        case(A(2, 3), A(3)),
        case(A(0), A(2)),
        case(A(3, is_complex=True), A(2)),
        case(p=A(3), x=np.arange(2)),
    ),
)

# ---- polynomials of two variables ------------------------------------------------------------------

# In numpy.polynomial coefficients stand the lowest power first. Its other functions are Python that runs on values being
# differentiated as it is.


def _horner(x: Value, c: Value, tensor: bool) -> Value:
    """Return polynomials with coefficients along the first axis of `c`, with `tensor` each one at every x."""
    if tensor:
        c = np.reshape(c, shape_of(c) + (1,) * len(shape_of(x)))
    total = c[-1] + x * 0
    for k in range(_length(c) - 2, -1, -1):
        total = c[k] + total * x
    return total


def _as_array(x: Any) -> Value:
    found = as_operand(x)
    found = found if hasattr(found, "dtype") else np.asarray(found)
    return found + 0.0 if dtype_of(found).kind in "biu" else found


def _polyval2d(x: Value, y: Value, c: Value) -> Value:
    x, y, c = _as_array(x), _as_array(y), _as_array(c)
    if shape_of(x) != shape_of(y):
        raise ValueError("x, y are incompatible")
    return _horner(y, _horner(x, c, True), False)


def _polyvalnd(pts: Value, c: Value) -> Value:
    points = [_as_array(x) for x in pts]
    if any(shape_of(x) != shape_of(points[0]) for x in points):
        raise ValueError(
            "numpy.polynomial.polynomial.polyvalnd takes coordinates of one shape; these have "
            f"{', '.join(str(shape_of(x)) for x in points)}."
        )
    found = _as_array(c)
    for k, x in enumerate(points):
        found = _horner(x, found, k == 0)
    return found


def _polygrid2d(x: Value, y: Value, c: Value) -> Value:
    return _horner(_as_array(y), _horner(_as_array(x), _as_array(c), True), True)


# Where NumPy does not hand these over they are Python too.
if versions.polyval2d is not None:
    composite(
        versions.polyval2d,
        _polyval2d,
        samples=cases(
            case(A(3), A(3), A(2, 3)),
            case(A(), A(), A(3, 2)),
            case(A(2, 2), [[1, 2], [3, 4]], A(2, 3, 2)),
            case(x=A(2), y=A(2), c=A(2, 2, is_complex=True)),
        ),
    )
    composite(
        versions.polygrid2d,
        _polygrid2d,
        samples=cases(
            case(A(3), A(2), A(2, 3)), case(A(), A(2), A(3, 2)), case(x=A(2), y=[1, 2], c=A(2, 1, 2, is_complex=True))
        ),
    )

if versions.polyvalnd is not None:
    composite(
        versions.polyvalnd,
        _polyvalnd,
        samples=cases(
            case([A(3), A(3)], A(2, 3)),
            case((A(), A(), A()), A(3, 2, 2)),
            case([A(2)], A(3, 2)),
            case(A(2, 3), A(2, 3, is_complex=True)),
            case(pts=[A(2, 2), [[1, 2], [3, 4]]], c=A(2, 3, 2)),
        ),
    )

# ---- sums ------------------------------------------------------------------------------------------


def _same_length(a1: Value, a2: Value) -> tuple[Value, Value]:
    missing = _length(a2) - _length(a1)
    if missing > 0:
        a1 = np.concatenate([_zeros(missing, a1), a1])
    elif missing < 0:
        a2 = np.concatenate([_zeros(-missing, a2), a2])
    return a1, a2


def _polyadd(a1: Value, a2: Value) -> Value:
    x, y = _same_length(_coefficients(a1, "numpy.polyadd"), _coefficients(a2, "numpy.polyadd"))
    return x + y


def _polysub(a1: Value, a2: Value) -> Value:
    x, y = _same_length(_coefficients(a1, "numpy.polysub"), _coefficients(a2, "numpy.polysub"))
    return x - y


_PAIRS = (
    case(A(3), A(2)),
    case(A(2), A(3)),
    case(A(2), [1, 2, 3]),
    case(A(), A(3)),
    case(A(2, is_complex=True), A(2)),
    case(a1=A(2), a2=A(2)),
)
composite(np.polyadd, _polyadd, samples=cases(*_PAIRS))
composite(np.polysub, _polysub, samples=cases(*_PAIRS))

# ---- products --------------------------------------------------------------------------------------


def _leading_zeros(numbers: np.ndarray[Any, Any]) -> int:
    """Return how many leading zeros NumPy drops of a polynomial: all but the last number."""
    nonzero = np.flatnonzero(numbers)
    return int(nonzero[0]) if len(nonzero) else len(numbers) - 1


def _polymul(a1: Value, a2: Value) -> Value:
    factors = [_coefficients(a, "numpy.polymul") for a in (a1, a2)]
    if any(len(shape_of(p)) != 1 for p in factors):
        raise ValueError("Polynomial must be 1d only.")
    # NumPy drops the leading zeros of the factors first. Dropped from the product, they still have their derivatives.
    dropped = sum(agreed(_leading_zeros, p, "numpy.polymul leaves out leading zeros") for p in factors if _length(p))
    return _product(*(p if _length(p) else np.zeros(1) for p in factors))[dropped:]


def _product(a: Value, b: Value) -> Value:
    """Return the product of two polynomials of full length."""
    n, m = _length(a), _length(b)
    rows = a[:, None] * b
    # With n zeros behind each row and the last n left out, row k starts k places further to the right.
    padded = np.concatenate([rows, np.zeros((n, n), dtype_of(rows))], axis=1)
    return np.sum(np.reshape(np.ravel(padded)[: n * (n + m - 1)], (n, n + m - 1)), axis=0)


composite(np.polymul, _polymul, samples=cases(*_PAIRS, case(A(4), A(3))))


def _polydiv(u: Value, v: Value) -> tuple[Value, Value]:
    rest, v = _coefficients(u, "numpy.polydiv") + 0.0, _coefficients(v, "numpy.polydiv") + 0.0
    n = _length(v)
    scale = 1.0 / v[0]
    quotient = []
    rest = rest + _zeros(1, v)
    for k in range(_length(rest) - n + 1):
        quotient.append(scale * rest[k])
        rest = np.concatenate([rest[:k], rest[k : k + n] - quotient[k] * v, rest[k + n :]])
    dropped = agreed(_leading_roundings, rest, "numpy.polydiv leaves out leading zeros of the remainder")
    return np.stack(quotient) if quotient else _zeros(1, rest), rest[dropped:]


def _leading_roundings(numbers: np.ndarray[Any, Any]) -> int:
    count = 0
    while count < len(numbers) - 1 and np.allclose(numbers[count], 0, rtol=1e-14):
        count += 1
    return count


composite(
    np.polydiv,
    _polydiv,
    samples=cases(
        case(A(5), A(3, low=1, high=2)),
        case(A(3), A(3, low=1, high=2)),
        case(A(2), A(4, low=1, high=2)),
        case(A(3), 2.0),
        case([1, 2, 3], v=A(2, low=1, high=2)),
        case(u=A(3, is_complex=True), v=A(2, low=1, high=2)),
    ),
)

# ---- calculus --------------------------------------------------------------------------------------


def _polyder(p: Value, m: Any = 1) -> Value:
    m = int(m)
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    p = _coefficients(p, "numpy.polyder")
    for _ in range(m):
        p = p[:-1] * np.arange(_length(p) - 1, 0, -1)
    return p


def _polyint(p: Value, m: Any = 1, k: Any = None) -> Value:
    m = int(m)
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    constants = np.atleast_1d(as_operand(np.zeros(m) if k is None else k))
    if _length(constants) == 1 and m > 1:
        constants = np.broadcast_to(constants, (m,))
    if _length(constants) < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    p = _coefficients(p, "numpy.polyint")
    for j in range(m):
        p = np.concatenate([p / np.arange(_length(p), 0, -1), constants[j : j + 1]])
    return p


composite(
    np.polyder,
    _polyder,
    samples=cases(case(A(4)), case(A(4), 2), case(A(1)), case(A(3), m=0), case(A(2), 3), case(A(3, is_complex=True))),
    facts=AS_BODY,
)
composite(
    np.polyint,
    _polyint,
    samples=cases(
        case(A(3)),
        case(A(3), 2),
        case(A(3), m=2, k=1.0),
        case(A(3), 2, [1.0, 2.0]),
        case(A(2), m=0),
        case(A(2, is_complex=True), 1, [3.0]),
    ),
    facts=AS_BODY,
)
