"""convolve and correlate: Jacobians are banded matrices of the other operand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacfwd, jacrev, vmap

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("fun", [np.convolve, np.correlate])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (5, 2), (2, 5), (4, 4), (6, 3), (3, 6), (5, 4), (4, 5), (1, 4)])
def test_jacobians_are_the_answers_to_unit_vectors(fun: Any, mode: Any, n: int, m: int) -> None:
    a, v = RNG.standard_normal(n), RNG.standard_normal(m)
    by_a = np.stack([fun(e, v, mode) for e in np.eye(n)], -1)
    by_v = np.stack([fun(a, e, mode) for e in np.eye(m)], -1)

    for jacobian in (jacfwd, jacrev):
        np.testing.assert_allclose(jacobian(lambda a: fun(a, v, mode))(a), by_a, atol=1e-15)
        np.testing.assert_allclose(jacobian(lambda v: fun(a, v, mode))(v), by_v, atol=1e-15)


def test_correlate_conjugates_its_second_operand() -> None:
    a = np.array([1.0 + 2j, 3.0])

    np.testing.assert_allclose(grad(lambda v: np.real(np.correlate(a, v))[0])(np.ones(2) * 1j), np.conj(a))


def test_a_batch_on_both_sides() -> None:
    a, v = RNG.standard_normal((3, 5)), RNG.standard_normal((3, 2))

    found = vmap(np.convolve)(a, v)

    np.testing.assert_allclose(found, [np.convolve(x, y) for x, y in zip(a, v, strict=True)], rtol=1e-14)


@pytest.mark.parametrize(
    ("f", "match"),
    [
        (lambda x: np.convolve(x, np.ones(0)), "v cannot be empty"),
        (lambda x: np.convolve(x, np.ones((2, 2))), "too deep"),
        (lambda x: np.convolve(x, x, mode="middle"), "mode"),  # type: ignore[call-overload]
    ],
)
def test_errors_are_numpys(f: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        grad(lambda x: np.sum(f(x)))(np.ones(3))
