"""`linearize`: one run, and then the Jacobian times vectors as often as wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import checkpoint, custom_jvp, custom_vjp, grad, jacfwd, jvp, linearize, vmap
from dualgrad.errors import LeakedValueError, TreeError

RNG = np.random.default_rng(0)
X = np.array([0.5, 1.5, 2.5])
A = RNG.standard_normal((4, 3))


def tall(x: Any) -> Any:
    return np.tanh(A @ np.sin(x)) * x[0] + np.sum(x**2)


def test_the_map_is_the_jacobian() -> None:
    value, f_lin = linearize(tall, X)

    np.testing.assert_array_equal(value, tall(X))
    for t in RNG.standard_normal((5, 3)):
        np.testing.assert_allclose(f_lin(t), jvp(tall, (X,), (t,))[1], rtol=1e-13)


def test_the_function_runs_once() -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(1)
        return tall(x)

    _, f_lin = linearize(f, X)
    for t in np.eye(3):
        f_lin(t)
    vmap(f_lin)(np.eye(3))

    assert len(runs) == 1


def test_under_vmap_it_gives_the_columns() -> None:
    _, f_lin = linearize(tall, X)

    np.testing.assert_allclose(vmap(f_lin, out_axes=1)(np.eye(3)), jacfwd(tall)(X))


def test_it_is_linear_and_differentiates() -> None:
    _, f_lin = linearize(tall, X)
    t = np.array([1.0, -2.0, 0.5])

    np.testing.assert_allclose(f_lin(3.0 * t), 3.0 * f_lin(t))
    np.testing.assert_allclose(grad(lambda t: np.sum(f_lin(t)))(t), np.sum(jacfwd(tall)(X), axis=0))


def test_trees_and_several_primals() -> None:
    f: Any = lambda p, s: {"y": p["w"] * s, "n": p["n"], "z": [np.sum(p["w"]) + s]}

    value, f_lin = linearize(f, {"w": X, "n": 3}, 2.0)
    found = f_lin({"w": np.ones(3), "n": None}, 10.0)

    assert value["n"] == 3
    assert found["n"] is None
    np.testing.assert_allclose(found["y"], 2.0 + 10.0 * X)
    assert float(found["z"][0]) == 13.0
    np.testing.assert_allclose(f_lin({"w": np.ones(3), "n": None}, None)["y"], [2.0] * 3)


def test_numbers_stay_numbers_and_dtypes_are_kept() -> None:
    value, f_lin = linearize(np.sin, 0.0)
    assert float(value) == 0.0
    assert type(f_lin(2.0)) is np.float64
    assert float(f_lin(2.0)) == 2.0

    _, single = linearize(np.sin, X.astype(np.float32))
    assert single(np.ones(3)).dtype == np.float32


@pytest.mark.parametrize(
    "f",
    [
        lambda z: z**2 * np.exp(z),
        np.conj,
        np.abs,
        lambda z: np.real(z) * np.imag(z),
        lambda z: np.stack([z[0] * np.conj(z[1]), z[1]]),
    ],
)
def test_complex_functions_holomorphic_or_not(f: Any) -> None:
    z, t = np.array([1 + 2j, -0.5 + 0.1j]), np.array([0.3 - 1j, 2 + 0.5j])

    np.testing.assert_allclose(linearize(f, z)[1](t), jvp(f, (z,), (t,))[1])


def test_a_complex_function_of_real_numbers() -> None:
    f: Any = lambda x: np.exp(1j * x) * x

    np.testing.assert_allclose(linearize(f, X)[1](np.ones(3)), jvp(f, (X,), (np.ones(3),))[1])


def test_what_does_not_depend_on_the_primal_has_a_tangent_of_zero() -> None:
    _, f_lin = linearize(lambda x: (x, np.ones(2), 5.0), X)

    first, second, third = f_lin(np.ones(3))
    np.testing.assert_array_equal(first, np.ones(3))
    np.testing.assert_array_equal(second, np.zeros(2))
    assert float(third) == 0.0


def test_a_branch_not_taken_contributes_zero() -> None:
    f: Any = lambda x: np.where(x > 0, np.sqrt(x), 0.0)
    _, f_lin = linearize(f, np.array([0.0, 4.0]))

    np.testing.assert_array_equal(f_lin(np.ones(2)), [0.0, 0.25])


def test_an_infinite_derivative_counts_only_along_its_own_direction() -> None:
    _, f_lin = linearize(np.sqrt, np.array([0.0, 4.0]))

    np.testing.assert_array_equal(f_lin(np.array([0.0, 1.0])), [0.0, 0.25])
    np.testing.assert_array_equal(f_lin(np.array([1.0, 0.0])), [np.inf, 0.0])


def test_it_nests_inside_other_transformations() -> None:
    f: Any = lambda x: np.sum(linearize(tall, x)[1](x))
    expected: Any = lambda x: np.sum(jvp(tall, (x,), (x,))[1])

    np.testing.assert_allclose(grad(f)(X), grad(expected)(X))
    np.testing.assert_allclose(jvp(f, (X,), (np.ones(3),))[1], jvp(expected, (X,), (np.ones(3),))[1])
    np.testing.assert_allclose(vmap(f)(np.stack([X, 2 * X])), [f(X), f(2 * X)])


def test_loops_over_numbers_checkpoints_and_custom_rules() -> None:
    cube = custom_jvp(lambda x: x**3)
    cube.defjvp(lambda primals, tangents: (cube(*primals), 3 * primals[0] ** 2 * tangents[0]))
    square = custom_vjp(lambda x: x**2)
    square.defvjp(lambda x: (x**2, x), lambda x, ct: (2 * x * ct,))

    def f(x: Any) -> Any:
        total = 0.0
        for i in range(3):
            total = total + cube(x[i]) * x[i - 1]
        return np.array([total, x[0]]) * checkpoint(lambda y: np.sin(square(y)))(x[1])

    np.testing.assert_allclose(linearize(f, X)[1](np.ones(3)), jvp(f, (X,), (np.ones(3),))[1])


@pytest.mark.parametrize("n", [3, 5000])
def test_writing_to_the_primal_afterwards_changes_nothing(n: int) -> None:
    x = np.full(n, 2.0)
    _, f_lin = linearize(lambda x: x**3, x)
    x[:] = 100.0

    found = f_lin(np.ones(n))
    found += 1.0

    np.testing.assert_array_equal(f_lin(np.ones(n)), np.full(n, 12.0))


def test_the_tangent_is_shared_with_nothing() -> None:
    _, f_lin = linearize(lambda x: x, X)
    t = np.ones(3)

    f_lin(t)[0] = 5.0

    np.testing.assert_array_equal(t, np.ones(3))


def test_auxiliary_data_comes_back_plain() -> None:
    value, f_lin, aux = linearize(lambda x: (x**2, {"x": x[0]}), X, has_aux=True)

    np.testing.assert_array_equal(value, X**2)
    np.testing.assert_array_equal(f_lin(np.ones(3)), 2 * X)
    assert float(aux["x"]) == 0.5


def test_tangents_that_do_not_fit_raise() -> None:
    _, f_lin = linearize(lambda p: p["a"] * 2, {"a": X})

    with pytest.raises(TypeError, match=r"one tangent per primal of linearize \(1\); it got 2"):
        f_lin({"a": X}, X)
    with pytest.raises(TreeError, match="misses the key 'a'"):
        f_lin({"b": X})
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        f_lin({"a": np.ones(2)})
    with pytest.raises(TypeError, match="complex"):
        f_lin({"a": 1j * X})


def test_without_floats_there_is_nothing_to_linearize() -> None:
    with pytest.raises(TypeError, match="linearize got nothing to differentiate"):
        linearize(lambda s: 1.0, "text")


def test_the_map_of_an_ended_transformation_raises() -> None:
    kept = []

    def f(x: Any) -> Any:
        kept.append(linearize(lambda y: y**2 * x, 3.0)[1])
        return kept[0](1.0)

    assert float(grad(f)(2.0)) == 6.0
    with pytest.raises(LeakedValueError):
        kept[0](1.0)
