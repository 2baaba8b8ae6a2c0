"""Times gradients with dualgrad and with the other systems that are installed, in turn: `python -m benchmarks`.

Machines are noisy: the systems alternate, each keeps its fastest round, and only ratios are printed.
"""

from __future__ import annotations

import importlib
import json
import sys
import timeit
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

import dualgrad
from benchmarks.problems import PROBLEMS, Problem

ROUNDS = 15


def gradients(problem: Problem) -> dict[str, Callable[[], Any]]:
    """Return, per installed system, the gradient of a problem at its point."""
    found: dict[str, Callable[[], Any]] = {}
    ours = dualgrad.grad(problem.make(np))
    found["dualgrad"] = lambda: ours(problem.x)
    try:
        autograd = importlib.import_module("autograd")
        theirs = autograd.grad(problem.make(importlib.import_module("autograd.numpy")))
        found["autograd"] = lambda: theirs(problem.x)
    except ImportError:
        pass
    try:
        torch = importlib.import_module("torch")
        torch.set_num_threads(1)
        f = problem.make(torch)

        def by_torch() -> Any:
            x = torch.tensor(problem.x, dtype=torch.float64, requires_grad=True)
            return torch.autograd.grad(f(x), x)[0].numpy()

        found["torch"] = by_torch
    except ImportError:
        pass
    return found


def seconds(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the fastest time of each call, measured in turn."""
    number = {name: max(1, int(0.02 / max(timeit.timeit(call, number=1), 1e-6))) for name, call in calls.items()}
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            best[name] = min(best[name], timeit.timeit(call, number=number[name]) / number[name])
    return best


def element_ratio() -> float:
    """Return the time per element of a loop over x[i] at n = 20,000 over that at 2,000."""
    gradient = dualgrad.grad(lambda x: sum(x[i] ** 2 for i in range(x.size)))
    small, large = np.ones(2_000), np.ones(20_000)
    times = seconds({"small": lambda: gradient(small), "large": lambda: gradient(large)})
    return times["large"] / times["small"] / 10


def arrays_at_peak() -> float:
    """Return how many arrays of the argument's size the gradient of 100 additions holds at its peak."""
    x = np.ones((1000, 1000))

    def f(x: Any) -> Any:
        for _ in range(100):
            x = x + 1
        return np.sum(x)

    gradient = dualgrad.grad(f)
    tracemalloc.start()
    gradient(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / x.nbytes


def main() -> None:
    """Print the table, and write it as JSON where a file is named."""
    rows: dict[str, dict[str, float]] = {}
    for problem in PROBLEMS:
        calls = gradients(problem)
        expected = calls["dualgrad"]()
        for name, call in calls.items():
            np.testing.assert_allclose(call(), expected, rtol=1e-9, err_msg=name)
        times = seconds(calls)
        rows[problem.name] = {name: t / times["dualgrad"] for name, t in times.items() if name != "dualgrad"}
        ratios = "   ".join(f"{name} / dualgrad = {ratio:5.2f}" for name, ratio in rows[problem.name].items())
        print(f"{problem.name:26} {ratios or 'no other system is installed'}")
    rows["counts"] = {"loop over x[i], time per element": element_ratio(), "arrays at peak": arrays_at_peak()}
    for name, value in rows["counts"].items():
        print(f"{name:34} {value:5.2f}")
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=2)


if __name__ == "__main__":
    main()
