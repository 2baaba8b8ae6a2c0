"""Jacobians put together from directions: checks, and trees of trees."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._core.leaves import Leaves
from dualgrad._core.level import plain
from dualgrad._core.space import Value


def is_holomorphic(turned: Value, expected: Value) -> bool:
    """Tell whether derivatives along i times a direction are i times those along it, up to rounding."""
    found, wanted = np.asarray(plain(turned)), np.asarray(plain(expected))
    # Turning by i is exact, so rounding leaves little; what is small everywhere is compared at its own size.
    eps = float(np.finfo(wanted.dtype).eps)
    size = float(np.max(np.abs(wanted), initial=0.0, where=np.isfinite(wanted)))
    return bool(np.allclose(found, wanted, rtol=eps**0.5, atol=1e3 * eps * size, equal_nan=True))


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
