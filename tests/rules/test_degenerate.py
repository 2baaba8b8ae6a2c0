"""Equal and zero eigenvalues and singular values: exact or NaN, in every nesting, against closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hvp, jvp, vjp

RNG = np.random.default_rng(11)


def draw(*shape: int, is_complex: bool = False) -> Any:
    x = RNG.standard_normal(shape)
    return x + 1j * RNG.standard_normal(shape) if is_complex else x


def adjoint(x: Any) -> Any:
    return np.conj(np.swapaxes(x, -1, -2))


def hermitian(x: Any) -> Any:
    return (x + adjoint(x)) / 2


def orthonormal(m: int, n: int, is_complex: bool = False) -> Any:
    return np.linalg.qr(draw(m, n, is_complex=is_complex))[0]


def with_eigenvalues(*w: float, is_complex: bool = False) -> Any:
    v = orthonormal(len(w), len(w), is_complex)
    return hermitian((v * np.array(w)) @ adjoint(v))


def with_singular_values(m: int, n: int, *s: float, is_complex: bool = False) -> Any:
    return (orthonormal(m, len(s), is_complex) * np.array(s)) @ adjoint(orthonormal(n, len(s), is_complex))


def assert_exact_or_nan(found: Any, expected: Any, scale: float = 1.0) -> None:
    found = np.where(np.isnan(found), expected, found)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9 * max(scale, float(np.max(np.abs(expected)))))


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
        assert_exact_or_nan(pulled, conj_hermitian(vjp(of_matrix, a)[1](t)[0]))


@each_hermitian
@each_smooth
def test_pullbacks_of_functions_of_matrices_are_exact_or_nan(a: Any, of_numbers: Any, of_matrix: Any) -> None:
    for c in directions_of(a):
        (found,) = vjp(through_eigh(of_numbers), a)[1](c)
        (expected,) = vjp(of_matrix, a)[1](c)

        assert_exact_or_nan(found, np.conj(hermitian(np.conj(expected))))


@each_hermitian
@each_smooth
def test_nested_derivatives_of_functions_of_matrices_are_exact_or_nan(a: Any, of_numbers: Any, of_matrix: Any) -> None:
    for t in (directions_of(a)[k] for k in (0, 2)):
        for c in (directions_of(a)[k] for k in (0, 1, 3)):
            for nesting in NESTINGS:
                found = nesting(through_eigh(of_numbers), a, t, c)
                expected = nesting(of_matrix, a, t, c)

                assert_exact_or_nan(found, expected)


def forward_over_forward(f: Callable[[Any], Any], a: Any, t: Any, c: Any) -> Any:
    return jvp(lambda x: jvp(f, (x,), (t,))[1], (a,), (c,))[1]


def forward_over_reverse(f: Callable[[Any], Any], a: Any, t: Any, c: Any) -> Any:
    return conj_hermitian(jvp(lambda x: vjp(f, x)[1](c)[0], (a,), (t,))[1])


def reverse_over_forward(f: Callable[[Any], Any], a: Any, t: Any, c: Any) -> Any:
    return conj_hermitian(vjp(lambda x: jvp(f, (x,), (t,))[1], a)[1](c)[0])


def reverse_over_reverse(f: Callable[[Any], Any], a: Any, t: Any, c: Any) -> Any:
    return conj_hermitian(vjp(lambda x: conj_hermitian(vjp(f, x)[1](c)[0]), a)[1](np.conj(t))[0])


def forward_in_the_tangent(f: Callable[[Any], Any], a: Any, t: Any, c: Any) -> Any:
    return jvp(lambda s: jvp(f, (a,), (s,))[1], (t,), (c,))[1]


def forward_in_the_cotangent(f: Callable[[Any], Any], a: Any, t: Any, c: Any) -> Any:
    return conj_hermitian(jvp(lambda s: vjp(f, a)[1](s)[0], (c,), (t,))[1])


def conj_hermitian(g: Any) -> Any:
    # Gradients of eigh are Hermitian; those of the other form count as such.
    return np.conj(hermitian(np.conj(g)))


NESTINGS = [
    forward_over_forward,
    forward_over_reverse,
    reverse_over_forward,
    reverse_over_reverse,
    forward_in_the_tangent,
    forward_in_the_cotangent,
]


def test_a_derivative_that_vectors_and_values_do_not_tell_is_nan() -> None:
    # At 1 the logarithm is 0, so no vector has a cotangent; what a value has is the diagonal of the derivative only.
    logarithm = through_eigh(np.log)

    of_corner = grad(lambda a: logarithm(a)[0, 1])(np.eye(2))
    of_sum = grad(lambda a: np.sum(logarithm(a)))(np.eye(2))
    of_trace = grad(lambda a: np.trace(logarithm(a)))(np.eye(2))

    assert np.isnan(of_corner).all()
    assert np.isnan(of_sum).all()
    np.testing.assert_allclose(of_trace, np.eye(2), atol=1e-13)


def test_vectors_multiplied_by_their_inverse_are_exact_or_nan() -> None:
    def square(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.matmul(v * w**2, np.linalg.inv(v))

    weights = np.array([[1.0, 2.0], [2.0, 1.0]])
    assert np.isnan(grad(lambda a: np.sum(weights * square(a)))(np.eye(2))).all()
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
    np.testing.assert_allclose(vjp(projection, a)[1](c)[0], vjp(closed, a)[1](c)[0], atol=1e-12)


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
    assert np.isnan(grad(lambda a: np.linalg.eigh(a)[0][0])(np.eye(2))).all()


def test_eigenvalues_move_as_those_of_the_tangent_where_they_are_equal() -> None:
    t = hermitian(draw(3, 3))

    _, found = jvp(np.linalg.eigvalsh, (np.eye(3),), (t,))

    np.testing.assert_allclose(found, np.linalg.eigvalsh(t), atol=1e-14)


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
    "nothing": (lambda a: left_square(a) - a @ adjoint(a) + a @ adjoint(a), lambda a: a @ adjoint(a)),
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


PLAIN: dict[Any, Callable[..., Any]] = {
    forward_over_reverse: lambda f, a, t, c: jvp(lambda x: vjp(f, x)[1](c)[0], (a,), (t,))[1],
    reverse_over_forward: lambda f, a, t, c: vjp(lambda x: jvp(f, (x,), (t,))[1], a)[1](c)[0],
    reverse_over_reverse: lambda f, a, t, c: vjp(lambda x: vjp(f, x)[1](c)[0], a)[1](t)[0],
    forward_in_the_cotangent: lambda f, a, t, c: jvp(lambda s: vjp(f, a)[1](s)[0], (c,), (c,))[1],
}


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


@each_hermitian
def test_the_svd_of_hermitian_matrices_rebuilds_them(a: Any) -> None:
    def f(a: Any) -> Any:
        u, s, w = np.linalg.svd(a, hermitian=True)
        return np.matmul(u * s[..., None, :], w)

    for t in directions_of(a):
        np.testing.assert_allclose(jvp(f, (a,), (t,))[1], t, atol=1e-12)
        assert_exact_or_nan(vjp(f, a)[1](t)[0], conj_hermitian(t))
    indefinite = np.diag([1.0, -3.0, 2.0])
    for found, expected in zip(
        vjp(lambda a: np.linalg.svd(a, hermitian=True), indefinite)[0],
        np.linalg.svd(indefinite, hermitian=True),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)
