"""The problems of the benchmarks, at small sizes: what is timed is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dualgrad
from benchmarks.problem import Data, Derivative, Problem, Variables, arrays_of
from benchmarks.problems import PROBLEMS
from benchmarks.systems import Dualgrad, mapped
from benchmarks.timing import agree

STEP = 1e-5


def named(*derivatives: Derivative) -> list[Any]:
    return [pytest.param(problem, id=problem.name) for problem in PROBLEMS if problem.derivative in derivatives]


def by_dualgrad(problem: Problem, x: Variables, data: Data) -> tuple[Any, ...]:
    system = Dualgrad()
    return system.arrays(system.prepare(problem, x, data)())


def moved(x: Variables, along: Variables, step: float) -> Variables:
    if isinstance(x, tuple):
        return tuple(moved(a, t, step) for a, t in zip(x, along, strict=True))
    return x + step * along


def differences(f: Any, x: Variables, along: Variables) -> tuple[Any, ...]:
    ahead, behind = arrays_of(f(moved(x, along, STEP))), arrays_of(f(moved(x, along, -STEP)))
    return tuple((a - b) / (2 * STEP) for a, b in zip(ahead, behind, strict=True))


def direction(x: Variables) -> Variables:
    rng = np.random.default_rng(1)
    return mapped(lambda a: rng.standard_normal(a.shape)[()], x)


def inner(a: tuple[Any, ...], b: tuple[Any, ...]) -> float:
    return sum(float(np.sum(u * v)) for u, v in zip(a, b, strict=True))


@pytest.mark.parametrize("problem", named(Derivative.GRADIENT))
def test_gradients_agree_with_differences(problem: Problem) -> None:
    x, data = problem.instance(small=True)
    along = direction(x)

    slope = inner(by_dualgrad(problem, x, data), arrays_of(along))

    (expected,) = differences(lambda x: problem.function(np, x, data), x, along)
    np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("problem", named(Derivative.HESSIAN, Derivative.HVP))
def test_second_derivatives_agree_with_differences_of_gradients(problem: Problem) -> None:
    x, data = problem.instance(small=True)
    along = data.get("direction", direction(x))

    found = by_dualgrad(problem, x, data)
    if problem.derivative is Derivative.HESSIAN:
        found = (found[0] @ along,)

    gradient = dualgrad.grad(lambda x: problem.function(np, x, data))
    for product, expected in zip(found, differences(gradient, x, along), strict=True):
        np.testing.assert_allclose(product, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("problem", named(Derivative.JACOBIAN, Derivative.ROWS, Derivative.SPARSE))
def test_jacobians_agree_with_differences(problem: Problem) -> None:
    x, data = problem.instance(small=True)
    along = direction(x)

    (jacobian,) = by_dualgrad(problem, x, data)

    (expected,) = differences(lambda x: problem.function(np, x, data), x, along)
    np.testing.assert_allclose(jacobian @ along, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("problem", named(Derivative.BLOCKS))
def test_blocks_agree_with_differences(problem: Problem) -> None:
    x, data = problem.instance(small=True)
    along = direction(x)

    rows = by_dualgrad(problem, x, data)

    (change,) = differences(lambda x: problem.function(np, x, data), x, along)
    width = len(arrays_of(x))
    for i, ct in enumerate(data["cotangents"]):
        block = rows[i * width : (i + 1) * width]
        np.testing.assert_allclose(inner(block, arrays_of(along)), np.sum(ct * change), rtol=1e-6)


@pytest.mark.parametrize("problem", named(Derivative.MAPPED))
def test_jacobians_of_members_agree_with_differences(problem: Problem) -> None:
    x, data = problem.instance(small=True)
    along = direction(x)

    (jacobians,) = by_dualgrad(problem, x, data)

    for member, t, jacobian in zip(x, along, jacobians, strict=True):
        (expected,) = differences(lambda x: problem.function(np, x, data), member, t)
        np.testing.assert_allclose(jacobian @ t, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("problem", [p for p in named(*Derivative) if p.values[0].hand])
def test_derivatives_by_hand_agree(problem: Problem) -> None:
    assert problem.hand is not None
    x, data = problem.instance(small=True)
    before = [array.copy() for array in arrays_of(x)]

    found = arrays_of(problem.hand(x, data))

    assert agree(found, by_dualgrad(problem, x, data), 1e-10)
    for array, copy in zip(arrays_of(x), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_names_are_unique() -> None:
    names = [problem.name for problem in PROBLEMS]

    assert len(set(names)) == len(names)


def test_the_dtype_of_the_large_recurrent_networks_is_single() -> None:
    sizes = [problem.size["dtype"] for problem in PROBLEMS if "dtype" in problem.size]

    assert sizes == [np.float32, np.float32]
