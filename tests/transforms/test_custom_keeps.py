"""What a function with rules of its own keeps for the sweep may be written to after the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import checkpoint, custom_jvp, custom_vjp, grad, hessian, hvp, jacrev, vjp, vmap


@custom_vjp
def by_pullback(x: Any, d: Any, places: Any, more: Any) -> Any:
    return x[places] ** 2 * d * more["scale"][0]


by_pullback.defvjp(
    lambda x, d, places, more: (x[places] ** 2 * d * more["scale"][0], {"all": [(x, d), places, more]}),
    lambda kept, ct: (
        _scattered(
            2 * kept["all"][0][0][kept["all"][1]] * kept["all"][0][1] * kept["all"][2]["scale"][0] * ct, *kept["all"]
        ),
        None,
        None,
        None,
    ),
)


def _scattered(ct: Any, pair: Any, places: Any, more: Any) -> Any:
    found = np.zeros_like(ct)
    found[places] = ct
    return found


@custom_jvp
def by_pushforward(x: Any, d: Any, places: Any, more: Any) -> Any:
    return x[places] ** 2 * d * more["scale"][0]


@by_pushforward.defjvp
def _(primals: Any, tangents: Any) -> Any:
    x, d, places, more = primals
    t = tangents[0][places]
    return x[places] ** 2 * d * more["scale"][0], 2 * x[places] * t * d * more["scale"][0]


def plainly(x: Any, d: Any, places: Any, more: Any) -> Any:
    return x[places] ** 2 * d * more["scale"][0]


def loop(g: Callable[..., Any], n: int) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        d, places, more = np.ones(n), np.arange(n), {"scale": [np.ones(n)]}
        total = 0.0
        for k in range(3):
            total = total + np.sum(np.sin(g(x, d, places, more)))
            d *= 2
            places[:] = (places + k) % n
            more["scale"][0] /= 3
        return total

    return f


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "custom_vjp": by_pullback,
    "custom_jvp": by_pushforward,
    "checkpoint": checkpoint(plainly),
}

TRANSFORMS: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "grad": grad,
    "vjp": lambda f: lambda x: vjp(f, x)[1](1.0)[0],
    "jacrev": jacrev,
    "vmap of grad": lambda f: lambda x: vmap(grad(f))(np.stack([x, x / 2])),
    "grad of vmap": lambda f: lambda x: grad(lambda b: np.sum(vmap(f)(b)))(np.stack([x, x / 2])),
    "hvp": lambda f: lambda x: hvp(f, (x,), (x,))[1],
    "hessian": lambda f: lambda x: hessian(lambda s: f(s[0] * x + s[1]))(np.array([0.3, 0.2])),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("n", [3, 2000])
def test_arguments_and_residuals_may_be_written_to_after_the_call(n: int, name: str, transform: str) -> None:
    x = np.linspace(0.5, 1.0, n)
    derivative = TRANSFORMS[transform]

    found = derivative(loop(FUNCTIONS[name], n))(x)

    np.testing.assert_allclose(found, derivative(loop(plainly, n))(x), rtol=1e-10, atol=1e-12)


def test_a_result_in_a_buffer_that_is_used_again_is_kept() -> None:
    buffer = np.empty(3)

    @custom_vjp
    def square(x: Any) -> Any:
        np.multiply(x, x, out=buffer)
        return buffer

    def forward(x: Any) -> Any:
        return square._f(x), x

    square.defvjp(forward, lambda x, ct: (2 * x * ct,))

    def f(x: Any) -> Any:
        return np.sum(square(x) ** 2) + np.sum(square(2 * x) ** 2)

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(grad(f)(x), 4 * x**3 + 64 * x**3, rtol=1e-12)


def test_residuals_that_copy_themselves_are_kept() -> None:
    a = pytest.importorskip("scipy.sparse").csr_array(np.eye(3))

    @custom_vjp
    def product(x: Any) -> Any:
        return a @ x

    product.defvjp(lambda x: (a @ x, a), lambda a, ct: (a.T @ ct,))

    def f(x: Any) -> Any:
        y = product(x)
        a.data *= 5
        return np.sum(y + product(x))

    np.testing.assert_array_equal(grad(f)(np.ones(3)), np.full(3, 6.0))
