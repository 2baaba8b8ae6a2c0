"""taylor: arguments and results, singular points, nesting with the other transformations, and what it refuses."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from dualgrad import (
    custom_jvp,
    grad,
    taylor,
)
from dualgrad.errors import ConversionError, LeakedValueError, TreeError
from dualgrad.series._rules import RuleLevel, RunningRule
from dualgrad.series._series import Series
from tests.series.beside import assert_as_nested, nested

X, V = np.array([0.3, 0.8]), np.array([1.0, -0.5])


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
    found: tuple[Any, ...] = taylor(lambda x: 3, 1.0, 1.0, 2)
    assert found == (3, None, None)


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
