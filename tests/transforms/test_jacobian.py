"""`jacobian`, `jacfwd`, `jacrev`, `hessian` and `hvp`: shapes, trees of trees, arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import derivative, hessian, hvp, jacfwd, jacobian, jacrev, tree

JACOBIANS = {"jacobian": jacobian, "jacfwd": jacfwd, "jacrev": jacrev}
each_jacobian = pytest.mark.parametrize("d", JACOBIANS.values(), ids=JACOBIANS)
RNG = np.random.default_rng(0)
X = np.array([1.0, 2.0, 3.0])


@each_jacobian
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (0,)], ids=str)
@pytest.mark.parametrize("out", [(), (1,), (4,), (2, 2), (0,)], ids=str)
def test_the_shape_is_that_of_the_output_and_then_the_input(
    d: Any, shape: tuple[int, ...], out: tuple[int, ...]
) -> None:
    weights = RNG.standard_normal(out + shape)
    axes = tuple(range(len(out), len(out) + len(shape)))

    found = d(lambda x: np.sum(weights * x, axis=axes))(np.ones(shape)[()])

    assert found.shape == out + shape
    np.testing.assert_allclose(found, weights)


@each_jacobian
@pytest.mark.parametrize("shape", [(7, 2), (2, 7)], ids=["tall", "wide"])
def test_tall_and_wide(d: Any, shape: tuple[int, int]) -> None:
    a = RNG.standard_normal(shape)

    np.testing.assert_allclose(d(lambda x: np.sin(a @ x))(np.zeros(shape[1])), a)


@each_jacobian
def test_trees_give_trees_of_trees(d: Any) -> None:
    f = lambda p: {"a": p["w"] * p["b"], "s": [p["b"] ** 2]}

    found = d(f)({"w": X, "b": 2.0, "n": 3})

    np.testing.assert_allclose(found["a"]["w"], 2 * np.eye(3))
    np.testing.assert_allclose(found["a"]["b"], X)
    np.testing.assert_allclose(found["s"][0]["w"], np.zeros(3))
    assert float(found["s"][0]["b"]) == 4.0
    assert found["a"]["n"] is None


@each_jacobian
def test_several_arguments_give_tuples_inside_the_output(d: Any) -> None:
    f = lambda x, y: np.stack([x @ x, y * x[0]])

    by_x, by_y = d(f, (0, 1))(X, 5.0)
    np.testing.assert_allclose(by_x, np.array([2 * X, np.array([5.0, 0.0, 0.0])]))
    np.testing.assert_allclose(by_y, [0.0, 1.0])
    np.testing.assert_allclose(d(f, 1)(X, 5.0), by_y)
    np.testing.assert_allclose(d(f, argnames="y")(X, y=5.0), by_y)


@each_jacobian
def test_auxiliary_data_comes_back_plain(d: Any) -> None:
    found, aux = d(lambda x: (2 * x, x[0]), has_aux=True)(X)

    np.testing.assert_allclose(found, 2 * np.eye(3))
    assert type(aux) in (float, np.float64)


@each_jacobian
def test_outputs_that_do_not_depend_on_the_input_have_zeros(d: Any) -> None:
    np.testing.assert_array_equal(d(lambda x: np.ones(2))(X), np.zeros((2, 3)))
    first, second = d(lambda x: (x, np.ones(2)))(X)
    np.testing.assert_array_equal(first, np.eye(3))
    np.testing.assert_array_equal(second, np.zeros((2, 3)))


@each_jacobian
def test_dtypes_are_kept(d: Any) -> None:
    assert d(lambda x: x * x)(X.astype(np.float32)).dtype == np.float32


@each_jacobian
def test_jacobians_of_jacobians(d: Any) -> None:
    for inner in JACOBIANS.values():
        found = d(inner(lambda x: x**3))(X)

        expected = np.zeros((3, 3, 3))
        expected[range(3), range(3), range(3)] = 6 * X
        np.testing.assert_allclose(found, expected)


@each_jacobian
def test_an_object_array_is_a_result(d: Any) -> None:
    np.testing.assert_allclose(d(lambda x: np.array([x[0] * x[1], 1.0]))(X), [[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])


def test_the_hessian_is_symmetric_and_right() -> None:
    a = RNG.standard_normal((3, 3))

    np.testing.assert_allclose(hessian(lambda x: x @ a @ x)(X), a + a.T)
    assert float(hessian(lambda x: x**3)(2.0)) == 12.0


def test_the_hessian_of_several_arguments_is_a_tuple_of_tuples() -> None:
    (xx, xy), (yx, yy) = hessian(lambda x, y: np.sum(x**2) * y**2, (0, 1))(X, 3.0)

    np.testing.assert_allclose(xx, 18 * np.eye(3))
    np.testing.assert_allclose(xy, 12 * X)
    np.testing.assert_allclose(yx, 12 * X)
    assert float(yy) == 28.0


def test_the_hessian_of_a_tree_is_a_tree_of_trees() -> None:
    found = hessian(lambda p: np.sum(p["w"]) * p["b"] ** 2)({"w": X, "b": 3.0})

    np.testing.assert_allclose(found["w"]["w"], np.zeros((3, 3)))
    np.testing.assert_allclose(found["w"]["b"], [6.0] * 3)
    assert float(found["b"]["b"]) == 12.0


def test_the_hessian_of_many_outputs_has_their_shape_first() -> None:
    assert hessian(lambda x: np.outer(x, x)[:, :2])(X).shape == (3, 2, 3, 3)


def test_the_hessian_brings_auxiliary_data() -> None:
    found, aux = hessian(lambda x: (np.sum(x**2), x[1]), has_aux=True)(X)

    np.testing.assert_allclose(found, 2 * np.eye(3))
    assert float(aux) == 2.0
    assert type(aux) in (float, np.float64)


def test_hvp_is_the_hessian_times_a_vector() -> None:
    f = lambda x: np.sum(np.sin(x) * x[::-1] ** 2)
    v = np.array([1.0, -1.0, 0.5])

    gradient, product = hvp(f, (X,), (v,))

    np.testing.assert_allclose(gradient, jacrev(f)(X))
    np.testing.assert_allclose(product, hessian(f)(X) @ v)


def test_hvp_of_several_primals_gives_tuples() -> None:
    f = lambda x, y: np.sum(x**2) * y**2

    gradient, product = hvp(f, (X, 3.0), (np.ones(3), 1.0))

    np.testing.assert_allclose(gradient[0], 18 * X)
    np.testing.assert_allclose(product[0], 18 + 12 * X)
    assert float(product[1]) == pytest.approx(12 * X.sum() + 28.0)


def test_hvp_with_argnums_and_aux() -> None:
    f = lambda x, y: (np.sum(x**2) * y**2, "aux")

    gradient, product, aux = hvp(f, (X, 3.0), (np.zeros(3), 1.0), argnums=0, has_aux=True)

    np.testing.assert_allclose(gradient, 18 * X)
    np.testing.assert_allclose(product, 12 * X)
    assert aux == "aux"


@pytest.mark.parametrize("transform", [jacobian, jacfwd, jacrev])
def test_an_integer_result_is_constant(transform: Any) -> None:
    x = np.array([1.2, 0.7])

    np.testing.assert_array_equal(transform(lambda x: np.array([1, 0]))(x), np.zeros((2, 2)))
    np.testing.assert_array_equal(transform(lambda x: 3)(x), np.zeros(2))
    assert transform(lambda x: None)(x) is None


def test_a_hessian_is_zero_where_a_branch_is_constant() -> None:
    x = np.array([1.2, 0.7])

    np.testing.assert_array_equal(hessian(lambda x: 0 if x[0] > 0 else x[1])(x), np.zeros((2, 2)))
    assert derivative(lambda x: 5)(2.0) == 0.0


def test_a_point_in_the_place_of_argnums_is_pointed_out() -> None:
    with pytest.raises(TypeError, match=r"jacfwd\(f\)\(x\)"):
        jacfwd(np.sin, np.ones(2))  # type: ignore[call-overload]


@pytest.mark.parametrize("transform", [jacfwd, jacrev, jacobian, hessian])
@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100])
def test_chunks_make_no_difference(transform: Any, chunk_size: int) -> None:
    def f(x: Any, y: Any) -> Any:
        return np.sum(np.sin(x) * y) if transform is hessian else np.outer(np.sin(x), y)

    x, y = np.array([0.3, 0.4, 0.5]), np.array([1.0, 2.0, 3.0])

    expected = transform(f, (0, 1))(x, y)
    found = transform(f, (0, 1), chunk_size=chunk_size)(x, y)

    for one, other in zip(tree.leaves(found), tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_jacobian_runs_its_function_once() -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(x)
        return np.sin(x) * x[0]

    jacfwd(f)(np.ones(20))
    jacrev(f)(np.ones(20))

    assert len(runs) == 2
    with pytest.raises(ValueError, match="positive"):
        jacfwd(f, chunk_size=0)(np.ones(20))


@each_jacobian
@pytest.mark.parametrize("chunk_size", [None, 1, 2, 3])
@pytest.mark.parametrize("size", [1, 3])
def test_real_and_complex_arguments_and_results_together(d: Any, chunk_size: int | None, size: int) -> None:
    x, z = np.linspace(1.0, 2.0, size), np.linspace(1.0, 2.0, size) * (1.0 + 2.0j)
    f = lambda p: (p["x"] * p["z"], np.sum(p["x"] ** 2), np.sum(p["z"]) * 1.0)

    product, real, total = d(f, chunk_size=chunk_size)({"x": x, "z": z, "unused": 1.0j})

    np.testing.assert_allclose(product["x"], np.diag(z))
    np.testing.assert_allclose(product["z"], np.diag(x))
    np.testing.assert_allclose(real["x"], 2 * x)
    assert real["x"].dtype == float
    np.testing.assert_array_equal(real["z"], np.zeros(size))
    np.testing.assert_array_equal(total["x"], np.zeros(size))
    np.testing.assert_array_equal(total["z"], np.ones(size))
    np.testing.assert_array_equal(total["unused"], 0)
    first, second = d(lambda x, z: x * z, (0, 1), chunk_size=chunk_size)(2.0, 1.0 + 1.0j)
    assert (complex(first), complex(second)) == (1.0 + 1.0j, 2.0)
    with pytest.raises(TypeError, match="Cauchy-Riemann"):
        d(lambda x, z: x * np.conj(z), (0, 1), chunk_size=chunk_size)(2.0, 1.0 + 1.0j)


@each_jacobian
def test_many_real_and_complex_arguments_together(d: Any) -> None:
    x, z = np.linspace(1.0, 2.0, 300), np.linspace(1.0, 2.0, 300) * 1.0j

    by_x, by_z = d(lambda x, z: x * z, (0, 1))(x, z)

    np.testing.assert_allclose(by_x, np.diag(z))
    np.testing.assert_allclose(by_z, np.diag(x))
