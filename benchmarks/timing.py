"""Lets the workers take turns at a problem, and keeps the fastest round of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.memory import Memory
from benchmarks.problem import Problem
from benchmarks.worker import Prepared, Worker

# A round of one system lasts at least this long, if a call is shorter.
ROUND = 0.02
LEAST_ROUNDS = 3


@dataclass
class Row:
    """What was measured on one problem; the dicts are by system."""

    problem: str
    group: str
    seconds: dict[str, float] = field(default_factory=dict)
    first_call: dict[str, float] = field(default_factory=dict)
    processors: dict[str, float] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rounds: int = 0
    agrees: bool = True


def measure(problem: Problem, workers: list[Worker], rounds: int, budget: float, memory: bool) -> Row:
    """Return the row of a problem, after checking that all systems give the same answer."""
    row = Row(problem.name, problem.group.value)
    found: dict[Worker, Prepared] = {}
    for worker in workers:
        try:
            prepared = worker.prepare(problem.name)
        except RuntimeError as error:
            row.notes.append(f"{worker.system} fails: {error}")
        else:
            if prepared is not None:
                found[worker] = prepared
    _compare(problem, found, row)
    _take_turns(found, row, rounds, budget)
    if memory and problem.measure_memory:
        row.memory = {worker.system: worker.memory() for worker in found}
    return row


def _compare(problem: Problem, found: dict[Worker, Prepared], row: Row) -> None:
    """Compare every answer with that of the first system, which is ours if it takes part."""
    for worker, prepared in found.items():
        row.first_call[worker.system] = prepared.first
        first = next(iter(found))
        if prepared.answer and not agree(prepared.answer, found[first].answer, problem.tolerance):
            row.agrees = False
            row.notes.append(f"{worker.system} disagrees with {first.system}")


def agree(given: tuple[Any, ...], expected: tuple[Any, ...], tolerance: float) -> bool:
    """Return whether all arrays have the same shape and differ by no more than the tolerance times the largest entry."""
    return len(given) == len(expected) and all(
        a.shape == b.shape and bool(np.max(np.abs(a - b), initial=0.0) <= tolerance * np.max(np.abs(b), initial=0.0))
        for a, b in zip(given, expected, strict=True)
    )


def _take_turns(found: dict[Worker, Prepared], row: Row, rounds: int, budget: float) -> None:
    numbers = {worker: max(1, int(ROUND / max(prepared.second, 1e-7))) for worker, prepared in found.items()}
    cost = sum(number * found[worker].second for worker, number in numbers.items())
    row.rounds = min(rounds, max(LEAST_ROUNDS, int(budget / max(cost, 1e-7))))
    for _ in range(row.rounds):
        for worker, number in numbers.items():
            wall, cpu = worker.time(number)
            if wall < row.seconds.get(worker.system, float("inf")):
                row.seconds[worker.system] = wall
                row.processors[worker.system] = cpu / wall
