"""`hessian_diagonal` and `laplacian`: exact, without the square."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, hessian_diagonal, jvp, laplacian, vmap
from dualgrad.errors import NotScalarError

X = np.array([0.3, 0.7, 1.1, -0.4])


def f(x: Any) -> Any:
    return np.sum(np.sin(x) * np.roll(x, 1) ** 2) + np.prod(x)


@pytest.mark.parametrize("chunk_size", [None, 1, 2, 3, 4, 100])
def test_the_diagonal_is_that_of_the_hessian(chunk_size: int | None) -> None:
    expected = np.diag(hessian(f)(X))

    np.testing.assert_allclose(hessian_diagonal(f, chunk_size=chunk_size)(X), expected)
    np.testing.assert_allclose(laplacian(f, chunk_size=chunk_size)(X), expected.sum())


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0,), (2, 0, 1)], ids=str)
def test_it_has_the_shape_of_the_argument(shape: tuple[int, ...]) -> None:
    x = np.linspace(1.0, 2.0, int(np.prod(shape))).reshape(shape)[()]

    found = hessian_diagonal(lambda x: np.sum(x**3))(x)

    assert found.shape == shape
    np.testing.assert_allclose(found, 6 * x)
    np.testing.assert_allclose(laplacian(lambda x: np.sum(x**3))(x), np.sum(6 * x))


@pytest.mark.parametrize("chunk_size", [None, 1, 2, 3, 5])
def test_trees_and_several_arguments(chunk_size: int | None) -> None:
    g: Any = lambda p, y: np.sum(p["w"] ** 3) * p["b"] ** 2 * y**2
    p = {"w": X.reshape(2, 2), "b": 2.0, "n": 3}

    (by_p, by_y) = hessian_diagonal(g, (0, 1), chunk_size=chunk_size)(p, 3.0)

    np.testing.assert_allclose(by_p["w"], 6 * X.reshape(2, 2) * 4 * 9)
    assert float(by_p["b"]) == pytest.approx(2 * 9 * np.sum(X**3))
    assert by_p["n"] is None
    assert float(by_y) == pytest.approx(2 * 4 * np.sum(X**3))
    total = laplacian(g, (0, 1), chunk_size=chunk_size)(p, 3.0)
    assert float(total) == pytest.approx(float(np.sum(by_p["w"]) + by_p["b"] + by_y))


def test_by_name_and_with_auxiliary_data() -> None:
    g: Any = lambda x, scale: (scale * np.sum(x**2), x[0])

    diagonal, aux = hessian_diagonal(g, argnames="x", has_aux=True)(x=X, scale=3.0)
    assert float(aux) == 0.3
    np.testing.assert_allclose(diagonal, [6.0] * 4)

    total, aux = laplacian(g, has_aux=True, chunk_size=3)(X, 3.0)
    assert (float(total), float(aux)) == (24.0, 0.3)


def test_the_function_runs_once_for_each_chunk() -> None:
    runs = []

    def g(x: Any) -> Any:
        runs.append(1)
        return f(x)

    laplacian(g)(X)
    assert len(runs) == 1
    laplacian(g, chunk_size=3)(X)
    assert len(runs) == 3


def test_chunks_bound_the_memory() -> None:
    x = np.linspace(0.0, 1.0, 2000)
    of_chunks = laplacian(lambda x: np.sum(np.sin(x) ** 2), chunk_size=10)

    tracemalloc.start()
    of_chunks(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    # The Hessian alone would be 32 MB.
    assert peak < 4e6


def test_where_the_gradient_is_constant_it_is_zero() -> None:
    np.testing.assert_array_equal(hessian_diagonal(lambda x: np.sum(2 * x))(X), np.zeros(4))
    np.testing.assert_array_equal(hessian_diagonal(lambda x: 5.0)(X), np.zeros(4))
    assert float(laplacian(lambda x: x[0] * x[1])(X)) == 0.0


def test_dtypes_are_kept() -> None:
    single = X.astype(np.float32)

    assert hessian_diagonal(f)(single).dtype == np.float32
    assert laplacian(f)(single).dtype == np.float32
    one, two = hessian_diagonal(lambda x, y: np.sum(x**2) * np.sum(y**2), (0, 1))(single, X)
    assert (one.dtype, two.dtype) == (np.float32, np.float64)


def test_they_nest() -> None:
    expected: Any = lambda x: np.trace(hessian(f)(x))

    np.testing.assert_allclose(grad(laplacian(f))(X), grad(expected)(X))
    np.testing.assert_allclose(grad(laplacian(f, chunk_size=3))(X), grad(expected)(X))
    np.testing.assert_allclose(jvp(laplacian(f), (X,), (X,))[1], jvp(expected, (X,), (X,))[1])
    np.testing.assert_allclose(laplacian(laplacian(f))(X), laplacian(expected)(X))
    np.testing.assert_allclose(vmap(laplacian(f))(np.stack([X, 2 * X])), [expected(X), expected(2 * X)])
    np.testing.assert_allclose(laplacian(lambda x: vmap(f)(np.stack([x, x]))[0])(X), expected(X))


@pytest.mark.parametrize("transform", [hessian_diagonal, laplacian])
def test_errors_name_the_transformation(transform: Any) -> None:
    name = transform.__name__

    with pytest.raises(NotScalarError, match=rf"{name} needs .* shape \(4,\)"):
        transform(lambda x: x)(X)
    with pytest.raises(TypeError, match=rf"{name} needs real arguments; x holds complex"):
        transform(lambda x: np.sum(np.abs(x)))(1j * X)
    with pytest.raises(ValueError, match="chunk_size"):
        transform(f, chunk_size=0)(X)
    with pytest.raises(TypeError, match="dtype int"):
        transform(f)(np.array([1, 2]))
