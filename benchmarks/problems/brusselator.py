"""The Brusselator on a grid: a Jacobian with six nonzeros in a row. Only dualgrad knows it as sparse; the others make it dense."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Data, Derivative, Problem, Variables


def laplacian(xp: Any, w: Any) -> Any:
    return xp.roll(w, 1, 0) + xp.roll(w, -1, 0) + xp.roll(w, 1, 1) + xp.roll(w, -1, 1) - 4.0 * w


def brusselator(xp: Any, x: Variables, data: Data) -> Any:
    """Return the rates of change of both fields, flat."""
    fields = xp.reshape(x, (2, data["side"], data["side"]))
    u, v = fields[0], fields[1]
    reaction = u * u * v
    rates = (1.0 + reaction - 4.4 * u + laplacian(xp, u), 3.4 * u - reaction + laplacian(xp, v))
    return xp.reshape(xp.stack(rates), (-1,))


def fields(rng: np.random.Generator, side: int) -> tuple[Variables, Data]:
    return rng.uniform(0.0, 2.0, 2 * side * side), {"side": side}


PROBLEMS = (
    Problem(
        name="Brusselator, sparse Jacobian, 2,048",
        overhead_bound=False,
        function=brusselator,
        make=fields,
        size={"side": 32},
        small={"side": 3},
        derivative=Derivative.SPARSE,
    ),
)
