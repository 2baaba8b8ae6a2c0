"""What differences cannot see of polynomials: zeros, repeated roots, dropped coefficients, full rank or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.polynomial import polynomial

from dualgrad import grad, hessian, jacfwd, jacobian, jacrev, vmap
from dualgrad.errors import ConversionError, NoRuleError
from dualgrad.testing import check_grads

polyfit: Any = np.polyfit
polymul: Any = np.polymul
polydiv: Any = np.polydiv
poly: Any = np.poly
roots: Any = np.roots

P = np.array([1.0, -3.0, 2.0])


def test_coefficients_and_x_are_differentiated() -> None:
    np.testing.assert_array_equal(grad(lambda p: np.polyval(p, 2.0))(P), [4, 2, 1])
    assert grad(lambda x: np.polyval(P, x))(2.0) == 1.0
    assert hessian(lambda x: np.polyval(P, x))(0.0) == 2.0


def test_float32_coefficients_at_a_number_give_what_numpy_gives() -> None:
    p = P.astype(np.float32)

    def f(p: Any) -> Any:
        found = np.polyval(p, 2.0)
        assert found.dtype == np.polyval(P.astype(np.float32), 2.0).dtype
        return found

    assert grad(f)(p).dtype == np.float32


def test_a_leading_zero_keeps_its_derivative_in_a_product() -> None:
    # (p x + 1)(x + 2): the coefficient of x is 2 p + 1, at p = 0 too, where NumPy's product is shorter.
    p = np.array([0.0, 1.0])
    np.testing.assert_array_equal(jacobian(lambda p: polymul(p, [1.0, 2.0]))(p), [[2, 1], [0, 2]])
    np.testing.assert_array_equal(jacobian(lambda p: polymul(p, [1.0, 2.0]))(np.zeros(2)) @ p, [1, 2])


def test_an_infinite_coefficient_spoils_only_its_own_terms() -> None:
    def f(p: Any) -> Any:
        found = polymul(p, [1.0, 2.0])
        assert [float(str(x)) for x in found] == [np.inf, np.inf, 2.0]
        return found[2]

    np.testing.assert_array_equal(grad(f)(np.array([np.inf, 1.0])), [0, 2])


def test_polydiv_gives_quotient_and_remainder_as_numpy_does() -> None:
    u, v = np.array([2.0, 1.0, 0.0, 3.0]), np.array([1.0, 2.0])
    for k in (0, 1):
        expected = polydiv(u, v)[k]
        forward, reverse = (d(lambda u, k=k: polydiv(u, v)[k])(u) for d in (jacfwd, jacrev))
        np.testing.assert_allclose(forward @ u, expected, atol=1e-14)
        np.testing.assert_allclose(forward, reverse, atol=1e-14)
    assert jacobian(lambda u: polydiv(u, v)[1])(np.array([1.0, 2.0])).shape == (1, 2)


def test_members_with_other_lengths_raise() -> None:
    ones = np.array([[1.0, 1.0], [1.0, 2.0]])
    np.testing.assert_array_equal(vmap(lambda p: polymul(p, [1, 1]))(ones), [[1, 2, 1], [1, 3, 2]])
    with pytest.raises(ConversionError, match="polymul"):
        vmap(lambda p: polymul(p, [1, 1]))(np.array([[1.0, 1.0], [0.0, 2.0]]))


@pytest.mark.parametrize("fun", [np.polyadd, np.polysub, np.polymul, np.polydiv])
def test_poly1d_objects_raise(fun: Any) -> None:
    with pytest.raises(NoRuleError, match=r"p\.coeffs"):
        grad(lambda p: np.sum(fun(p, np.poly1d([1.0, 2.0]))))(P)


def test_a_poly1d_is_evaluated_at_values_being_differentiated() -> None:
    p = np.poly1d(P)
    assert grad(lambda x: p(x))(2.0) == grad(lambda x: np.polyval(p, x))(2.0) == 1.0
    with pytest.raises(NoRuleError, match="poly1d"):
        grad(lambda c: np.polyval(c, p))(P)


def test_integrals_take_constants_being_differentiated() -> None:
    found = jacobian(lambda p: np.polyint(p, 2, k=p[:2]))(P)
    expected = np.array([[1 / 12, 0, 0], [0, 1 / 6, 0], [0, 0, 1 / 2], [1, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(found, expected)
    with pytest.raises(ValueError, match="scalar or a rank-1"):
        grad(lambda p: np.sum(np.polyint(p, 3, k=[1.0, 2.0])))(P)
    for fun in (np.polyint, np.polyder):
        with pytest.raises(ValueError, match="positive"):
            grad(lambda p, fun=fun: np.sum(fun(p, -1)))(P)


@pytest.mark.skipif(not hasattr(polynomial.polyval2d, "_implementation"), reason="handed over since NumPy 2.4")
@pytest.mark.parametrize("fun", [polynomial.polyval2d, polynomial.polygrid2d])
def test_polynomials_of_two_variables_are_numpys(fun: Any) -> None:
    rng = np.random.default_rng(0)
    x, c = rng.standard_normal(3), rng.standard_normal((3, 2))
    # They are linear in the coefficients.
    np.testing.assert_allclose(np.tensordot(jacobian(lambda c: fun(x, x, c))(c), c, 2), fun(x, x, c), rtol=1e-12)
    check_grads(lambda x, y: fun(x, y, c), (x, x[::-1].copy()))
    if fun is polynomial.polyval2d:
        with pytest.raises(ValueError, match="incompatible"):
            grad(lambda x: np.sum(fun(x, x[:2], c)))(x)


# ---- roots -----------------------------------------------------------------------------------------


def test_roots_move_by_the_implicit_function_theorem() -> None:
    # (x - 1)(x - 2), the larger root first: dr = -(r^2, r, 1) / (2 r - 3).
    np.testing.assert_allclose(jacobian(roots)(P), [[-4, -2, -1], [1, 1, 1]], atol=1e-12)


def test_complex_roots_of_real_polynomials_are_differentiated() -> None:
    p = np.array([1.0, 2.0, 5.0])
    check_grads(lambda p: roots(p), (p,))
    found = grad(lambda p: np.sum(np.abs(roots(p)) ** 2))(p)
    # |r|^2 = c / a for either root.
    np.testing.assert_allclose(found, [-10, 0, 2], atol=1e-12)


def test_zero_roots_and_zero_leading_coefficients_have_derivatives() -> None:
    np.testing.assert_allclose(jacobian(roots)(np.array([1.0, -2.0, 0.0])), [[-2, -1, -0.5], [0, 0, 0.5]])
    # x - 2 with 0 x^2 in front: a second root comes from infinity, and the first one moves by -r^2.
    np.testing.assert_allclose(jacobian(roots)(np.array([0.0, 1.0, -2.0])), [[-4, -2, -1]])


def test_repeated_roots_have_no_finite_derivative() -> None:
    assert not np.any(np.isfinite(jacobian(roots)(np.array([1.0, 0.0, 0.0]))[:, 2]))


def test_roots_of_a_constant_are_none() -> None:
    assert jacobian(roots)(np.array([3.0])).shape == (0, 1)
    assert jacobian(roots)(np.zeros(2)).shape == (0, 2)
    with pytest.raises(ValueError, match="rank-1"):
        grad(lambda p: np.sum(roots(p)))(np.ones((2, 2)))


def test_a_batch_with_zero_roots_is_its_members_stacked() -> None:
    batch = np.array([[1.0, -3.0, 2.0], [1.0, -2.0, 0.0]])
    np.testing.assert_allclose(vmap(roots)(batch), [[2, 1], [2, 0]])
    np.testing.assert_allclose(vmap(jacobian(roots))(batch)[1], [[-2, -1, -0.5], [0, 0, 0.5]])


# ---- poly ------------------------------------------------------------------------------------------


def test_the_characteristic_polynomial_is_smooth_where_eigenvalues_are_equal() -> None:
    a = np.array([[2.0, 0.0], [0.0, 2.0]])
    found = jacobian(poly)(a)
    np.testing.assert_allclose(found, [np.zeros((2, 2)), -np.eye(2), 2 * np.eye(2)])
    check_grads(poly, (a + np.array([[0.0, 1.0], [0.0, 0.0]]),))


def test_poly_and_roots_undo_each_other() -> None:
    x = np.array([-2.0, 1.0, 3.0])
    np.testing.assert_allclose(jacobian(lambda x: np.sort(roots(poly(x))))(x), np.eye(3), atol=1e-9)


def test_conjugate_roots_give_a_real_polynomial() -> None:
    z = np.array([1 + 2j, 1 - 2j])

    def f(z: Any) -> Any:
        found = poly(z)
        assert found.dtype == np.float64
        return found[2]

    # |z|^2 as the real part of z1 z2.
    np.testing.assert_allclose(grad(f)(z), [1 - 2j, 1 + 2j])
    with pytest.raises(ValueError, match="square"):
        grad(lambda x: np.sum(poly(x)))(np.ones((2, 3)))


# ---- polyfit ---------------------------------------------------------------------------------------

X = np.array([-1.0, 0.2, 0.7, 1.5, 2.1])
Y = np.array([1.0, -0.5, 0.3, 2.0, 1.2])


@pytest.mark.parametrize("options", [{}, {"w": Y + 3.0}], ids=["plain", "weighted"])
def test_fits_move_with_the_places_and_the_weights(options: dict[str, Any]) -> None:
    check_grads(lambda x, y: polyfit(x, y, 2, **options), (X, Y))
    check_grads(lambda w: polyfit(X, Y, 1, w=w, cov=True), (Y + 3.0,))


def test_a_fit_of_high_degree_is_numpys() -> None:
    x = np.linspace(-1, 1, 30)
    y = np.sin(3 * x)
    expected = polyfit(x, y, 12)

    found = jacobian(lambda y: polyfit(x, y, 12))(y) @ y

    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


def test_a_fit_without_full_rank_is_the_shortest_and_warns() -> None:
    x = np.array([1.0, 1.0, 2.0])
    with pytest.warns(np.exceptions.RankWarning):
        expected = polyfit(x, Y[:3], 2)
    with pytest.warns(np.exceptions.RankWarning):
        found = jacobian(lambda y: polyfit(x, y, 2))(Y[:3])
    np.testing.assert_allclose(found @ Y[:3], expected, rtol=1e-10)


def test_full_returns_what_numpy_returns() -> None:
    expected = polyfit(X, Y, 2, full=True)

    def f(y: Any) -> Any:
        found = polyfit(X, y, 2, full=True)
        assert found[2] == expected[2]
        assert found[4] == expected[4]
        return found[1]

    np.testing.assert_allclose(jacobian(f)(Y) @ Y / 2, expected[1])


@pytest.mark.parametrize(
    ("error", "args", "options"),
    [
        (ValueError, (X, Y, -1), {}),
        (TypeError, (X[:, None], Y, 1), {}),
        (TypeError, (X[:0], Y[:0], 1), {}),
        (TypeError, (X, Y[None, None], 1), {}),
        (TypeError, (X, Y[:2], 1), {}),
        (TypeError, (X, Y, 1), {"w": X[None]}),
        (TypeError, (X, Y, 1), {"w": X[:2]}),
        (ValueError, (X[:2], Y[:2], 1), {"cov": True}),
    ],
)
def test_fits_without_a_meaning_raise(error: type[Exception], args: Any, options: Any) -> None:
    with pytest.raises(error):
        jacobian(lambda x: polyfit(x, *args[1:], **options))(args[0])
