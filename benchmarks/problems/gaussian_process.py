"""The negative log marginal likelihood of a Gaussian process, by the logarithms of its seven parameters."""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np

from benchmarks.problem import Data, Problem, Variables


def _kernel(xp: Any, x: Variables, points: Any) -> Any:
    """Return the squared exponential kernel with a length for each dimension, a scale and a variance of the noise."""
    lengths, scale, noise = xp.exp(x[:-2]), xp.exp(x[-2]), xp.exp(x[-1])
    scaled = points / lengths
    squares = xp.sum((scaled[:, None, :] - scaled[None, :, :]) ** 2, axis=2)
    return scale * xp.exp(-0.5 * squares) + noise * xp.eye(points.shape[0])


def likelihood(xp: Any, x: Variables, data: Data) -> Any:
    points, values = data["points"], data["values"]
    factor = xp.linalg.cholesky(_kernel(xp, x, points))
    white = xp.linalg.solve(factor, values)
    return 0.5 * xp.sum(white**2) + xp.sum(xp.log(xp.diag(factor))) + 0.5 * values.size * log(2.0 * pi)


def likelihood_by_torch(torch: Any, x: Variables, data: Data) -> Any:
    points, values = data["points"], data["values"]
    lengths, scale, noise = torch.exp(x[:-2]), torch.exp(x[-2]), torch.exp(x[-1])
    scaled = points / lengths
    squares = torch.sum((scaled[:, None, :] - scaled[None, :, :]) ** 2, dim=2)
    kernel = scale * torch.exp(-0.5 * squares) + noise * torch.eye(len(points), dtype=points.dtype)
    factor = torch.linalg.cholesky(kernel)
    white = torch.linalg.solve_triangular(factor, values[:, None], upper=False)
    return 0.5 * torch.sum(white**2) + torch.sum(torch.log(torch.diag(factor))) + 0.5 * len(values) * log(2.0 * pi)


def likelihood_by_jax(jax: Any, x: Variables, data: Data) -> Any:
    points, values = data["points"], data["values"]
    factor = jax.numpy.linalg.cholesky(_kernel(jax.numpy, x, points))
    white = jax.scipy.linalg.solve_triangular(factor, values, lower=True)
    logs = jax.numpy.log(jax.numpy.diag(factor))
    return 0.5 * jax.numpy.sum(white**2) + jax.numpy.sum(logs) + 0.5 * values.size * log(2.0 * pi)


def gradient_by_hand(x: Variables, data: Data) -> Variables:
    """Rasmussen and Williams (2006), equation 5.9."""
    points, values = data["points"], data["values"]
    scale, noise = np.exp(x[-2:])
    scaled = points / np.exp(x[:-2])
    squares = np.empty((scaled.shape[1], *2 * (len(points),)))
    for square, column in zip(squares, scaled.T, strict=True):
        np.subtract(column[:, None], column, out=square)
        square *= square
    smooth = squares.sum(axis=0)
    smooth *= -0.5
    np.exp(smooth, out=smooth)
    smooth *= scale
    inverse = np.linalg.inv(smooth + noise * np.eye(len(points)))
    weighted = inverse @ values
    ct = 0.5 * (inverse - np.outer(weighted, weighted))
    smooth *= ct
    return np.concatenate((squares.reshape(len(squares), -1) @ smooth.ravel(), [np.sum(smooth), noise * np.trace(ct)]))


def observations(rng: np.random.Generator, n: int, d: int) -> tuple[Variables, Data]:
    points = rng.uniform(-2.0, 2.0, (n, d))
    values = np.sin(points.sum(axis=1)) + 0.1 * rng.standard_normal(n)
    return np.concatenate((0.3 * rng.standard_normal(d), [0.1, -2.0])), {"points": points, "values": values}


PROBLEMS = (
    Problem(
        name="Gaussian process, n=200",
        overhead_bound=False,
        function=likelihood,
        torch=likelihood_by_torch,
        jax=likelihood_by_jax,
        hand=gradient_by_hand,
        make=observations,
        size={"n": 200, "d": 5},
        small={"n": 6, "d": 2},
        tolerance=1e-8,
    ),
)
