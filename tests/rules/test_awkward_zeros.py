"""Zeros and ties: norms at 0, products with zero factors, singular matrices, equal numbers; both modes, to second order."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacfwd, jacrev, vmap


def assert_agrees(f: Any, x: Any, gradient: Any, curvature: Any = None) -> None:
    """Compare gradients in every mode, and Hessians in every nesting of modes, alone and as a member of a batch."""
    x = np.asarray(x, float)
    pair = np.stack([x, x])
    with np.errstate(all="ignore"):
        for found in (grad(f)(x), jacfwd(f)(x), jacrev(f)(x), vmap(grad(f))(pair)[1], vmap(jacfwd(f))(pair)[0]):
            np.testing.assert_allclose(found, gradient, rtol=1e-9, atol=1e-12)
        if curvature is None:
            return
        modes: Any = itertools.product([jacfwd, jacrev], [grad, jacfwd])
        for outer, inner in modes:
            np.testing.assert_allclose(outer(inner(f))(x), curvature, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(vmap(hessian(f))(pair)[1], curvature, rtol=1e-9, atol=1e-12)


ZERO = np.zeros(3)
FLAT = np.zeros((3, 3))
ORDERS = [None, 1, 2, 3, 0.5, 1.5, np.inf, -np.inf, 0, -1]


@pytest.mark.parametrize("order", ORDERS)
def test_norms_of_every_order_are_flat_at_zero(order: Any) -> None:
    assert_agrees(lambda x: np.linalg.norm(x, order), ZERO, ZERO, FLAT)
    assert_agrees(lambda x: np.sum(np.linalg.norm(np.reshape(x, (3, 1)), order, axis=1)), ZERO, ZERO, FLAT)


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_norms_of_the_zero_matrix_are_flat(order: Any) -> None:
    assert_agrees(lambda x: np.linalg.norm(x, order), np.zeros((2, 2)), np.zeros((2, 2)))


def test_squares_of_norms_have_their_gradient_everywhere() -> None:
    assert_agrees(lambda x: np.linalg.norm(x) ** 2, ZERO, ZERO)
    assert_agrees(lambda x: np.linalg.norm(x) ** 2, [1.0, 2.0, 3.0], [2.0, 4.0, 6.0], 2 * np.eye(3))
    rows = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert_agrees(lambda x: np.sum(np.linalg.norm(x, axis=1) ** 2), rows, 2 * rows)


@pytest.mark.parametrize("spread", [np.std, np.nanstd, np.ptp, lambda x: np.std(x, ddof=1), lambda x: np.std(x) ** 2])
@pytest.mark.parametrize("number", [0.1, 0.5, 1 / 3])
def test_spreads_of_equal_numbers_are_flat(spread: Any, number: float) -> None:
    # Nine thirds: their mean is rounded.
    assert_agrees(spread, np.full(9, number), np.zeros(9))


def test_the_variance_of_equal_numbers_is_a_bowl() -> None:
    assert_agrees(np.var, [0.1, 0.1, 0.1], ZERO, 2 / 3 * (np.eye(3) - 1 / 3))


def test_distances_of_no_length_are_flat() -> None:
    assert_agrees(lambda x: np.hypot(np.hypot(x[0], x[1]), x[2]), ZERO, ZERO, FLAT)
    assert_agrees(lambda x: np.sum(np.abs(x + 1j * x)), ZERO, ZERO, FLAT)
    assert_agrees(lambda x: np.linalg.norm(x - x[0]), [1.0, 1.0, 1.0], ZERO, FLAT)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (np.max, [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
        (np.min, [1.0, 1.0, 3.0], [0.5, 0.5, 0]),
        (np.ptp, [1.0, 3.0, 3.0], [-1, 0.5, 0.5]),
        (lambda x: np.sort(x) @ np.array([1.0, 2.0, 4.0]), [3.0, 1.0, 3.0], [3, 1, 3]),
        (np.median, [2.0, 2.0, 2.0], [1 / 3, 1 / 3, 1 / 3]),
        (lambda x: np.quantile(x, 0.4), [2.0, 2.0, 2.0], [1 / 3, 1 / 3, 1 / 3]),
        (lambda x: np.sum(np.maximum(x, x)), [1.0, 2.0, 1.0], [1, 1, 1]),
        (lambda x: np.sum(np.fmax(x, 1.0)), [1.0, 2.0, 0.0], [0.5, 1, 0]),
        (lambda x: np.partition(x, 1)[1], [2.0, 2.0, 1.0], [0.5, 0.5, 0]),
    ],
)
def test_ties_share_evenly_in_every_mode(f: Any, x: Any, expected: Any) -> None:
    assert_agrees(f, x, expected, FLAT)


def without(x: Any, *places: int) -> float:
    return float(np.prod(np.delete(x, places)))


@pytest.mark.parametrize(
    "x", [[2.0, 3.0, 4.0], [0.0, 3.0, 4.0], [0.0, 0.0, 4.0], [0.0, 0.0, 0.0], [1e-200, 1e-200, 1e300], [5.0]]
)
def test_products_are_exact_with_any_number_of_zeros(x: Any) -> None:
    n = len(x)
    slope = [without(x, k) for k in range(n)]
    bend = [[without(x, k, m) if k != m else 0.0 for k in range(n)] for m in range(n)]

    for f in (np.prod, np.nanprod, np.multiply.reduce, lambda v: np.cumprod(v)[-1], lambda v: np.prod(v, initial=1.0)):
        assert_agrees(f, x, slope, bend)


def minor(a: Any, i: int, j: int) -> float:
    rest = np.delete(np.delete(a, i, 0), j, 1)
    if rest.size == 0:
        return 1.0
    return float(sum((-1) ** k * rest[0, k] * minor(rest, 0, k) for k in range(len(rest))))


def cofactors(a: Any) -> Any:
    return np.array([[(-1) ** (i + j) * minor(a, i, j) for j in range(len(a))] for i in range(len(a))])


def bends(a: Any) -> Any:
    """Return the second derivatives of the determinant: cofactors are linear in each entry, so differences are exact."""
    n = len(a)
    found = np.zeros((n, n, n, n))
    for i, j in itertools.product(range(n), range(n)):
        moved = a.copy()
        moved[i, j] += 1.0
        found[:, :, i, j] = cofactors(moved) - cofactors(a)
    return found


@pytest.mark.parametrize(
    "a",
    [
        np.zeros((2, 2)),
        np.ones((2, 2)),
        np.array([[1.0, 2.0], [2.0, 4.0]]),
        np.diag([1.0, 0.0, 2.0]),
        np.diag([1.0, 0.0, 0.0]),
        np.arange(9.0).reshape(3, 3),
        np.zeros((3, 3)),
        np.array([[0.0]]),
    ],
)
def test_determinants_of_singular_matrices_are_exact(a: Any) -> None:
    assert_agrees(lambda x: np.linalg.det(x) + 0.0, a, cofactors(a))
    found = hessian(np.linalg.det)(a)
    np.testing.assert_allclose(found, bends(a), atol=1e-9)


@pytest.mark.parametrize("a", [np.eye(2), np.diag([2.0, 2.0, 1.0]), np.zeros((2, 2))])
def test_symmetric_functions_of_equal_eigenvalues_and_singular_values(a: Any) -> None:
    assert_agrees(lambda x: np.sum(np.linalg.eigvalsh(x)), a, np.eye(len(a)), np.zeros(a.shape * 2))
    assert_agrees(lambda x: np.sum(np.linalg.eigvalsh(x) ** 2), a, 2 * a)
    assert_agrees(lambda x: np.sum(np.linalg.svdvals(x) ** 2), a, 2 * a)


@pytest.mark.parametrize("f", [np.sum, np.prod, np.linalg.norm, lambda x: np.dot(x, x), lambda x: np.sum(np.sort(x))])
def test_empty_arrays_have_empty_derivatives(f: Any) -> None:
    assert_agrees(f, np.zeros(0), np.zeros(0), np.zeros((0, 0)))
