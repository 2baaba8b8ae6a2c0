"""`vmap` inside and outside of everything else: both orders give what one member at a time gives."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from dualgrad import (
    checkpoint,
    derivative,
    elementwise_grad,
    grad,
    hessian,
    hessian_diagonal,
    holomorphic_grad,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    laplacian,
    linearize,
    multigrad,
    multigrad_dict,
    stop_gradient,
    value_and_grad,
    value_and_jacobian,
    vjp,
    vmap,
)
from dualgrad.errors import ConversionError

RNG = np.random.default_rng(1)
X = RNG.standard_normal((4, 3))
V = RNG.standard_normal((4, 3))
A = RNG.standard_normal((3, 3))
INDICES = np.array([2, 0, 1, 1])


def scalar(x: Any) -> Any:
    y = np.tanh(A @ x) * x[::-1]
    return np.sum(np.where(y > 0, y, y**2)) * x[0] + np.linalg.norm(x)


def vector(x: Any) -> Any:
    total = x[0] * 0
    for i in range(3):
        total = total + x[i] * x[i - 1]
    return np.array([total, np.sum(np.sin(x)), x[2] ** 3, np.max(x)]) * np.cumsum(np.concatenate([x, x[:1]]))


def each(f: Any, *batches: Any) -> Any:
    return np.stack([f(*[x[k] for x in batches]) for k in range(len(batches[0]))])


INSIDE = {
    "grad": lambda x: grad(scalar)(x),
    "value_and_grad": lambda x: value_and_grad(scalar)(x)[1] * value_and_grad(scalar)(x)[0],
    "jvp": lambda x: jvp(vector, (x,), (x**2,))[1],
    "vjp": lambda x: vjp(vector, x)[1](np.cos(vector(x)))[0],
    "jacfwd": lambda x: jacfwd(vector)(x),
    "jacrev": lambda x: jacrev(vector)(x),
    "jacobian": lambda x: jacobian(vector, chunk_size=2)(x),
    "hessian": lambda x: hessian(scalar)(x),
    "hvp": lambda x: hvp(scalar, (x,), (np.ones(3),))[1],
    "elementwise_grad": lambda x: elementwise_grad(np.sin)(x),
    "derivative": lambda x: derivative(lambda t: t * vector(x * t))(1.0),
    "multigrad": lambda x: multigrad(lambda a, b: scalar(a * b), (0, 1))(x, x**2)[1],
    "multigrad_dict": lambda x: multigrad_dict(lambda a, scale=2.0: scalar(a) * scale)(x)["scale"],
    "checkpoint": lambda x: grad(lambda y: np.sum(checkpoint(vector)(y * x)))(x),
    "stop_gradient": lambda x: grad(lambda y: scalar(y) * stop_gradient(y)[0])(x),
    "linearize": lambda x: linearize(vector, x)[1](x),
    "value_and_jacobian": lambda x: value_and_jacobian(vector)(x)[1],
    "hessian_diagonal": lambda x: hessian_diagonal(scalar)(x),
    "laplacian": lambda x: laplacian(scalar)(x),
    "grad of grad": lambda x: grad(lambda y: np.sum(grad(scalar)(y) ** 2))(x),
    "holomorphic_grad": lambda x: holomorphic_grad(lambda z: np.sum(np.exp(z) * z))(x + 1j * x[::-1]),
}
each_inside = pytest.mark.parametrize("f", INSIDE.values(), ids=INSIDE)


@each_inside
def test_derivatives_inside_of_a_vmap_are_those_of_each_member(f: Any) -> None:
    np.testing.assert_allclose(vmap(f)(X), each(f, X), rtol=1e-10, atol=1e-12)


@each_inside
def test_derivatives_inside_of_two_vmaps(f: Any) -> None:
    x = np.stack([X, 2 * X])

    np.testing.assert_allclose(vmap(vmap(f))(x), np.stack([each(f, X), each(f, 2 * X)]), rtol=1e-10, atol=1e-12)


OUTSIDE = {
    "grad": lambda f: grad(lambda x: np.sum(np.sin(f(x)))),
    "jvp": lambda f: lambda x: jvp(f, (x,), (V,))[1],
    "vjp": lambda f: lambda x: vjp(f, x)[1](np.cos(f(x)))[0],
    "jacfwd": jacfwd,
    "jacrev": jacrev,
    "hessian": lambda f: hessian(lambda x: np.sum(np.sin(f(x)))),
    "checkpoint": lambda f: grad(lambda x: np.sum(np.sin(checkpoint(f)(x)))),
    "linearize": lambda f: lambda x: linearize(f, x)[1](V),
    "laplacian": lambda f: laplacian(lambda x: np.sum(np.sin(f(x)))),
    "value_and_jacobian": lambda f: lambda x: value_and_jacobian(f)(x)[1],
}


@pytest.mark.parametrize("transform", OUTSIDE.values(), ids=OUTSIDE)
@pytest.mark.parametrize("f", [scalar, vector, grad(scalar), checkpoint(vector)])
def test_derivatives_outside_of_a_vmap_are_those_of_the_loop(transform: Any, f: Any) -> None:
    loop: Any = lambda x: np.stack([f(x[k]) for k in range(4)])

    np.testing.assert_allclose(transform(vmap(f))(X), transform(loop)(X), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("transform", OUTSIDE.values(), ids=OUTSIDE)
def test_outer_values_may_be_closed_over(transform: Any) -> None:
    batched: Any = lambda x: vmap(lambda y: scalar(y * x[0]) + np.sum(x))(V)
    loop: Any = lambda x: np.stack([scalar(v * x[0]) + np.sum(x) for v in V])

    np.testing.assert_allclose(transform(batched)(X), transform(loop)(X), rtol=1e-10, atol=1e-12)


def test_a_parameter_that_all_members_share_sums_their_gradients() -> None:
    loss: Any = lambda w: np.mean(vmap(lambda w, x: scalar(w * x), (None, 0))(w, X))
    loop: Any = lambda w: np.mean(np.stack([scalar(w * x) for x in X]))
    w = np.array([1.0, -0.5, 2.0])

    np.testing.assert_allclose(grad(loss)(w), grad(loop)(w))
    np.testing.assert_allclose(hessian(loss)(w), hessian(loop)(w))


def test_gradients_of_every_example() -> None:
    predict: Any = lambda p, x: np.tanh(p["w"] @ x) + p["b"]
    loss: Any = lambda p, x, y: np.sum((predict(p, x) - y) ** 2)
    p = {"w": A, "b": np.zeros(3)}

    found = vmap(grad(loss), (None, 0, 0))(p, X, V)

    for k in range(4):
        one = grad(loss)(p, X[k], V[k])
        np.testing.assert_allclose(found["w"][k], one["w"])
        np.testing.assert_allclose(found["b"][k], one["b"])


@pytest.mark.parametrize("d", [jacfwd, jacrev])
def test_indices_inside_and_derivatives_around(d: Any) -> None:
    table = RNG.standard_normal((3, 5))
    batched: Any = lambda t: vmap(lambda i: t[i] * t[0, i])(INDICES)
    loop: Any = lambda t: np.stack([t[i] * t[0, i] for i in INDICES])

    np.testing.assert_allclose(d(batched)(table), d(loop)(table))


def test_a_batch_of_integers_is_data_to_a_derivative() -> None:
    np.testing.assert_allclose(vmap(lambda i: grad(lambda x: x[i] ** 2)(X[0]))(INDICES)[0], [0.0, 0.0, 2 * X[0, 2]])
    found = vmap(lambda i: grad(lambda p: p["a"] * p["n"])({"a": 2.0, "n": i}))(INDICES)
    np.testing.assert_array_equal(found["a"], INDICES)
    assert found["n"] is None


def test_a_number_of_integers_counts_as_floats_and_an_array_raises() -> None:
    np.testing.assert_array_equal(vmap(grad(lambda x: x**2))(INDICES), 2.0 * INDICES)
    np.testing.assert_array_equal(vmap(lambda i: jvp(np.square, (i,), (1.0,))[1])(INDICES), 2.0 * INDICES)
    with pytest.raises(TypeError, match=r"astype\(float\)"):
        vmap(grad(np.sum))(np.stack([INDICES]))
    with pytest.raises(TypeError, match="bool"):
        vmap(grad(lambda x: x * 1.0))(np.array([True, False]))


def test_a_branch_on_a_value_being_differentiated_and_batched_raises() -> None:
    f: Any = lambda x: x**2 if x > 0 else -x

    with pytest.raises(ConversionError, match=r"np\.where"):
        vmap(grad(f))(np.array([1.0, -1.0]))
    with pytest.raises(ConversionError, match=r"np\.where"):
        grad(lambda x: np.sum(vmap(f)(x)))(np.array([1.0, -1.0]))
    assert float(grad(f)(2.0)) == 4.0


def test_a_branch_not_taken_contributes_zero_to_each_member() -> None:
    f: Any = lambda x: np.where(x > 0, np.sqrt(x), 0.0)
    x = np.array([0.0, 4.0])

    np.testing.assert_array_equal(vmap(grad(f))(x), [0.0, 0.25])
    np.testing.assert_array_equal(grad(lambda x: np.sum(vmap(f)(x)))(x), [0.0, 0.25])
    np.testing.assert_array_equal(vmap(derivative(f))(x), [0.0, 0.25])


@pytest.mark.parametrize("size", [0, 1])
def test_derivatives_of_batches_of_no_and_of_one_member(size: int) -> None:
    x = X[:size]

    assert vmap(grad(scalar))(x).shape == (size, 3)
    assert vmap(jacobian(vector))(x).shape == (size, 4, 3)
    assert vmap(hessian(scalar))(x).shape == (size, 3, 3)
    np.testing.assert_allclose(
        grad(lambda x: np.sum(vmap(scalar)(x)))(x), np.array([grad(scalar)(y) for y in x]).reshape(size, 3)
    )


def test_results_of_derivatives_share_nothing() -> None:
    weights = np.array([1.0, 2.0, 3.0])
    found = vmap(grad(lambda x: x @ weights))(X)

    found += 1.0

    np.testing.assert_array_equal(weights, [1.0, 2.0, 3.0])


def test_auxiliary_data_is_batched_too() -> None:
    gradient, aux = vmap(grad(lambda x: (scalar(x), {"first": x[0], "n": 3}), has_aux=True))(X)

    np.testing.assert_allclose(gradient, each(grad(scalar), X))
    np.testing.assert_array_equal(aux["first"], X[:, 0])
    np.testing.assert_array_equal(aux["n"], [3] * 4)


def test_a_pullback_may_be_batched_after_its_function_ran() -> None:
    _, pullback = vjp(vector, X[0])

    np.testing.assert_allclose(vmap(lambda ct: pullback(ct)[0])(np.eye(4)), jacrev(vector)(X[0]))


def test_threads_share_a_pullback() -> None:
    _, pullback = vjp(vector, X[0])
    expected = jacrev(vector)(X[0])
    found: list[Any] = [None] * 8

    def work(k: int) -> None:
        found[k] = vmap(lambda ct: pullback(ct)[0])(np.eye(4))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for one in found:
        np.testing.assert_allclose(one, expected)


def test_checkpoints_save_memory_around_a_vmap() -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(1)
        return scalar(x)

    grad(lambda x: np.sum(checkpoint(vmap(f))(x)))(X)
    assert len(runs) == 2
    grad(lambda x: np.sum(vmap(checkpoint(f))(x)))(X)
    assert len(runs) == 3
