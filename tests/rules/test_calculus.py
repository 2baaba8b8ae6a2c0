"""gradient and trapezoid by uneven spacings, and where they say no."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacfwd, jacrev, jvp

X = np.array([0.0, 0.5, 0.7, 1.5, 1.6])


@pytest.mark.parametrize("edge_order", [1, 2])
def test_the_gradient_of_a_line_is_its_slope_wherever_the_points_are(edge_order: Any) -> None:
    def f(x: Any) -> Any:
        return np.gradient(3 * x + 1, x, edge_order=edge_order)

    np.testing.assert_allclose(jacrev(f)(X), np.zeros((5, 5)), atol=1e-12)
    np.testing.assert_allclose(jacfwd(f)(X), np.zeros((5, 5)), atol=1e-12)


def test_the_gradient_of_a_parabola_through_three_points_is_exact() -> None:
    _, t = jvp(lambda x: np.gradient(x**2, x, edge_order=2), (X,), (np.ones(5),))

    np.testing.assert_allclose(t, np.full(5, 2.0), rtol=1e-12)


def test_even_and_uneven_spacing_agree() -> None:
    x = np.linspace(0, 2, 5)
    for order in (1, 2):
        even = jacrev(lambda f, order=order: np.gradient(f, 0.5, edge_order=order))(X)
        uneven = jacrev(lambda f, order=order: np.gradient(f, x, edge_order=order))(X)

        np.testing.assert_allclose(even, uneven, atol=1e-14)


def test_several_axes_give_a_tuple() -> None:
    a = np.arange(6.0).reshape(2, 3)
    rows, columns = jvp(lambda a: np.gradient(a, 2.0, 1.0), (a,), (a,))[1]

    np.testing.assert_allclose(rows, np.gradient(a, 2.0, axis=0))
    np.testing.assert_allclose(columns, np.gradient(a, axis=1))


@pytest.mark.parametrize(
    ("f", "kind", "match"),
    [
        (lambda x: np.gradient(x, edge_order=3), ValueError, "edge_order"),  # type: ignore[call-overload]
        (lambda x: np.gradient(x[:1]), ValueError, "too small"),
        (lambda x: np.gradient(x[:2], edge_order=2), ValueError, "too small"),
        (lambda x: np.gradient(x, np.ones(4)), ValueError, "match the length"),
        (lambda x: np.gradient(x, np.ones((5, 1))), ValueError, "scalars or 1d"),
        (lambda x: np.gradient(x, 1.0, 2.0), TypeError, "number of arguments"),
        (lambda x: np.gradient(x, axis=(0, 0)), ValueError, "repeated"),
        (lambda x: np.gradient(x, axis=1), ValueError, "axis 1"),
        (lambda x: np.trapezoid(x, axis=1), ValueError, "axis 1"),
    ],
)
def test_errors_are_numpys(f: Any, kind: Any, match: str) -> None:
    with pytest.raises(kind, match=match):
        grad(lambda x: np.sum(f(x)))(X)


def test_the_area_under_a_line_follows_its_ends() -> None:
    g = grad(lambda x: np.trapezoid(2 * x, x))(X)

    np.testing.assert_allclose(g, [0, 0, 0, 0, 2 * 1.6], atol=1e-15)
    assert grad(lambda h: np.trapezoid(X, dx=h))(1.0) == np.trapezoid(X)
