"""A function of the eigenvalues and the eigenvectors of a symmetric matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Data, Problem, Variables


def spectral(xp: Any, x: Variables, data: Data) -> Any:
    # Squares of the vectors, whose signs are free.
    values, vectors = xp.linalg.eigh(0.5 * (x + x.T))
    return xp.sum(xp.log(1.0 + values**2)) + xp.sum(data["weights"] * vectors**2)


def gradient_by_hand(x: Variables, data: Data) -> Variables:
    """Giles (2008), "Collected matrix derivative results", 3.1."""
    values, vectors = np.linalg.eigh(0.5 * (x + x.T))
    gaps = values - values[:, None]
    np.fill_diagonal(gaps, np.inf)
    inner = vectors.T @ (2.0 * data["weights"] * vectors)
    inner /= gaps
    np.fill_diagonal(inner, 2.0 * values / (1.0 + values**2))
    ct = vectors @ inner @ vectors.T
    return 0.5 * (ct + ct.T)


def matrix(rng: np.random.Generator, n: int) -> tuple[Variables, Data]:
    return rng.standard_normal((n, n)), {"weights": rng.standard_normal((n, n))}


PROBLEMS = (
    Problem(
        name="eigh, n=100",
        overhead_bound=False,
        function=spectral,
        hand=gradient_by_hand,
        make=matrix,
        size={"n": 100},
        small={"n": 4},
        tolerance=1e-7,
    ),
)
