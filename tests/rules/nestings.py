"""Matrices with given values, and every nesting of two derivatives, for tests at equal and zero values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad import jvp, vjp

RNG = np.random.default_rng(11)
START = RNG.bit_generator.state


def start_again() -> None:
    """Make the numbers drawn in a test independent of the tests before it."""
    RNG.bit_generator.state = START


def draw(*shape: int, is_complex: bool = False) -> Any:
    x = RNG.standard_normal(shape)
    return x + 1j * RNG.standard_normal(shape) if is_complex else x


def adjoint(x: Any) -> Any:
    return np.conj(np.swapaxes(x, -1, -2))


def hermitian(x: Any) -> Any:
    return (x + adjoint(x)) / 2


def orthonormal(m: int, n: int, is_complex: bool = False) -> Any:
    return np.linalg.qr(draw(m, n, is_complex=is_complex))[0]


def with_eigenvalues(*w: float, is_complex: bool = False) -> Any:
    v = orthonormal(len(w), len(w), is_complex)
    return hermitian((v * np.array(w)) @ adjoint(v))


def with_singular_values(m: int, n: int, *s: float, is_complex: bool = False) -> Any:
    return (orthonormal(m, len(s), is_complex) * np.array(s)) @ adjoint(orthonormal(n, len(s), is_complex))


def assert_exact_or_nan(found: Any, expected: Any, scale: float = 1.0) -> None:
    found = np.where(np.isnan(found), expected, found)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9 * max(scale, float(np.max(np.abs(expected)))))


def is_nan_where_read(g: Any) -> bool:
    """Tell whether a gradient of eigh is NaN throughout the triangle that is read; it is 0 in the other one."""
    return bool(np.isnan(g[np.tril_indices(len(g))]).all() and not g[np.triu_indices(len(g), 1)].any())


def forward_over_forward(f: Callable[[Any], Any], a: Any, t: Any, c: Any) -> Any:
    return jvp(lambda x: jvp(f, (x,), (t,))[1], (a,), (c,))[1]


def forward_over_reverse(f: Callable[[Any], Any], a: Any, t: Any, c: Any) -> Any:
    return conj_hermitian(jvp(lambda x: vjp(f, x)[1](c)[0], (a,), (t,))[1])


def reverse_over_forward(f: Callable[[Any], Any], a: Any, t: Any, c: Any) -> Any:
    return conj_hermitian(vjp(lambda x: jvp(f, (x,), (t,))[1], a)[1](c)[0])


def reverse_over_reverse(f: Callable[[Any], Any], a: Any, t: Any, c: Any) -> Any:
    return conj_hermitian(vjp(lambda x: conj_hermitian(vjp(f, x)[1](c)[0]), a)[1](np.conj(t))[0])


def forward_in_the_tangent(f: Callable[[Any], Any], a: Any, t: Any, c: Any) -> Any:
    return jvp(lambda s: jvp(f, (a,), (s,))[1], (t,), (c,))[1]


def forward_in_the_cotangent(f: Callable[[Any], Any], a: Any, t: Any, c: Any) -> Any:
    return conj_hermitian(jvp(lambda s: vjp(f, a)[1](s)[0], (c,), (t,))[1])


def conj_hermitian(g: Any) -> Any:
    # Gradients of eigh are of the triangle that it reads; those of the other form count as such.
    return np.conj(hermitian(np.conj(g)))


NESTINGS = [
    forward_over_forward,
    forward_over_reverse,
    reverse_over_forward,
    reverse_over_reverse,
    forward_in_the_tangent,
    forward_in_the_cotangent,
]


PLAIN: dict[Any, Callable[..., Any]] = {
    forward_over_reverse: lambda f, a, t, c: jvp(lambda x: vjp(f, x)[1](c)[0], (a,), (t,))[1],
    reverse_over_forward: lambda f, a, t, c: vjp(lambda x: jvp(f, (x,), (t,))[1], a)[1](c)[0],
    reverse_over_reverse: lambda f, a, t, c: vjp(lambda x: vjp(f, x)[1](c)[0], a)[1](t)[0],
    forward_in_the_cotangent: lambda f, a, t, c: jvp(lambda s: vjp(f, a)[1](s)[0], (c,), (c,))[1],
}
