"""np.convolve and np.correlate of two vectors.

With y = a * v, y[k] = sum of a[i] v[k - i], the cotangent of `a` is the part of ct * reversed(v) where the two overlap fully:
again a convolution. The modes keep a part of all overlaps, so their transpose fills up with zeros first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facets import BATCH
from dualgrad._table.functions import overridable
from dualgrad._table.record import Primitive
from dualgrad._table.space import Space, Value, dtype_of, shape_of
from dualgrad._trace.batch import one_by_one
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import bilinear, composite


@overridable
def full_convolution(a: Value, v: Value) -> Value:
    """Return the convolution of two vectors, wherever they overlap; all of its derivatives are convolutions again."""
    return np.convolve(a, v)


@overridable
def inner_convolution(a: Value, v: Value) -> Value:
    """Return the convolution of two vectors where they overlap fully."""
    return np.convolve(a, v, "valid")


def _full_left(ct: Value, a: Space, v: Value) -> Value:
    return inner_convolution(ct, v[::-1])


def _full_right(ct: Value, a: Value, v: Space) -> Value:
    return inner_convolution(ct, a[::-1])


def _inner_left(ct: Value, a: Space, v: Value) -> Value:
    if a.size >= v.size:
        return full_convolution(ct, v[::-1])
    return inner_convolution(v, ct[::-1])[::-1]


def _inner_right(ct: Value, a: Value, v: Space) -> Value:
    return _inner_left(ct, v, a)


_PAIRS = cases(
    case(A(4), A(3)),
    case(A(2), A(5)),
    case(A(3), A(3)),
    case(A(1), A(2)),
    case(A(3, is_complex=True), A(2)),
)


def _batch(record: Primitive, batched: tuple[bool, ...], operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
    if all(batched):
        # Two vectors at a time is all that NumPy does.
        return one_by_one(record, batched, operands, params)
    rows, v = operands if batched[0] else reversed(operands)
    size, n = shape_of(rows)
    (m,) = shape_of(v)
    # The members one after another as one vector, with enough zeros between that they do not meet.
    apart = np.concatenate([rows, np.zeros((size, m - 1), dtype_of(rows))], axis=1)
    found = full_convolution(np.ravel(apart), v)[: size * (n + m - 1)]
    found = np.reshape(found, (size, n + m - 1))
    return found if record.key is full_convolution else found[:, min(n, m) - 1 : max(n, m)]


bilinear(full_convolution, _full_left, _full_right, says=(BATCH(_batch),), samples=_PAIRS)
bilinear(inner_convolution, _inner_left, _inner_right, says=(BATCH(_batch),), samples=_PAIRS)

# ---- convolve, correlate ---------------------------------------------------------------------------


def _convolved(a: Value, v: Value, mode: str, same_from: int) -> Value:
    if mode == "valid":
        return inner_convolution(a, v)
    found = full_convolution(a, v)
    if mode == "full":
        return found
    if mode != "same":
        raise ValueError(f"mode must be one of 'valid', 'same', or 'full' (got {mode!r})")
    return found[same_from : same_from + max(shape_of(a)[0], shape_of(v)[0])]


def _vectors(a: Value, v: Value) -> tuple[Value, Value]:
    a, v = [np.reshape(x, (1,)) if shape_of(x) == () else x for x in (as_operand(a), as_operand(v))]
    if len(shape_of(a)) != 1 or len(shape_of(v)) != 1:
        raise ValueError("object too deep for desired array")
    for x, name in ((a, "a"), (v, "v")):
        if shape_of(x)[0] == 0:
            raise ValueError(f"{name} cannot be empty")
    return a, v


def _convolve(a: Value, v: Value, mode: str = "full") -> Value:
    a, v = _vectors(a, v)
    return _convolved(a, v, mode, (min(shape_of(a)[0], shape_of(v)[0]) - 1) // 2)


def _correlate(a: Value, v: Value, mode: str = "valid") -> Value:
    a, v = _vectors(a, v)
    (n,), (m,) = shape_of(a), shape_of(v)
    # Where NumPy swaps the operands it reverses the answer, and "same" is centred from the other end.
    return _convolved(a, np.conjugate(v)[::-1], mode, (m - 1) // 2 if n >= m else n // 2)


_MODES = cases(
    *[
        case(A(n, is_complex=kind), A(m, is_complex=kind), mode=mode)
        for n, m, kind in ((5, 2, False), (5, 3, True), (2, 5, True), (3, 4, False), (3, 3, False))
        for mode in ("full", "same", "valid")
    ],
    case(A(4), A(2)),
    case(A(3), A(2), "same"),
    case(A(3), np.array([1, 2])),
    case([1.0, 2.0], A(3)),
)

composite(np.convolve, _convolve, samples=lambda rng: [*_MODES(rng), *cases(case(A(3), A()), case(A(), A()))(rng)])
composite(np.correlate, _correlate, samples=_MODES)
