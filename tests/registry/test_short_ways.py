"""The short ways through each mode say, to the last bit, what the general ways say."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jvp, vjp, vmap
from dualgrad._array.array import TracedArray
from dualgrad._table.record import SHORT, SHORT_FORWARD, UNARY
from dualgrad._trace.level import Level
from dualgrad.batching import _hot as batching
from dualgrad.forward import _hot as forward
from dualgrad.reverse import _hot as reverse
from dualgrad.testing import random_like
from tests.registry.cases import CASES, has_numbers

CHUNKS = 24

HOMES: dict[type, type] = {
    reverse.TapeArray: TracedArray,
    reverse.ShortTape: Level,
    forward.DualArray: TracedArray,
    forward.ShortForward: Level,
    batching.BatchArray: TracedArray,
    batching.ShortBatch: Level,
}
WAYS = {"__array_ufunc__", "__getitem__", "__iter__", "unary", "binary"}

X = np.array([0.0, 0.3, -1.2, 2.5])
Y = np.array([1.0, np.inf, -0.0, 3.0])

PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "operators": lambda x: (2.0 / (x + 3) - x * 1.5) ** 3 / (4.0 - x) + 2**x - (-x),
    "plain arrays": lambda x: (X * x + Y / (x + 4)) - np.where(x > 0, x, 0.0) * np.array([1, 2, 3, 4]),
    "items": lambda x: x[0] * x[1] + x[-1] / (x[2] - 1.0),
    "slices": lambda x: x[1:] * x[:-1] - x[::-1][1:],
    "iteration": lambda x: sum([one * one for one in x]),
    "writes": lambda x: written(x),
    "matrices": lambda x: x @ np.outer(x, X) @ x + np.outer(x, x)[1][2:],
    "poles": lambda x: np.sqrt(x * x) + np.log(x * 0.0 + 1.0) / (1 / x),
    "even powers of roots": lambda x: np.abs(x) ** 2 + np.hypot(x, 0.0) ** 2 + np.sqrt(x * x) * np.linalg.norm(x) ** 2,
    "nested": lambda x: grad(lambda y: np.sum(np.sin(y * x) * y[1]))(x * 2.0),
    "single precision": lambda x: np.tanh(x.astype(np.float32)) * np.float32(2) + x,
    "complex": lambda x: np.abs(np.exp(1j * x) * x[1]),
}


def written(x: Any) -> Any:
    y = x * 1.0
    y[1:3] *= x[0] + 2.0
    y[0] = y[1]
    return y


def short_ways() -> Iterator[tuple[type, str]]:
    for home, general in HOMES.items():
        for name, method in vars(home).items():
            if callable(method) and hasattr(general, name) and name in WAYS:
                yield home, name


@contextmanager
def without_short_ways() -> Iterator[None]:
    methods = [(home, name, vars(home)[name]) for home, name in short_ways()]
    tables: list[tuple[dict[Any, Any], dict[Any, Any]]] = [(t, dict(t)) for t in (SHORT, SHORT_FORWARD, UNARY)]
    try:
        for home, name, _ in methods:
            delattr(home, name)
        for table, _ in tables:
            table.clear()
        yield
    finally:
        for home, name, method in methods:
            setattr(home, name, method)
        for table, contents in tables:
            table.update(contents)


def derivatives(f: Callable[..., tuple[Any, ...]], values: list[Any]) -> list[Any]:
    """Return all that the modes say of a function at a point, or what they raise."""
    rng = np.random.default_rng(3)
    found: list[Any] = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            tangents = [random_like(x, rng) for x in values]
            value, moved = jvp(f, values, tangents)
            again, pull = vjp(f, *values)
            cts = tuple([random_like(a, rng) for a in again])
            found += [*value, *moved, *again, *pull(cts)]
            # What rules do to values that are traced themselves.
            found += jvp(lambda *x: vjp(f, *x)[1](cts), values, tangents)[1]
            found += vmap(f, (0,) * len(values))(*[np.stack([x, x]) for x in values])
        except Exception as error:
            found.append(repr(error))
    return found


def is_same(a: Any, b: Any) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return bool(a == b)
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or not np.array_equal(a, b, equal_nan=True):
        return False
    # Zeros have signs.
    parts = [(a.real, b.real), (a.imag, b.imag)]
    return all(np.array_equal(np.signbit(x)[x == 0], np.signbit(y)[y == 0]) for x, y in parts)


def are_same(xs: list[Any], ys: list[Any]) -> bool:
    return len(xs) == len(ys) and all(map(is_same, xs, ys))


def test_short_ways_live_in_one_home_for_each_mode() -> None:
    found = list(short_ways())
    assert {name for _, name in found} == WAYS
    assert {home for home, _ in found} == set(HOMES)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_without_short_ways_every_case_is_the_same_to_the_last_bit(chunk: int) -> None:
    cases = [case for case in CASES[chunk::CHUNKS] if has_numbers(case)]
    short = [derivatives(case.function, case.inputs.values) for case in cases]
    with without_short_ways():
        general = [derivatives(case.function, case.inputs.values) for case in cases]
    assert not [case.name for case, xs, ys in zip(cases, short, general, strict=True) if not are_same(xs, ys)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_the_same_too(name: str) -> None:
    def f(x: Any) -> Any:
        return (PROGRAMS[name](x),)

    short = derivatives(f, [X])
    with without_short_ways():
        general = derivatives(f, [X])
    assert not any(isinstance(x, str) for x in short)
    assert are_same(short, general)
