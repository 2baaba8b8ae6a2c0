"""`value_and_jacobian` and `value_grad_and_hessian`: everything in one call, with the function run once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacobian, jvp, tree, value_and_jacobian, value_grad_and_hessian, vmap
from dualgrad.errors import NotScalarError

RNG = np.random.default_rng(0)
X = np.array([1.0, 2.0, 3.0])


def same(found: Any, expected: Any) -> None:
    for one, other in zip(tree.leaves(found), tree.leaves(expected), strict=True):
        if other is None:
            assert one is None
        else:
            np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("shape", [(7, 3), (2, 3), (3, 3)], ids=["tall", "wide", "square"])
def test_value_and_jacobian_run_the_function_once(shape: tuple[int, int]) -> None:
    a = RNG.standard_normal(shape)
    runs = []

    def f(x: Any) -> Any:
        runs.append(1)
        return np.sin(a @ x) * x[0]

    value, matrix = value_and_jacobian(f)(X)

    assert len(runs) == 1
    np.testing.assert_array_equal(value, f(X))
    np.testing.assert_allclose(matrix, jacobian(f)(X))


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0,)], ids=str)
@pytest.mark.parametrize("out", [(), (4,), (2, 5), (0,)], ids=str)
def test_the_jacobian_has_the_shape_of_the_output_and_then_the_input(
    shape: tuple[int, ...], out: tuple[int, ...]
) -> None:
    weights = RNG.standard_normal(out + shape)
    axes = tuple(range(len(out), len(out) + len(shape)))

    value, found = value_and_jacobian(lambda x: np.sum(weights * x, axis=axes))(np.ones(shape)[()])

    assert np.shape(value) == out
    np.testing.assert_allclose(found, weights)


@pytest.mark.parametrize("copies", [1, 5])
def test_the_jacobian_of_trees_and_several_arguments(copies: int) -> None:
    f: Any = lambda p, y: {"a": p["w"] * p["b"] * y, "s": [p["b"] ** 2] * copies, "n": 3}
    p = {"w": X, "b": 2.0, "name": "line"}

    value, found = value_and_jacobian(f, (0, 1))(p, 5.0)

    same(value, f(p, 5.0))
    same(found, jacobian(f, (0, 1))(p, 5.0))


def test_the_jacobian_by_name_with_auxiliary_data() -> None:
    f: Any = lambda x, scale=2.0: (scale * np.outer(x, x), x[0])

    (value, aux), found = value_and_jacobian(f, argnames="scale", has_aux=True)(X)

    np.testing.assert_array_equal(value, 2 * np.outer(X, X))
    np.testing.assert_array_equal(found, np.outer(X, X))
    assert float(aux) == 1.0


@pytest.mark.parametrize("chunk_size", [1, 2, 100])
@pytest.mark.parametrize("rows", [2, 8])
def test_chunks_of_the_jacobian_make_no_difference(chunk_size: int, rows: int) -> None:
    a = RNG.standard_normal((rows, 3))
    f: Any = lambda x: np.sin(a @ x)

    np.testing.assert_allclose(value_and_jacobian(f, chunk_size=chunk_size)(X)[1], jacobian(f)(X))
    with pytest.raises(ValueError, match="positive"):
        value_and_jacobian(f, chunk_size=0)(X)


def test_jacobians_of_complex_functions() -> None:
    z = np.array([1 + 2j, 0.5j])
    tall: Any = lambda z: np.concatenate([z**2, np.exp(z)])

    same(value_and_jacobian(tall)(z)[1], jacobian(tall)(z))
    same(
        value_and_jacobian(lambda x: np.exp(1j * np.outer(x, x)))(X)[1],
        jacobian(lambda x: np.exp(1j * np.outer(x, x)))(X),
    )
    with pytest.raises(TypeError, match="Cauchy-Riemann"):
        value_and_jacobian(lambda z: np.concatenate([np.conj(z), z]))(z)


def test_float32_and_integer_results() -> None:
    single = X.astype(np.float32)

    assert value_and_jacobian(lambda x: np.outer(x, x))(single)[1].dtype == np.float32
    value, found = value_and_jacobian(lambda x: np.array([1, 0, 2, 3]))(X)
    np.testing.assert_array_equal(value, [1, 0, 2, 3])
    np.testing.assert_array_equal(found, np.zeros((4, 3)))


def test_value_and_jacobian_nest() -> None:
    f: Any = lambda x: np.concatenate([np.sin(x) * x[0], x**2])
    by_one_call: Any = lambda x: np.sum(value_and_jacobian(f)(x)[1] ** 2)
    expected: Any = lambda x: np.sum(jacobian(f)(x) ** 2)

    np.testing.assert_allclose(grad(by_one_call)(X), grad(expected)(X))
    np.testing.assert_allclose(jvp(by_one_call, (X,), (X,))[1], jvp(expected, (X,), (X,))[1])
    np.testing.assert_allclose(vmap(by_one_call)(np.stack([X, -X])), [expected(X), expected(-X)])


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def test_value_gradient_and_hessian_run_the_function_once() -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(1)
        return rosenbrock(x)

    value, gradient, matrix = value_grad_and_hessian(f)(X)

    assert len(runs) == 1
    assert float(value) == rosenbrock(X)
    np.testing.assert_allclose(gradient, grad(rosenbrock)(X))
    np.testing.assert_allclose(matrix, hessian(rosenbrock)(X))


def test_all_three_of_a_number() -> None:
    value, gradient, second = value_grad_and_hessian(lambda x: x**3)(2)

    assert (float(value), float(gradient), float(second)) == (8.0, 12.0, 12.0)
    assert type(gradient) is type(second) is np.float64


def test_all_three_of_trees_and_several_arguments() -> None:
    f: Any = lambda p, y: np.sum(p["w"] ** 2) * p["b"] * y**2
    p = {"w": X, "b": 2.0, "n": 1}

    value, gradient, matrix = value_grad_and_hessian(f, (0, 1))(p, 3.0)

    assert float(value) == f(p, 3.0)
    same(gradient, grad(f, (0, 1))(p, 3.0))
    same(matrix, hessian(f, (0, 1))(p, 3.0))


def test_all_three_by_name_with_auxiliary_data_and_in_chunks() -> None:
    f: Any = lambda x, *, scale: (np.sum(np.sin(x) * scale), {"first": x[0]})
    chunked = value_grad_and_hessian(f, argnames="x", has_aux=True, chunk_size=2)

    (value, aux), gradient, matrix = chunked(x=X, scale=2.0)

    assert float(value) == pytest.approx(2 * np.sin(X).sum())
    assert float(aux["first"]) == 1.0
    np.testing.assert_allclose(gradient, 2 * np.cos(X))
    np.testing.assert_allclose(matrix, np.diag(-2 * np.sin(X)))


def test_the_gradient_is_writable_and_shared_with_nothing() -> None:
    weights = np.array([1.0, 2.0, 3.0])
    _, gradient, matrix = value_grad_and_hessian(lambda x: np.sum(weights * x))(X)

    gradient += 10.0
    matrix += 1.0

    np.testing.assert_array_equal(weights, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(X, [1.0, 2.0, 3.0])


def test_all_three_of_constants_and_of_nothing() -> None:
    value, gradient, matrix = value_grad_and_hessian(lambda x: 5.0)(X)
    assert float(value) == 5.0
    np.testing.assert_array_equal(gradient, np.zeros(3))
    np.testing.assert_array_equal(matrix, np.zeros((3, 3)))

    value, gradient, matrix = value_grad_and_hessian(lambda x: np.sum(x))(np.zeros(0))
    assert (float(value), gradient.shape, matrix.shape) == (0.0, (0,), (0, 0))


def test_all_three_keep_float32() -> None:
    value, gradient, matrix = value_grad_and_hessian(rosenbrock)(X.astype(np.float32))

    assert value.dtype == gradient.dtype == matrix.dtype == np.float32


def test_all_three_nest() -> None:
    f: Any = lambda x: np.trace(value_grad_and_hessian(rosenbrock)(x)[2]) + value_grad_and_hessian(rosenbrock)(x)[1][0]
    expected: Any = lambda x: np.trace(hessian(rosenbrock)(x)) + grad(rosenbrock)(x)[0]

    np.testing.assert_allclose(grad(f)(X), grad(expected)(X))
    np.testing.assert_allclose(vmap(f)(np.stack([X, 2 * X])), [expected(X), expected(2 * X)])


def test_all_three_need_one_real_number() -> None:
    with pytest.raises(NotScalarError, match=r"value_grad_and_hessian needs .* shape \(3,\)"):
        value_grad_and_hessian(lambda x: x)(X)
    with pytest.raises(NotScalarError, match="complex"):
        value_grad_and_hessian(lambda x: np.sum(1j * x))(X)
    with pytest.raises(TypeError, match=r"value_grad_and_hessian\(f\)\(x\)"):
        value_grad_and_hessian(rosenbrock, X)  # type: ignore[arg-type]
