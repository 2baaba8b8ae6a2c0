"""Recurrent networks: a wide one in single precision, bound by memory, and ADBench's narrow LSTM, bound by overhead."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Data, Problem, Variables

# ---- a plain network -----------------------------------------------------------------------------------------------


def last_state(xp: Any, x: Variables, data: Data) -> Any:
    recurrent, inward, bias = x
    state = data["start"]
    for entry in data["inputs"]:
        state = xp.tanh(state @ recurrent + entry @ inward + bias)
    return xp.mean((state - data["target"]) ** 2)


def last_state_by_jax(jax: Any, x: Variables, data: Data) -> Any:
    recurrent, inward, bias = x
    inputs = data["inputs"] @ inward + bias

    # The loop is scanned, as is usual in JAX: unrolled it runs no faster, and compiles for several seconds.
    def step(state: Any, entry: Any) -> Any:
        return jax.numpy.tanh(state @ recurrent + entry), None

    state, _ = jax.lax.scan(step, data["start"], inputs)
    return jax.numpy.mean((state - data["target"]) ** 2)


def last_state_by_hand(x: Variables, data: Data) -> Variables:
    recurrent, inward, bias = x
    inputs, target = data["inputs"], data["target"]
    steps, width = inputs.shape[0], recurrent.shape[0]
    states = np.empty((steps + 1, *target.shape), target.dtype)
    states[0] = data["start"]
    entries = inputs @ inward + bias
    for i in range(steps):
        entries[i] += states[i] @ recurrent
        np.tanh(entries[i], out=states[i + 1])
    # All the cotangents are kept, so that the gradients of the matrices are one product each, not one for each step.
    slopes = 1.0 - states[1:] ** 2
    cts = np.empty_like(entries)
    ct = (states[-1] - target) * np.float32(2.0 / target.size).astype(target.dtype)
    for i in range(steps - 1, -1, -1):
        np.multiply(ct, slopes[i], out=cts[i])
        ct = cts[i] @ recurrent.T
    flat = cts.reshape(-1, width)
    return (
        states[:-1].reshape(-1, width).T @ flat,
        inputs.reshape(-1, inputs.shape[-1]).T @ flat,
        flat.sum(axis=0),
    )


def sequences(
    rng: np.random.Generator, width: int, inputs: int, steps: int, batch: tuple[int, ...], dtype: Any
) -> tuple[Variables, Data]:
    def draw(*shape: int, scale: float = 1.0) -> Any:
        return (scale * rng.standard_normal(shape)).astype(dtype)

    data = {
        "start": np.zeros((*batch, width), dtype),
        "inputs": draw(steps, *batch, inputs),
        "target": draw(*batch, width),
    }
    x = draw(width, width, scale=width**-0.5), draw(inputs, width, scale=inputs**-0.5), draw(width, scale=0.1)
    return x, data


# ---- ADBench: LSTM (Srajer, Kukelova, Fitzgibbon 2018, "A benchmark of selected algorithmic differentiation tools") --


def _cell(xp: Any, sigmoid: Any, weight: Any, bias: Any, hidden: Any, cell: Any, entry: Any) -> tuple[Any, Any]:
    gates = xp.concatenate((entry, hidden, entry, hidden)) * weight + bias
    n = hidden.shape[0]
    forget, ingate, outgate = sigmoid(gates[:n]), sigmoid(gates[n : 2 * n]), sigmoid(gates[2 * n : 3 * n])
    cell = cell * forget + ingate * xp.tanh(gates[3 * n :])
    return outgate * xp.tanh(cell), cell


def _predict(xp: Any, sigmoid: Any, rows: Any, state: list[Any], entry: Any) -> tuple[Any, list[Any]]:
    main, extra = rows
    entry, after = entry * extra[0], []
    for i in range(0, len(state), 2):
        entry, cell = _cell(xp, sigmoid, main[i], main[i + 1], state[i], state[i + 1], entry)
        after += [entry, cell]
    return entry * extra[1] + extra[2], after


def lstm(xp: Any, x: Variables, data: Data) -> Any:
    def sigmoid(a: Any) -> Any:
        return 1.0 / (1.0 + xp.exp(-a))

    rows = [list(matrix) for matrix in x]
    state, total = list(data["state"]), 0.0
    for entry, following in zip(data["sequence"][:-1], data["sequence"][1:], strict=True):
        guess, state = _predict(xp, sigmoid, rows, state, entry)
        logs = guess - xp.log(xp.sum(xp.exp(guess)) + 2.0)
        total = total + xp.sum(following * logs)
    return -total / data["count"]


def lstm_by_torch(torch: Any, x: Variables, data: Data) -> Any:
    rows = [matrix.unbind() for matrix in x]
    state, total = list(data["state"].unbind()), 0.0
    for entry, following in zip(data["sequence"][:-1], data["sequence"][1:], strict=True):
        guess, state = _predict(torch, torch.sigmoid, rows, state, entry)
        total = total + torch.dot(following, guess - torch.log(torch.sum(torch.exp(guess)) + 2.0))
    return -total / data["count"]


def lstm_by_jax(jax: Any, x: Variables, data: Data) -> Any:
    # Unrolled, 1,024 steps are 60,000 operations, which XLA would compile for minutes.
    def step(state: Any, pair: Any) -> Any:
        guess, after = _predict(jax.numpy, jax.nn.sigmoid, x, list(state), pair[0])
        logs = guess - jax.numpy.log(jax.numpy.sum(jax.numpy.exp(guess)) + 2.0)
        return tuple(after), jax.numpy.sum(pair[1] * logs)

    pairs = data["sequence"][:-1], data["sequence"][1:]
    _, parts = jax.lax.scan(step, tuple(data["state"]), pairs)
    return -jax.numpy.sum(parts) / data["count"]


def letters(rng: np.random.Generator, layers: int, width: int, steps: int) -> tuple[Variables, Data]:
    sequence = (rng.uniform(0.0, 1.0, (steps, width)) < 0.5).astype(float)
    x = 0.5 * rng.standard_normal((2 * layers, 4 * width)), 0.5 * rng.standard_normal((3, width))
    state = 0.1 * rng.standard_normal((2 * layers, width))
    return x, {"sequence": sequence, "state": state, "count": float((steps - 1) * width)}


WIDE = {"width": 1024, "inputs": 64, "steps": 50, "dtype": np.float32}
NARROW = {"width": 4, "inputs": 3, "steps": 5, "dtype": np.float64}

PROBLEMS = (
    Problem(
        name="RNN, 1,024 wide, 50 steps",
        overhead_bound=False,
        function=last_state,
        jax=last_state_by_jax,
        hand=last_state_by_hand,
        make=sequences,
        size={**WIDE, "batch": ()},
        small={**NARROW, "batch": ()},
        tolerance=1e-4,
        measure_memory=True,
    ),
    Problem(
        name="RNN, the same, batch 32",
        overhead_bound=False,
        function=last_state,
        jax=last_state_by_jax,
        hand=last_state_by_hand,
        make=sequences,
        size={**WIDE, "batch": (32,)},
        small={**NARROW, "batch": (2,)},
        tolerance=1e-4,
        measure_memory=True,
    ),
    Problem(
        name="LSTM, 2 layers, 14 wide, 1,024 steps",
        overhead_bound=True,
        function=lstm,
        torch=lstm_by_torch,
        jax=lstm_by_jax,
        make=letters,
        size={"layers": 2, "width": 14, "steps": 1024},
        small={"layers": 2, "width": 3, "steps": 5},
        measure_memory=True,
    ),
)
