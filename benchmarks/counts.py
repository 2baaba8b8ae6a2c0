"""Two numbers that are counts rather than times: they should hold on every machine."""

from __future__ import annotations

import timeit
import tracemalloc
from typing import Any

import numpy as np

import dualgrad


def element_ratio() -> float:
    """Return the time for each element of a loop over x[i] at n = 20,000, over that at 2,000: 1 where the loop is linear."""
    gradient = dualgrad.grad(lambda x: sum(x[i] ** 2 for i in range(x.size)))
    small, large = np.ones(2_000), np.ones(20_000)
    times = {len(x): min(timeit.repeat(lambda x=x: gradient(x), number=1, repeat=5)) for x in (small, large)}  # type: ignore[misc]
    return times[20_000] / times[2_000] / 10


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
