"""Sparse Jacobians and Hessians against dense ones; plans, formats, numbers of passes, and what is refused."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import dualgrad
from dualgrad import errors, sparse
from tests.sparse.programs import HESSIANS, JACOBIANS, brusselator

X = np.random.default_rng(3).standard_normal(12)


def dense_jacobian(f: Any, x: Any) -> Any:
    return np.asarray(dualgrad.jacrev(f)(x)).reshape(-1, x.size)


# ---- the numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("partition", ["columns", "rows", "both"])
@pytest.mark.parametrize("name", JACOBIANS)
def test_a_plan_gives_the_dense_jacobian_at_random_points(name: str, partition: str) -> None:
    f = JACOBIANS[name]
    rng = np.random.default_rng(0)
    plan = sparse.plan_jacobian(f, X, partition=partition)

    for _ in range(3):
        x = rng.standard_normal(12)
        value, found = plan.value_and_jacobian(x)

        np.testing.assert_allclose(value, f(x), rtol=1e-14)
        np.testing.assert_allclose(found.toarray(), dense_jacobian(f, x), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", HESSIANS)
def test_a_plan_gives_the_dense_hessian_at_random_points(name: str) -> None:
    f = HESSIANS[name]
    rng = np.random.default_rng(0)
    plan = sparse.plan_hessian(f, X)

    for _ in range(3):
        x = rng.standard_normal(12)
        value, gradient, found = plan.value_grad_and_hessian(x)

        np.testing.assert_allclose(value, f(x), rtol=1e-14)
        np.testing.assert_allclose(gradient, dualgrad.grad(f)(x), rtol=1e-14)
        np.testing.assert_allclose(found.toarray(), dualgrad.hessian(f)(x), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", HESSIANS)
def test_hessians_are_symmetric_to_the_last_bit(name: str) -> None:
    found = sparse.hessian(HESSIANS[name], X).toarray()

    np.testing.assert_array_equal(found, found.T)


def test_the_functions_of_one_call_agree_with_plans() -> None:
    f, g = JACOBIANS["upwind"], HESSIANS["rosenbrock"]
    jacobian, hessian = sparse.plan_jacobian(f, X)(X).toarray(), sparse.plan_hessian(g, X)(X).toarray()

    np.testing.assert_array_equal(sparse.jacobian(f, X).toarray(), jacobian)
    np.testing.assert_array_equal(sparse.value_and_jacobian(f, X)[1].toarray(), jacobian)
    np.testing.assert_array_equal(sparse.value_and_jacobian(f, X)[0], f(X))
    np.testing.assert_array_equal(sparse.hessian(g, X).toarray(), hessian)
    np.testing.assert_array_equal(sparse.value_and_hessian(g, X)[1].toarray(), hessian)
    np.testing.assert_array_equal(sparse.value_and_hessian(g, X)[0], g(X))
    np.testing.assert_array_equal(sparse.value_grad_and_hessian(g, X)[1], dualgrad.grad(g)(X))


def test_a_value_is_shared_with_nothing() -> None:
    x = np.ones(3)
    for partition in ("columns", "rows"):
        value, _ = sparse.value_and_jacobian(lambda x: x, x, partition=partition)
        value[0] = 5.0

    assert x.tolist() == [1.0, 1.0, 1.0]


def test_single_precision_stays_single() -> None:
    x = X.astype(np.float32)

    assert sparse.jacobian(JACOBIANS["arrow"], x).dtype == np.float32
    assert sparse.hessian(HESSIANS["rosenbrock"], x).dtype == np.float32


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "triplet"])
def test_half_precision_is_one_that_scipy_can_compute_with(format: str) -> None:
    x = np.array([1.0, 2.0, 3.0], np.float16)

    found = sparse.jacobian(lambda x: x**2, x, format=format)
    np.testing.assert_array_equal(found.toarray(), np.diag(2 * x))
    assert found.data.dtype == (np.float16 if format == "triplet" else np.float32)
    np.testing.assert_allclose(sparse.plan_jacobian(np.sin, x)(x).diagonal(), np.cos(x), rtol=1e-6)


def test_numbers_and_empty_arrays_have_matrices() -> None:
    assert sparse.hessian(lambda x: x**3, 2.0).toarray().tolist() == [[12.0]]
    assert sparse.jacobian(lambda x: np.ones(3) * x, 2.0).toarray().tolist() == [[1.0]] * 3
    assert sparse.jacobian(lambda x: x**2, np.zeros(0)).shape == (0, 0)
    assert sparse.hessian(lambda x: np.sum(x), np.zeros(0)).shape == (0, 0)
    assert sparse.jacobian(lambda x: np.ones(3), X).toarray().tolist() == [[0.0] * 12] * 3


def test_infinite_derivatives_are_answers() -> None:
    with np.errstate(all="ignore"):
        found = sparse.plan_jacobian(np.sqrt, np.ones(2))(np.array([0.0, 4.0]))

    assert found.diagonal().tolist() == [np.inf, 0.25]


# ---- how many passes -------------------------------------------------------------------------------


def counted(f: Any) -> tuple[Any, list[int]]:
    calls = [0]

    def counting(x: Any) -> Any:
        calls[0] += 1
        return f(x)

    return counting, calls


def test_the_brusselator_on_a_large_grid_takes_at_most_twelve_passes() -> None:
    f, calls = counted(lambda x: brusselator(x, 100))
    x = np.random.default_rng(0).random(20_000)
    plan = sparse.plan_jacobian(f, x)
    # The detection runs the function once.
    assert calls == [1]

    found = plan(x, verify=False)

    assert plan.passes <= 12
    # All passes are one run, as a batch.
    assert calls == [2]
    assert found.nnz == plan.pattern.nnz == 6 * 20_000
    v = np.random.default_rng(1).random(20_000)
    np.testing.assert_allclose(found @ v, dualgrad.jvp(f, (x,), (v,))[1].ravel(), rtol=1e-10, atol=1e-12)


def test_verification_is_one_more_pass() -> None:
    f, calls = counted(JACOBIANS["stencil"])
    plan = sparse.plan_jacobian(f, X, partition="columns")
    before = calls[0]

    plan(X)

    assert calls[0] - before == 2


def test_rows_are_pulled_back_from_one_run() -> None:
    f, calls = counted(JACOBIANS["one number"])
    plan = sparse.plan_jacobian(f, X)
    before = calls[0]

    plan(X, verify=False)

    assert plan.passes == 1
    assert calls[0] - before == 1


def test_passes_are_those_of_the_pattern() -> None:
    assert sparse.plan_jacobian(JACOBIANS["arrow"], X).passes == 3
    assert sparse.plan_jacobian(JACOBIANS["dense row"], X).passes == 2
    assert sparse.plan_hessian(HESSIANS["arrow"], X).passes == 2
    assert sparse.plan_hessian(HESSIANS["separable"], X).passes == 1
    assert sparse.plan_hessian(HESSIANS["pairs"], X).passes == 1
    assert sparse.plan_hessian(HESSIANS["linear"], X).passes == 0
    # The lone pair is read off the product that the star needs.
    assert sparse.plan_hessian(lambda x: x[0] * np.sum(x[1:4]) + x[4] * x[5], X).passes == 1


# ---- patterns that do not hold ---------------------------------------------------------------------


def test_a_branch_that_changes_the_pattern_is_noticed() -> None:
    plan = sparse.plan_jacobian(lambda x: x if x[0] > 0 else x[::-1], np.ones(4))

    with pytest.raises(errors.PatternError, match="4 of its 4 rows are wrong, the first of them row 0"):
        plan(-np.ones(4))


def test_a_branch_that_changes_the_hessian_is_noticed() -> None:
    plan = sparse.plan_hessian(lambda x: np.sum(x**2) if x[0] > 0 else np.sum(x) ** 2, np.ones(4))

    assert plan(np.ones(4)).toarray().tolist() == (2 * np.eye(4)).tolist()
    with pytest.raises(errors.PatternError, match="Hessian"):
        plan(-np.ones(4))


def test_data_that_was_zero_is_noticed() -> None:
    weights = np.array([1.0, 0.0, 1.0])
    plan = sparse.plan_jacobian(lambda x: weights * x, np.ones(3))
    weights[1] = 1e-3

    with pytest.raises(errors.PatternError, match="row 1"):
        plan(np.ones(3))


def test_a_computed_index_that_leaves_numpy_is_noticed() -> None:
    table = np.array([0.0, 1.0])
    plan = sparse.plan_jacobian(lambda x: table[(x > 0).astype(int)] * x, np.array([-1.0, 1.0]))

    assert plan(np.array([-2.0, 2.0])).toarray().tolist() == [[0.0, 0.0], [0.0, 1.0]]
    with pytest.raises(errors.PatternError):
        plan(np.array([2.0, 2.0]))


def test_results_and_arguments_of_another_size_are_noticed() -> None:
    plan = sparse.plan_jacobian(lambda x: x[x > 0], np.ones(3))

    with pytest.raises(errors.PatternError, match="returned 2 numbers here, and its pattern has 3 rows"):
        plan(np.array([1.0, -1.0, 1.0]))
    with pytest.raises(ValueError, match=r"arguments of shape \(3,\); this one has shape \(4,\)"):
        plan(np.ones(4))


def test_a_pattern_that_is_given_is_verified() -> None:
    f = JACOBIANS["differences"]
    right = dense_jacobian(f, X) != 0

    np.testing.assert_array_equal(sparse.jacobian(f, X, pattern=right).toarray(), dense_jacobian(f, X))
    with pytest.raises(errors.PatternError):
        sparse.jacobian(f, X, pattern=np.eye(10, 12))
    with pytest.raises(errors.PatternError):
        sparse.hessian(HESSIANS["rosenbrock"], X, pattern=np.eye(12))


def test_given_patterns_may_be_dense_sparse_or_found_before() -> None:
    f = HESSIANS["rosenbrock"]
    pattern = sparse.hessian_sparsity(f, X)
    expected = dualgrad.hessian(f)(X)
    scipy_sparse = pytest.importorskip("scipy.sparse")

    for given in (pattern, pattern.toarray(), scipy_sparse.csr_array(pattern.toarray()), np.triu(pattern.toarray())):
        np.testing.assert_allclose(sparse.hessian(f, X, pattern=given).toarray(), expected, rtol=1e-12)


def test_given_patterns_have_the_shape_of_the_matrix() -> None:
    with pytest.raises(ValueError, match="has 3 columns; x has 12 numbers"):
        sparse.jacobian(np.sin, X, pattern=np.ones((12, 3)))
    with pytest.raises(ValueError, match="the Hessian has shape"):
        sparse.hessian(np.sum, X, pattern=np.ones((3, 12)))
    with pytest.raises(ValueError, match="a pattern is a matrix"):
        sparse.jacobian(np.sin, X, pattern=np.ones(12))


# ---- formats ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["csr", "csc", "coo"])
def test_formats_are_scipys(format: str) -> None:
    scipy_sparse = pytest.importorskip("scipy.sparse")
    found = sparse.jacobian(JACOBIANS["stencil"], X, format=format)

    assert scipy_sparse.issparse(found)
    assert found.format == format
    np.testing.assert_allclose(found.toarray(), dense_jacobian(JACOBIANS["stencil"], X), rtol=1e-13)
    assert sparse.plan_hessian(HESSIANS["grid"], X)(X, format=format).format == format


def test_matrices_share_no_memory_with_their_plan() -> None:
    plan = sparse.plan_jacobian(JACOBIANS["stencil"], X)
    for format in ("csr", "coo", "triplet"):
        first = plan(X, format=format)
        kept = plan(X).toarray()
        for part in (getattr(first, "indices", None), getattr(first, "cols", None), first.data):
            if part is not None:
                part[:] = 0

        np.testing.assert_array_equal(plan(X).toarray(), kept)


def test_triplets_need_no_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    f = JACOBIANS["stencil"]

    found = sparse.jacobian(f, X, format="triplet")
    assert isinstance(found, sparse.Triplet)
    assert found.shape == (2, 12)
    np.testing.assert_allclose(found.toarray(), dense_jacobian(f, X), rtol=1e-13)
    np.testing.assert_allclose(
        sparse.hessian(HESSIANS["grid"], X, format="triplet").toarray(),
        dualgrad.hessian(HESSIANS["grid"])(X),
        rtol=1e-12,
    )
    with pytest.raises(
        ImportError, match=r"^sparse.jacobian: .*Install dualgrad\[scipy\], or ask for format='triplet'"
    ):
        sparse.jacobian(f, X)


def wrong_words() -> Iterator[tuple[Any, str]]:
    yield (lambda: sparse.jacobian(np.sin, X, format="dense"), "format is one of")
    yield (lambda: sparse.plan_jacobian(np.sin, X)(X, format="bsr"), "format is one of")
    yield (lambda: sparse.plan_jacobian(np.sin, X, partition="diagonals"), "partition is one of")


@pytest.mark.parametrize(("call", "message"), list(wrong_words()))
def test_unknown_words_are_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_complex_functions_and_vectors_are_refused() -> None:
    with pytest.raises(TypeError, match="needs a real function"):
        sparse.jacobian(lambda x: x * 1j, X)
    with pytest.raises(errors.NotScalarError):
        sparse.hessian(np.sin, X)
