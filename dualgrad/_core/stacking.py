"""Jacobians put together from directions: checks, and trees of trees."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._core.leaves import Leaves
from dualgrad._core.level import plain
from dualgrad._core.space import Value


def check_holomorphic(turned: Value, expected: Value) -> None:
    """Raise TypeError unless a complex derivative along i times a direction is i times the derivative along it."""
    if not np.allclose(plain(turned), plain(expected), rtol=1e-4, equal_nan=True):
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
