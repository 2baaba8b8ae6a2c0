"""ADBench: the log-likelihood of a mixture of Gaussians with a Wishart prior (Srajer, Kukelova, Fitzgibbon 2018)."""

from __future__ import annotations

from math import lgamma, log, pi
from typing import Any

import numpy as np

from benchmarks.problem import Data, Problem, Variables


def likelihood(xp: Any, x: Variables, data: Data) -> Any:
    weights, means, factors = x
    points, gamma, m = data["points"], data["gamma"], data["m"]
    n, d = points.shape
    logs, below = factors[:, :d], factors[:, d:]
    diagonals, traces = xp.exp(logs), xp.sum(logs, axis=1)
    lower = below[:, data["places"]] * data["strict"]

    centred = points - means[:, None, :]
    whitened = diagonals[:, None, :] * centred + centred @ xp.swapaxes(lower, 1, 2)
    inner = (weights + traces)[:, None] - 0.5 * xp.sum(whitened**2, axis=2)
    top = xp.max(inner, axis=0)
    fit = xp.sum(top + xp.log(xp.sum(xp.exp(inner - top), axis=0))) - n * xp.log(xp.sum(xp.exp(weights)))
    prior = 0.5 * gamma**2 * (xp.sum(diagonals**2) + xp.sum(below**2)) - m * xp.sum(traces)
    return fit - prior + data["constant"]


def likelihood_by_torch(torch: Any, x: Variables, data: Data) -> Any:
    weights, means, factors = x
    points, gamma, m = data["points"], data["gamma"], data["m"]
    n, d = points.shape
    logs, below = factors[:, :d], factors[:, d:]
    diagonals, traces = torch.exp(logs), torch.sum(logs, dim=1)
    lower = below[:, data["places"]] * data["strict"]

    centred = points - means[:, None, :]
    whitened = diagonals[:, None, :] * centred + centred @ lower.mT
    inner = (weights + traces)[:, None] - 0.5 * torch.sum(whitened**2, dim=2)
    fit = torch.sum(torch.logsumexp(inner, dim=0)) - n * torch.logsumexp(weights, dim=0)
    prior = 0.5 * gamma**2 * (torch.sum(diagonals**2) + torch.sum(below**2)) - m * torch.sum(traces)
    return fit - prior + data["constant"]


def gradient_by_hand(x: Variables, data: Data) -> Variables:
    weights, means, factors = x
    points, gamma, m, places = data["points"], data["gamma"], data["m"], data["places"]
    n, d = points.shape
    logs, below = factors[:, :d], factors[:, d:]
    diagonals = np.exp(logs)
    full = below[:, places] * data["strict"]
    full[:, range(d), range(d)] = diagonals

    centred = points - means[:, None, :]
    whitened = centred @ full.swapaxes(1, 2)
    inner = (weights + np.sum(logs, axis=1))[:, None] - 0.5 * np.einsum("knd,knd->kn", whitened, whitened)
    inner -= inner.max(axis=0)
    share = np.exp(inner, out=inner)
    share /= share.sum(axis=0)
    totals = share.sum(axis=1)
    powers = np.exp(weights)

    whitened *= share[:, :, None]
    ct_full = -(whitened.swapaxes(1, 2) @ centred)
    ct_means = (whitened.sum(axis=1)[:, None, :] @ full)[:, 0, :]
    ct_logs = totals[:, None] + ct_full[:, range(d), range(d)] * diagonals - gamma**2 * diagonals**2 + m
    rows, columns = np.nonzero(data["strict"])
    ct_below = -(gamma**2) * below
    ct_below[:, places[rows, columns]] += ct_full[:, rows, columns]
    return totals - n * powers / powers.sum(), ct_means, np.concatenate((ct_logs, ct_below), axis=1)


def mixture(rng: np.random.Generator, d: int, k: int, n: int) -> tuple[Variables, Data]:
    inside = d * (d - 1) // 2
    strict = np.tril(np.ones((d, d)), -1)
    places = np.zeros((d, d), dtype=np.intp)
    # The numbers below the diagonal are stored column by column.
    places.T[strict.T > 0] = np.arange(inside)
    gamma, m = 1.0, 0
    freedom = d + m + 1
    gammas = sum(lgamma(0.5 * (freedom - i)) for i in range(d)) + 0.25 * d * (d - 1) * log(pi)
    normaliser = freedom * d * (log(gamma) - 0.5 * log(2.0)) - gammas
    data = {
        "points": rng.standard_normal((n, d)),
        "places": places,
        "strict": strict,
        "gamma": gamma,
        "m": m,
        "constant": -0.5 * n * d * log(2.0 * pi) + k * normaliser,
    }
    # Factors of moderate size, so that a point belongs to several of the Gaussians.
    factors = rng.standard_normal((k, d + inside)) * np.r_[np.full(d, 0.3), np.full(inside, 0.3 / d)]
    return (rng.standard_normal(k), rng.standard_normal((k, d)), factors), data


def _problem(d: int, k: int) -> Problem:
    return Problem(
        name=f"mixture of Gaussians, d={d}, K={k}",
        overhead_bound=False,
        function=likelihood,
        torch=likelihood_by_torch,
        hand=gradient_by_hand,
        make=mixture,
        size={"d": d, "k": k, "n": 1000},
        small={"d": 3, "k": 2, "n": 7},
        measure_memory=True,
    )


PROBLEMS = (_problem(10, 25), _problem(32, 50))
