"""ADBench: bundle adjustment, of which the blocks of the Jacobian are asked: two rows for each observation."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Data, Derivative, Problem, Variables


def cross(xp: Any, a: Any, b: Any) -> Any:
    return xp.stack((a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]))


def residuals(xp: Any, x: Variables, data: Data) -> Any:
    """Return the errors of all observations, of shape (2, n); the cameras have shape (11, n), the points (3, n)."""
    cameras, points, weights = x
    rotation, centre = cameras[:3], cameras[3:6]
    focal, principal, radial = cameras[6], cameras[7:9], cameras[9:]
    # Rodrigues' formula for the rotation about an axis by its length.
    angle = xp.sqrt(xp.sum(rotation**2, axis=0))
    axis, moved = rotation / angle, points - centre
    turned = (
        moved * xp.cos(angle)
        + cross(xp, axis, moved) * xp.sin(angle)
        + axis * (xp.sum(axis * moved, axis=0) * (1.0 - xp.cos(angle)))
    )
    plane = turned[:2] / turned[2]
    square = xp.sum(plane**2, axis=0)
    distorted = plane * (1.0 + radial[0] * square + radial[1] * square**2)
    return weights * (distorted * focal + principal - data["seen"])


def scene(rng: np.random.Generator, observations: int) -> tuple[Variables, Data]:
    n = observations
    cameras = np.concatenate(
        (
            0.3 * rng.standard_normal((3, n)),
            rng.standard_normal((3, n)),
            rng.uniform(500.0, 600.0, (1, n)),
            rng.uniform(-5.0, 5.0, (2, n)),
            0.01 * rng.standard_normal((2, n)),
        )
    )
    points = rng.uniform(-1.0, 1.0, (3, n)) + np.array([[0.0], [0.0], [8.0]])
    rows = np.zeros((2, 2, n))
    rows[0, 0] = rows[1, 1] = 1.0
    data = {"seen": rng.uniform(-100.0, 100.0, (2, n)), "cotangents": rows}
    return (cameras, points, rng.uniform(0.5, 1.5, n)), data


def residual(xp: Any, x: Variables, data: Data) -> Any:
    """Return the error of one observation: two numbers of a camera (11), a point (3) and a weight."""
    return residuals(xp, (x[:11], x[11:14], x[14]), data)


def observations(rng: np.random.Generator, observations: int) -> tuple[Variables, Data]:
    """Return the variables of each observation side by side, and what all of them saw."""
    (cameras, points, weights), _ = scene(rng, observations)
    return np.concatenate((cameras, points, weights[None])).T.copy(), {"seen": np.array([3.0, -2.0])}


PROBLEMS = (
    Problem(
        name="bundle adjustment, 5,000 blocks 2 x 15",
        overhead_bound=False,
        function=residual,
        make=observations,
        size={"observations": 5_000},
        small={"observations": 3},
        derivative=Derivative.MAPPED,
    ),
    Problem(
        name="bundle adjustment, 30,000 observations",
        overhead_bound=False,
        function=residuals,
        make=scene,
        size={"observations": 30_000},
        small={"observations": 4},
        derivative=Derivative.BLOCKS,
    ),
)
