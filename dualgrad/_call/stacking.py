"""Jacobians put together from directions: checks, and trees of trees."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._call.leaves import Leaves
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import anywhere


def is_holomorphic(turned: Value, expected: Value) -> bool:
    """Tell whether derivatives along i times a direction are i times those along it, up to rounding."""
    found, wanted = [np.reshape(x, ((*shape_of(x), 1)[0], -1)) for x in (turned, expected)]
    # Turning by i is exact, so rounding leaves little: of the size of what belongs to the same output, and to the same input.
    eps = float(np.finfo(dtype_of(wanted)).eps)
    sizes = np.where(np.isfinite(wanted), np.abs(wanted), 0)
    near = np.minimum(np.max(sizes, 1, keepdims=True, initial=0), np.max(sizes, 0, keepdims=True, initial=0))
    close = np.abs(found - wanted) <= eps**0.5 * (np.abs(found) + np.abs(wanted)) + 10 * eps * near
    return not anywhere(np.logical_not(close) & (np.isfinite(found) | np.isfinite(wanted)))


def check_holomorphic(turned: Value, expected: Value) -> None:
    """Raise TypeError unless a complex derivative along i times a direction is i times the derivative along it."""
    if not is_holomorphic(turned, expected):
        raise TypeError(
            "The Jacobian of a complex function by a complex argument needs the Cauchy-Riemann equations, and this function "
            "does not satisfy them (does it use conj, abs, real or imag?). Differentiate its real and imaginary parts."
        )


def nest(result: Leaves, inputs: Leaves, blocks: list[list[Value]], single: bool) -> Any:
    """Return Jacobian blocks, one per output leaf and input leaf, as a tree like the result of trees like the arguments."""
    rows = []
    for row in blocks:
        trees = inputs.fill_derivatives(row)
        rows.append(trees[0] if single else trees)
    (found,) = result.fill_derivatives(rows)
    return found
