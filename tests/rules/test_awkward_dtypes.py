"""Dtypes, byte orders and layouts of memory: right numbers, in the dtype of the argument, in memory of their own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacfwd, jacrev, jvp, value_and_grad, vjp, vmap

NUMBERS = np.array([0.3, -0.7, 1.1, 0.45, -0.2, 0.9])

FUNCTIONS: dict[str, Any] = {
    "square": lambda x: np.sum(x * x),
    "scaled": lambda x: np.sum(2.5 * x + x * 3),
    "power": lambda x: np.sum(x**2.0 + x**3),
    "power of a float": lambda x: np.sum(2.0**x),
    "quotient": lambda x: np.sum(1 / (x + 3)),
    "exp": lambda x: np.log(np.sum(np.exp(x) / 2)),
    "mean": np.mean,
    "std": np.std,
    "norm": np.linalg.norm,
    "where": lambda x: np.sum(np.where(x > 0, x, 0.5 * x)),
    "max": np.max,
    "median": np.median,
    "quantile": lambda x: np.quantile(x, 0.3),
    "cumsum": lambda x: np.sum(np.cumsum(x) ** 2),
    "prod": np.prod,
    "cumprod": lambda x: np.sum(np.cumprod(x)),
    "clip": lambda x: np.sum(np.clip(x, -0.5, 0.5)),
    "hypot": lambda x: np.sum(np.hypot(x, 1)),
    "logaddexp": lambda x: np.sum(np.logaddexp(x, 0)),
    "sinc": lambda x: np.sum(np.sinc(x)),
    "tanh": lambda x: np.sum(np.tanh(x)),
    "dot": lambda x: x @ x,
    "concatenate": lambda x: np.sum(np.concatenate([x, x])),
    "index": lambda x: x[0] * 2,
    "pad": lambda x: np.sum(np.pad(x, 2) ** 2),
    "nanmean": np.nanmean,
}


def layouts(x: Any) -> Iterator[Any]:
    """Yield arrays of the same numbers, in every layout of memory."""
    yield x.copy()
    columns = np.zeros((x.size, 2), x.dtype)
    columns[:, 0] = x
    yield columns[:, 0]
    yield x[::-1].copy()[::-1]
    fixed = x.copy()
    fixed.flags.writeable = False
    yield fixed
    unaligned: Any = np.ndarray(x.size, x.dtype, bytearray(x.nbytes + 1), 1)
    unaligned[:] = x
    yield unaligned


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", ">f4", ">f8"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_have_the_dtype_of_the_argument_and_memory_of_their_own(name: str, dtype: str) -> None:
    f = FUNCTIONS[name]
    expected = grad(f)(NUMBERS)
    rounding = 30 * max(float(np.finfo(dtype).eps), 1e-16)

    for x in layouts(NUMBERS.astype(dtype)):
        before = x.copy()
        value, gradient = value_and_grad(f)(x)
        _, tangent = jvp(f, (x,), (np.ones_like(x),))
        (pulled,) = vjp(f, x)[1](value)

        assert gradient.dtype == pulled.dtype == x.dtype
        assert np.asarray(value).dtype == np.asarray(tangent).dtype == np.asarray(f(x)).dtype
        np.testing.assert_allclose(gradient.astype(float), expected, rtol=rounding, atol=rounding)
        np.testing.assert_allclose(float(tangent), expected.sum(), rtol=rounding, atol=rounding)
        for g in (gradient, pulled):
            assert g.flags.writeable
            assert not np.shares_memory(g, x)
        np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("dtype", ["c8", "c16", "G", ">c16"])
def test_complex_gradients_have_the_dtype_of_the_argument(dtype: str) -> None:
    z = np.array([0.3 + 1j, -0.5 + 0.2j]).astype(dtype)
    functions: tuple[Any, ...] = (np.linalg.norm, np.std, lambda z: np.real(np.sum(np.exp(z) / z**2)))
    for f in (*functions, lambda z: np.sum(np.angle(z))):
        assert grad(f)(z).dtype == z.dtype


@pytest.mark.parametrize("d", [jacfwd, jacrev])
@pytest.mark.parametrize("dtype", [">f4", ">f8", "f4"])
def test_jacobians_are_in_the_byte_order_of_the_machine(d: Any, dtype: str) -> None:
    found = d(lambda x: x * 2)(NUMBERS.astype(dtype))

    assert found.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(found, 2 * np.eye(6))


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: np.sum(a + b),
        lambda a, b: np.sum(a) + np.sum(b),
        lambda a, b: np.sum(np.concatenate([a, b])),
        lambda a, b: np.sum(np.stack([a, b])),
        lambda a, b: np.sum(np.broadcast_to(a, (2, 6)) + b),
        lambda a, b: np.sum(a.reshape(2, 3).T + b.reshape(3, 2)),
    ],
)
def test_gradients_share_memory_with_nothing(f: Any) -> None:
    a, b = NUMBERS.copy(), NUMBERS.copy()
    _, pullback = vjp(f, a, b)

    found = [*grad(f, (0, 1))(a, b), *pullback(1.0), *pullback(1.0), *jacrev(f, (0, 1))(a, b), *jacfwd(f, (0, 1))(a, b)]

    for p, q in itertools.combinations([*found, a, b], 2):
        assert not np.shares_memory(p, q)
    assert all(g.flags.writeable for g in found)


SHAPES: list[tuple[int, ...]] = [
    (), (1,), (3,), (1, 3), (2, 1), (2, 3), (4, 1, 3), (4, 2, 1), (0,), (2, 0), (0, 1), (1, 0, 3),
]  # fmt: skip


@pytest.mark.parametrize("f", [np.multiply, np.divide, np.power, np.hypot, np.maximum, np.logaddexp, np.arctan2])
def test_broadcasting_of_every_kind(f: Any) -> None:
    rng = np.random.default_rng(3)
    count = 0
    for s, t in itertools.product(SHAPES, SHAPES):
        try:
            shape = np.broadcast_shapes(s, t)
        except ValueError:
            continue
        a, b, ta, tb = rng.uniform(0.5, 2, s), rng.uniform(0.5, 2, t), rng.normal(size=s), rng.normal(size=t)
        ct = np.asarray(rng.normal(size=shape))[()]

        ga, gb = vjp(f, a, b)[1](ct)
        tangent = jvp(f, (a, b), (ta, tb))[1]
        many = vmap(lambda a, b: vjp(f, a, b)[1](ct), in_axes=(0, None))(np.stack([a, a]), b)

        assert (ga.shape, gb.shape, tangent.shape) == (s, t, shape)
        np.testing.assert_allclose(np.sum(ct * tangent), np.sum(ga * ta) + np.sum(gb * tb), rtol=1e-12, atol=1e-12)
        for g, h in zip((ga, gb), many, strict=True):
            np.testing.assert_allclose(h, np.broadcast_to(g, (2, *g.shape)), rtol=1e-12, atol=1e-14)
        count += 1
    assert count > 60


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_masked_arrays_and_matrices_are_refused_under_vmap_too() -> None:
    for x in (np.ma.array([1.0, 2.0], mask=[False, True]), np.matrix([[1.0, 2.0]])):
        refusing: list[Any] = [grad(np.sum), jacfwd(np.sum), vmap(np.sum)]
        for transformed in refusing:
            with pytest.raises(TypeError, match="would be lost"):
                transformed(x)
    assert vmap(lambda x: x * 2)(np.array([1.0, 2.0])).tolist() == [2.0, 4.0]


def test_a_python_float_to_the_power_of_an_array_is_weak() -> None:
    x = np.array([0.3, -0.7], np.float32)

    for base in (2.0, 0.0, 3):
        gradient = grad(lambda x: np.sum(base ** np.abs(x)))(x)
        (pulled,) = vjp(lambda x: base ** np.abs(x), x)[1](np.ones(2, np.float32))
        assert gradient.dtype == pulled.dtype == np.float32
        expected = np.sign(x) * base ** np.abs(x) * (np.log(base) if base else 0.0)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6)
