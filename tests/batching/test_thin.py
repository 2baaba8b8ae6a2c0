"""Derivatives along all directions of many numbers, of which each moves along few: as those in full, in less memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from dualgrad import extend, grad, hessian, hessian_diagonal, jacfwd, jacobian, jacrev, laplacian, vjp
from dualgrad.batching import _directions, _hot, _thin
from tests.registry.cases import Case
from tests.registry.reach import distinct
from tests.sparse.test_table import flattened

Array = np.ndarray[Any, Any]

RNG = np.random.default_rng(0)
N = 396
POINT = RNG.uniform(0.2, 2.0, N) * RNG.choice([-1.0, 1.0], N)
COLUMNS = RNG.standard_normal((N, 4))
PICKED = np.array([3, 1, 7, 299, 20])
MASK = RNG.random(N) < 0.5


@contextmanager
def worth_it(monkeypatch: pytest.MonkeyPatch, from_size: float) -> Iterator[list[Any]]:
    """Hold few numbers from a size on; gives the list of arrays that were then made in full."""
    made: list[Any] = []
    in_full = _thin.ThinBatch.full

    def full(self: _thin.ThinBatch) -> Array:
        made.append(self.shape)
        return in_full(self)

    with monkeypatch.context() as patch:
        patch.setattr(_directions, "_WORTH_IT", from_size)
        patch.setattr(_hot, "MANY", min(from_size, 256))
        patch.setattr(_thin.ThinBatch, "full", full)
        yield made


def scatter_and_write(x: Any) -> Any:
    y = np.zeros_like(x)
    y[1:] = x[:-1] ** 2
    y[0] = 3 * x[1]
    y[5:7] = 0.0
    return y


def chain(x: Any) -> Any:
    items = [x[0]]
    for i in range(1, 20):
        items.append(np.sin(items[-1]) + x[i] ** 2)
    return np.stack(items)


THIN: dict[str, Callable[[Any], Any]] = {
    "ufuncs": lambda x: np.tanh(x) / (1 + x**2) + np.exp(-x) * np.sqrt(1 + x * x) - np.abs(x) ** 3,
    "where": lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), np.clip(x, -1.0, 1.0)),
    "ties": lambda x: np.maximum(x, 0.5) + np.minimum(x[::-1], 0.1),
    "two numbers": lambda x: np.hypot(x[1:], x[:-1]) * np.arctan2(x[:-1], x[1:]),
    "differences": lambda x: np.diff(x, 2) ** 2,
    "slopes": lambda x: np.gradient(x) * x,
    "rolled": lambda x: np.roll(x, 1) * x + np.flip(x),
    "stacked": lambda x: np.stack([x, np.sin(x)], axis=1),
    "joined": lambda x: np.concatenate([x[:3], np.zeros(2), x[5:] ** 2]),
    "shapes": lambda x: np.moveaxis(np.expand_dims(x.reshape(3, -1).T, 1), 0, 2).squeeze() * 2,
    "swapped": lambda x: np.swapaxes(x.reshape(3, 4, -1), 0, 1),
    "padded": lambda x: np.pad(x, 1, mode="wrap")[:-2] * np.pad(x, 2)[2:-2],
    "repeated": lambda x: np.repeat(x, 2) * np.tile(x**2, 2),
    "broadcast": lambda x: x[:, None] * COLUMNS,
    "picked": lambda x: x[PICKED] * x[MASK][:5] + np.take(x, PICKED),
    "sums of three": lambda x: np.sum(x.reshape(-1, 3) ** 2, axis=1),
    "means of three": lambda x: x.reshape(-1, 3).mean(axis=1, keepdims=True) * x.reshape(-1, 3),
    "norms of three": lambda x: np.linalg.norm(x.reshape(-1, 3), axis=1),
    "products with small matrices": lambda x: (
        (x.reshape(-1, 3) @ COLUMNS[:3]) * np.einsum("ij,ij->i", x.reshape(-1, 3), COLUMNS[:132, :3])[:, None]
    ),
    "stacks of small matrices": lambda x: np.matmul(x.reshape(-1, 1, 3), COLUMNS[:132, :3, None]),
    "written": scatter_and_write,
    "interpolated": lambda x: np.interp(x, [-3.0, 0.0, 3.0], [1.0, 2.0, 5.0]),
}


@pytest.mark.parametrize("name", THIN)
def test_derivatives_of_local_functions_are_those_in_full_and_none_is_made_in_full(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    f = THIN[name]
    transforms = (jacfwd(f), jacrev(f), hessian(lambda x: np.sum(f(x) ** 2)))
    with worth_it(monkeypatch, np.inf):
        expected = [transform(POINT) for transform in transforms]
    with worth_it(monkeypatch, 1) as made:
        found = [transform(POINT) for transform in transforms]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-13)
        assert one.flags.c_contiguous
        assert one.flags.writeable
    assert not made


@pytest.mark.parametrize("case", distinct(), ids=[case.name for case in distinct()])
def test_every_function_of_the_table_has_the_derivatives_that_it_has_in_full(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    function, point = flattened(case)

    def loss(x: Any) -> Any:
        return np.sum(function(x) ** 2)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with worth_it(monkeypatch, np.inf):
            expected = [t(point) for t in (jacfwd(function), jacrev(function), hessian(loss))]
        with worth_it(monkeypatch, 1):
            found = [t(point) for t in (jacfwd(function), jacrev(function), hessian(loss))]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def neighbours(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + np.cos(x[:-1]))


def test_many_numbers_take_one_run_and_little_memory() -> None:
    runs = 0

    def f(x: Any) -> Any:
        nonlocal runs
        runs += 1
        return neighbours(x)

    x = RNG.standard_normal(5000)
    diagonal = hessian_diagonal(f)(x)
    assert runs == 1
    expected = np.zeros(5000)
    expected[:-1] = 1200 * x[:-1] ** 2 - 400 * x[1:] - np.cos(x[:-1])
    expected[1:] += 200
    np.testing.assert_allclose(diagonal, expected, rtol=1e-12)
    np.testing.assert_allclose(laplacian(f)(x), expected.sum(), rtol=1e-12)


def test_a_chain_of_thousands_has_its_hessian() -> None:
    x = RNG.standard_normal(1500)
    found: Any = hessian(neighbours)(x)
    np.testing.assert_allclose(found, found.T, rtol=0, atol=0)
    np.testing.assert_allclose(np.diagonal(found, 1), -400 * x[:-1], rtol=1e-12)
    assert np.count_nonzero(found) == 3 * 1500 - 2


@pytest.mark.parametrize("transform", [jacfwd, jacrev])
def test_what_is_not_local_is_done_in_batches(transform: Any) -> None:
    runs = 0
    matrix = RNG.standard_normal((900, 900))

    def f(x: Any) -> Any:
        nonlocal runs
        runs += 1
        return np.sin(matrix @ np.tanh(x))

    x = RNG.standard_normal(900)
    found = transform(f)(x)
    expected = np.cos(matrix @ np.tanh(x))[:, None] * matrix * (1 - np.tanh(x) ** 2)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    # Once until an array in full was met, and once for each batch.
    assert runs == (1 + 4 if transform is jacfwd else 1)


def test_chunks_are_batches_in_full() -> None:
    x = RNG.standard_normal(400)
    np.testing.assert_array_equal(hessian(neighbours, chunk_size=70)(x), hessian(neighbours)(x))


def test_several_arguments_and_containers() -> None:
    def f(a: Any, b: Any) -> Any:
        return {"s": a["x"] * b + a["c"], "t": np.sin(b[1:])}

    a: Any
    a, b = {"x": RNG.standard_normal(396), "c": 0.5}, RNG.standard_normal(396)
    found = jacfwd(f, (0, 1))(a, b)
    np.testing.assert_array_equal(found["s"][0]["x"], np.diag(b))
    np.testing.assert_array_equal(found["s"][0]["c"], np.ones(396))
    np.testing.assert_array_equal(found["s"][1], np.diag(a["x"]))
    np.testing.assert_array_equal(found["t"][0]["x"], np.zeros((395, 396)))
    np.testing.assert_array_equal(found["t"][1], np.diag(np.cos(b))[1:])
    rows = jacrev(f, (0, 1))(a, b)
    np.testing.assert_array_equal(rows["s"][1], np.diag(a["x"]))
    np.testing.assert_array_equal(rows["t"][1], np.diag(np.cos(b))[1:])


def test_single_precision_stays() -> None:
    x = POINT.astype(np.float32)
    found = jacobian(lambda x: x[1:] * x[:-1])(x)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(np.diagonal(found), x[1:])


def test_inside_and_outside_of_other_transformations() -> None:
    a = RNG.standard_normal(N)

    def curvature(a: Any) -> Any:
        return np.sum(hessian(lambda x: np.sum(a * x**3) + np.sum(x[1:] * x[:-1]))(POINT) * a)

    expected = 6 * POINT * a + np.diag(hessian(lambda x: np.sum(a * x**3))(POINT))
    expected += [np.sum(a[max(i - 1, 0) : i + 2]) * 0 for i in range(N)]
    neighbouring = np.zeros(N)
    neighbouring[1:] += 1
    neighbouring[:-1] += 1
    np.testing.assert_allclose(grad(curvature)(a), expected + neighbouring, rtol=1e-12)
    third = jacfwd(lambda t: hessian(lambda x: np.sum(t * x**3))(POINT))(2.0)
    np.testing.assert_allclose(third, np.diag(6 * POINT), rtol=1e-13)
    value, pullback = vjp(lambda x: jacfwd(lambda y: y**2 * x)(POINT), a)
    np.testing.assert_allclose(value, np.diag(2 * POINT * a), rtol=1e-13)
    (found,) = pullback(np.ones((N, N)))
    np.testing.assert_allclose(found, 2 * POINT, rtol=1e-13)


def test_infinite_data_beside_a_direction_are_not_met_by_its_zeros() -> None:
    data = np.ones(N)
    data[7] = np.inf
    found = jacfwd(lambda x: x * data)(POINT)
    assert found[7, 7] == np.inf
    found[7, 7] = 0
    np.testing.assert_array_equal(found, np.diag(np.where(np.arange(N) == 7, 0.0, 1.0)))


def test_a_jacobian_is_nobodys_else() -> None:
    f = jacobian(lambda x: 2 * x)
    first = f(POINT)
    first[:] = 5
    np.testing.assert_array_equal(f(POINT), 2 * np.eye(N))


def test_what_would_write_into_it_raises() -> None:
    thin: Any = _thin.unit_directions(4, (4,), np.dtype(float), 0, _thin.Places(4, None))
    with pytest.raises(TypeError, match="write"):
        np.add(thin, 1.0, out=thin)
    with pytest.raises(ValueError, match="read-only"):
        thin[:2][0] = 1.0
    np.testing.assert_array_equal(np.asarray(thin), np.eye(4))
    np.testing.assert_array_equal(thin * np.arange(12.0).reshape(3, 1, 4), np.eye(4) * np.arange(12.0).reshape(3, 1, 4))


def test_code_that_catches_everything_is_run_again_too() -> None:
    matrix = RNG.standard_normal((900, 900))

    def f(x: Any) -> Any:
        try:
            return matrix @ np.tanh(x)
        except BaseException:
            return x * 0

    def g(x: Any) -> Any:
        try:
            return matrix @ np.tanh(x)
        except BaseException as error:
            raise ValueError("a user's") from error

    x = np.ones(900)
    expected = matrix * (1 - np.tanh(x) ** 2)
    np.testing.assert_allclose(jacfwd(f)(x), expected, rtol=1e-12)
    np.testing.assert_allclose(jacfwd(g)(x), expected, rtol=1e-12)


def test_an_error_of_the_users_comes_through() -> None:
    def f(x: Any) -> Any:
        raise ValueError("a user's")

    with pytest.raises(ValueError, match="a user's"):
        jacfwd(f)(np.ones(900))


def test_functions_of_others_get_plain_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    @extend.overridable
    def triple(x: Any) -> Any:
        assert isinstance(x, np.ndarray)
        found = 2 * x
        found += x
        return found

    triple.__module__ = "somewhere"
    extend.elementwise(triple, lambda t: triple(t), samples=extend.cases(extend.case(extend.A(3))))
    np.testing.assert_array_equal(jacfwd(triple)(POINT), 3 * np.eye(N))
    np.testing.assert_array_equal(jacrev(triple)(POINT), 3 * np.eye(N))


def test_numbers_that_are_written_and_multiplied() -> None:
    def f(x: Any) -> Any:
        y = np.zeros_like(x[0])
        y[()] = x[3]
        return y**2 + np.sum(np.einsum(",i->i", 2.0, x))

    expected = np.zeros((N, N))
    expected[3, 3] = 2
    np.testing.assert_array_equal(hessian(f)(POINT), expected)


def test_a_loop_over_items() -> None:
    def f(x: Any) -> Any:
        total = 0.0
        for i in range(40):
            total = total + x[i] * x[i + 1] ** 2
        return total

    np.testing.assert_array_equal(hessian(f)(POINT), hessian(f, chunk_size=N)(POINT))
