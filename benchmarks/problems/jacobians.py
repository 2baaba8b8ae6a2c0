"""Jacobians, tall and wide: a curve with five parameters, and eight means of a long signal."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Data, Derivative, Problem, Variables


def curve(xp: Any, x: Variables, data: Data) -> Any:
    """Return a decay and a peak at all times."""
    t = data["times"]
    return x[0] * xp.exp(-x[1] * t) + x[2] * xp.exp(-(((t - x[3]) / x[4]) ** 2))


def curve_by_hand(x: Variables, data: Data) -> Variables:
    t = data["times"]
    decay, shifted = np.exp(-x[1] * t), (t - x[3]) / x[4]
    peak = np.exp(-(shifted**2))
    bent = 2.0 * x[2] / x[4] * peak * shifted
    return np.stack((decay, -x[0] * t * decay, peak, bent, bent * shifted), axis=1)


def measurement(rng: np.random.Generator, times: int) -> tuple[Variables, Data]:
    return np.array([1.0, 2.0, 3.0, 0.4, 0.5]), {"times": np.sort(rng.uniform(0.0, 1.0, times))}


def readings(xp: Any, x: Variables, data: Data) -> Any:
    """Return what a few sensors see of a long signal."""
    return xp.tanh(data["sensors"] @ xp.sin(x)) * xp.sum(x**2)


def readings_by_hand(x: Variables, data: Data) -> Variables:
    sensors = data["sensors"]
    seen, square = np.tanh(sensors @ np.sin(x)), np.sum(x**2)
    jacobian = sensors * np.cos(x)
    jacobian *= (square * (1.0 - seen**2))[:, None]
    jacobian += 2.0 * seen[:, None] * x
    return jacobian


def signal(rng: np.random.Generator, sensors: int, n: int) -> tuple[Variables, Data]:
    return rng.standard_normal(n), {"sensors": rng.standard_normal((sensors, n)) / np.sqrt(n)}


PROBLEMS = (
    Problem(
        name="curve, Jacobian 2,000 x 5",
        overhead_bound=False,
        function=curve,
        hand=curve_by_hand,
        make=measurement,
        size={"times": 2000},
        small={"times": 7},
        derivative=Derivative.JACOBIAN,
    ),
    Problem(
        name="sensors, Jacobian 8 x 3,000",
        overhead_bound=False,
        function=readings,
        hand=readings_by_hand,
        make=signal,
        size={"sensors": 8, "n": 3000},
        small={"sensors": 2, "n": 5},
        derivative=Derivative.ROWS,
    ),
)
