"""Rules of linear functions that call the function itself on the tangent: right in reverse mode, or a clear error."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse as scipy_sparse

from dualgrad import (
    checkpoint,
    custom_jvp,
    custom_vjp,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    linearize,
    sparse,
    taylor,
    vjp,
    vmap,
)
from dualgrad.errors import RuleError, TransposeLoopWarning

RNG = np.random.default_rng(3)
A = RNG.standard_normal((4, 4))
SPARSE = scipy_sparse.csr_array(A)
X = RNG.standard_normal((3, 4))

pytestmark = pytest.mark.filterwarnings("ignore::dualgrad.errors.BatchLoopWarning")
is_slow = pytest.mark.filterwarnings("ignore::dualgrad.errors.TransposeLoopWarning")


def own_tangent(f: Callable[..., Any]) -> Any:
    found = custom_jvp(f)
    found.defjvp(lambda primals, tangents: (found(*primals), found(*tangents)))
    return found


def loss(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: np.sum(np.sin(f(x)) ** 2)


def _grad_of_grad(f: Any) -> Any:
    return grad(lambda x: np.sum(grad(loss(f))(x) ** 2))(X[0])


def _grad_of_taylor(f: Any) -> Any:
    return grad(lambda x: np.sum(taylor(f, x, np.ones(4), 2)[1] * x))(X[0])


def _grad_of_vmap(f: Any) -> Any:
    return grad(lambda x: np.sum(np.sin(vmap(f)(x))))(X)


def _grad_of_vmap_of_grad(f: Any) -> Any:
    return grad(lambda x: np.sum(vmap(grad(loss(f)))(x) ** 2))(X)


def _grad_of_vmap_of_vmap(f: Any) -> Any:
    return grad(lambda x: np.sum(np.sin(vmap(vmap(f))(x))))(np.stack([X, 2 * X]))


TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: grad(loss(f))(X[0]),
    "jacrev": lambda f: jacrev(f)(X[0]),
    "jacfwd": lambda f: jacfwd(f)(X[0]),
    "hessian": lambda f: hessian(loss(f))(X[0]),
    "hvp": lambda f: hvp(loss(f), (X[0],), (X[1],))[1],
    "grad of grad": _grad_of_grad,
    "twice": lambda f: grad(loss(lambda x: f(np.cos(f(x)))))(X[0]),
    "taylor of grad": lambda f: np.stack(taylor(grad(loss(f)), X[0], X[1], 2)),
    "grad of taylor": _grad_of_taylor,
    "linearize": lambda f: linearize(f, X[0])[1](X[1]),
    "checkpoint": lambda f: grad(loss(checkpoint(f)))(X[0]),
    "sparse": lambda f: sparse.jacobian(f, X[0]).toarray(),
    "vmap of grad": lambda f: vmap(grad(loss(f)))(X),
    "vmap of vmap of grad": lambda f: vmap(vmap(grad(loss(f))))(np.stack([X, 2 * X])),
    "vmap of hessian": lambda f: vmap(hessian(loss(f)))(X),
    "grad of vmap": _grad_of_vmap,
    "grad of vmap of grad": _grad_of_vmap_of_grad,
    "grad of vmap of vmap": _grad_of_vmap_of_vmap,
    "jacrev of vmap": lambda f: jacrev(vmap(f))(X),
}


@is_slow
@pytest.mark.filterwarnings("ignore::dualgrad.errors.DensePatternWarning")
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize("f", [lambda x: SPARSE @ x, lambda x: A @ x], ids=["SciPy", "NumPy"])
def test_a_linear_function_is_its_own_tangent_map(f: Any, transform: Callable[[Any], Any]) -> None:
    np.testing.assert_allclose(transform(own_tangent(f)), transform(lambda x: A @ x), rtol=1e-9, atol=1e-12)


def test_code_in_numpy_is_transposed_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = grad(loss(own_tangent(lambda x: A @ x)))(X[0])
    np.testing.assert_allclose(found, grad(loss(lambda x: A @ x))(X[0]))


def test_other_code_is_called_once_for_each_number_with_a_warning() -> None:
    calls = []

    def product(x: Any) -> Any:
        if isinstance(x, np.ndarray):
            calls.append(1)
        return SPARSE @ x

    f = own_tangent(product)
    with pytest.warns(TransposeLoopWarning, match=r"product.defvjp\(fwd, bwd\) beside the JVP rule") as caught:
        grad(loss(f))(X[0])
    assert caught[0].filename == __file__
    assert len(calls) <= 4 + 6

    calls.clear()
    with pytest.warns(TransposeLoopWarning):
        grad(lambda x: np.sum(vmap(f)(x)))(np.ones((50, 4)))
    assert len(calls) <= 4 + 6 * 50


@is_slow
@pytest.mark.parametrize("argnums", [0, 1, (0, 1)])
def test_a_bilinear_function_is_linear_where_it_is_called_on_tangents(argnums: Any) -> None:
    @custom_jvp
    def product(a: Any, x: Any) -> Any:
        return np.array(a.tolist()) @ np.array(x.tolist())

    @product.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (a, x), (ta, tx) = primals, tangents
        return product(a, x), product(ta, x) + product(a, tx)

    gradient: Any = grad

    def by_all(f: Any) -> Any:
        return (
            gradient(lambda a, x: np.sum(np.sin(f(a, x))), argnums)(A, X[0]),
            vmap(gradient(lambda a, x: np.sum(np.sin(f(a, x))), argnums), in_axes=(None, 0))(A, X),
            gradient(lambda a, x: np.sum(np.sin(vmap(f, in_axes=(None, 0))(a, x))), argnums)(A, X),
        )

    def flat(tree: Any) -> list[Any]:
        return [x for part in tree for x in (part if isinstance(part, tuple) else (part,))]

    for found, expected in zip(flat(by_all(product)), flat(by_all(lambda a, x: a @ x)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    by_matrix = hessian(lambda a: np.sum(np.sin(product(a, X[0]))))(A)
    np.testing.assert_allclose(by_matrix, hessian(lambda a: np.sum(np.sin(a @ X[0])))(A), atol=1e-12)


C = A[:3, :3] + 1j * RNG.standard_normal((3, 3))
Z = RNG.standard_normal(3) + 1j * RNG.standard_normal(3)


@is_slow
@pytest.mark.parametrize(
    ("f", "plain", "x"),
    [
        (lambda z: scipy_sparse.csr_array(C) @ z, lambda z: C @ z, Z),
        (lambda x: scipy_sparse.csr_array(C) @ x, lambda x: C @ x, Z.real),
        (lambda z: np.array([w.real for w in z.tolist()]), np.real, Z),
        (lambda z: C @ np.conj(z.tolist()), lambda z: C @ np.conj(z), Z),
    ],
)
def test_transposes_of_complex_functions_are_right(f: Any, plain: Any, x: Any) -> None:
    def of(f: Any) -> Any:
        return grad(lambda x: np.sum(np.abs(f(x)) ** 2) + np.sum(np.real(f(x) * np.array([1, 2j, 3])) ** 3))(x)

    np.testing.assert_allclose(of(own_tangent(f)), of(plain), rtol=1e-10)


@is_slow
def test_trees_numbers_and_empty_arrays_are_transposed() -> None:
    def f(d: Any) -> Any:
        return {"sum": float(d["x"]) * 2 + d["y"].tolist()[0], "y": SPARSE @ d["y"], "empty": d["empty"].copy()}

    def of(f: Any) -> Any:
        def of_parts(x: Any, y: Any, empty: Any) -> Any:
            found = f({"x": x, "y": y, "empty": empty})
            return np.sin(found["sum"]) + np.sum(found["y"] ** 3) + np.sum(found["empty"])

        return grad(of_parts, argnums=(0, 1, 2))(2.0, X[0], np.zeros(0))

    found = of(own_tangent(f))
    expected = of(lambda d: {"sum": d["x"] * 2 + d["y"][0], "y": A @ d["y"], "empty": d["empty"]})
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)
    assert grad(loss(own_tangent(lambda x: SPARSE @ x)))(X[0].astype(np.float32)).dtype == np.float32


@is_slow
def test_two_functions_whose_rules_call_each_other_are_transposed() -> None:
    f, g = custom_jvp(lambda x: SPARSE @ x), custom_jvp(lambda x: SPARSE @ x)
    f.defjvp(lambda primals, tangents: (f(*primals), g(*tangents)))
    g.defjvp(lambda primals, tangents: (g(*primals), f(*tangents)))

    np.testing.assert_allclose(grad(loss(f))(X[0]), grad(loss(lambda x: A @ x))(X[0]))


def test_a_rule_for_reverse_mode_beside_it_is_used() -> None:
    product, turned = own_tangent(lambda x: SPARSE @ x), own_tangent(lambda x: SPARSE.T @ x)
    product.defvjp(lambda x: (product(x), None), lambda kept, ct: (turned(ct),))
    turned.defvjp(lambda x: (turned(x), None), lambda kept, ct: (product(ct),))

    with warnings.catch_warnings():
        warnings.simplefilter("error", TransposeLoopWarning)
        for transform in (TRANSFORMS["grad"], TRANSFORMS["hessian"], TRANSFORMS["grad of vmap of grad"]):
            np.testing.assert_allclose(transform(product), transform(lambda x: A @ x), rtol=1e-9)


def test_a_symmetric_function_may_be_its_own_pullback() -> None:
    symmetric = A + A.T
    product = custom_vjp(lambda x: scipy_sparse.csr_array(symmetric) @ x)
    product.defvjp(lambda x: (product(x), None), lambda kept, ct: (product(ct),))

    for name in ("grad", "hessian", "jacfwd", "grad of vmap", "grad of grad"):
        np.testing.assert_allclose(
            TRANSFORMS[name](product), TRANSFORMS[name](lambda x: symmetric @ x), rtol=1e-9, atol=1e-12
        )


@is_slow
@pytest.mark.parametrize("f", [lambda x: SPARSE @ x + 1, lambda x: A @ x + 1, lambda x: np.abs(x.tolist())])
def test_a_function_that_is_not_linear_is_no_tangent_map(f: Any) -> None:
    with pytest.raises(RuleError, match="on tangents, in which a rule is linear"):
        grad(loss(own_tangent(f)))(np.array([1.0, -1.0, 2.0, 3.0]))


def test_rules_that_call_the_function_at_other_arguments_go_on() -> None:
    @custom_jvp
    def power(n: int, x: Any) -> Any:
        return float(x) ** n

    @power.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (n, x), (_, t) = primals, tangents
        return power(n, x), n * power(n - 1, x) * t if n else 0 * t

    assert grad(grad(lambda x: power(3, x)))(2.0) == 12.0


@is_slow
def test_pullbacks_may_be_called_again() -> None:
    _, pullback = vjp(own_tangent(lambda x: SPARSE @ x), X[0])
    np.testing.assert_allclose([pullback(c)[0] for c in np.eye(4)], A)
