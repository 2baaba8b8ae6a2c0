"""What the main problems cost, counted: operations on the tape, and memory held at the peak. No clocks."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.problem import Derivative, Problem
from benchmarks.problems import PROBLEMS
from dualgrad import grad, jvp
from dualgrad.reverse import Recording

# How many entries the gradient of each problem, at its small size, puts on the tape: inputs, and one for each operation.
ENTRIES = {
    "50 sines, a number": 6,
    "50 sines, 10 numbers": 7,
    "100 mixed ufuncs, 10 numbers": 24,
    "fan-out, 2,000": 21,
    "Rosenbrock, 10": 12,
    "Lotka-Volterra, RK4, 1,000 steps": 376,
    "LSTM, 2 layers, 14 wide, 1,024 steps": 255,
    "Rosenbrock, 10^6": 12,
    "RNN, 1,024 wide, 50 steps": 31,
    "RNN, the same, batch 32": 31,
    "logistic regression, 10,000 x 100": 12,
    "perceptron 784-256-10, batch 128": 18,
    "mixture of Gaussians, d=10, K=25": 45,
    "mixture of Gaussians, d=32, K=50": 45,
    "Gaussian process, n=200": 28,
    "Black-Scholes, 10^6 options": 62,
    "eigh, n=100": 15,
}
GRADIENTS = [problem for problem in PROBLEMS if problem.derivative is Derivative.GRADIENT]


@pytest.mark.parametrize("problem", GRADIENTS, ids=lambda problem: problem.name)
def test_a_gradient_records_no_more_operations_than_it_did(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    x, data = problem.instance(small=True)
    args = x if isinstance(x, tuple) else (x,)
    lengths: list[int] = []
    record = Recording.__init__

    def counting(self: Any, *given: Any, **keywords: Any) -> None:
        record(self, *given, **keywords)
        lengths.append(len(self._tape.entries))

    monkeypatch.setattr(Recording, "__init__", counting)
    grad(lambda *a: problem.function(np, a if isinstance(x, tuple) else a[0], data), tuple(range(len(args))))(*args)

    assert sum(lengths) <= ENTRIES[problem.name]


def arrays_at_peak(f: Any, x: np.ndarray[Any, Any]) -> float:
    gradient = grad(f)
    gradient(x[:2])
    tracemalloc.start()
    gradient(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / x.nbytes


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def additions(x: Any) -> Any:
    for _ in range(100):
        x = x + 1
    return np.sum(x)


def products(x: Any) -> Any:
    y = x
    for _ in range(10):
        y = y * x
    return np.sum(y)


@pytest.mark.parametrize(
    ("f", "most"), [(additions, 3.1), (rosenbrock, 7.5), (products, 15.1)], ids=["additions", "Rosenbrock", "products"]
)
def test_a_gradient_holds_no_more_arrays_than_it_did(f: Any, most: float) -> None:
    # One of them is the copy of `x`. `products` has to keep ten intermediate values; cotangents are written over, not added to them.
    assert arrays_at_peak(f, np.full(200_000, 0.9)) <= most


def python_calls(run: Callable[[], Any]) -> int:
    """Return how many Python functions are called in a run after the first."""
    run()
    found = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal found
        found += event == "call"

    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(None)
    return found


# Python functions called for each operation in reverse mode, there and back, and in forward mode. What a user's function pays for
# small arrays is mostly these calls.
CALLS: dict[str, tuple[Callable[[Any], Any], int, int]] = {
    "sin": (np.sin, 2, 2),
    "sqrt": (np.sqrt, 2, 19),
    "x * x": (lambda x: x * x, 10, 10),
    "x + 1": (lambda x: x + 1.0, 6, 7),
    "x / 2": (lambda x: x / 2.0, 7, 9),
    # A slice of a slice is noted as one of the array that owns the memory.
    "x[::-1]": (lambda x: x[::-1], 17, 22),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_operation_calls_no_more_python_functions_than_it_did(name: str) -> None:
    operation, most_back, most_forth = CALLS[name]
    x = np.linspace(0.1, 1.0, 10) * 1e-3

    def chain(count: int) -> Callable[[Any], Any]:
        def f(x: Any) -> Any:
            for _ in range(count):
                x = operation(x)
            return x[0]

        return f

    def calls_of(derivative: Callable[[Any], Callable[[], Any]]) -> float:
        return (python_calls(derivative(chain(5))) - python_calls(derivative(chain(3)))) / 2

    assert calls_of(lambda f: lambda: grad(f)(x)) <= most_back
    assert calls_of(lambda f: lambda: jvp(f, (x,), (x,))) <= most_forth


def test_a_gradient_calls_no_more_python_functions_than_it_did() -> None:
    gradient = grad(lambda x: x[0])
    x = np.ones(10)
    assert python_calls(lambda: gradient(x)) <= 70
