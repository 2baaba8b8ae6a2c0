"""Equal eigenvalues: exact or NaN, in every nesting, against closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hvp, jvp, vjp
from tests.rules.nestings import (
    NESTINGS,
    adjoint,
    assert_exact_or_nan,
    conj_hermitian,
    draw,
    hermitian,
    is_nan_where_read,
    start_again,
    with_eigenvalues,
)


@pytest.fixture(autouse=True)
def same_numbers_whatever_ran_before() -> None:
    start_again()


# ---- functions of Hermitian matrices ---------------------------------------------------------------

# Each with the function of numbers and the same function of matrices, written without eigenvalues.


SMOOTH: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "identity": (lambda w: w, lambda a: a),
    "square": (lambda w: w**2, lambda a: a @ a),
    "cube": (lambda w: w**3, lambda a: a @ a @ a),
    "inverse": (lambda w: 1 / (w + 1), lambda a: np.linalg.inv(a + np.eye(a.shape[-1]))),
    "zero at one": (lambda w: (w - 1) * w, lambda a: a @ a - a),
}
HERMITIANS = {
    "one": np.eye(3),
    "two": 2 * np.eye(2),
    "zero": np.zeros((2, 2)),
    "block": np.diag([1.0, 1.0, 3.0]),
    "two blocks": with_eigenvalues(1, 1, 2, 2),
    "rank one": with_eigenvalues(0, 0, 2),
    "turned": with_eigenvalues(1, 1, 1, 2),
    "distinct": with_eigenvalues(1, 2, 4),
    "complex": with_eigenvalues(1, 1, 2, is_complex=True),
    "complex one": np.eye(2) + 0j,
    "stack": np.stack([np.eye(2), np.diag([1.0, 2.0])]),
}
each_hermitian = pytest.mark.parametrize("a", HERMITIANS.values(), ids=HERMITIANS)
each_smooth = pytest.mark.parametrize(("of_numbers", "of_matrix"), SMOOTH.values(), ids=SMOOTH)


def through_eigh(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def function(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.matmul(v * f(w)[..., None, :], adjoint(v))

    return function


def exponential(a: Any) -> Any:
    found = term = np.eye(a.shape[-1])
    for k in range(1, 60):
        term = np.matmul(term, a) / k
        found = found + term
    return found


def root(a: Any) -> Any:
    # Newton's iteration from the matrix itself (Denman & Beavers), derivatives and all.
    found, inverse = a, np.eye(a.shape[-1])
    for _ in range(12):
        found, inverse = (found + np.linalg.inv(inverse)) / 2, (inverse + np.linalg.inv(found)) / 2
    return found


def directions_of(a: Any) -> list[Any]:
    """Return tangents in a general position and in special ones."""
    is_complex = np.iscomplexobj(a)
    n = a.shape[-1]
    special = [np.eye(n), np.diag(np.arange(1.0, n + 1)), np.fliplr(np.eye(n)), np.ones((n, n)), np.zeros((n, n))]
    tangents = [hermitian(draw(*a.shape, is_complex=is_complex)), *[np.broadcast_to(t, a.shape) for t in special]]
    return [t.astype(a.dtype) for t in tangents]


@each_hermitian
@each_smooth
def test_pushforwards_of_functions_of_matrices_are_exact(a: Any, of_numbers: Any, of_matrix: Any) -> None:
    for t in directions_of(a):
        value, found = jvp(through_eigh(of_numbers), (a,), (t,))
        wanted, expected = jvp(of_matrix, (a,), (t,))

        np.testing.assert_allclose(value, wanted, atol=1e-12)
        np.testing.assert_allclose(found, expected, atol=1e-11)


@pytest.mark.parametrize(("of_numbers", "of_matrix"), [(np.exp, exponential), (np.sqrt, root)])
@pytest.mark.parametrize("name", ["one", "two", "block", "two blocks", "turned", "complex"])
def test_exponential_and_root_of_a_matrix_are_exact(name: str, of_numbers: Any, of_matrix: Any) -> None:
    a = HERMITIANS[name]
    for t in directions_of(a):
        _, found = jvp(through_eigh(of_numbers), (a,), (t,))
        (pulled,) = vjp(through_eigh(of_numbers), a)[1](t)

        np.testing.assert_allclose(found, jvp(of_matrix, (a,), (t,))[1], atol=1e-11)
        assert_exact_or_nan(conj_hermitian(pulled), conj_hermitian(vjp(of_matrix, a)[1](t)[0]))


@each_hermitian
@each_smooth
def test_pullbacks_of_functions_of_matrices_are_exact_or_nan(a: Any, of_numbers: Any, of_matrix: Any) -> None:
    for c in directions_of(a):
        (found,) = vjp(through_eigh(of_numbers), a)[1](c)
        (expected,) = vjp(of_matrix, a)[1](c)

        assert_exact_or_nan(conj_hermitian(found), conj_hermitian(expected))


@each_hermitian
@each_smooth
def test_nested_derivatives_of_functions_of_matrices_are_exact_or_nan(a: Any, of_numbers: Any, of_matrix: Any) -> None:
    for t in (directions_of(a)[k] for k in (0, 2)):
        for c in (directions_of(a)[k] for k in (0, 1, 3)):
            for nesting in NESTINGS:
                found = nesting(through_eigh(of_numbers), a, t, c)
                expected = nesting(of_matrix, a, t, c)

                assert_exact_or_nan(found, expected)


def test_a_derivative_that_vectors_and_values_do_not_tell_is_nan() -> None:
    # At 1 the logarithm is 0, so no vector has a cotangent; what a value has is the diagonal of the derivative only.
    logarithm = through_eigh(np.log)

    of_corner = grad(lambda a: logarithm(a)[0, 1])(np.eye(2))
    of_sum = grad(lambda a: np.sum(logarithm(a)))(np.eye(2))
    of_trace = grad(lambda a: np.trace(logarithm(a)))(np.eye(2))

    assert is_nan_where_read(of_corner)
    assert is_nan_where_read(of_sum)
    np.testing.assert_allclose(of_trace, np.eye(2), atol=1e-13)


def test_vectors_multiplied_by_their_inverse_are_exact_or_nan() -> None:
    def square(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.matmul(v * w**2, np.linalg.inv(v))

    weights = np.array([[1.0, 2.0], [2.0, 1.0]])
    assert is_nan_where_read(grad(lambda a: np.sum(weights * square(a)))(np.eye(2)))
    np.testing.assert_allclose(grad(lambda a: np.trace(square(a)))(np.eye(2)), 2 * np.eye(2), atol=1e-13)


def test_simple_eigenvalues_beside_equal_ones_are_exact() -> None:
    a = with_eigenvalues(0, 0, 0, 2)

    def of_largest(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return w[-1] ** 2 * np.sum(v[:, -1]) ** 2

    found = grad(of_largest)(a)
    t = hermitian(draw(4, 4))
    differences = (of_largest(a + 1e-5 * t) - of_largest(a - 1e-5 * t)) / 2e-5
    np.testing.assert_allclose(np.sum(found * t), differences, rtol=1e-7)
    np.testing.assert_allclose(jvp(of_largest, (a,), (t,))[1], differences, rtol=1e-7)


def test_projections_to_the_space_of_equal_eigenvalues_are_exact() -> None:
    a = with_eigenvalues(1, 1, 3)

    def projection(a: Any) -> Any:
        v = np.linalg.eigh(a)[1][:, :2]
        return np.matmul(v, v.T)

    def closed(a: Any) -> Any:
        # The projection of equal eigenvalues to first order: (3 - a) / 2 moves the values too, its cubic filter does not.
        x = (3 * np.eye(3) - a) / 2
        return 3 * x @ x - 2 * x @ x @ x

    t, c = hermitian(draw(3, 3)), hermitian(draw(3, 3))
    np.testing.assert_allclose(jvp(projection, (a,), (t,))[1], jvp(closed, (a,), (t,))[1], atol=1e-12)
    np.testing.assert_allclose(conj_hermitian(vjp(projection, a)[1](c)[0]), vjp(closed, a)[1](c)[0], atol=1e-12)


@each_hermitian
def test_symmetric_functions_of_eigenvalues_are_exact_to_second_order(a: Any) -> None:
    def of_values(a: Any) -> Any:
        return np.sum(np.linalg.eigvalsh(a) ** 3)

    def closed(a: Any) -> Any:
        return np.sum(np.real(np.trace(a @ a @ a, axis1=-2, axis2=-1)))

    for t in directions_of(a):
        np.testing.assert_allclose(conj_hermitian(grad(of_values)(a)), conj_hermitian(grad(closed)(a)), atol=1e-12)
        np.testing.assert_allclose(
            conj_hermitian(hvp(of_values, (a,), (t,))), conj_hermitian(hvp(closed, (a,), (t,))), atol=1e-11
        )


def test_equal_values_share_the_gradient_of_one_of_them() -> None:
    np.testing.assert_allclose(grad(lambda a: np.linalg.eigvalsh(a)[0])(np.eye(2)), np.eye(2) / 2, atol=1e-14)
    np.testing.assert_allclose(grad(lambda a: np.linalg.norm(a, 2))(2 * np.eye(2)), np.eye(2) / 2, atol=1e-14)
    assert is_nan_where_read(grad(lambda a: np.linalg.eigh(a)[0][0])(np.eye(2)))


def test_eigenvalues_move_as_those_of_the_tangent_where_they_are_equal() -> None:
    t = hermitian(draw(3, 3))

    _, found = jvp(np.linalg.eigvalsh, (np.eye(3),), (t,))

    np.testing.assert_allclose(found, np.linalg.eigvalsh(t), atol=1e-14)


@each_hermitian
def test_the_svd_of_hermitian_matrices_rebuilds_them(a: Any) -> None:
    def f(a: Any) -> Any:
        u, s, w = np.linalg.svd(a, hermitian=True)
        return np.matmul(u * s[..., None, :], w)

    for t in directions_of(a):
        np.testing.assert_allclose(jvp(f, (a,), (t,))[1], t, atol=1e-12)
        assert_exact_or_nan(conj_hermitian(vjp(f, a)[1](t)[0]), conj_hermitian(t))
    indefinite = np.diag([1.0, -3.0, 2.0])
    for found, expected in zip(
        vjp(lambda a: np.linalg.svd(a, hermitian=True), indefinite)[0],
        np.linalg.svd(indefinite, hermitian=True),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)
