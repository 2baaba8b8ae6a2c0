"""Logistic regression with a penalty: two products with a matrix of 8 MB."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Data, Problem, Variables

PENALTY = 1e-3


def loss(xp: Any, x: Variables, data: Data) -> Any:
    weights, bias = x
    z = data["features"] @ weights + bias
    return xp.mean(xp.logaddexp(0.0, z) - data["labels"] * z) + PENALTY * xp.sum(weights**2)


def loss_by_torch(torch: Any, x: Variables, data: Data) -> Any:
    weights, bias = x
    z = data["features"] @ weights + bias
    fit = torch.nn.functional.binary_cross_entropy_with_logits(z, data["labels"])
    return fit + PENALTY * torch.sum(weights**2)


def gradient_by_hand(x: Variables, data: Data) -> Variables:
    weights, bias = x
    features = data["features"]
    residual = 1.0 / (1.0 + np.exp(-(features @ weights + bias))) - data["labels"]
    residual /= residual.size
    return residual @ features + 2.0 * PENALTY * weights, np.sum(residual)


def samples(rng: np.random.Generator, n: int, d: int) -> tuple[Variables, Data]:
    features = rng.standard_normal((n, d))
    labels = (features @ rng.standard_normal(d) + rng.standard_normal(n) > 0).astype(float)
    return (0.1 * rng.standard_normal(d), np.float64(0.1)), {"features": features, "labels": labels}


PROBLEMS = (
    Problem(
        name="logistic regression, 10,000 x 100",
        overhead_bound=False,
        function=loss,
        torch=loss_by_torch,
        hand=gradient_by_hand,
        make=samples,
        size={"n": 10_000, "d": 100},
        small={"n": 20, "d": 3},
    ),
)
