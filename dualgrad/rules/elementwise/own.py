"""Functions that NumPy lacks and rules need, overridable as NumPy's own are (NEP 18)."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.facets import BATCH
from dualgrad._table.facts import Facts
from dualgrad._table.functions import overridable, pack
from dualgrad._table.record import Primitive
from dualgrad._table.space import Value, dtype_of, shape_of, zeros_of
from dualgrad._table.structure import Rearranged
from dualgrad._trace.batch import all_batched
from dualgrad._trace.zeros import restored
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, elementwise, handwritten


@overridable
def sech2(x: Value) -> Value:
    """Return 1 / cosh(x) ** 2, to full relative precision in the tails, without overflow."""
    if np.iscomplexobj(x):
        # By exponentials where cosh overflows, and its quotient is NaN; near its zeros only cosh has all digits.
        far = np.abs(np.real(x)) > 20
        e = np.exp(np.where(np.real(x) > 0, -x, x))
        twice = np.where(far, 1 + e * e, 2 * e * np.cosh(np.where(far, 0, x)))
        return 4 * (e / twice) * (e / twice)
    e = np.exp(-2 * np.abs(x))
    return 4 * e / ((1 + e) * (1 + e))


@overridable
def one_minus_square(x: Value) -> Value:
    """Return 1 - x * x, to full precision near its zeros; by a rule of its own, so is its derivative near 0."""
    return (1 - x) * (1 + x)


@overridable
def cosine_of(x: Value, y: Value) -> Value:
    """Return x / hypot(x, y), and 0 at 0: the derivative of hypot by `x`.

    By a rule of its own its derivative is y ** 2 / hypot ** 3 to full precision, where that of the quotient cancels.
    """
    return safe_quotient(x, np.hypot(x, y))


@overridable
def hypot_slope(x: Value, y: Value, hypot: Value) -> Value:
    """Return cosine_of(x, y), given the value of hypot there, which is faster."""
    return safe_quotient(x, hypot)


def _cosine_of_both(x: Value, y: Value, hypot: Value) -> Value:
    return cosine_of(x, y)


composite(hypot_slope, _cosine_of_both, whole=True, samples=cases())


def safe_quotient(x: Value, r: Value) -> Value:
    """Return x / r, and 0 where r is 0: the derivative chosen where a norm has none."""
    zero = r == 0
    return np.where(zero, 0, x) / np.where(zero, 1, r)


def squared_size(x: Value) -> Value:
    """Return the square of the absolute value: what stands under the root."""
    return np.real(x) * np.real(x) + np.imag(x) * np.imag(x) if dtype_of(x).kind == "c" else x * x


# ---- the slope of tanh -----------------------------------------------------------------------------


@overridable
def tanh_slope(x: Value, tanh: Value) -> Value:
    """Return sech2(x), given the value of tanh there, which is faster."""
    if type(tanh) is not np.ndarray or type(x) is not np.ndarray or tanh.dtype.kind != "f":
        return sech2(x)
    # 1 - tanh^2 loses digits only where it is small; exponentials are many times as slow.
    found = 1 - tanh * tanh
    tails = np.abs(tanh) > 0.9
    if tails.any():
        found[tails] = sech2(x[tails])
    return found


def _sech2_of_first(x: Value, tanh: Value) -> Value:
    return sech2(x)


composite(tanh_slope, _sech2_of_first, whole=True, samples=cases())


@overridable
def logistic(x: Value) -> Value:
    """Return 1 / (1 + exp(-x)) of real numbers, to full relative precision in the tails, without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


# What is dropped is a value only: where it moves, its derivative counts.
elementwise(
    restored,
    lambda t: t,
    None,
    None,
    operands=("found", "calm", "dropped"),
    samples=cases(case(A(3), np.zeros(3), np.zeros(3, bool))),
)

# ---- pack ------------------------------------------------------------------------------------------


def _pack_jvp(tangents: tuple[Value, ...], ans: Value, /, *numbers: Value, shape: tuple[int, ...]) -> Value:
    return pack(*[zeros_of(x) if t is None else t for t, x in zip(tangents, numbers, strict=True)], shape=shape)


def _pack_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, *numbers: Value, shape: tuple[int, ...]
) -> tuple[Value, ...]:
    flat = np.ravel(ct)
    return tuple([flat[k] if want else None for k, want in enumerate(wanted)])


def _pack_batch(record: Primitive, batched: tuple[bool, ...], operands: tuple[Value, ...], params: Any) -> Value:
    found = np.stack(all_batched(batched, operands), axis=-1)
    return np.reshape(found, (shape_of(found)[0], *params["shape"]))


handwritten(
    pack,
    _pack_jvp,
    _pack_vjp,
    keep=(),
    structure=Rearranged(many=True),
    says=(BATCH(_pack_batch),),
    facts=Facts(linear=True, packs=True),
    samples=cases(
        case(A(), A(), shape=(2,)),
        case(A(), A(is_complex=True), 2.0, 1, A(), A(), shape=(2, 3)),
        case(A(), shape=(1, 1)),
    ),
)
