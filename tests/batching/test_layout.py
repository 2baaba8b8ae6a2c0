"""How batches lie in memory: as is best on the way, and in C order for the user."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import jacfwd, jacrev, vmap

RNG = np.random.default_rng(0)


def last(x: Any) -> np.ndarray[Any, Any]:
    """Return the array that a batch, or a batch of batches, stands for."""
    while not isinstance(x, np.ndarray):
        x = x._value
    return x


def test_small_members_of_many_lie_beside_each_other() -> None:
    seen: list[Any] = []

    def f(a: Any, b: Any) -> Any:
        seen.append(last(a * b))
        return a * b + a

    a, b = RNG.normal(size=(1000, 4, 3)), RNG.normal(size=(1000, 3))
    found = vmap(f)(a, b)
    assert seen[0].flags.f_contiguous
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, a * b[:, None, :] + a)


@pytest.mark.parametrize(("members", "width"), [(10, 3), (1000, 40)])
def test_few_or_long_members_stay_as_they_are(members: int, width: int) -> None:
    seen: list[Any] = []

    def f(a: Any, b: Any) -> Any:
        seen.append(last(a * b))
        return a * b

    vmap(f)(RNG.normal(size=(members, 4, width)), RNG.normal(size=(members, width)))
    assert seen[0].flags.c_contiguous


@pytest.mark.parametrize("jacobian", [jacfwd, jacrev])
def test_jacobians_of_many_are_in_c_order(jacobian: Any) -> None:
    def f(x: Any) -> Any:
        m = np.outer(np.sin(x), x) + x
        return m @ x * np.sum(x**2)

    x = RNG.normal(size=(600, 3))
    found = vmap(jacobian(f))(x)
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found, [jacobian(f)(one) for one in x], rtol=1e-12)
