"""Polynomials fitted to data: polyfit."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.functions import as_constant
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import decide
from dualgrad.rules.agreement import agreed
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite


def _polyfit(
    x: Value, y: Value, deg: int, rcond: Any = None, full: bool = False, w: Value = None, cov: Any = False
) -> Any:
    x, y = as_operand(x) + 0.0, as_operand(y) + 0.0
    w = None if w is None else as_operand(w) + 0.0
    _check(x, y, w, deg)
    order, count = int(deg) + 1, shape_of(x)[0]
    if rcond is None:
        rcond = count * np.finfo(dtype_of(x)).eps
    matrix, rhs = np.vander(x, order), y
    if w is not None:
        matrix = matrix * w[:, None]
        rhs = rhs * (w[:, None] if len(shape_of(y)) == 2 else w)
    # Columns of length 1: the powers of x differ in size.
    scale = np.sqrt(np.sum(matrix * matrix, axis=0))
    matrix = matrix / scale
    values = np.linalg.svdvals(matrix)
    deficient = decide(functools.partial(_is_deficient, rcond), values)
    found = _least_squares(matrix, rhs, rcond, deficient)
    unscaled = np.transpose(np.transpose(found) / scale)
    if deficient and not full:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=4)
    if full or cov:
        rank = agreed(functools.partial(_rank, rcond), values, "numpy.polyfit returns the rank")
        residuals = _residuals(matrix, rhs, found, rank)
    if full:
        return unscaled, residuals, rank, values, rcond
    return (unscaled, _covariance(matrix, scale, residuals, cov, shape_of(y))) if cov else unscaled


def _rank(rcond: Any, values: np.ndarray[Any, Any]) -> int:
    return int(np.count_nonzero(values > rcond * np.max(values)))


def _is_deficient(rcond: Any, values: np.ndarray[Any, Any]) -> bool:
    return not bool(np.all(values > rcond * np.max(values, axis=-1, keepdims=True)))


def _check(x: Value, y: Value, w: Value, deg: Any) -> None:
    if deg < 0:
        raise ValueError("expected deg >= 0")
    if len(shape_of(x)) != 1:
        raise TypeError("expected 1D vector for x")
    if shape_of(x) == (0,):
        raise TypeError("expected non-empty vector for x")
    if len(shape_of(y)) not in (1, 2):
        raise TypeError("expected 1D or 2D array for y")
    if shape_of(x)[0] != shape_of(y)[0]:
        raise TypeError("expected x and y to have same length")
    if w is not None and len(shape_of(w)) != 1:
        raise TypeError("expected a 1-d array for weights")
    if w is not None and shape_of(w)[0] != shape_of(y)[0]:
        raise TypeError("expected w and y to have the same length")


def _least_squares(matrix: Value, rhs: Value, rcond: Any, deficient: bool) -> Value:
    inverse = np.linalg.pinv(matrix, rcond)
    found = inverse @ rhs
    if deficient:
        return found
    # One step of refinement, for the digits that the product with an explicit inverse loses. As inverse @ matrix = 1, the
    # start cancels in exact arithmetic, whatever it is: it is a constant, and derivatives of every order are exact.
    start = as_constant(found)
    return start + inverse @ (rhs - matrix @ start)


def _residuals(matrix: Value, rhs: Value, found: Value, rank: int) -> Value:
    count, order = shape_of(matrix)
    if rank != order or count <= order:
        return np.zeros(0, np.real(dtype_of(found).type(0)).dtype)
    left = rhs - matrix @ found
    squares = np.real(left) ** 2 + np.imag(left) ** 2 if dtype_of(left).kind == "c" else left**2
    return np.sum(np.reshape(squares, (count, -1)), axis=0)


def _covariance(matrix: Value, scale: Value, residuals: Value, cov: Any, shape: tuple[int, ...]) -> Value:
    count, order = shape_of(matrix)
    base = np.linalg.inv(np.transpose(matrix) @ matrix) / np.outer(scale, scale)
    factor = 1
    if cov != "unscaled":
        if count <= order:
            raise ValueError("the number of data points must exceed order to scale the covariance matrix")
        factor = residuals / (count - order)
    return base * factor if len(shape) == 1 else base[:, :, None] * factor


composite(
    np.polyfit,
    _polyfit,
    samples=cases(
        case(np.array([0.1, 0.6, 1.2, 1.9]), A(4), 1),
        case(np.array([-1.0, 0.1, 0.6, 1.2, 1.9]), A(5, 2), 2, rcond=1e-12),
        case(np.array([-1.0, 0.1, 0.6, 1.2, 1.9]), A(5), deg=2, full=True),
        case(np.array([-1.0, 0.1, 0.6, 1.2]), A(4), 1, None, False, A(4, low=1, high=2)),
        case(np.array([-1.0, 0.1, 0.6, 1.2]), A(4, 2), 1, w=A(4, low=1, high=2), cov=True),
        case(np.array([-1.0, 0.1, 0.6, 1.2]), A(4), 1, cov="unscaled"),
        case(np.array([-1.0, 0.1]), A(2), 1, full=True),
        case(np.array([-1.0, 0.1, 1.0]), A(3, is_complex=True), 1),
    ),
)
