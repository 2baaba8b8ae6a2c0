"""taylor: arguments and results, singular points, nesting with the other transformations, and what it refuses."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from dualgrad import (
    checkpoint,
    custom_jvp,
    custom_vjp,
    derivative,
    extend,
    grad,
    hessian,
    jacfwd,
    jacobian,
    jvp,
    stop_gradient,
    taylor,
    vmap,
)
from dualgrad._core import primitive
from dualgrad.errors import ConversionError, LeakedValueError, RuleError, TreeError
from dualgrad.series._rules import RuleLevel, RunningRule
from dualgrad.series._series import Series

X, V = np.array([0.3, 0.8]), np.array([1.0, -0.5])


def nested(f: Callable[[Any], Any], x: Any, v: Any, order: int) -> Any:
    return f(x) if order == 0 else jvp(lambda y: nested(f, y, v, order - 1), (x,), (v,))[1]


def assert_as_nested(f: Callable[[Any], Any], x: Any, v: Any, order: int = 4) -> None:
    for k, c in enumerate(taylor(f, x, v, order)):
        np.testing.assert_allclose(c * math.factorial(k), nested(f, x, v, k), rtol=1e-9, atol=1e-12)


# ---- arguments and results -------------------------------------------------------------------------


class Pair(NamedTuple):
    left: Any
    right: Any


def test_trees_come_and_go() -> None:
    found = taylor(
        lambda p: Pair(p["w"] ** 2, [p["w"][0] * p["b"], p["name"], 7]),
        {"w": np.array([1.0, 2.0]), "b": 3.0, "name": "line"},
        {"w": np.ones(2), "b": None, "name": "ignored"},
        2,
    )

    assert [type(c) for c in found] == [Pair] * 3
    assert [c.right[1:] for c in found] == [["line", 7], [None, None], [None, None]]
    np.testing.assert_array_equal([c.left for c in found], [[1, 4], [2, 4], [1, 1]])
    assert [float(c.right[0]) for c in found] == [3.0, 3.0, 0.0]


def test_order_zero_is_the_value() -> None:
    (value,) = taylor(np.sin, X, V, 0)

    np.testing.assert_array_equal(value, np.sin(X))


def test_a_lone_integer_counts_as_a_float() -> None:
    assert taylor(lambda x: x**3, 2, 1, 4) == (8.0, 12.0, 6.0, 1.0, 0.0)


def test_no_direction_means_no_coefficients() -> None:
    assert taylor(np.sin, 0.5, None, 2)[1:] == (0.0, 0.0)


def test_results_without_floats_pass_through() -> None:
    assert taylor(lambda x: 3, 1.0, 1.0, 2) == (3, None, None)


def test_auxiliary_data_are_values() -> None:
    coefficients, aux = taylor(lambda x: (x * x, x + 1), 2.0, 1.0, 2, has_aux=True)

    assert coefficients == (4.0, 4.0, 1.0)
    assert type(aux) is np.float64 or type(aux) is float


def test_coefficients_are_writable_and_share_nothing() -> None:
    v = V.copy()
    found = taylor(lambda x: (x, x, np.broadcast_to(x[0], (2,))), X, v, 2)

    for k, row in enumerate(found[1:]):
        for c in row:
            c[...] = k
    np.testing.assert_array_equal(v, V)
    np.testing.assert_array_equal(found[1][0], [0, 0])


def test_complex_functions_expand() -> None:
    found = taylor(lambda z: 1 / (1 - z), 0j, 1j, 4)

    np.testing.assert_allclose(found, [1j**k for k in range(5)])
    assert_as_nested(lambda z: np.abs(z) * np.real(z**2), np.array([1 + 1j, 2.0]), np.array([1j, 1.0]))


def test_branches_and_loops_are_pythons() -> None:
    def f(x: Any) -> Any:
        y = x
        while y < 10:
            y = y * y + 1
        return y

    assert_as_nested(f, 1.5, 1.0)


def test_writes_in_place_are_followed() -> None:
    def f(x: Any) -> Any:
        y = np.sin(x)
        z = np.exp(y)
        y *= z
        z += y * y
        np.multiply(y, 2.0, out=z)
        return y * z

    assert_as_nested(f, X, V)


def test_a_constant_written_into_an_array_moves_no_more() -> None:
    def f(x: Any) -> Any:
        y = x * x
        np.add(np.ones(2), 1.0, out=y)
        return y[0] * y + x

    np.testing.assert_array_equal(taylor(f, X, V, 2)[1:], [V, [0, 0]])


# ---- singular points -------------------------------------------------------------------------------

SINGULAR: dict[str, Callable[[Any], Any]] = {
    "a branch not taken": lambda x: np.where(x > 0, np.sqrt(x) + np.log(x) + 1 / x, x),
    "a root": np.sqrt,
    "a power": lambda x: x**1.5,
    "a reciprocal": lambda x: 1 / x,
    "an undefined ratio": lambda x: 0 * x / x,
    "a logarithm": np.log,
    "integer powers": lambda x: x**3 + x**2.0 + x**1 + x**0,
    "an exponent array": lambda x: x ** np.array([2.0, 3.0]),
    "an exponent": lambda x: 0.0 ** (1 + x),
    "absolute": np.abs,
    "a norm": lambda x: np.linalg.norm(0 * x),
    "hypot": lambda x: np.hypot(x, 0.0),
    "ties": lambda x: np.maximum(x, x * x) + np.max(0 * x) + np.sort(0 * x),
    "clip": lambda x: np.clip(x, 0.0, 4.0),
    "deviation": lambda x: np.std(0 * x),
    "products": lambda x: np.prod(x) + np.cumprod(x),
}


@pytest.mark.parametrize("velocity", [(1.0, 1.0), (0.0, 1.0)], ids=["moving", "standing"])
@pytest.mark.parametrize("name", SINGULAR)
def test_singular_points_follow_the_conventions_of_nested_forward_mode(name: str, velocity: tuple[float, ...]) -> None:
    with np.errstate(all="ignore"):
        assert_as_nested(SINGULAR[name], np.array([0.0, 4.0]), np.array(velocity), 3)


def test_division_does_not_overflow_on_the_way() -> None:
    for scale in (1e200, 1e-200):
        found = taylor(lambda y: scale / y, scale, scale, 3)
        np.testing.assert_allclose(found, [1, -1, 1, -1])
    np.testing.assert_allclose(taylor(lambda y: 1e304 / y, 1e104, 1e210, 1), [1e200, -1e306])


def test_what_does_not_move_is_a_plain_number() -> None:
    assert taylor(lambda x: x ** int(2 * np.sign(x)), 3.0, 1.0, 2) == (9.0, 6.0, 1.0)


def test_a_zero_that_moves_is_not_dropped_beside_a_pole() -> None:
    # The tape is swept with strong zeros here, and the cotangent p[1] is 0 but moves.
    def f(p: Any) -> Any:
        return p[1] * np.sin(p[0]) + np.where(p[2] > 0, np.sqrt(p[2]), 0.0)

    found = taylor(grad(f), np.array([0.3, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]), 2)

    np.testing.assert_allclose(found, [[0, np.sin(0.3), 0], [np.cos(0.3), 0, 0], [0, 0, 0]], atol=1e-15)


def test_small_bases_keep_the_high_coefficients_of_powers() -> None:
    # x**3 underflows to 0 here; its coefficients do not.
    np.testing.assert_allclose(taylor(lambda x: x**3, 1e-150, 1.0, 3), [0, 3e-300, 3e-150, 1], rtol=1e-12)


def cubed(a: Any) -> Any:
    w, v = np.linalg.eigh(a)
    return v * w**3 @ v.T


def test_equal_eigenvalues_are_exact_or_nan() -> None:
    s = np.array([[1.0, 2.0, 0.0], [2.0, -1.0, 3.0], [0.0, 3.0, 0.5]])

    for f in (np.linalg.eigvalsh, cubed, lambda a: np.linalg.eigh(a)[0]):
        value, first, *_ = taylor(f, 2 * np.eye(3), s, 1)
        np.testing.assert_allclose(value, f(2 * np.eye(3)), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(first, nested(f, 2 * np.eye(3), s, 1), rtol=1e-12, atol=1e-12)
    for found, exact in zip(
        taylor(cubed, 2 * np.eye(3), s, 3), (8 * np.eye(3), 12 * s, 6 * s @ s, s @ s @ s), strict=True
    ):
        np.testing.assert_allclose(np.where(np.isnan(found), exact, found), exact, rtol=1e-10, atol=1e-10)


# ---- nesting ---------------------------------------------------------------------------------------


def f_of(x: Any) -> Any:
    return np.sum(np.sin(x[0] * x) * np.exp(x[1])) / (1 + x @ x)


def second(x: Any) -> Any:
    return taylor(f_of, x, V, 2)[2]


def curvature(x: Any) -> Any:
    return V @ hessian(f_of)(x) @ V / 2


def test_derivatives_of_coefficients() -> None:
    for d in (grad, jacfwd, jacobian, hessian):
        np.testing.assert_allclose(d(second)(X), d(curvature)(X), rtol=1e-10)
    np.testing.assert_allclose(grad(lambda v: taylor(f_of, X, v, 2)[2])(V), hessian(f_of)(X) @ V, rtol=1e-10)


def test_coefficients_of_derivatives() -> None:
    assert_as_nested(grad(f_of), X, V)
    assert_as_nested(hessian(f_of), X, V, 3)
    assert_as_nested(jacobian(lambda x: np.tanh(x) * x[0]), X, V, 3)
    assert_as_nested(grad(checkpoint(lambda x: np.sum(np.sin(x) ** 3))), X, V)


def test_expansions_of_expansions() -> None:
    # e**(x + s + t) = sum e**x s**i t**j / (i! j!).
    found = taylor(lambda x: taylor(np.exp, x, 1.0, 3)[3], 0.5, 1.0, 3)

    np.testing.assert_allclose(found, [np.exp(0.5) / 6 / math.factorial(k) for k in range(4)])
    mixed = taylor(lambda a: taylor(lambda t: np.sin(a * t), 0.0, 1.0, 5)[5], 2.0, 1.0, 5)
    np.testing.assert_allclose(mixed, [math.comb(5, k) * 2.0 ** (5 - k) / 120 for k in range(6)])


def test_an_inner_expansion_does_not_see_the_outer_one() -> None:
    assert taylor(lambda x: x * taylor(lambda y: x + y, 1.0, 1.0, 1)[1], 1.0, 1.0, 2) == (1.0, 1.0, 0.0)
    assert float(grad(lambda x: x * taylor(lambda y: x * y * y, x, 1.0, 2)[1])(2.0)) == 24.0
    assert taylor(lambda x: x * derivative(lambda y: x * y * y)(x), 2.0, 1.0, 3) == (16.0, 24.0, 12.0, 2.0)


def test_batches() -> None:
    xs = np.array([[0.3, 0.8], [1.0, 0.2], [-0.4, 0.1]])

    inside = vmap(lambda x: taylor(f_of, x, V, 3)[3])(xs)
    outside = taylor(vmap(f_of), xs, np.broadcast_to(V, (3, 2)), 3)[3]
    along = vmap(lambda v: taylor(f_of, X, v, 2)[2])(np.eye(2))

    np.testing.assert_allclose(inside, [taylor(f_of, x, V, 3)[3] for x in xs], rtol=1e-12)
    np.testing.assert_allclose(outside, inside, rtol=1e-12)
    np.testing.assert_allclose(2 * np.sum(along), np.trace(hessian(f_of)(X)), rtol=1e-12)


def test_stopped_values_are_constant() -> None:
    assert taylor(lambda x: x * stop_gradient(x), 3.0, 1.0, 2) == (9.0, 3.0, 0.0)


def test_an_expansion_leaves_nothing_to_the_garbage_collector() -> None:
    def held() -> int:
        return sum(isinstance(x, (Series, RuleLevel, RunningRule)) for x in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = held()
        taylor(lambda x: np.linalg.solve(np.diag(np.tanh(x) ** 1.5), np.sin(x) / x), X, V, 5)
        assert held() == before
    finally:
        gc.enable()


# ---- rules of users --------------------------------------------------------------------------------


@custom_jvp
def exponential(x: Any) -> Any:
    return np.exp(x)


@exponential.defjvp
def _exponential_rule(primals: Any, tangents: Any) -> Any:
    y = exponential(*primals)
    return y, tangents[0] * y


@custom_jvp
def chained(x: Any) -> Any:
    return np.exp(x)


@chained.defjvp
def _chained_rule(primals: Any, tangents: Any) -> Any:
    # A function of the answer itself, with a rule of its own.
    y = chained(*primals)
    return y, tangents[0] * exponential(np.log(y))


@custom_vjp
def sine(x: Any) -> Any:
    return np.sin(x)


sine.defvjp(lambda x: (np.sin(x), np.cos(x)), lambda cosine, ct: (ct * cosine,))


@custom_jvp
def mixture(x: Any, y: Any) -> Any:
    return x * np.sin(y), y


@mixture.defjvp
def _mixture_rule(primals: Any, tangents: Any) -> Any:
    (x, y), (tx, ty) = primals, tangents
    return mixture(x, y), (tx * sine(y) + exponential(np.log(x)) * np.cos(y) * ty, ty)


def test_custom_rules_give_all_coefficients() -> None:
    for custom, plain in (
        (exponential, np.exp),
        (chained, np.exp),
        (sine, np.sin),
        (lambda x: sine(exponential(x) * sine(x)), lambda x: np.sin(np.exp(x) * np.sin(x))),
        (lambda x: np.sum(mixture(x, x**2)), lambda x: np.sum(x * np.sin(x**2) + x**2)),
    ):
        for found, expected in zip(taylor(custom, X, V, 5), taylor(plain, X, V, 5), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


@pytest.fixture
def _table() -> Iterator[None]:
    before = set(primitive.RECORDS)
    yield
    for key in set(primitive.RECORDS) - before:
        del primitive.RECORDS[key]


@pytest.mark.usefixtures("_table")
def test_functions_registered_with_extend_expand() -> None:
    @extend.overridable
    def twin(x: Any) -> Any:
        return np.exp(x)

    # The rule applies a function with a JVP of its own to the answer, of which only the value is known by then.
    extend.elementwise(
        twin, lambda t, ans: t * exponential(np.log(ans)), samples=extend.cases(extend.case(extend.A(2)))
    )

    for found, expected in zip(taylor(twin, X, V, 5), taylor(np.exp, X, V, 5), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_custom_rule_that_reads_a_closure_is_an_error() -> None:
    def f(x: Any) -> Any:
        @custom_jvp
        def scaled(y: Any) -> Any:
            return x * y

        scaled.defjvp(lambda primals, tangents: (x * primals[0], x * tangents[0]))
        return scaled(x)

    with pytest.raises(RuleError, match="closure"):
        taylor(f, 1.0, 1.0, 2)


# ---- errors ----------------------------------------------------------------------------------------


def test_values_do_not_outlive_the_expansion() -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(np.sin(x))
        return x

    taylor(f, 1.0, 1.0, 2)

    with pytest.raises(LeakedValueError, match="Taylor mode"):
        kept[0] + 1
    with pytest.raises(LeakedValueError, match="Taylor mode"):
        grad(lambda y: kept[0])(1.0)


def test_values_of_a_rule_do_not_outlive_it() -> None:
    kept: list[Any] = []

    @custom_jvp
    def identity(x: Any) -> Any:
        return x

    @identity.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        kept.append(primals[0])
        return primals[0], tangents[0]

    taylor(identity, 1.0, 1.0, 3)

    with pytest.raises(LeakedValueError, match="Taylor mode"):
        kept[-1] * 2


@pytest.mark.parametrize("order", [-1, -3])
def test_a_negative_order_is_an_error(order: int) -> None:
    with pytest.raises(ValueError, match=rf"0 or more; it is {order}"):
        taylor(np.sin, 0.0, 1.0, order)


@pytest.mark.parametrize("order", [2.0, "2", True, None])
def test_an_order_is_an_integer(order: Any) -> None:
    with pytest.raises(TypeError, match="order is an integer"):
        taylor(np.sin, 0.0, 1.0, order)


def test_directions_have_the_structure_and_shapes_of_the_argument() -> None:
    with pytest.raises(TreeError, match=r"v\['a'\] is a"):
        taylor(lambda x: x["a"][0], {"a": [1.0]}, {"a": (1.0,)}, 2)
    with pytest.raises(ValueError, match=r"v\['a'\]\[0\] has shape \(2,\) where x\['a'\]\[0\] has shape \(3,\)"):
        taylor(lambda x: x["a"][0], {"a": [np.ones(3)]}, {"a": [np.ones(2)]}, 2)
    with pytest.raises(ValueError, match=r"^v has shape \(\) where x has shape \(2,\)"):
        taylor(np.sin, X, 1.0, 2)
    with pytest.raises(TypeError, match="v is complex where x is real"):
        taylor(np.sin, X, 1j * V, 2)
    with pytest.raises(TypeError, match="nothing to differentiate"):
        taylor(lambda x: x, "text", None, 2)


def test_plain_numbers_are_not_to_be_had() -> None:
    with pytest.raises(ConversionError, match="Taylor mode"):
        taylor(math.sin, 1.0, 1.0, 2)
