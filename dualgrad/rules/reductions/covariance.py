"""np.cov and np.corrcoef, by the observations and by their weights."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facts import ARRAY
from dualgrad._table.functions import as_constant
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import seen_anywhere
from dualgrad.rules.axes import in_dtype
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite

# ---- cov -------------------------------------------------------------------------------------------


def _cov(
    m: Value,
    y: Value = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Value = None,
    aweights: Value = None,
    *,
    dtype: Any = None,
) -> Value:
    if ddof is None:
        ddof = 0 if bias else 1
    elif ddof != int(ddof):
        raise ValueError("ddof must be integer")
    x = _variables(m, y, rowvar, dtype)
    rows, count = shape_of(x)
    if rows == 0:
        return np.array([]).reshape(0, 0)
    weights = _weights(fweights, aweights, count)
    free: Value = np.float64(count - ddof)
    if weights is None:
        mean = np.mean(x, axis=1, keepdims=True)
    else:
        total = np.sum(weights)
        mean = np.sum(x * weights, axis=1, keepdims=True) / total
        lost = 1 if aweights is None else np.sum(weights * in_dtype(as_operand(aweights), float)) / total
        free = total - ddof * lost
    if seen_anywhere(free <= 0):
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=4)
        free = np.where(free <= 0, 0.0, free)
    x = x - mean
    weighted = x if weights is None else x * weights
    found = np.dot(x, np.conjugate(weighted.T)) * np.true_divide(1, free)
    return np.squeeze(found)


def _variables(m: Value, y: Value, rowvar: bool, dtype: Any) -> Value:
    """Return the observations with one variable in each row."""
    given = [as_operand(x) for x in (m, y) if x is not None]
    if dtype is None:
        dtype = np.result_type(*[dtype_of(x) for x in given], np.float64)
    parts = []
    for name, x in zip("my", given, strict=False):
        ndim = len(shape_of(x))
        if ndim > 2:
            raise ValueError(f"{name} has more than 2 dimensions")
        part = np.reshape(in_dtype(x, dtype), (1,) * (2 - ndim) + shape_of(x))
        # A vector is one variable, whichever way variables lie.
        turned = ndim != 1 if name == "m" else shape_of(part)[0] != 1
        parts.append(part.T if not rowvar and turned else part)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=0)


def _weights(fweights: Value, aweights: Value, count: int) -> Value:
    """Return the product of the weights of the observations, or None."""
    found = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        w = in_dtype(as_operand(given), float)
        if len(shape_of(w)) > 1:
            raise RuntimeError(f"cannot handle multidimensional {name}")
        if shape_of(w)[0] != count:
            raise RuntimeError(f"incompatible numbers of samples and {name}")
        if name == "fweights" and seen_anywhere(w != np.round(w)):
            raise TypeError("fweights must be integer")
        if seen_anywhere(w < 0):
            raise ValueError(f"{name} cannot be negative")
        # Numbers of repetitions are whole, and so constant.
        found = as_constant(w) if name == "fweights" else w if found is None else found * w
    return found


_REPEATED = np.array([1, 3, 2, 1, 1])

composite(
    np.cov,
    _cov,
    samples=cases(
        case(A(3, 5)),
        case(A(5)),
        case(A(2, 5), A(5)),
        case(A(5, 2), A(5, 3), rowvar=False),
        case(A(5, 2), A(1, 5), False, True),
        case(A(2, 5), A(3, 5), bias=True),
        case(A(2, 5), ddof=2),
        case(A(2, 5), fweights=_REPEATED),
        case(A(2, 5), aweights=A(5, low=0.5)),
        case(A(2, 5), fweights=_REPEATED, aweights=A(5, low=0.5), ddof=0),
        case(A(2, 5), None, True, False, 1, _REPEATED, A(5, low=0.5)),
        case(A(2, 5, is_complex=True)),
        case(A(2, 5), A(2, 5, is_complex=True), aweights=A(5, low=0.5)),
        case(A(2, 5), dtype=np.complex128),
        case(A(0, 3)),
    ),
    facts=ARRAY,
)

# ---- corrcoef --------------------------------------------------------------------------------------


def _correlations(c: Value) -> Value:
    if shape_of(c) == ():
        return c / c
    deviations = np.sqrt(np.real(np.diag(c)))
    found = c / deviations[:, None] / deviations[None, :]
    if dtype_of(found).kind == "c":
        return np.clip(np.real(found), -1, 1) + 1j * np.clip(np.imag(found), -1, 1)
    return np.clip(found, -1, 1)


def _corrcoef(x: Value, y: Value = None, rowvar: bool = True, *, dtype: Any = None) -> Value:
    return _correlations(np.cov(x, y, rowvar, dtype=dtype))


def _corrcoef_with_unused(
    x: Value,
    y: Value = None,
    rowvar: bool = True,
    bias: Any = np._NoValue,
    ddof: Any = np._NoValue,
    *,
    dtype: Any = None,
) -> Value:
    if bias is not np._NoValue or ddof is not np._NoValue:
        warnings.warn("bias and ddof have no effect and are deprecated", DeprecationWarning, stacklevel=3)
    return _corrcoef(x, y, rowvar, dtype=dtype)


composite(
    np.corrcoef,
    # NumPy before 2.4 has two parameters more, which do nothing.
    _corrcoef_with_unused if "bias" in inspect.signature(np.corrcoef).parameters else _corrcoef,
    samples=cases(
        case(A(3, 5)),
        case(A(5)),
        case(A(2, 5), A(5)),
        case(A(5, 2), A(5, 3), rowvar=False),
        case(A(5, 2), None, False),
        case(A(2, 5, is_complex=True)),
        case(A(2, 5), dtype=np.complex128),
    ),
)
