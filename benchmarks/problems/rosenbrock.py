"""Rosenbrock's function: of few numbers, of many, and its Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Data, Derivative, Problem, Variables


def rosenbrock(xp: Any, x: Variables, data: Data) -> Any:
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def gradient_by_hand(x: Variables, data: Data) -> Variables:
    head = x[:-1]
    gap = x[1:] - head**2
    gradient = np.empty_like(x)
    np.multiply(gap, head, out=gradient[:-1])
    gradient[:-1] *= -400.0
    gradient[:-1] -= 2.0 * (1.0 - head)
    gradient[-1] = 0.0
    gap *= 200.0
    gradient[1:] += gap
    return gradient


def point(rng: np.random.Generator, n: int) -> tuple[Variables, Data]:
    return rng.uniform(-1.0, 1.0, n), {}


PROBLEMS = (
    Problem(
        name="Rosenbrock, 10",
        overhead_bound=True,
        function=rosenbrock,
        hand=gradient_by_hand,
        make=point,
        size={"n": 10},
        small={"n": 4},
    ),
    Problem(
        name="Rosenbrock, 10^6",
        overhead_bound=False,
        function=rosenbrock,
        hand=gradient_by_hand,
        make=point,
        size={"n": 10**6},
        small={"n": 30},
        measure_memory=True,
    ),
    Problem(
        name="Rosenbrock, Hessian, 50",
        overhead_bound=False,
        function=rosenbrock,
        make=point,
        size={"n": 50},
        small={"n": 5},
        derivative=Derivative.HESSIAN,
    ),
    Problem(
        name="Rosenbrock, Hessian, 500",
        overhead_bound=False,
        function=rosenbrock,
        make=point,
        size={"n": 500},
        small={"n": 6},
        derivative=Derivative.HESSIAN,
    ),
)
