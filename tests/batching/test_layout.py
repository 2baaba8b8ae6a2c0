"""How batches lie in memory: as is best on the way, and in C order for the user."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import jacfwd, jacrev, jvp, vmap
from dualgrad.errors import ConversionError

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


def test_large_members_stay_in_c_order() -> None:
    seen: list[Any] = []

    def f(a: Any, b: Any) -> Any:
        seen.append(last(a * b))
        return a * b

    vmap(f)(RNG.normal(size=(300, 100, 3)), RNG.normal(size=(300, 3)))
    assert seen[0].flags.c_contiguous


@pytest.mark.parametrize("out_axes", [0, 1])
@pytest.mark.parametrize(
    "f", [lambda x: x, lambda x: x[:2], lambda x: x.T, lambda x: x * 2], ids=["x", "x[:2]", "x.T", "2x"]
)
def test_results_have_memory_of_their_own_in_c_order(f: Any, out_axes: int) -> None:
    x = RNG.normal(size=(4, 3, 2))
    before = x.copy()
    found = vmap(f, out_axes=out_axes)(x)
    assert found.flags.c_contiguous
    found[...] = 99.0
    np.testing.assert_array_equal(x, before)


def test_jvp_returns_values_of_their_own() -> None:
    x = np.ones(3)
    value, _ = jvp(lambda x: x, (x,), (x,))
    value[0] = 99.0
    assert x[0] == 1.0


def test_order_k_of_a_member_is_its_own_or_an_error() -> None:
    x = np.arange(6.0).reshape(1, 2, 3)
    np.testing.assert_array_equal(vmap(lambda a: a.T.ravel(order="K"))(x)[0], x[0].T.ravel(order="K"))
    np.testing.assert_array_equal(vmap(lambda a: a.T.ravel(order="A"))(x)[0], x[0].T.ravel(order="A"))
    many = RNG.normal(size=(300, 2, 3))
    with pytest.raises(ConversionError, match="Write order='C'"):
        vmap(lambda a, b: (a * b).ravel(order="K"))(many, many[:, 0])


def test_searchsorted_takes_a_plain_number() -> None:
    x = np.array([[0.3, 0.1, 0.9], [0.6, 0.7, 0.8]])
    np.testing.assert_array_equal(vmap(lambda x: np.searchsorted(np.sort(x), 0.5))(x), [2, 0])
