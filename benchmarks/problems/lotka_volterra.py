"""The equations of Lotka and Volterra, integrated by Runge and Kutta's method of fourth order, and fitted to data."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Data, Problem, Variables


def _slope(xp: Any, state: Any, rates: Any) -> Any:
    prey, predators = state
    birth, hunt, growth, death = rates
    return xp.array([prey * (birth - hunt * predators), predators * (growth * prey - death)])


def _step(xp: Any, slope: Any, state: Any, rates: Any, h: float) -> Any:
    k1 = slope(xp, state, rates)
    k2 = slope(xp, state + 0.5 * h * k1, rates)
    k3 = slope(xp, state + 0.5 * h * k2, rates)
    k4 = slope(xp, state + h * k3, rates)
    return state + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def misfit(xp: Any, x: Variables, data: Data) -> Any:
    state, rates = x
    states = []
    for _ in range(data["steps"]):
        state = _step(xp, _slope, state, rates, data["h"])
        states.append(state)
    return xp.mean((xp.stack(states) - data["seen"]) ** 2)


def misfit_by_torch(torch: Any, x: Variables, data: Data) -> Any:
    def slope(torch: Any, state: Any, rates: Any) -> Any:
        prey, predators = state.unbind()
        birth, hunt, growth, death = rates
        return torch.stack((prey * (birth - hunt * predators), predators * (growth * prey - death)))

    state, rates = x
    rates, states = rates.unbind(), []
    for _ in range(data["steps"]):
        state = _step(torch, slope, state, rates, data["h"])
        states.append(state)
    return torch.mean((torch.stack(states) - data["seen"]) ** 2)


def misfit_by_jax(jax: Any, x: Variables, data: Data) -> Any:
    # Unrolled, 1,000 steps are 60,000 operations, which XLA would compile for minutes.
    def step(state: Any, seen: Any) -> Any:
        state = _step(jax.numpy, _slope, state, x[1], data["h"])
        return state, jax.numpy.mean((state - seen) ** 2)

    _, parts = jax.lax.scan(step, x[0], data["seen"])
    return jax.numpy.mean(parts)


Pair = tuple[float, float]


def _slope_by_hand(u: float, v: float, rates: Any) -> Pair:
    birth, hunt, growth, death = rates
    return u * (birth - hunt * v), v * (growth * u - death)


def gradient_by_hand(x: Variables, data: Data) -> Variables:
    """Integrate and sweep back in Python's numbers: for a state of two numbers arrays only cost."""
    (u, v), rates = x[0].tolist(), x[1].tolist()
    seen, h, scale = data["seen"].tolist(), data["h"], 1.0 / data["steps"]
    stages = []
    for _ in range(data["steps"]):
        a1, b1 = _slope_by_hand(u, v, rates)
        u2, v2 = u + 0.5 * h * a1, v + 0.5 * h * b1
        a2, b2 = _slope_by_hand(u2, v2, rates)
        u3, v3 = u + 0.5 * h * a2, v + 0.5 * h * b2
        a3, b3 = _slope_by_hand(u3, v3, rates)
        u4, v4 = u + h * a3, v + h * b3
        a4, b4 = _slope_by_hand(u4, v4, rates)
        stages.append((u, v, u2, v2, u3, v3, u4, v4))
        u, v = u + h / 6.0 * (a1 + 2.0 * a2 + 2.0 * a3 + a4), v + h / 6.0 * (b1 + 2.0 * b2 + 2.0 * b3 + b4)

    birth, hunt, growth, death = rates
    totals = [0.0, 0.0, 0.0, 0.0]

    def back(u: float, v: float, ct_a: float, ct_b: float) -> Pair:
        totals[0] += ct_a * u
        totals[1] -= ct_a * u * v
        totals[2] += ct_b * u * v
        totals[3] -= ct_b * v
        return ct_a * (birth - hunt * v) + ct_b * growth * v, ct_b * (growth * u - death) - ct_a * hunt * u

    ct_u = ct_v = 0.0
    for (u1, v1, u2, v2, u3, v3, u4, v4), (seen_u, seen_v) in zip(reversed(stages), reversed(seen), strict=True):
        ct_u, ct_v = ct_u + scale * (u - seen_u), ct_v + scale * (v - seen_v)
        c4_u, c4_v = back(u4, v4, h / 6.0 * ct_u, h / 6.0 * ct_v)
        c3_u, c3_v = back(u3, v3, h / 3.0 * ct_u + h * c4_u, h / 3.0 * ct_v + h * c4_v)
        c2_u, c2_v = back(u2, v2, h / 3.0 * ct_u + 0.5 * h * c3_u, h / 3.0 * ct_v + 0.5 * h * c3_v)
        c1_u, c1_v = back(u1, v1, h / 6.0 * ct_u + 0.5 * h * c2_u, h / 6.0 * ct_v + 0.5 * h * c2_v)
        ct_u, ct_v = ct_u + c1_u + c2_u + c3_u + c4_u, ct_v + c1_v + c2_v + c3_v + c4_v
        u, v = u1, v1
    return np.array([ct_u, ct_v]), np.array(totals)


def populations(rng: np.random.Generator, steps: int) -> tuple[Variables, Data]:
    x = np.array([1.0, 1.0]), np.array([1.5, 1.0, 0.75, 3.0])
    return x, {"seen": rng.uniform(0.5, 4.0, (steps, 2)), "steps": steps, "h": 0.01}


PROBLEMS = (
    Problem(
        name="Lotka-Volterra, RK4, 1,000 steps",
        overhead_bound=True,
        function=misfit,
        torch=misfit_by_torch,
        jax=misfit_by_jax,
        hand=gradient_by_hand,
        make=populations,
        size={"steps": 1000},
        small={"steps": 5},
        measure_memory=True,
    ),
)
