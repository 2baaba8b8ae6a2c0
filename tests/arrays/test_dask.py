"""Chunked, lazy arrays: nothing is computed while a function is differentiated, and chunks stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np
import pytest

from dualgrad import checkpoint, grad, hessian, hvp, jacobian, jvp, sparse, value_and_grad, vjp
from dualgrad.errors import ConversionError, NoRuleError
from tests.arrays.optional import optional

dask = optional("dask")
da = optional("dask.array")

RNG = np.random.default_rng(0)
DATA, TARGETS = RNG.normal(size=(20, 3)), RNG.normal(size=20)
WEIGHTS = np.array([0.5, -1.0, 2.0])
X = RNG.uniform(0.5, 1.5, (6, 4))


def refused(*args: Any, **kwargs: Any) -> NoReturn:
    raise AssertionError("something was computed")


@pytest.fixture
def lazily() -> Iterator[None]:
    with dask.config.set(scheduler=refused):
        yield


def chunked(x: Any) -> Any:
    return da.from_array(x, chunks=2)


def loss(w: Any, data: Any, targets: Any) -> Any:
    return np.sum((data @ w - targets) ** 2)


def split(data: Any) -> Any:
    return da.from_array(data, chunks=(5,) + (3,) * (data.ndim - 1))


PROGRAMS: list[Callable[[Any], Any]] = [
    lambda x: np.sum(x),
    lambda x: np.mean(np.sin(x) ** 2),
    lambda x: np.sum(np.sum(x, axis=0) ** 2),
    lambda x: np.sum((x - np.mean(x, axis=0)) ** 2),
    lambda x: np.sum(np.where(x > 1, np.log(x), x**1.5)),
    lambda x: np.sum(np.maximum(x, 1.0)) + np.sum(np.clip(x, 0.8, 1.2) ** 2),
    lambda x: np.max(x) - np.min(x),
    lambda x: np.std(x) + np.linalg.norm(x),
    lambda x: np.sum(np.log(np.sum(np.exp(x - np.max(x, axis=1, keepdims=True)), axis=1))),
    lambda x: np.sum((x.T @ x) ** 2),
    lambda x: np.sum(np.tensordot(x, x, ((0,), (0,)))) + np.sum(np.einsum("ij,ij->i", x, x)),
    lambda x: np.sum(x[1:, ::2] * x[:-1, 1::2]) + x[0, 1],
    lambda x: np.sum(x[np.array([3, 0])] ** 2) + np.sum(x[np.array([True, False] * 3)] ** 3),
    lambda x: np.sum(x.reshape(-1)[::2] ** 2) + np.sum(np.ravel(x)[:3]),
    lambda x: np.sum(np.concatenate([x, x**2]) ** 2) + np.sum(np.stack([x, x**2])),
    lambda x: np.sum(np.cumsum(x, axis=0) ** 2) + np.sum(np.diff(x, axis=1) ** 2),
    lambda x: np.sum(np.flip(x) * x) + np.sum(np.roll(x, 1) * x),
    lambda x: np.nanmean(x) + np.average(x) + np.prod(x[0]),
    lambda x: np.sum(np.linalg.solve(x[:4] + 4 * np.eye(4), np.ones(4))),
    lambda x: np.trace(x) + np.sum(np.diagonal(x, -1) ** 2) + np.sum(np.diagonal(x, 7)),
    lambda x: checkpoint(lambda x: np.sum(np.tanh(x) ** 2))(x),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_gradient_is_lazy_and_has_the_chunks_of_its_argument(program: Callable[[Any], Any]) -> None:
    x = chunked(X)

    with dask.config.set(scheduler=refused):
        value, gradient = value_and_grad(program)(x)

    assert gradient.chunks == x.chunks
    assert gradient.dtype == x.dtype
    expected, of_numpy = value_and_grad(program)(X)
    for scheduler in ("synchronous", "threads"):
        with dask.config.set(scheduler=scheduler):
            found = dask.compute(value, gradient)
        np.testing.assert_allclose(found[0], expected)
        np.testing.assert_allclose(found[1], of_numpy, rtol=1e-10)


@pytest.mark.parametrize("program", PROGRAMS)
def test_forward_mode_and_second_order_are_lazy(program: Callable[[Any], Any]) -> None:
    t = np.cos(X)

    with dask.config.set(scheduler=refused):
        _, tangent = jvp(program, (chunked(X),), (chunked(t),))
        _, product = hvp(program, (chunked(X),), (chunked(t),))

    np.testing.assert_allclose(tangent.compute(), jvp(program, (X,), (t,))[1], rtol=1e-10)
    np.testing.assert_allclose(product.compute(), hvp(program, (X,), (t,))[1], rtol=1e-8, atol=1e-12)


@pytest.mark.usefixtures("lazily")
def test_parameters_of_numpy_have_a_lazy_gradient_over_chunked_data() -> None:
    gradient = grad(loss)(WEIGHTS, split(DATA), split(TARGETS))

    assert isinstance(gradient, da.Array)
    with dask.config.set(scheduler="threads"):
        np.testing.assert_allclose(gradient.compute(), grad(loss)(WEIGHTS, DATA, TARGETS))


@pytest.mark.usefixtures("lazily")
def test_no_array_of_the_size_of_the_data_is_made() -> None:
    # 8 terabytes: a single array of that size would end the test.
    huge = da.ones((10**6, 10**6), chunks=10**4)

    gradient = grad(lambda x: np.mean(x) + np.sum(np.sum(x, axis=0) ** 2) + np.sum(x[5, 1:3]))(huge)

    assert gradient.chunks == huge.chunks
    part = gradient[5:7, 0:4]
    with dask.config.set(scheduler="threads"):
        small = grad(lambda x: np.sum(x[5, 1:3]))(da.ones((20, 20), chunks=5))[5:7, 0:4].compute()
    assert part.shape == small.shape
    np.testing.assert_array_equal(small, [[0, 1, 1, 0], [0, 0, 0, 0]])


@pytest.mark.usefixtures("lazily")
def test_pullbacks_take_cotangents_of_either_library() -> None:
    _, pullback = vjp(np.sin, chunked(X))

    for ct in (X, chunked(X)):
        (found,) = pullback(ct)
        with dask.config.set(scheduler="threads"):
            np.testing.assert_allclose(found.compute(), X * np.cos(X))


@pytest.mark.usefixtures("lazily")
def test_jacobians_and_hessians_are_lazy() -> None:
    j = jacobian(lambda w: split(DATA) @ w)(WEIGHTS)
    h = hessian(loss)(WEIGHTS, split(DATA), split(TARGETS))

    with dask.config.set(scheduler="threads"):
        np.testing.assert_allclose(j.compute(), DATA)
        np.testing.assert_allclose(h.compute(), 2 * DATA.T @ DATA)


@pytest.mark.usefixtures("lazily")
def test_a_branch_not_taken_contributes_zero() -> None:
    gradient = grad(lambda x: np.sum(np.where(x > 1, np.sqrt(x - 1), 0.0)))(da.from_array(np.array([1.0, 2.0, 0.5]), 2))

    with dask.config.set(scheduler="threads"), np.errstate(all="ignore"):
        np.testing.assert_array_equal(gradient.compute(), [0.0, 0.5, 0.0])


@pytest.mark.usefixtures("lazily")
def test_sizes_may_be_unknown() -> None:
    y = split(TARGETS)
    of_data = grad(lambda w: np.sum(split(DATA)[y > 0] @ w))(WEIGHTS)
    of_argument = grad(lambda x: np.sum(np.sin(x) ** 2))(y[y > 0])

    with dask.config.set(scheduler="threads"):
        np.testing.assert_allclose(of_data.compute(), np.sum(DATA[TARGETS > 0], axis=0))
        np.testing.assert_allclose(of_argument.compute(), np.sin(2 * TARGETS[TARGETS > 0]))


@pytest.mark.usefixtures("lazily")
def test_single_precision_stays_single() -> None:
    gradient = grad(lambda x: np.sum(np.log(x) / x))(chunked(X.astype(np.float32)))

    assert gradient.dtype == np.float32
    with dask.config.set(scheduler="threads"):
        assert gradient.compute().dtype == np.float32


def test_what_dask_lacks_is_computed_by_numpy_with_its_warning() -> None:
    with pytest.warns(FutureWarning, match="not implemented by Dask"):
        found = grad(lambda x: np.sum(np.sort(x, axis=0)[0]))(chunked(X))

    np.testing.assert_allclose(np.asarray(found), grad(lambda x: np.sum(np.sort(x, axis=0)[0]))(X))


def test_a_branch_computes_what_it_asks_for() -> None:
    gradient = grad(lambda x: np.sum(x**2) if np.sum(x) > 0 else np.sum(x))(chunked(X))

    np.testing.assert_allclose(gradient.compute(), 2 * X)


@pytest.mark.parametrize(
    "program",
    [
        lambda w: split(DATA).dot(w).sum(),
        lambda w: da.dot(split(DATA), w).sum(),
        lambda w: split(TARGETS).map_blocks(np.multiply, w[0]).sum(),
        lambda w: da.map_blocks(np.multiply, split(TARGETS), w[0]).sum(),
        lambda w: da.from_array(w).sum(),
        lambda w: da.asarray(w).sum(),
        lambda w: da.sum(w),
        lambda w: da.blockwise(np.multiply, "i", split(TARGETS), "i", w[0], None, dtype=float).sum(),
        lambda w: da.where(split(TARGETS) > 0, w[0], 0.0).sum(),
        lambda w: da.stack([split(TARGETS), split(TARGETS) * 1.0, w]).sum(),
    ],
)
@pytest.mark.parametrize("lift", [np.asarray, split], ids=["of NumPy", "of dask"])
@pytest.mark.filterwarnings("ignore:The `numpy")
def test_a_function_of_dask_says_what_to_write(program: Callable[[Any], Any], lift: Callable[[Any], Any]) -> None:
    with pytest.raises(ConversionError, match=r"np\.dot\(x, y\)"):
        grad(program)(lift(WEIGHTS))


@pytest.mark.parametrize(
    "program",
    [
        lambda w: split(DATA).map_blocks(lambda b: b * w, dtype=float).sum(),
        lambda w: np.sum(split(DATA).map_blocks(lambda b: b * w, dtype=float)) + np.sum(w),
        lambda w: da.apply_gufunc(lambda b: b @ w, "(i)->()", split(DATA), output_dtypes=float).sum(),
        lambda w: grad(lambda v: split(DATA).map_blocks(lambda b: b * v * w, dtype=float).sum())(w)[0],
    ],
)
def test_a_function_that_runs_later_and_closes_over_a_traced_value_raises(program: Callable[[Any], Any]) -> None:
    for differentiate in (grad(program), lambda w: jvp(program, (w,), (w,)), lambda w: sparse.jacobian(program, w)):
        with pytest.raises(ConversionError, match=r"closes over"):
            differentiate(WEIGHTS)


def test_delayed_work_that_is_computed_inside_has_a_derivative() -> None:
    program = lambda w: np.sum(dask.delayed(lambda: np.sin(w))().compute(scheduler="threads"))

    np.testing.assert_allclose(grad(program)(WEIGHTS), np.cos(WEIGHTS))


def test_xarray_may_hold_chunks() -> None:
    xr = optional("xarray")
    data = xr.DataArray(split(DATA), dims=("n", "k"))
    program = lambda w: np.exp(data * xr.DataArray(w, dims="k")).mean().data

    with dask.config.set(scheduler=refused):
        gradient = grad(program)(WEIGHTS)

    np.testing.assert_allclose(gradient.compute(), np.sum(DATA * np.exp(DATA * WEIGHTS), axis=0) / 60)


def test_a_mask_of_dask_inside_says_what_to_write() -> None:
    with pytest.raises(NoRuleError, match=r"np\.where"):
        grad(lambda x: np.sum(x[x > 1]))(chunked(X[0]))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("processes", [False, True])
def test_a_cluster_computes_gradients(processes: bool) -> None:
    distributed = optional("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=processes, dashboard_address=None, silence_logs=50
    )

    with cluster, distributed.Client(cluster):
        value, gradient = value_and_grad(loss)(WEIGHTS, split(DATA), split(TARGETS))
        of_data = grad(loss, 1)(WEIGHTS, split(DATA), split(TARGETS))
        found = dask.compute(value, gradient, of_data)

    wanted = (*value_and_grad(loss)(WEIGHTS, DATA, TARGETS), grad(loss, 1)(WEIGHTS, DATA, TARGETS))
    for number, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(number, expected)
