"""Equal and zero singular values: exact or NaN, in every nesting, against closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jvp, vjp
from tests.rules.nestings import (
    PLAIN,
    adjoint,
    assert_exact_or_nan,
    draw,
    forward_in_the_cotangent,
    forward_in_the_tangent,
    forward_over_forward,
    forward_over_reverse,
    reverse_over_forward,
    reverse_over_reverse,
    start_again,
    with_singular_values,
)


@pytest.fixture(autouse=True)
def same_numbers_whatever_ran_before() -> None:
    start_again()


# ---- functions of singular values and vectors ------------------------------------------------------


def svd_of(a: Any) -> Any:
    return np.linalg.svd(a, full_matrices=False)


def rebuilt(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def function(a: Any) -> Any:
        u, s, w = svd_of(a)
        return np.matmul(u * f(s)[..., None, :], w)

    return function


def left_square(a: Any) -> Any:
    u, s, _ = np.linalg.svd(a)
    return np.matmul(u[..., : s.shape[-1]] * (s**2)[..., None, :], adjoint(u[..., : s.shape[-1]]))


def right_square(a: Any) -> Any:
    _, s, w = svd_of(a)
    return np.matmul(adjoint(w) * (s**2)[..., None, :], w)


SINGULAR_FORMS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "identity": (rebuilt(lambda s: s), lambda a: a),
    "cube": (rebuilt(lambda s: s**3), lambda a: a @ adjoint(a) @ a),
    "zero at one": (rebuilt(lambda s: s**3 - s), lambda a: a @ adjoint(a) @ a - a),
    "left square": (left_square, lambda a: a @ adjoint(a)),
    "right square": (right_square, lambda a: adjoint(a) @ a),
    "values": (
        lambda a: np.sum(np.linalg.svdvals(a) ** 4, axis=-1),
        lambda a: np.real(np.trace(a @ adjoint(a) @ a @ adjoint(a), axis1=-2, axis2=-1)),
    ),
}
MATRICES = {
    "one": np.eye(3),
    "two": 2 * np.eye(2),
    "zero": np.zeros((2, 2)),
    "swap": np.array([[0.0, 1.0], [1.0, 0.0]]),
    "indefinite": np.diag([1.0, -1.0, 2.0]),
    "tall": np.eye(3, 2),
    "wide": 2 * np.eye(2, 4),
    "tall of rank one": with_singular_values(4, 2, 3),
    "wide of rank one": with_singular_values(2, 4, 3),
    "tall zero": np.zeros((3, 2)),
    "column": np.zeros((3, 1)),
    "square of rank two": with_singular_values(3, 3, 1, 1),
    "square of rank one": with_singular_values(3, 3, 2),
    "blocks": with_singular_values(5, 5, 2, 2, 1, 1),
    "distinct": with_singular_values(4, 3, 3, 2, 1),
    "complex": with_singular_values(3, 3, 1, 1, 2, is_complex=True),
    "complex one": np.eye(2) + 0j,
    "complex of rank one": with_singular_values(2, 2, 1, is_complex=True),
    "complex tall of rank two": with_singular_values(4, 3, 1, 1, is_complex=True),
    "complex wide": with_singular_values(2, 3, 2, 2, is_complex=True),
    "stack": np.stack([np.eye(2), np.diag([1.0, 2.0]), np.zeros((2, 2))]),
}
each_matrix = pytest.mark.parametrize("a", MATRICES.values(), ids=MATRICES)
each_form = pytest.mark.parametrize(("through_svd", "closed"), SINGULAR_FORMS.values(), ids=SINGULAR_FORMS)


def tangents_of(a: Any) -> list[Any]:
    m, n = a.shape[-2:]
    special = [np.eye(m, n), np.ones((m, n)), np.eye(m, n)[::-1], np.eye(1, m * n, m * n - n).reshape(m, n)]
    found = [draw(*a.shape, is_complex=np.iscomplexobj(a)), *[np.broadcast_to(t, a.shape) for t in special]]
    return [t.astype(a.dtype) for t in found]


@each_matrix
@each_form
def test_pushforwards_through_singular_vectors_are_exact(a: Any, through_svd: Any, closed: Any) -> None:
    for t in tangents_of(a):
        value, found = jvp(through_svd, (a,), (t,))
        wanted, expected = jvp(closed, (a,), (t,))

        np.testing.assert_allclose(value, wanted, atol=1e-12)
        np.testing.assert_allclose(found, expected, atol=1e-12)


@each_matrix
@each_form
def test_pullbacks_through_singular_vectors_are_exact_or_nan(a: Any, through_svd: Any, closed: Any) -> None:
    value = closed(a)
    for c in [*tangents_of(value), *tangents_of(value)] if value.ndim > 1 else [np.ones(value.shape)]:
        (found,) = vjp(through_svd, a)[1](c[()])
        (expected,) = vjp(closed, a)[1](c[()])

        assert_exact_or_nan(found, expected)


@each_matrix
@each_form
def test_nested_derivatives_through_singular_vectors_are_exact_or_nan(a: Any, through_svd: Any, closed: Any) -> None:
    value = closed(a)
    for t in tangents_of(a)[:2]:
        for c in tangents_of(value)[::2] if value.ndim > 1 else [np.ones(value.shape)[()]]:
            for f in (forward_over_reverse, reverse_over_forward, reverse_over_reverse, forward_in_the_cotangent):
                found, expected = (PLAIN[f](g, a, t, c) for g in (through_svd, closed))
                assert_exact_or_nan(found, expected)
        for f in (forward_over_forward, forward_in_the_tangent):
            found, expected = (f(g, a, t, tangents_of(a)[1]) for g in (through_svd, closed))
            assert_exact_or_nan(found, expected)


def polar(a: Any) -> Any:
    u, _, w = svd_of(a)
    return np.matmul(u, w)


def closed_polar(a: Any) -> Any:
    # Newton's iteration, which converges quadratically with its derivatives.
    for _ in range(40):
        a = (a + adjoint(np.linalg.inv(a))) / 2
    return a


@pytest.mark.parametrize("name", ["one", "two", "swap", "indefinite", "complex", "complex one"])
def test_the_polar_factor_is_exact_where_singular_values_are_equal(name: str) -> None:
    a = MATRICES[name]
    for t in tangents_of(a):
        _, found = jvp(polar, (a,), (t,))
        (pulled,) = vjp(polar, a)[1](t)

        np.testing.assert_allclose(found, jvp(closed_polar, (a,), (t,))[1], atol=1e-11)
        np.testing.assert_allclose(pulled, vjp(closed_polar, a)[1](t)[0], atol=1e-11)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (4, 2), (2, 2)])
@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("values", [(1, 1), (1, 2)])
def test_projections_to_null_spaces_are_exact(shape: tuple[int, int], is_complex: bool, values: Any) -> None:
    m, n = shape
    a = with_singular_values(m, n, *values, is_complex=is_complex)
    k = min(shape)

    def projections(a: Any) -> tuple[Any, Any]:
        u, _, w = np.linalg.svd(a)
        return np.matmul(u[:, k:], adjoint(u[:, k:])), np.matmul(adjoint(w[k:]), w[k:])

    def closed(a: Any) -> tuple[Any, Any]:
        p = np.linalg.pinv(a)
        return np.eye(m) - np.matmul(a, p), np.eye(n) - np.matmul(p, a)

    t = draw(m, n, is_complex=is_complex)
    cts = (draw(m, m, is_complex=is_complex), draw(n, n, is_complex=is_complex))
    if not is_complex:
        assert all(x.dtype == float for x in projections(a))
    for found, expected in zip(jvp(projections, (a,), (t,))[1], jvp(closed, (a,), (t,))[1], strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(vjp(projections, a)[1](cts)[0], vjp(closed, a)[1](cts)[0], atol=1e-12)


def test_a_lone_vector_of_a_larger_null_space_has_no_gradient() -> None:
    found = grad(lambda a: np.sum(np.linalg.svd(a)[0][:, -1]) ** 2)(draw(4, 2))

    assert np.isnan(found).all()


def test_null_vectors_unused_cost_nothing() -> None:
    a = with_singular_values(4, 2, 2, 1)

    def f(a: Any) -> Any:
        u, s, w = np.linalg.svd(a)
        return np.matmul(u[:, :2] * s, w)

    np.testing.assert_allclose(vjp(f, a)[1](np.ones((4, 2)))[0], np.ones((4, 2)), atol=1e-12)


def test_norms_have_gradients_where_singular_values_are_equal() -> None:
    for order, scale in (("nuc", 1.0), ("fro", 3**-0.5)):
        found = grad(lambda a, order=order: np.linalg.norm(a, order))(2 * np.eye(3))
        np.testing.assert_allclose(found, scale * np.eye(3), atol=1e-13)


def test_values_alone_have_gradients_where_singular_values_are_equal_or_zero() -> None:
    a = with_singular_values(4, 3, 2, 2)

    for values in (np.linalg.svdvals, lambda a: np.linalg.svd(a)[1], lambda a: np.linalg.svd(a, compute_uv=False)):
        found = grad(lambda a, values=values: np.sum(values(a) ** 2))(a)
        np.testing.assert_allclose(found, 2 * a, atol=1e-12)
