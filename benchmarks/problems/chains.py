"""Chains of cheap operations: what is measured is the price of an operation, not of its arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Data, Problem, Variables


def sines(xp: Any, x: Variables, data: Data) -> Any:
    for _ in range(data["length"]):
        x = xp.sin(x)
    return xp.sum(x)


def sines_of_a_number(xp: Any, x: Variables, data: Data) -> Any:
    for _ in range(data["length"]):
        x = xp.sin(x)
    return x


def sines_by_hand(x: Variables, data: Data) -> Variables:
    inputs = []
    for _ in range(data["length"]):
        inputs.append(x)
        x = np.sin(x)
    ct = np.ones_like(x)
    for value in reversed(inputs):
        ct = ct * np.cos(value)
    return ct


def mixed(xp: Any, x: Variables, data: Data) -> Any:
    y = x
    for _ in range(data["length"]):
        y = xp.exp(-y * y) + x / (1.0 + xp.sqrt(y))
        y = xp.tanh(y) * xp.log(2.0 + x)
    return xp.sum(y)


def mixed_by_hand(x: Variables, data: Data) -> Variables:
    inputs, log = [], np.log(2.0 + x)
    y = x
    for _ in range(data["length"]):
        bell, root = np.exp(-y * y), np.sqrt(y)
        quotient = x / (1.0 + root)
        tanh = np.tanh(bell + quotient)
        inputs.append((y, bell, root, quotient, tanh))
        y = tanh * log
    ct_y, ct_x, ct_log = np.ones_like(x), 0.0, 0.0
    for y, bell, root, quotient, tanh in reversed(inputs):
        ct_log = ct_log + ct_y * tanh
        ct = ct_y * log * (1.0 - tanh * tanh)
        share = ct / (1.0 + root)
        ct_x = ct_x + share
        ct_y = -2.0 * ct * bell * y - share * quotient / (2.0 * root)
    return ct_x + ct_y + ct_log / (2.0 + x)


def fan_out(xp: Any, x: Variables, data: Data) -> Any:
    for _ in range(data["length"]):
        x = (x + x) / 2
    return x


def fan_out_by_hand(x: Variables, data: Data) -> Variables:
    ct = 1.0
    for _ in range(data["length"]):
        x = (x + x) / 2
    for _ in range(data["length"]):
        half = ct / 2
        ct = half + half
    return np.float64(ct)


def number(rng: np.random.Generator, length: int) -> tuple[Variables, Data]:
    return np.float64(rng.uniform(0.3, 0.7)), {"length": length}


def vector(rng: np.random.Generator, length: int, n: int) -> tuple[Variables, Data]:
    return rng.uniform(0.1, 1.0, n), {"length": length}


PROBLEMS = (
    Problem(
        name="50 sines, a number",
        overhead_bound=True,
        function=sines_of_a_number,
        hand=sines_by_hand,
        make=number,
        size={"length": 50},
        small={"length": 5},
    ),
    Problem(
        name="50 sines, 10 numbers",
        overhead_bound=True,
        function=sines,
        hand=sines_by_hand,
        make=vector,
        size={"length": 50, "n": 10},
        small={"length": 5, "n": 3},
    ),
    Problem(
        name="100 mixed ufuncs, 10 numbers",
        overhead_bound=True,
        function=mixed,
        hand=mixed_by_hand,
        make=vector,
        size={"length": 10, "n": 10},
        small={"length": 2, "n": 3},
    ),
    Problem(
        name="fan-out, 2,000",
        overhead_bound=True,
        function=fan_out,
        hand=fan_out_by_hand,
        make=number,
        size={"length": 2000},
        small={"length": 10},
    ),
)
