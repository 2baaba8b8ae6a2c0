"""Programs whose Jacobians and Hessians are sparse, for the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

D2 = np.diag(np.full(11, 1.0), 1) + np.diag(np.full(11, 1.0), -1) - 2 * np.eye(12)


def brusselator(fields: Any, n: int) -> Any:
    """Return the right side of two reacting, diffusing fields on a periodic n x n grid."""
    u, v = fields.reshape(2, n, n)
    return np.stack([1 + u * u * v - 4.4 * u + 0.1 * laplacian(u), 3.4 * u - u * u * v + 0.1 * laplacian(v)])


def laplacian(w: Any) -> Any:
    return np.roll(w, 1, 0) + np.roll(w, -1, 0) + np.roll(w, 1, 1) + np.roll(w, -1, 1) - 4 * w


def inner_stencil(x: Any) -> Any:
    g = x.reshape(3, 4)
    return g[1:-1, 1:-1] * (g[2:, 1:-1] + g[:-2, 1:-1]) - np.exp(g[1:-1, 2:] * g[1:-1, :-2])


def by_scalars(x: Any) -> Any:
    return np.array([x[0] * x[1], np.sin(x[3]), *[x[k] - x[k - 1] ** 2 for k in range(2, 12)], 1.0])


def upwind(x: Any) -> Any:
    return np.where(x > 0, x - np.roll(x, 1), np.roll(x, -1) - x) * x


def blocks(x: Any) -> Any:
    b = x.reshape(3, 2, 2)
    return np.linalg.solve(b + 3 * np.eye(2), np.ones((2, 1))) * np.sum(b, axis=(1, 2), keepdims=True)


# Vector functions of 12 numbers.
JACOBIANS: dict[str, Callable[[Any], Any]] = {
    "elementwise": lambda x: np.sin(x) * np.exp(-(x**2)),
    "differences": lambda x: np.diff(x, n=2) ** 2,
    "stencil": inner_stencil,
    "matrix": lambda x: D2 @ x + x**3,
    "scalars": by_scalars,
    "upwind": upwind,
    "blocks": blocks,
    "arrow": lambda x: np.concatenate([[np.sum(x**2)], x[1:] * x[0]]),
    "dense row": lambda x: np.append(x[:-1] ** 2, np.prod(x)),
    "dense column": lambda x: x * x[0],
    "sorted": lambda x: np.sort(x.reshape(4, 3), axis=1) ** 2,
    "gathered": lambda x: x[[0, 0, 3, 11]] * np.take(x, [1, 2, 3, 4]),
    "upper half": lambda x: np.triu(np.outer(x[:3], x[3:7])),
    "one number": lambda x: np.sum(x[::2] ** 2),
    "constant": lambda x: np.ones(3),
    "matrix shape": lambda x: np.cumsum(x.reshape(3, 4), axis=1).T,
    "complex inside": lambda x: np.abs(np.exp(1j * x) + x[::-1]),
    "brusselator": lambda x: brusselator(np.concatenate([x, x[:6] ** 2]), 3),
}

# Functions of 12 numbers with one number as result.
HESSIANS: dict[str, Callable[[Any], Any]] = {
    "separable": lambda x: np.sum(np.sin(x) * x),
    "linear": lambda x: np.sum(3 * x) + np.mean(x),
    "rosenbrock": lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "arrow": lambda x: np.sum(x[1:] ** 2 * x[0]) + x[0] ** 3,
    "products": lambda x: x[0] * x[1] + x[2] * x[3] * x[4],
    "pairs": lambda x: np.sum(x[::2] * x[1::2]),
    "squared sum": lambda x: np.sum(x) ** 2,
    "quadratic form": lambda x: x @ D2 @ x,
    "residuals": lambda x: np.sum(inner_stencil(x) ** 2),
    "hinge": lambda x: np.sum(np.maximum(D2 @ x, 0.0) ** 2),
    "where": lambda x: np.sum(np.where(x > 0, x**3, x * np.roll(x, 1))),
    "grid": lambda x: np.sum((x.reshape(3, 4)[1:] - x.reshape(3, 4)[:-1]) ** 4) + np.sum(np.diff(x.reshape(3, 4)) ** 4),
    "loop": lambda x: sum(x[k] * x[k + 1] ** 2 for k in range(11)),
    "logdet": lambda x: np.sum(np.linalg.slogdet(x.reshape(3, 2, 2) + 4 * np.eye(2))[1]),
    "sorted": lambda x: np.sum(np.sort(x) * np.arange(12.0)),
}
