"""What differences of single entries cannot see of linear algebra: triangles, gauges, singular and repeated values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jvp, taylor, vjp, vmap
from dualgrad.testing import check_grads

RNG = np.random.default_rng(7)


def draw(*shape: int, is_complex: bool = False) -> Any:
    x = RNG.standard_normal(shape)
    return x + 1j * RNG.standard_normal(shape) if is_complex else x


def adjoint(x: Any) -> Any:
    return np.conj(np.swapaxes(x, -1, -2))


def hermitian(x: Any) -> Any:
    return (x + adjoint(x)) / 2


def definite(x: Any) -> Any:
    n = x.shape[-1]
    return hermitian(x) + np.diag(np.arange(1.0, n + 1) * 3 + 3)


SQUARES = [draw(3, 3), draw(2, 2, 2), draw(3, 3, is_complex=True), draw(1, 1)]
OBLONGS = [draw(3, 3), draw(2, 4), draw(4, 2), draw(2, 3, 2)]
OBLONGS += [draw(3, 3, is_complex=True), draw(2, 3, is_complex=True), draw(3, 2, is_complex=True)]

# ---- determinants ----------------------------------------------------------------------------------


def test_the_determinant_of_a_singular_matrix_has_the_gradient_of_cofactors() -> None:
    rank_two = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    rank_one = np.outer([1.0, 2, 3], [1.0, -1, 2])

    np.testing.assert_allclose(grad(np.linalg.det)(rank_two), [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]], atol=1e-12)
    np.testing.assert_allclose(grad(lambda a: np.linalg.det(a))(rank_one), np.zeros((3, 3)), atol=1e-12)
    np.testing.assert_array_equal(grad(np.linalg.det)(np.zeros((2, 2))), np.zeros((2, 2)))


@pytest.mark.parametrize("a", [np.zeros((3, 3)), np.outer([1.0, 2, 3], [1.0, -1, 2]), np.diag([1.0, 2, 0])])
def test_second_derivatives_of_the_determinant_are_exact_at_singular_matrices(a: Any) -> None:
    check_grads(np.linalg.det, (a,), order=2)


def test_third_derivatives_of_the_determinant_are_right_at_regular_matrices() -> None:
    check_grads(np.linalg.det, (definite(draw(3, 3)),), order=3)


def test_results_keep_their_names() -> None:
    a = definite(draw(2, 2))

    assert vjp(lambda a: np.linalg.slogdet(a).logabsdet, a)[0] == np.linalg.slogdet(a).logabsdet
    vjp(lambda a: np.linalg.eigh(a).eigenvectors, a)
    vjp(lambda a: np.linalg.svd(a).Vh, a)


# ---- one triangle ----------------------------------------------------------------------------------


@pytest.mark.parametrize("x", SQUARES)
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_agrees_with_differences(x: Any, upper: bool) -> None:
    options = {"upper": True} if upper else {}
    check_grads(lambda x: np.linalg.cholesky(definite(x), **options), (x,), rtol=1e-5)


@pytest.mark.parametrize("x", SQUARES)
@pytest.mark.parametrize("uplo", ["L", "U"])
def test_eigenvalues_agree_with_differences(x: Any, uplo: Any) -> None:
    check_grads(lambda x: np.linalg.eigvalsh(definite(x), UPLO=uplo), (x,), rtol=1e-5)
    check_grads(lambda x: np.linalg.eigh(definite(x), uplo)[0], (x,), rtol=1e-5)


def of_eigenvectors(x: Any) -> Any:
    w, v = np.linalg.eigh(definite(x))
    return np.matmul(v * np.sin(w)[..., None, :], adjoint(v)), np.real(v * np.conj(v))


@pytest.mark.parametrize("x", SQUARES)
def test_functions_of_eigenvectors_free_of_gauge_agree_with_differences(x: Any) -> None:
    check_grads(of_eigenvectors, (x,), rtol=1e-5)


def rebuilt_by(uplo: Any) -> Callable[[Any], Any]:
    def rebuilt(a: Any) -> Any:
        w, v = np.linalg.eigh(a, uplo)
        return np.matmul(v * np.sin(w)[..., None, :], adjoint(v))

    return rebuilt


def root_of_svd(a: Any) -> Any:
    u, s, w = np.linalg.svd(a, hermitian=True)
    return np.matmul(u * np.sqrt(s)[..., None, :], w)


# With whether they read the upper triangle.
OF_ONE_TRIANGLE: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "cholesky": (np.linalg.cholesky, False),
    "upper cholesky": (lambda a: np.linalg.cholesky(a, upper=True), True),
    "eigvalsh": (np.linalg.eigvalsh, False),
    "upper eigvalsh": (lambda a: np.linalg.eigvalsh(a, "u"), True),
    "values of eigh": (lambda a: np.linalg.eigh(a)[0], False),
    "eigh": (rebuilt_by("l"), False),
    "upper eigh": (rebuilt_by("U"), True),
    "pinv": (lambda a: np.linalg.pinv(a, hermitian=True), False),
    "pinv with a cutoff": (lambda a: np.linalg.pinv(a, 1e-12, True), False),
    "svd": (root_of_svd, False),
    "singular values": (lambda a: np.linalg.svd(a, compute_uv=False, hermitian=True), False),
}
each_of_one_triangle = pytest.mark.parametrize(("f", "upper"), OF_ONE_TRIANGLE.values(), ids=OF_ONE_TRIANGLE)


def with_anything_beside(x: Any, upper: bool) -> Any:
    """Return a definite matrix with numbers that nothing reads in its other triangle, and on its diagonal if complex."""
    n = x.shape[-1]
    unread = np.tri(n, k=-1, dtype=bool) if upper else ~np.tri(n, dtype=bool)
    found = np.where(unread, draw(n, n), definite(x))
    return found + 1j * np.eye(n) if found.dtype.kind == "c" else found


@each_of_one_triangle
@pytest.mark.parametrize("x", SQUARES)
def test_the_derivative_is_that_of_the_triangle_that_is_read(f: Callable[[Any], Any], upper: bool, x: Any) -> None:
    a = with_anything_beside(x, upper)
    is_complex = a.dtype.kind == "c"
    t, s = draw(*a.shape, is_complex=is_complex), draw(*a.shape, is_complex=is_complex)
    weights = draw(*f(a).shape)

    def loss(a: Any) -> Any:
        return np.sum(weights * np.real(f(a)) + np.abs(f(a)) ** 2)

    def differences(g: Callable[[Any], Any]) -> Any:
        return (g(a + 1e-5 * t) - g(a - 1e-5 * t)) / 2e-5

    value, pushed = jvp(f, (a,), (t,))
    found = grad(loss)(a)
    np.testing.assert_allclose(value, f(a), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(pushed, differences(f), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(np.sum(np.real(found * t)), differences(loss), rtol=1e-6)
    assert not (np.tril(found, -1) if upper else np.triu(found, 1)).any()
    assert not np.imag(np.diagonal(found, axis1=-2, axis2=-1)).any()
    # To second order, and of a batch.
    moved = differences(grad(loss))
    np.testing.assert_allclose(jvp(grad(loss), (a,), (t,))[1], moved, rtol=1e-5, atol=1e-6)
    again = grad(lambda a: np.sum(np.real(grad(loss)(a) * s)))(a)
    np.testing.assert_allclose(np.sum(np.real(again * t)), np.sum(np.real(moved * s)), rtol=1e-5)
    np.testing.assert_allclose(taylor(f, a, t, 1)[1], pushed, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(vmap(grad(loss))(np.stack([a, 2 * a]))[0], found, rtol=1e-12, atol=1e-14)


@each_of_one_triangle
def test_numbers_that_are_not_read_may_be_anything(f: Callable[[Any], Any], upper: bool) -> None:
    a = with_anything_beside(draw(3, 3), upper)
    expected = grad(lambda a: np.sum(f(a)))(a)
    t = np.ones((3, 3))
    pushed = jvp(f, (a,), (t,))[1]
    unread = np.tri(3, k=-1, dtype=bool) if upper else ~np.tri(3, dtype=bool)

    np.testing.assert_array_equal(grad(lambda a: np.sum(f(a)))(np.where(unread, np.pi, a)), expected)
    np.testing.assert_array_equal(jvp(f, (a,), (np.where(unread, np.nan, t),))[1], pushed)


@each_of_one_triangle
def test_matrices_that_move_symmetrically_have_one_derivative(f: Callable[[Any], Any], upper: bool) -> None:
    x = draw(3, 3)

    def of_both(x: Any) -> Any:
        return np.sum(f(definite(x)) ** 2)

    def of_one(x: Any) -> Any:
        return np.sum(f((np.triu if upper else np.tril)(definite(x))) ** 2)

    np.testing.assert_allclose(grad(of_one)(x), grad(of_both)(x), rtol=1e-12)


def test_equal_eigenvalues_leave_symmetric_functions_their_gradient() -> None:
    g = grad(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2))(np.eye(3))
    of_power = grad(lambda a: np.trace(_rebuilt(a)))(2 * np.eye(3))

    np.testing.assert_allclose(g, 2 * np.eye(3), atol=1e-14)
    np.testing.assert_allclose(of_power, 12 * np.eye(3), atol=1e-12)


def _rebuilt(a: Any) -> Any:
    w, v = np.linalg.eigh(a)
    return np.matmul(v * w**3, v.T)


# ---- singular values -------------------------------------------------------------------------------


def of_singular_vectors(x: Any) -> Any:
    u, s, w = np.linalg.svd(x, full_matrices=False)
    return (
        s,
        np.matmul(u * np.sin(s)[..., None, :], w),
        np.matmul(u, adjoint(u)),
        np.real(w * np.conj(w)),
        np.abs(u) ** 2,
    )


@pytest.mark.parametrize("x", OBLONGS)
def test_functions_of_singular_vectors_free_of_gauge_agree_with_differences(x: Any) -> None:
    check_grads(of_singular_vectors, (x,), rtol=1e-4, step=1e-4)


def test_the_polar_factor_is_exact_where_singular_values_are_equal() -> None:
    def polar(x: Any) -> Any:
        u, _, w = np.linalg.svd(x)
        return np.matmul(u, w)

    check_grads(polar, (np.eye(3) * 2,), order=1)


def test_singular_values_of_hermitian_matrices_agree_with_differences() -> None:
    check_grads(lambda x: np.linalg.svd(hermitian(x), compute_uv=False, hermitian=True), (draw(3, 3),), rtol=1e-5)


# ---- norms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [None, 0, 1, 2, 3, 2.5, 0.5, -1, -2, np.inf, -np.inf])
def test_norms_of_zero_vectors_have_the_derivative_zero(order: Any) -> None:
    np.testing.assert_array_equal(grad(lambda x: np.linalg.norm(x, order))(np.zeros(3)), np.zeros(3))


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_norms_of_zero_matrices_have_the_derivative_zero(order: Any) -> None:
    np.testing.assert_array_equal(grad(lambda x: np.linalg.norm(x, order))(np.zeros((2, 3))), np.zeros((2, 3)))


def test_second_derivatives_of_the_norm_at_zero_are_zero() -> None:
    np.testing.assert_array_equal(hessian(np.linalg.norm)(np.zeros(2)), np.zeros((2, 2)))


@pytest.mark.parametrize("order", [1.5, 2.5, 0.5, -0.5])
def test_fractional_orders_agree_with_differences(order: float) -> None:
    check_grads(lambda x: np.linalg.norm(x, order), (np.array([0.7, -1.1, 1.9]),))


def test_zero_entries_beside_others_have_the_derivative_zero() -> None:
    np.testing.assert_allclose(grad(lambda x: np.linalg.norm(x, 3))(np.array([0.0, 2.0])), [0.0, 1.0])
    np.testing.assert_allclose(grad(lambda x: np.linalg.norm(x, 1))(np.array([0.0, -2.0])), [0.0, -1.0])
    assert np.isfinite(grad(lambda x: np.linalg.norm(x, -1))(np.array([0.0, 2.0]))).all()


def test_wrong_orders_raise_as_in_numpy() -> None:
    for order, x in [("fro", np.ones(3)), (3, np.ones((2, 2))), ("nul", np.ones((2, 2))), (1, np.ones((2, 2, 2)))]:
        with pytest.raises(ValueError):
            vjp(lambda x, order=order: np.linalg.norm(x, order), x)


def test_functions_of_values_alone_have_gradients_where_values_are_equal() -> None:
    for values in (lambda a: np.linalg.eigh(a)[0], lambda a: np.linalg.eigvalsh(a)):
        gradient = grad(lambda a, values=values: np.sum(values(a) ** 2))(np.eye(3))

        np.testing.assert_allclose(gradient, 2 * np.eye(3), atol=1e-12)
