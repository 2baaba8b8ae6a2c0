"""What differences cannot see of eig, qr, lstsq, cond and pinv: gauges, ranks, equal values, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jvp, vjp
from dualgrad.errors import NoRuleError
from dualgrad.testing import check_grads

RNG = np.random.default_rng(5)
START = RNG.bit_generator.state
LinAlgError = np.linalg.LinAlgError


@pytest.fixture(autouse=True)
def same_numbers_whatever_ran_before() -> None:
    RNG.bit_generator.state = START


def draw(*shape: int, is_complex: bool = False) -> Any:
    x = RNG.standard_normal(shape)
    return x + 1j * RNG.standard_normal(shape) if is_complex else x


def adjoint(x: Any) -> Any:
    return np.conj(np.swapaxes(x, -1, -2))


# ---- eig -------------------------------------------------------------------------------------------

ROTATING = np.array([[1.0, 2.0, 0.5], [-2.0, 1.0, 0.3], [0.1, 0.4, 2.0]])


def squared(a: Any) -> Any:
    w, v = np.linalg.eig(a)
    return np.matmul(v * (w**2)[..., None, :], np.linalg.inv(v))


@pytest.mark.parametrize("a", [ROTATING, draw(3, 3, is_complex=True), draw(2, 3, 3), np.triu(draw(3, 3)) + np.eye(3)])
def test_functions_of_general_matrices_are_exact_to_second_order(a: Any) -> None:
    for x, y in zip(vjp(squared, a)[1](squared(a)), vjp(lambda a: a @ a, a)[1]((a @ a).astype(a.dtype)), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-10)
    check_grads(lambda a: np.real(squared(a)), (a,), rtol=1e-5)


@pytest.mark.parametrize("a", [ROTATING, draw(3, 3, is_complex=True)])
def test_symmetric_functions_of_eigenvalues_have_closed_derivatives(a: Any) -> None:
    found = vjp(lambda a: np.sum(np.linalg.eigvals(a) ** 3), a)[1](1.0 + 0j)[0]

    np.testing.assert_allclose(found, 3 * (a @ a).T, atol=1e-11)


@pytest.mark.parametrize("a", [np.eye(2), np.diag([1.0, 1.0, 2.0]), np.zeros((2, 2)), np.ones((3, 3)) / 3])
def test_equal_eigenvalues_of_general_matrices_are_exact_or_nan(a: Any) -> None:
    upper = np.triu(draw(*a.shape)) + np.diag(np.arange(len(a)))
    for t in (upper, np.ones(a.shape), np.diag(np.arange(1.0, len(a) + 1))):
        found = jvp(squared, (a,), (t,))[1]
        np.testing.assert_allclose(found, a @ t + t @ a, atol=1e-12)
        for c in (t, np.eye(len(a)), np.eye(len(a))[::-1]):
            pulled = vjp(squared, a)[1](c)[0]
            expected = a.T @ c + c @ a.T
            np.testing.assert_allclose(np.where(np.isnan(pulled), expected, pulled), expected, atol=1e-12)
    assert np.isfinite(grad(lambda a: np.real(np.trace(squared(a))))(np.eye(2))).all()
    assert np.isnan(grad(lambda a: np.real(squared(a)[0, 1]))(np.eye(2))).all()
    np.testing.assert_allclose(grad(lambda a: np.real(np.sum(np.linalg.eigvals(a) ** 2)))(a), 2 * a.T, atol=1e-12)


@pytest.mark.parametrize("outer", [jvp, vjp])
def test_nested_derivatives_at_equal_eigenvalues_are_exact_or_nan(outer: Any) -> None:
    t, s, c = np.diag([1.0, 2.0]), np.array([[0.0, 1.0], [1.0, 0.0]]), np.ones((2, 2))

    def inner(f: Any) -> Any:
        return lambda a: vjp(f, a)[1](c)[0]

    for a in (np.eye(2), np.zeros((2, 2))):
        for direction in (t, s):
            for g in (inner, lambda f: lambda a: jvp(f, (a,), (t,))[1]):
                results = []
                for f in (squared, lambda a: a @ a):
                    pushed = jvp(g(f), (a,), (direction,))[1] if outer is jvp else vjp(g(f), a)[1](direction)[0]
                    results.append(pushed)
                np.testing.assert_allclose(
                    np.where(np.isnan(results[0]), results[1], results[0]), results[1], atol=1e-12
                )


def test_a_vector_beside_equal_eigenvalues_is_exact() -> None:
    def stationary(p: Any) -> Any:
        w, v = np.linalg.eig(p)
        x = np.real(v[:, np.argmax(np.abs(w))])
        return x / np.sum(x)

    check_grads(stationary, (np.ones((3, 3)) / 3,), order=1, step=1e-4)


def test_a_matrix_without_enough_eigenvectors_has_no_derivative() -> None:
    jordan = np.array([[1.0, 1.0], [0.0, 1.0]])

    assert np.isnan(grad(lambda a: np.real(np.sum(np.linalg.eigvals(a))))(jordan)).all()
    assert np.isnan(jvp(np.linalg.eig, (jordan,), (np.ones((2, 2)),))[1][1]).all()


def test_the_spectral_radius_shares_evenly_at_the_unit_matrix() -> None:
    np.testing.assert_allclose(grad(lambda a: np.max(np.abs(np.linalg.eigvals(a))))(np.eye(2)), np.eye(2) / 2)


def test_vectors_of_a_real_matrix_with_real_values_stay_real() -> None:
    # From NumPy 2.5 on they are complex numbers, whose imaginary parts are zero.
    for a in (np.eye(3), np.diag([1.0, 1.0, 2.0]), np.diag([1.0, 2.0])):
        for values, vectors in (
            vjp(lambda a: tuple(np.linalg.eig(a)), a)[0],
            *jvp(np.linalg.eig, (a,), (a + a[::-1],)),
        ):
            assert values.dtype == np.linalg.eig(a)[0].dtype
            assert vectors.dtype == np.linalg.eig(a)[1].dtype
            assert not np.imag(values).any()
            assert not np.imag(vectors).any()


def test_eig_keeps_the_names_and_values_of_numpy() -> None:
    for a in (ROTATING, draw(3, 3), draw(2, 2, 2, is_complex=True)):
        found = vjp(lambda a: tuple(np.linalg.eig(a)), a)[0]
        for x, y in zip(found, np.linalg.eig(a), strict=True):
            np.testing.assert_array_equal(x, y)
    vjp(lambda a: np.linalg.eig(a).eigenvectors, ROTATING)


# ---- qr --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 2), (3, 3), (2, 4), (5, 2), (2, 4, 2), (3, 1)])
@pytest.mark.parametrize("is_complex", [False, True])
def test_complete_q_agrees_with_differences(shape: tuple[int, ...], is_complex: bool) -> None:
    # The sign of LAPACK's r jumps where the real part of a pivot does; this stays away from there.
    a = draw(*shape, is_complex=is_complex) + 3 * np.eye(shape[-2], shape[-1])

    check_grads(lambda a: tuple(np.linalg.qr(a, mode="complete")), (a,), step=1e-4)


def outside(a: Any) -> Any:
    q = np.linalg.qr(a, mode="complete")[0][..., a.shape[-1] :]
    return np.matmul(q, adjoint(q))


def closed_outside(a: Any) -> Any:
    return np.eye(a.shape[-2]) - np.matmul(a, np.linalg.pinv(a))


@pytest.mark.parametrize("a", [np.eye(4, 2), np.triu(np.ones((4, 2))), np.eye(3, 1) + 0j, draw(4, 2)])
def test_the_space_outside_is_exact_to_second_order_where_reflections_are_missing(a: Any) -> None:
    weights = draw(*outside(a).shape)

    def weighed(f: Callable[[Any], Any]) -> Any:
        return lambda a: np.sum(weights * np.real(f(a)))

    np.testing.assert_allclose(grad(weighed(outside))(a), grad(weighed(closed_outside))(a), atol=1e-12)
    if a.dtype == float:
        np.testing.assert_allclose(hessian(weighed(outside))(a), hessian(weighed(closed_outside))(a), atol=1e-11)


def test_the_last_pivot_of_a_square_matrix_may_be_zero() -> None:
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    a[:, 1] = 0
    t = draw(2, 2)

    q, r = np.linalg.qr(a)
    dq, dr = jvp(lambda a: tuple(np.linalg.qr(a)), (a,), (t,))[1]

    assert r[1, 1] == 0
    np.testing.assert_allclose(dq @ r + q @ dr, t, atol=1e-14)
    np.testing.assert_allclose(dq.T @ q + q.T @ dq, np.zeros((2, 2)), atol=1e-14)


def test_dependent_columns_have_no_derivative() -> None:
    assert np.isnan(grad(lambda a: np.sum(np.linalg.qr(a)[0]))(np.zeros((3, 2)))).all()
    dq, dr = jvp(lambda a: tuple(np.linalg.qr(a)), (np.zeros((2, 3)),), (np.ones((2, 3)),))[1]
    assert np.isnan(dq).all()
    assert np.isnan(dr).any()


def test_modes_of_qr_that_have_no_derivative_are_refused() -> None:
    for mode in ("raw", "economic"):
        with pytest.raises(NoRuleError, match=mode):
            vjp(lambda a, mode=mode: np.linalg.qr(a, mode), np.eye(2))
    with pytest.raises(ValueError, match="mode"):
        vjp(lambda a: np.linalg.qr(a, "none"), np.eye(2))  # type: ignore[call-overload]
    vjp(lambda a: np.linalg.qr(a).Q, np.eye(2))


# ---- least squares ---------------------------------------------------------------------------------


def test_least_squares_at_deficient_rank_agree_with_differences_along_that_rank() -> None:
    def of_factors(x: Any, y: Any, b: Any) -> Any:
        return np.linalg.lstsq(np.outer(x, y), b, rcond=None)[0]

    check_grads(of_factors, (draw(4), draw(3), draw(4)))
    check_grads(of_factors, (draw(2), draw(3), draw(2, 2)))


@pytest.mark.parametrize(("m", "n", "rcond"), [(4, 2, None), (2, 4, None), (3, 3, None), (4, 2, 0.9), (4, 2, -1)])
@pytest.mark.parametrize("columns", [(), (1,), (3,)])
def test_least_squares_return_what_numpy_returns(m: int, n: int, rcond: Any, columns: tuple[int, ...]) -> None:
    a, b = draw(m, n), draw(m, *columns)

    found = vjp(lambda a: np.linalg.lstsq(a, b, rcond=rcond), a)[0]

    for x, y in zip(found, np.linalg.lstsq(a, b, rcond=rcond), strict=True):
        assert np.shape(x) == np.shape(y)
        np.testing.assert_allclose(x, y, rtol=1e-12)


def test_least_squares_refuse_what_numpy_refuses() -> None:
    for a, b in ((draw(2, 3, 3), draw(3)), (draw(3, 2), draw(2))):
        with pytest.raises(LinAlgError):
            vjp(lambda a, b=b: np.linalg.lstsq(a, b), a)


@pytest.mark.parametrize("a", [draw(3, 3), draw(3, 3, is_complex=True)])
def test_the_pseudoinverse_of_a_hermitian_matrix_reads_the_lower_triangle(a: Any) -> None:
    def f(x: Any) -> Any:
        return np.linalg.pinv(x + adjoint(x) + 9 * np.diag([1.0, 2.0, -2.0]), hermitian=True)

    value, _ = vjp(lambda a: np.linalg.pinv(a, 1e-10, hermitian=True), a)
    np.testing.assert_allclose(value, np.linalg.pinv(a, 1e-10, hermitian=True), rtol=1e-10)
    check_grads(f, (a,))
    g = grad(lambda a: np.sum(np.real(np.linalg.pinv(a, hermitian=True))))(a)
    assert not np.triu(g, 1).any()


def test_a_cutoff_of_the_pseudoinverse_is_honoured() -> None:
    a = np.diag([1.0, 1e-3])
    for options in ({"rcond": 1e-2}, {"rtol": 1e-2}):
        value, pullback = vjp(lambda a, options=options: np.linalg.pinv(a, **options), a)
        np.testing.assert_array_equal(value, np.diag([1.0, 0.0]))
        np.testing.assert_allclose(pullback(np.diag([1.0, 0.0]))[0], np.diag([-1.0, 0.0]), atol=1e-12)
    stack, cutoffs = np.stack([a, a]), np.array([1e-2, 1e-4])
    np.testing.assert_array_equal(
        vjp(lambda a: np.linalg.pinv(a, cutoffs), stack)[0], [np.diag([1.0, 0.0]), np.diag([1.0, 1e3])]
    )
    with pytest.raises(ValueError):
        vjp(lambda a: np.linalg.pinv(a, 1e-3, rtol=1e-3), a)


# ---- condition numbers, singular matrices ----------------------------------------------------------


@pytest.mark.parametrize("p", [None, 2, -2, 1, -1, "fro", np.inf, -np.inf])
@pytest.mark.parametrize("a", [np.zeros((2, 2)), np.ones((2, 2)), np.stack([np.eye(2) * 3, np.ones((2, 2))])])
def test_condition_numbers_of_singular_matrices_are_numpys(p: Any, a: Any) -> None:
    value, pullback = vjp(lambda a: np.linalg.cond(a, p), a)

    expected = np.linalg.cond(a, p)
    np.testing.assert_allclose(np.where(value > 1e15, np.inf, value), np.where(expected > 1e15, np.inf, expected))
    if a.ndim == 2 and np.isinf(value):
        assert not np.isfinite(pullback(1.0)[0]).all()


def test_condition_numbers_refuse_what_numpy_refuses() -> None:
    for p, a in ((None, np.ones((0, 2))), (1, np.ones((2, 3)))):
        with pytest.raises(LinAlgError):
            vjp(lambda a, p=p: np.linalg.cond(a, p), a)


def test_the_logarithm_of_the_determinant_of_a_singular_matrix_moves_as_log_at_zero() -> None:
    def logarithm(a: Any) -> Any:
        return np.linalg.slogdet(a)[1]

    singular = np.diag([1.0, 0.0])
    assert grad(logarithm)(singular)[1, 1] == np.inf
    assert jvp(logarithm, (singular,), (np.eye(2),))[1] == np.inf
    assert jvp(logarithm, (singular,), (np.zeros((2, 2)),))[1] == 0
    np.testing.assert_array_equal(grad(lambda a: np.where(a[1, 1] > 0, logarithm(a), 0.0))(singular), np.zeros((2, 2)))
    stack = np.stack([2 * np.eye(2), singular])
    np.testing.assert_array_equal(grad(lambda a: logarithm(a)[0])(stack)[0], np.eye(2) / 2)
    np.testing.assert_array_equal(jvp(logarithm, (stack,), (np.ones((2, 2, 2)),))[1], [1.0, np.inf])


def test_determinants_that_are_not_finite_have_gradients_that_are_not() -> None:
    stack = np.stack([2 * np.eye(2), np.full((2, 2), np.nan)])

    # NumPy warns of the value.
    with np.errstate(invalid="ignore"):
        found = grad(lambda a: np.sum(np.linalg.det(a)))(stack)

    np.testing.assert_allclose(found, [2 * np.eye(2), stack[1]])


def test_empty_matrices_and_single_precision_keep_their_space() -> None:
    functions: list[Any] = [np.linalg.eigvalsh, np.linalg.eigvals, np.linalg.pinv, np.linalg.svdvals]
    functions += [np.linalg.eigh, np.linalg.eig, np.linalg.svd, np.linalg.qr]
    functions += [lambda a: np.linalg.svd(a, hermitian=True), lambda a: np.linalg.pinv(a, hermitian=True)]
    for a in (np.zeros((0, 0)), np.zeros((0, 2, 2)), np.eye(2, dtype=np.float32), np.eye(2, dtype=np.complex64)):
        for f in functions:
            expected = as_tuple(f(a))
            values, tangents = jvp(lambda a, f=f: as_tuple(f(a)), (a,), (np.ones_like(a),))
            recorded, pullback = vjp(lambda a, f=f: as_tuple(f(a)), a)
            for found in (values, tangents, recorded):
                assert [(x.shape, x.dtype) for x in found] == [(x.shape, x.dtype) for x in expected]
            (gradient,) = pullback(recorded)
            assert (gradient.shape, gradient.dtype) == (a.shape, a.dtype)


def as_tuple(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, tuple) else (x,)


@pytest.mark.parametrize("f", [np.linalg.inv, lambda a: np.linalg.solve(a, np.ones(2)), np.linalg.cholesky])
def test_singular_matrices_raise_as_in_numpy(f: Callable[[Any], Any]) -> None:
    with pytest.raises(LinAlgError):
        vjp(f, np.zeros((2, 2)))


def test_the_rank_is_constant() -> None:
    assert grad(lambda a: np.linalg.matrix_rank(a) * a[0, 0])(np.diag([1.0, 0.0]))[0, 0] == 1


def test_tensor_equations_refuse_what_numpy_refuses() -> None:
    with pytest.raises(LinAlgError):
        vjp(lambda a: np.linalg.tensorsolve(a, np.ones(2)), np.ones((2, 3)))
    with pytest.raises(ValueError):
        vjp(lambda a: np.linalg.tensorinv(a, 0), np.ones((2, 2)))
