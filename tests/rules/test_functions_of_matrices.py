"""Functions of matrices in reverse mode where values are equal: right where one function was used, and NaN elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, hvp, jvp, vjp, vmap
from tests.rules.nestings import (
    adjoint,
    conj_hermitian,
    draw,
    hermitian,
    is_nan_where_read,
    orthonormal,
    start_again,
    with_eigenvalues,
    with_singular_values,
)


@pytest.fixture(autouse=True)
def same_numbers_whatever_ran_before() -> None:
    start_again()


def along(f: Callable[[Any], Any], a: Any, t: Any, h: float = 1e-3) -> Any:
    """Return the derivative along `t` by central differences, exact to order 4."""
    return (8 * (f(a + h * t) - f(a - h * t)) - (f(a + 2 * h * t) - f(a - 2 * h * t))) / (12 * h)


def assert_is_gradient(f: Callable[[Any], Any], a: Any, symmetric: bool = True, rtol: float = 1e-8) -> None:
    found = grad(f)(a)
    assert np.isfinite(found).all()
    scale = max(np.max(np.abs(found)), 1.0)
    for _ in range(3):
        t = draw(*a.shape, is_complex=np.iscomplexobj(a))
        t = hermitian(t) if symmetric else t
        pulled = np.real(np.sum(found * t))

        np.testing.assert_allclose(pulled, jvp(f, (a,), (t,))[1], rtol=1e-9, atol=1e-9 * scale)
        np.testing.assert_allclose(pulled, along(f, a, t), rtol=rtol, atol=rtol * scale)


# ---- right -----------------------------------------------------------------------------------------

NUMBERS: dict[str, Callable[[Any], Any]] = {
    "cube": lambda w: w**3,
    "exponential": np.exp,
    "root": np.sqrt,
    "inverse": lambda w: 1 / w,
    "flat at two": lambda w: (w - 2) ** 2 + 1,
}
WEIGHTS = np.array([[1.0, 2.0, 0.5, -1.0], [0.3, -0.7, 1.1, 2.0], [1.0, 0.0, 3.0, 0.2], [0.1, 0.9, -2.0, 1.5]])
LOSSES: dict[str, Callable[[Any], Any]] = {
    "entry": lambda x: np.real(x[0, 0]),
    "weights": lambda x: np.real(np.sum(x * WEIGHTS[: len(x), : len(x)])),
    "quadratic": lambda x: np.real(np.sum(x @ WEIGHTS[: len(x), : len(x)] @ x * WEIGHTS.T[: len(x), : len(x)])),
    "vector": lambda x: np.real(np.sum(x @ WEIGHTS[0, : len(x)] * np.conj(x @ WEIGHTS[0, : len(x)]))),
}
HERMITIANS = {
    "two": 2 * np.eye(2),
    "three": np.eye(3),
    "pair": with_eigenvalues(1, 1, 3),
    "diagonal": np.diag([1.0, 1.0, 3.0]),
    "triple": with_eigenvalues(1, 2, 2, 2),
    "two pairs": with_eigenvalues(1, 1, 2, 2),
    "small pair": with_eigenvalues(0.01, 0.01, 1),
    "complex pair": with_eigenvalues(1, 1, 2, is_complex=True),
    "complex three": 2 * np.eye(3) + 0j,
}


def through_eigh(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def function(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.matmul(v * f(w)[..., None, :], adjoint(v))

    return function


@pytest.mark.parametrize("f", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("a", HERMITIANS.values(), ids=HERMITIANS)
def test_gradients_of_functions_of_matrices_are_right(a: Any, loss: Any, f: Any) -> None:
    function = through_eigh(f)
    scale = 1e-6 if np.min(np.linalg.eigvalsh(a)) < 0.1 else 1e-8

    if scale == 1e-8:
        assert_is_gradient(lambda a: loss(function(a)), a, rtol=scale)
    else:
        found, t = grad(lambda a: loss(function(a)))(a), hermitian(draw(*a.shape))
        np.testing.assert_allclose(np.sum(found * t), jvp(lambda a: loss(function(a)), (a,), (t,))[1], rtol=1e-9)


def test_the_cube_at_a_multiple_of_the_unit_matrix_is_that_of_matrices() -> None:
    cube = through_eigh(lambda w: w**3)

    found = grad(lambda a: cube(a)[0, 1])(2 * np.eye(3))

    np.testing.assert_allclose(found, 12 * np.eye(3)[[1]].T @ np.eye(3)[[0]], atol=1e-13)


def test_the_exponential_at_zero_is_right() -> None:
    exponential = through_eigh(np.exp)
    assert_is_gradient(lambda a: np.sum(exponential(a) * WEIGHTS[:3, :3]), np.zeros((3, 3)))
    assert_is_gradient(lambda a: exponential(a)[0, 0], 1e-14 * np.eye(2))


@pytest.mark.parametrize("name", ["two", "three", "pair", "two pairs"])
def test_whitening_is_right(name: str) -> None:
    a = HERMITIANS[name]
    b = WEIGHTS[0, : len(a)]

    def whitened(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.sum(np.sin((v * w**-0.5) @ v.T @ b))

    assert_is_gradient(whitened, a)


def test_a_function_of_the_values_may_join_where_three_are_equal() -> None:
    def loglikelihood(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.sum(np.log(w)) + np.sum((WEIGHTS[0] @ v) ** 2 / w) + w[0]

    assert_is_gradient(loglikelihood, with_eigenvalues(1, 2, 2, 2))


def test_stacks_and_batches_are_those_of_their_matrices() -> None:
    stack = np.stack([np.eye(3), with_eigenvalues(1, 1, 3), with_eigenvalues(1, 2, 4), with_eigenvalues(2, 2, 2)])
    exponential = through_eigh(np.exp)

    def f(a: Any) -> Any:
        return np.sum(exponential(a) * WEIGHTS[:3, :3])

    expected = np.stack([grad(f)(a) for a in stack])
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(grad(f)(stack), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(vmap(grad(f))(stack), expected, rtol=1e-12, atol=1e-12)
    cotangents = draw(5, 3, 3)
    pull = vjp(exponential, stack[1])[1]
    np.testing.assert_allclose(
        vmap(lambda c: pull(c)[0])(cotangents), np.stack([pull(c)[0] for c in cotangents]), rtol=1e-12
    )


def test_float32_is_right_to_its_precision() -> None:
    for a in (2 * np.eye(3), with_eigenvalues(1, 1, 3), with_eigenvalues(1, 2, 2, 2)):
        for f in (np.exp, np.sqrt, lambda w: w**3):
            function = through_eigh(f)
            weights = WEIGHTS[: len(a), : len(a)]
            single = weights.astype(np.float32)
            expected = grad(lambda a, g=function, c=weights: np.sum(g(a) * c))(a)

            found = grad(lambda a, g=function, c=single: np.sum(g(a) * c))(a.astype(np.float32))

            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.max(np.abs(expected)))


def test_pullbacks_are_differentiated_in_their_cotangent() -> None:
    a = with_eigenvalues(1, 2, 2, 2)
    pull = vjp(through_eigh(np.exp), a)[1]
    c, t = draw(4, 4), draw(4, 4)

    _, found = jvp(lambda c: pull(c)[0], (c,), (t,))

    np.testing.assert_allclose(found, pull(t)[0], rtol=1e-12)
    assert np.isnan(grad(lambda c: np.sum(pull(c)[0] * t))(c)).any()


# ---- singular values -------------------------------------------------------------------------------

MATRICES = {
    "two": 2 * np.eye(2),
    "three": np.eye(3),
    "pair": with_singular_values(3, 3, 2, 1, 1),
    "tall": with_singular_values(4, 3, 2, 2, 1),
    "wide": with_singular_values(3, 4, 2, 2, 2),
    "two pairs": with_singular_values(4, 4, 2, 2, 1, 1),
    "complex": with_singular_values(4, 3, 1, 1, 2, is_complex=True),
    "complex three": 2 * orthonormal(3, 3, is_complex=True),
}
FORMS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "cube": lambda u, s, w: (u * s**3) @ w,
    "root": lambda u, s, w: (u * np.sqrt(s)) @ w,
    "left": lambda u, s, w: (u * np.exp(s)) @ adjoint(u),
    "right": lambda u, s, w: (adjoint(w) / s) @ w,
    "polar": lambda u, s, w: (u @ w) * np.sum(s),
    "both": lambda u, s, w: np.concatenate([(u * s**2) @ w, (u * s**2) @ adjoint(u)], axis=1),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("full_matrices", [True, False])
def test_gradients_through_singular_vectors_are_right(name: str, form: Any, full_matrices: bool) -> None:
    a = MATRICES[name]
    k = min(a.shape)

    def function(a: Any) -> Any:
        u, s, w = np.linalg.svd(a, full_matrices=full_matrices)
        x = form(u[:, :k], s, w[:k])
        m, n = x.shape
        return np.real(np.sum(x * np.resize(WEIGHTS + 0.1 * WEIGHTS.T, (m, n))))

    assert_is_gradient(function, a, symmetric=False)


# ---- second order ----------------------------------------------------------------------------------

OF_VALUES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "cubes": (
        lambda a: np.sum(np.linalg.eigvalsh(hermitian(a)) ** 3),
        lambda a: np.trace(hermitian(a) @ hermitian(a) @ hermitian(a)),
    ),
    "logarithms": (
        lambda a: np.sum(np.log(np.linalg.eigvalsh(hermitian(a)))),
        lambda a: np.linalg.slogdet(hermitian(a))[1],
    ),
    "fourth powers": (lambda a: np.sum(np.linalg.svdvals(a) ** 4), lambda a: np.trace(a @ a.T @ a @ a.T)),
    "norm": (lambda a: np.sum(np.linalg.svdvals(a) ** 2) ** 1.5, lambda a: np.sum(a * a) ** 1.5),
}


@pytest.mark.parametrize(("of_values", "closed"), OF_VALUES.values(), ids=OF_VALUES)
@pytest.mark.parametrize("name", ["three", "pair", "diagonal", "triple", "two pairs"])
def test_second_derivatives_of_functions_of_values_are_right_in_every_nesting(
    name: str, of_values: Any, closed: Any
) -> None:
    a = HERMITIANS[name]
    t = draw(*a.shape)
    expected = hvp(closed, (a,), (t,))[1]
    nestings: dict[str, Any] = {
        "forward over reverse": lambda f: hvp(f, (a,), (t,))[1],
        "reverse over forward": lambda f: grad(lambda a: jvp(f, (a,), (t,))[1])(a),
        "reverse over reverse": lambda f: grad(lambda a: np.sum(grad(f)(a) * t))(a),
    }

    for title, nesting in nestings.items():
        found = nesting(of_values)
        if title != "forward over reverse" and of_values is OF_VALUES["norm"][0] and name not in ("three", "triple"):
            # The other factor of the product rule adds a number to the cotangents of a pair: two numbers do not tell it.
            assert np.isnan(found).all()
            continue
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=title)


def test_hessians_of_functions_of_values_are_right() -> None:
    def f(a: Any) -> Any:
        return np.sum(np.exp(np.linalg.eigvalsh(hermitian(a))))

    a = with_eigenvalues(1, 1, 3)
    found = hessian(f)(a)
    t = draw(3, 3)
    np.testing.assert_allclose(np.tensordot(found, t, 2), along(grad(f), a, t), rtol=1e-8, atol=1e-8)


def test_pushforwards_of_vectors_pulled_back_are_nan_where_their_factor_is_zero() -> None:
    # At 1 the factor of the vectors is 0, so that no cotangent comes to how they turn; that of its derivative is not.
    def f(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return (v * (w**3 - w)) @ v.T

    def g(a: Any) -> Any:
        u, s, w = np.linalg.svd(a)
        return (u * (s**3 - s)) @ w

    for h in (f, g):
        found = grad(lambda a, h=h: jvp(lambda a: np.sum(h(a) * WEIGHTS[:3, :3]), (a,), (np.eye(3),))[1])(np.eye(3))
        assert np.isnan(found[np.tril_indices(3)]).all()


# ---- what must be NaN ------------------------------------------------------------------------------


# Of values, vectors, and the function of numbers that makes a matrix of them.
TRAPS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "two functions": lambda w, v, x: x(w**3)[0, 1] + x(np.exp(w))[0, 0],
    "two functions without trace": lambda w, v, x: x(w**3)[0, 1] + x(np.exp(w))[0, 0] - x(np.exp(w))[1, 1],
    "two functions in a product": lambda w, v, x: (x(w) @ WEIGHTS[: len(v), : len(v)] @ x(np.exp(w)))[0, 0],
    "a determinant times a function": lambda w, v, x: np.prod(w) * x(w)[0, 0] + x(w**3)[0, 1],
    "one vector": lambda w, v, x: v[0, 0] ** 2 * w[0],
    "lengths of single vectors": lambda w, v, x: w[-1] ** 2 * np.sum(v[:, -1] ** 2),
    "one value": lambda w, v, x: w[0],
    "chosen vectors": lambda w, v, x: np.sum(x(w * np.arange(len(v)))[0]),
    "values in another order": lambda w, v, x: x(w[::-1] ** 2)[0, 0],
    "values by turns": lambda w, v, x: x(np.roll(w, 1) ** 2)[0, 0],
    "functions that meet": lambda w, v, x: x(np.where(np.arange(len(v)) < 1, w**2, 2 * w))[0, 0],
    "a function and one value": lambda w, v, x: x(w**2)[0, 0] + w[0],
    "zero": lambda w, v, x: x(np.log(w / 2))[0, 0],
    "zero of one vector to rounding": lambda w, v, x: x((w - 2 * (1 + 4e-16)) * (np.arange(len(v)) < 1))[0, 0],
    "inverse vectors": lambda w, v, x: ((v * w) @ np.linalg.inv(v))[0, 0],
}


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
@pytest.mark.parametrize("n", [2, 3])
def test_what_the_vectors_do_not_tell_is_nan(trap: Any, n: int) -> None:
    def f(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return trap(w, v, lambda values: np.matmul(v * values, v.T))

    assert is_nan_where_read(grad(f)(2 * np.eye(n)))


def test_a_function_of_the_values_beside_that_of_the_matrix_is_not_told_by_two_numbers() -> None:
    def f(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.sum(np.log(w)) + np.sum((WEIGHTS[0, : len(a)] @ v) ** 2 / w)

    assert is_nan_where_read(grad(f)(2 * np.eye(2)))
    assert_is_gradient(f, 2 * np.eye(3))


def test_an_entry_beside_the_diagonal_is_not_told_by_two_numbers() -> None:
    cube = through_eigh(lambda w: w**3)
    assert is_nan_where_read(grad(lambda a: cube(a)[0, 1])(2 * np.eye(2)))
    # That the matrix is small beside its function does not make it told.
    exponential = through_eigh(np.exp)
    assert is_nan_where_read(grad(lambda a: exponential(a)[0, 1])(1e-15 * np.eye(2)))


def test_two_functions_of_singular_values_are_nan() -> None:
    def f(a: Any) -> Any:
        u, s, w = np.linalg.svd(a)
        return np.sum((u * s**2) @ w * WEIGHTS[:3, :3]) + np.sum((u * np.exp(s)) @ u.T * np.diag([1, 2, 0]))

    assert np.isnan(grad(f)(np.eye(3))).all()
    assert_is_gradient(f, with_singular_values(3, 3, 3, 2, 1), symmetric=False)


@pytest.mark.parametrize("a", HERMITIANS.values(), ids=HERMITIANS)
def test_sums_and_products_of_functions_agree_with_forward_mode_or_are_nan(a: Any) -> None:
    rng = np.random.default_rng(3)
    functions = list(NUMBERS.values())
    for _ in range(60):
        terms = [(rng.integers(5), rng.integers(5), rng.integers(-1, 2, a.shape)) for _ in range(rng.integers(1, 4))]

        def f(a: Any, terms: Any = terms) -> Any:
            w, v = np.linalg.eigh(a)
            found = 0.0
            for j, k, weights in terms:
                x = np.matmul(v * functions[j](w), adjoint(v))
                found = found + np.real(np.sum((x @ x if k == 4 else x) * weights)) * (np.sum(w**2) if k == 3 else 1.0)
            return found

        found, t = grad(f)(a), hermitian(draw(*a.shape, is_complex=np.iscomplexobj(a)))
        if not np.isnan(found).any():
            expected = jvp(f, (a,), (t,))[1]
            np.testing.assert_allclose(
                np.real(np.sum(found * t)), expected, rtol=1e-9, atol=1e-9 * max(np.max(np.abs(found)), 1)
            )


# ---- nearly equal ----------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [0, 1e-16, 4e-16, 1e-15, 3e-15, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6])
def test_values_that_are_nearly_equal_lose_the_digits_of_their_difference(gap: float) -> None:
    cube = through_eigh(lambda w: w**3)
    for _ in range(10):
        v = orthonormal(3, 3)
        a = hermitian((v * np.array([1, 1 + gap, 3])) @ v.T)
        c, t = draw(3, 3), hermitian(draw(3, 3))
        (found,) = vjp(cube, a)[1](c)
        expected = np.sum((t @ a @ a + a @ t @ a + a @ a @ t) * c)

        bound = 1e-10 if gap < 1e-15 else min(1e-14 / gap, 1) + 1e-10
        pulled = np.sum(found * t)
        assert np.isnan(pulled) or abs(pulled - expected) <= bound * np.max(np.abs(found)) * 10


def test_matrices_that_were_rounded_count_as_having_equal_values() -> None:
    # Products of three matrices are rounded by more than LAPACK's own error.
    cube = through_eigh(lambda w: w**3)
    for _ in range(100):
        v = orthonormal(3, 3)
        a = hermitian((v * np.array([1.7, 1.7, 3])) @ v.T)
        t = hermitian(draw(3, 3))
        expected = t @ a @ a + a @ t @ a + a @ a @ t

        np.testing.assert_allclose(jvp(cube, (a,), (t,))[1], expected, atol=1e-11)
        np.testing.assert_allclose(conj_hermitian(vjp(cube, a)[1](t)[0]), expected, atol=1e-10)
