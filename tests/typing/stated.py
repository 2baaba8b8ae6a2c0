"""What type checkers know of results: `assert_type` states it, and each ignore is needed. Read by mypy, never run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from dualgrad import (
    checkpoint,
    custom_jvp,
    derivative,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    stop_gradient,
    taylor,
    value_and_grad,
    vjp,
    vmap,
)

Vector = NDArray[np.float64]


@dataclass
class Parameters:
    scale: float
    weights: Vector


def loss(w: Vector, x: Vector, scale: float = 1.0) -> float:
    total: Any = np.sum((x @ w) ** 2) * scale
    value: float = total
    return value


def with_aux(w: Vector) -> tuple[float, dict[str, Vector]]:
    total: Any = np.sum(w)
    value: float = total
    return value, {"w": w}


def of_parameters(p: Parameters) -> float:
    total: Any = p.scale * np.sum(p.weights)
    value: float = total
    return value


def model(w: Vector) -> Vector:
    return w**2


def by_two(w: Vector, p: Parameters) -> Vector:
    return w * p.scale


def curve(t: float) -> Vector:
    return np.array([t, t**2])


def partly(w: Vector, options: Any) -> Any:
    return w


@checkpoint
def layer(x: Vector, n: int) -> Vector:
    return x


@custom_jvp
def smooth(x: Vector) -> Vector:
    return x


def gradients(a: Vector, x: Vector) -> None:
    assert_type(grad(loss)(a, x), Vector)
    assert_type(grad(loss)(w=a, x=x, scale=2.0), Vector)
    assert_type(grad(of_parameters)(Parameters(1.0, a)), Parameters)
    assert_type(grad(loss, (0, 1))(a, x), tuple[Any, ...])
    assert_type(grad(loss, 1)(a, x), Any)
    assert_type(grad(loss, argnames="x")(a, x), Any)
    assert_type(grad(with_aux, has_aux=True)(a), tuple[Vector, dict[str, Vector]])
    assert_type(grad(partly)(a, 3), Vector)
    assert_type(value_and_grad(loss)(a, x), tuple[float, Vector])
    assert_type(value_and_grad(loss, (0, 1))(a, x), tuple[float, tuple[Any, ...]])
    assert_type(value_and_grad(with_aux, has_aux=True)(a), tuple[tuple[float, dict[str, Vector]], Vector])
    assert_type(value_and_grad(of_parameters)(Parameters(1.0, a)), tuple[float, Parameters])
    assert_type(elementwise_grad(model)(a), Vector)
    assert_type(derivative(curve)(2.0), Vector)
    assert_type(grad(np.sin)(0.5), Any)
    assert_type(grad(lambda x: x**2)(0.5), Any)
    vmap(grad(lambda x: x @ x))(x)

    grad(loss)(a, x, sclae=2.0)  # type: ignore[call-arg]
    grad(loss)(a)  # type: ignore[call-arg]
    grad(loss)(a, "x")  # type: ignore[arg-type]
    grad(3)  # type: ignore[call-overload]
    grad(loss, argnum=1)  # type: ignore[call-overload]
    value_and_grad(loss)(a, x, 1.0, 2.0)  # type: ignore[call-arg]
    grad(partly)(a, option=3)  # type: ignore[call-arg]


def jacobians(a: Vector, x: Vector) -> None:
    assert_type(jacobian(model)(a), Vector)
    assert_type(jacfwd(model)(a), Vector)
    assert_type(jacrev(loss)(a, x), Vector)
    assert_type(jacobian(curve)(2.0), Any)
    assert_type(jacobian(with_aux, has_aux=True)(a), tuple[Vector, dict[str, Vector]])
    assert_type(hessian(loss)(a, x), Vector)
    assert_type(hvp(loss, (a,), (a,)), tuple[Vector, Vector])
    assert_type(hvp(loss, (a, 2.0), (a, 1.0)), tuple[tuple[Vector, float], tuple[Vector, float]])
    assert_type(hvp(with_aux, (a,), (a,), has_aux=True), tuple[Vector, Vector, dict[str, Vector]])

    jacobian(model)(a, 2.0)  # type: ignore[call-arg]
    hessian(loss)(a, x, scael=1.0)  # type: ignore[call-arg]


def products(a: Vector, x: Vector) -> None:
    assert_type(jvp(model, (a,), (a,)), tuple[Vector, Vector])
    assert_type(jvp(with_aux, (a,), (a,), has_aux=True), tuple[float, float, dict[str, Vector]])
    assert_type(vjp(model, a), tuple[Vector, Callable[[Any], tuple[Vector]]])
    assert_type(vjp(by_two, a, Parameters(1.0, a))[1](a), tuple[Vector, Parameters])
    assert_type(vjp(with_aux, a, has_aux=True)[2], dict[str, Vector])
    assert_type(linearize(model, a), tuple[Vector, Callable[..., Vector]])
    assert_type(vmap(model)(x), Vector)
    assert_type(vmap(loss)(x, x), np.ndarray[Any, Any])
    assert_type(taylor(model, a, a, 3), tuple[Vector, ...])
    vmap(model)(x, x)  # type: ignore[call-arg]


def functions_like_the_given_one(a: Vector, x: Vector) -> None:
    assert_type(layer(a, 2), Vector)
    assert_type(smooth(a), Vector)
    assert_type(stop_gradient(a), Vector)
    assert_type(stop_gradient(Parameters(1.0, a)), Parameters)
    layer(a, n="2")  # type: ignore[arg-type]
