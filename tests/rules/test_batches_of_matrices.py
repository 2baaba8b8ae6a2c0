"""Equal and zero values in a batch: each member, and each direction of a Jacobian, has its own basis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacfwd, jacrev, jvp, vmap

POINTS = [np.eye(2), np.diag([1.0, 2.0]), 3 * np.eye(2)]


def square_by_eigh(a: Any) -> Any:
    w, v = np.linalg.eigh(a)
    return np.matmul(v * (w**2)[..., None, :], np.swapaxes(v, -1, -2))


def cube_by_svd(a: Any) -> Any:
    u, s, w = np.linalg.svd(a)
    return np.matmul(u * (s**3)[..., None, :], w)


def square_by_eig(a: Any) -> Any:
    w, v = np.linalg.eig(a)
    # From NumPy 2.5 on the vectors are complex numbers, whose imaginary parts are zero.
    return np.real(np.matmul(v * (w**2)[..., None, :], np.linalg.inv(v)))


def symmetric(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda a: f((a + a.T) / 2)


CLOSED: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (symmetric(square_by_eigh), symmetric(lambda a: a @ a)),
    (cube_by_svd, lambda a: a @ a.T @ a),
    (symmetric(square_by_eig), symmetric(lambda a: a @ a)),
]


@pytest.mark.parametrize(("f", "closed"), CLOSED)
@pytest.mark.parametrize("a", [*POINTS, np.zeros((2, 2)), np.eye(3)])
def test_jacobians_by_columns_are_exact(f: Any, closed: Any, a: Any) -> None:
    np.testing.assert_allclose(jacfwd(f)(a), jacfwd(closed)(a), atol=1e-12)


@pytest.mark.parametrize(("f", "closed"), CLOSED)
@pytest.mark.parametrize("a", POINTS)
def test_jacobians_by_rows_are_exact_or_nan(f: Any, closed: Any, a: Any) -> None:
    found, expected = jacrev(f)(a), jacfwd(closed)(a)

    np.testing.assert_allclose(np.where(np.isnan(found), expected, found), expected, atol=1e-12)


@pytest.mark.parametrize(("f", "closed"), CLOSED)
def test_a_batch_with_equal_values_in_some_members_is_exact(f: Any, closed: Any) -> None:
    stack = np.stack(POINTS)
    t = np.arange(12.0).reshape(3, 2, 2)

    def pushed(g: Any) -> Any:
        return lambda a, t: jvp(g, (a,), (t,))[1]

    np.testing.assert_allclose(vmap(pushed(f))(stack, t), vmap(pushed(closed))(stack, t), atol=1e-11)
    np.testing.assert_allclose(
        vmap(grad(lambda a: np.trace(f(a))))(stack), vmap(grad(lambda a: np.trace(closed(a))))(stack), atol=1e-11
    )
    found = vmap(grad(lambda a: f(a)[0, 1]))(stack)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], grad(lambda a: closed(a)[0, 1])(stack[1]), atol=1e-12)


@pytest.mark.parametrize("a", POINTS)
def test_hessians_of_symmetric_functions_of_values_are_exact(a: Any) -> None:
    def by_values(a: Any) -> Any:
        return np.sum(np.linalg.eigvalsh((a + a.T) / 2) ** 3)

    def by_singular_values(a: Any) -> Any:
        return np.sum(np.linalg.svdvals(a) ** 4)

    np.testing.assert_allclose(hessian(by_values)(a), hessian(symmetric(lambda a: np.trace(a @ a @ a)))(a), atol=1e-11)
    np.testing.assert_allclose(
        hessian(by_singular_values)(a), hessian(lambda a: np.trace(a @ a.T @ a @ a.T))(a), atol=1e-11
    )
