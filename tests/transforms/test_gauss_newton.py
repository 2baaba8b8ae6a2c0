"""`ggnvp`: products with the Gauss-Newton matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import ggnvp, grad, hessian, hvp, jacobian, vmap
from dualgrad.errors import NotScalarError, TreeError

RNG = np.random.default_rng(0)
A = RNG.standard_normal((5, 3))
W = np.array([0.2, -0.4, 0.9])
V = np.array([1.0, 0.5, -2.0])


def model(w: Any) -> Any:
    return np.tanh(A @ w)


def loss(y: Any) -> Any:
    return np.sum(np.logaddexp(0.0, y) + y**4)


def test_the_product_is_jt_h_j_v() -> None:
    j, h = jacobian(model)(W), hessian(loss)(model(W))

    gradient, product = ggnvp(model, loss, (W,), (V,))

    np.testing.assert_allclose(gradient, grad(lambda w: loss(model(w)))(W))
    np.testing.assert_allclose(product, j.T @ h @ j @ V)


def test_of_a_linear_model_it_is_the_hessian() -> None:
    linear: Any = lambda w: A @ w

    np.testing.assert_allclose(ggnvp(linear, loss, (W,), (V,))[1], hvp(lambda w: loss(linear(w)), (W,), (V,))[1])


def test_trees_and_several_primals() -> None:
    def layered(p: Any, scale: Any) -> Any:
        hidden = np.tanh(A @ p["w"] + p["b"])
        return {"y": hidden * scale, "n": 3}

    out: Any = lambda y: np.sum(y["y"] ** 2)
    primals, tangents = ({"w": W, "b": 0.1, "name": "m"}, 2.0), ({"w": V, "b": 1.0, "name": None}, -0.5)

    gradient, product = ggnvp(layered, out, primals, tangents)

    flat: Any = lambda x: layered({"w": x[:3], "b": x[3]}, x[4])["y"]
    x, v = np.array([*W, 0.1, 2.0]), np.array([*V, 1.0, -0.5])
    j = jacobian(flat)(x)
    expected = 2 * j.T @ (j @ v)
    np.testing.assert_allclose([*product[0]["w"], product[0]["b"], product[1]], expected)
    np.testing.assert_allclose([*gradient[0]["w"], gradient[0]["b"], gradient[1]], 2 * j.T @ flat(x))
    assert product[0]["name"] is None


def test_the_model_runs_twice_and_the_loss_once() -> None:
    runs = []

    def counted(f: Any) -> Any:
        def g(x: Any) -> Any:
            runs.append(f)
            return f(x)

        return g

    ggnvp(counted(model), counted(loss), (W,), (V,))

    assert (runs.count(model), runs.count(loss)) == (2, 1)


def test_auxiliary_data_of_the_model() -> None:
    gradient, product, aux = ggnvp(lambda w: (model(w), w[0]), loss, (W,), (V,), has_aux=True)

    np.testing.assert_allclose(product, ggnvp(model, loss, (W,), (V,))[1])
    np.testing.assert_allclose(gradient, ggnvp(model, loss, (W,), (V,))[0])
    assert float(aux) == 0.2


def test_float32_stays_float32() -> None:
    a = A.astype(np.float32)

    _, product = ggnvp(lambda w: np.tanh(a @ w), loss, (W.astype(np.float32),), (V.astype(np.float32),))

    assert product.dtype == np.float32


def test_it_nests() -> None:
    f: Any = lambda w: np.sum(ggnvp(model, loss, (w,), (V,))[1])
    j = jacobian(model)
    expected: Any = lambda w: np.sum(j(w).T @ (hessian(loss)(model(w)) @ (j(w) @ V)))

    np.testing.assert_allclose(grad(f)(W), grad(expected)(W))
    by_columns = vmap(lambda v: ggnvp(model, loss, (W,), (v,))[1])(np.eye(3))
    np.testing.assert_allclose(by_columns, j(W).T @ hessian(loss)(model(W)) @ j(W))


def test_a_loss_of_the_output_that_is_constant_gives_zeros() -> None:
    gradient, product = ggnvp(model, lambda y: 1.0, (W,), (V,))

    np.testing.assert_array_equal(gradient, np.zeros(3))
    np.testing.assert_array_equal(product, np.zeros(3))


def test_errors_say_what_is_expected() -> None:
    with pytest.raises(TypeError, match=r"ggnvp\(model, loss, \(w,\), \(v,\)\)"):
        ggnvp(model, loss, W, V)  # type: ignore[arg-type]
    with pytest.raises(NotScalarError, match="one real number"):
        ggnvp(model, lambda y: y, (W,), (V,))
    with pytest.raises(ValueError, match="shape"):
        ggnvp(model, loss, (W,), (V[:2],))
    with pytest.raises(TreeError):
        ggnvp(lambda p: p["a"], loss, ({"a": W},), ({"b": W},))
