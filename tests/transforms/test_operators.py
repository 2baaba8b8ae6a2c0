"""`jacobian_operator` and `hessian_operator`: SciPy's linear operators."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, hessian_operator, jacobian, jacobian_operator, vmap
from dualgrad.errors import NotScalarError

linalg: Any = importlib.import_module("scipy.sparse.linalg")
RNG = np.random.default_rng(0)
X = np.array([0.3, 0.7, 1.1])
A = RNG.standard_normal((5, 3))


def f(x: Any) -> Any:
    return np.tanh(A @ x) * x[0]


def energy(x: Any) -> Any:
    return np.sum(np.sin(x) * np.roll(x, 1) ** 2)


def test_all_products_with_the_jacobian() -> None:
    operator, matrix = jacobian_operator(f, X), jacobian(f)(X)
    v, u, many, left = (RNG.standard_normal(s) for s in ((3,), (5,), (3, 4), (5, 6)))

    assert operator.shape == (5, 3)
    assert operator.dtype == np.float64
    np.testing.assert_allclose(operator @ v, matrix @ v)
    np.testing.assert_allclose(operator @ v[:, None], matrix @ v[:, None])
    np.testing.assert_allclose(operator.rmatvec(u), matrix.T @ u)
    np.testing.assert_allclose(operator @ many, matrix @ many)
    np.testing.assert_allclose(operator.rmatmat(left), matrix.T @ left)
    np.testing.assert_allclose((operator.T @ operator) @ v, matrix.T @ matrix @ v)


@pytest.mark.parametrize("chunk_size", [None, 1, 2, 100])
def test_chunks_make_no_difference(chunk_size: int | None) -> None:
    operator = jacobian_operator(f, X, chunk_size=chunk_size)

    np.testing.assert_allclose(operator @ np.eye(3), jacobian(f)(X))
    np.testing.assert_allclose(operator.T @ np.eye(5), jacobian(f)(X).T)
    np.testing.assert_allclose(hessian_operator(energy, X, chunk_size=chunk_size) @ np.eye(3), hessian(energy)(X))


def test_the_function_runs_once() -> None:
    runs = []

    def counted(x: Any) -> Any:
        runs.append(1)
        return f(x)

    operator = jacobian_operator(counted, X)
    for v in np.eye(3):
        operator.T @ (operator @ v)
    operator @ np.eye(3)
    assert len(runs) == 1

    curved = hessian_operator(lambda x: np.sum(counted(x)), X)
    curved @ X
    curved @ np.eye(3)
    assert len(runs) == 2


@pytest.mark.parametrize("shape", [(), (1,), (2, 2)], ids=str)
@pytest.mark.parametrize("out", [(), (3,), (2, 3)], ids=str)
def test_arrays_of_any_shape_are_counted_in_c_order(shape: tuple[int, ...], out: tuple[int, ...]) -> None:
    n, m = int(np.prod(shape)), int(np.prod(out))
    weights = RNG.standard_normal((m, n))
    g: Any = lambda x: np.reshape(weights @ np.ravel(np.sin(x)), out)

    operator = jacobian_operator(g, np.zeros(shape)[()])

    assert operator.shape == (m, n)
    np.testing.assert_allclose(operator @ np.eye(n), weights)
    np.testing.assert_allclose(operator.rmatvec(np.ones(m)), weights.sum(axis=0))


def test_all_products_with_the_hessian() -> None:
    x = RNG.standard_normal((2, 3))
    operator = hessian_operator(energy, x)
    matrix = hessian(energy)(x).reshape(6, 6)
    v = RNG.standard_normal(6)

    np.testing.assert_allclose(operator @ v, matrix @ v)
    np.testing.assert_allclose(operator.H @ v, matrix @ v)
    np.testing.assert_allclose(operator @ np.eye(6), matrix)


def test_solvers_of_scipy_take_them() -> None:
    convex: Any = lambda x: np.sum(np.exp(x)) + np.sum(x**2)
    step, failed = linalg.cg(hessian_operator(convex, X), grad(convex)(X), rtol=1e-12)
    assert failed == 0
    np.testing.assert_allclose(step, np.linalg.solve(hessian(convex)(X), grad(convex)(X)))

    found = linalg.lsqr(jacobian_operator(f, X), np.ones(5), atol=1e-14, btol=1e-14)[0]
    np.testing.assert_allclose(found, np.linalg.lstsq(jacobian(f)(X), np.ones(5))[0])


def test_complex_vectors_are_taken_by_their_parts() -> None:
    v = np.array([1 + 2j, 3j, -1.0])

    np.testing.assert_allclose(jacobian_operator(f, X) @ v, jacobian(f)(X) @ v)
    np.testing.assert_allclose(jacobian_operator(f, X) @ np.outer(v, v), jacobian(f)(X) @ np.outer(v, v))
    np.testing.assert_allclose(jacobian_operator(f, X).rmatvec(np.ones(5) * 1j), 1j * jacobian(f)(X).sum(axis=0))


def test_vectors_of_integers_and_float32() -> None:
    a = A.astype(np.float32)
    operator = jacobian_operator(lambda x: a @ x, X.astype(np.float32))

    assert operator.dtype == np.float32
    np.testing.assert_allclose(operator @ np.array([1, 0, 2]), a @ np.array([1, 0, 2]), rtol=1e-6)


@pytest.mark.parametrize("n", [3, 5000])
def test_writing_to_the_point_afterwards_changes_nothing(n: int) -> None:
    x = np.full(n, 2.0)
    operator, curved = jacobian_operator(lambda x: x**3, x), hessian_operator(lambda x: np.sum(x**3), x)
    x[:] = 100.0

    np.testing.assert_array_equal(operator @ np.ones(n), np.full(n, 12.0))
    np.testing.assert_array_equal(operator.T @ np.ones(n), np.full(n, 12.0))
    np.testing.assert_array_equal(curved @ np.ones(n), np.full(n, 12.0))


def test_a_product_is_shared_with_nothing() -> None:
    v = np.ones(3)

    found = jacobian_operator(lambda x: x, X) @ v
    found += 1.0

    np.testing.assert_array_equal(v, np.ones(3))


def test_constants_give_zeros() -> None:
    operator = jacobian_operator(lambda x: np.ones(2), X)

    np.testing.assert_array_equal(operator @ X, np.zeros(2))
    np.testing.assert_array_equal(operator.T @ np.ones(2), np.zeros(3))
    np.testing.assert_array_equal(operator @ np.eye(3), np.zeros((2, 3)))
    np.testing.assert_array_equal(hessian_operator(lambda x: np.sum(x), X) @ X, np.zeros(3))
    assert (operator @ np.zeros((3, 0))).shape == (2, 0)


@pytest.mark.parametrize("make", [jacobian_operator, hessian_operator])
def test_arguments_that_are_not_one_real_array_raise(make: Any) -> None:
    with pytest.raises(TypeError, match="complex"):
        make(lambda x: np.sum(np.abs(x)), 1j * X)
    with pytest.raises(TypeError, match="one real array"):
        make(lambda p: np.sum(p["a"]), {"a": X})
    with pytest.raises(TypeError, match=r"astype\(float\)"):
        make(np.sum, np.array([1, 2]))
    with pytest.raises(ValueError, match="chunk_size"):
        make(np.sum, X, chunk_size=0)


def test_results_that_do_not_fit_raise() -> None:
    with pytest.raises(TypeError, match="returned a tuple"):
        jacobian_operator(lambda x: (x, x), X)
    with pytest.raises(TypeError, match="complex"):
        jacobian_operator(lambda x: 1j * x, X)
    with pytest.raises(NotScalarError, match="shape"):
        hessian_operator(lambda x: x, X)


@pytest.mark.parametrize("make", [jacobian_operator, hessian_operator])
def test_inside_other_transformations_they_say_what_to_use(make: Any) -> None:
    with pytest.raises(TypeError, match="jvp, vjp or hvp"):
        grad(lambda x: np.sum(make(lambda x: np.sum(x**2), x) @ np.ones(3)))(X)
    with pytest.raises(TypeError, match="jvp, vjp or hvp"):
        vmap(lambda a: make(lambda x: np.sum(a * x**2), X).shape[0])(X)


@pytest.mark.parametrize("make", [jacobian_operator, hessian_operator])
def test_without_scipy_the_error_names_the_extra(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"dualgrad\[scipy\]"):
        make(np.sum, X)
