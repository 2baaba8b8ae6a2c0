"""Small problems, whose cost is Python's: written once, for any NumPy-like namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Problem(NamedTuple):
    """A function of one argument, made from a namespace with NumPy's names, and the point at which it is differentiated."""

    name: str
    make: Callable[[Any], Callable[[Any], Any]]
    x: Any


def chain(n: Any) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        for _ in range(50):
            x = n.sin(x)
        return n.sum(x)

    return f


def rosenbrock(n: Any) -> Callable[[Any], Any]:
    return lambda x: n.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def fan_out(n: Any) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        for _ in range(2000):
            x = (x + x) / 2
        return x

    return f


def scalar_chain(n: Any) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        for _ in range(50):
            x = n.sin(x)
        return x

    return f


PROBLEMS = [
    Problem("50 sines of a number", scalar_chain, 0.5),
    Problem("50 sines of 10 numbers", chain, np.linspace(0.1, 1.0, 10)),
    Problem("Rosenbrock, 10", rosenbrock, np.linspace(-1.0, 1.0, 10)),
    Problem("fan-out, 2,000", fan_out, 0.5),
]
