"""Branches that are not taken, flat pieces before a pole: zero times infinity is zero, in every mode and nesting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import derivative, grad, hessian, jacfwd, jacrev, jvp, strict_nans, vjp, vmap
from tests.rules.orders import assert_derivatives

BRANCHES: dict[str, tuple[Any, float]] = {
    "log": (np.log, 0.0),
    "log of a negative number": (np.log, -1.0),
    "log2": (np.log2, 0.0),
    "log10": (np.log10, 0.0),
    "log1p": (np.log1p, -1.0),
    "sqrt": (np.sqrt, 0.0),
    "sqrt of a negative number": (np.sqrt, -2.0),
    "cbrt": (np.cbrt, 0.0),
    "quotient": (lambda x: 1 / x, 0.0),
    "quotient of squares": (lambda x: 1 / x**2, 0.0),
    "negative power": (lambda x: x**-0.5, 0.0),
    "power of a negative number": (lambda x: x**0.5, -2.0),
    "power of itself": (lambda x: x**x, 0.0),
    "power of a pole": (lambda x: 2.0 ** (1 / x), 0.0),
    "reciprocal": (np.reciprocal, 0.0),
    "arcsin at its end": (np.arcsin, -1.0),
    "arcsin beyond": (np.arcsin, -2.0),
    "arccos": (np.arccos, -1.0),
    "arccosh": (np.arccosh, -0.5),
    "arctanh": (np.arctanh, -1.0),
    "exp that overflows": (lambda x: np.exp(-x), -1000.0),
    "exp of a square": (lambda x: np.exp(x * x), -100.0),
    "expm1": (lambda x: np.expm1(-x), -1000.0),
    "cosh": (lambda x: np.cosh(x) * np.sinh(x), -1000.0),
    "difference of infinities": (lambda x: np.exp(-x) - np.exp(1 - x), -1000.0),
    "entropy": (lambda x: x * np.log(x), 0.0),
    "chain of poles": (lambda x: np.exp(np.sqrt(np.log(x))) * np.sin(1 / x), 0.0),
    "remainder": (lambda x: np.mod(1.0, x), 0.0),
    "fmod": (lambda x: np.fmod(1.0, x), 0.0),
    "arctan2": (lambda x: np.arctan2(x, x), 0.0),
    "norm": (lambda x: np.linalg.norm(np.stack([1 / x, x])), 0.0),
    "variance": (lambda x: np.var(np.stack([1 / x, x])), 0.0),
    "product": (lambda x: np.prod(np.stack([1 / x, x])), 0.0),
    "running product": (lambda x: np.cumprod(np.stack([1 / x, x]))[1], 0.0),
    "dot": (lambda x: np.stack([1 / x, x]) @ np.stack([x, 1 / x]), 0.0),
    "interpolation": (lambda x: np.interp(1 / x, [0.0, 1.0], [0.0, 1.0]), 0.0),
    "sinc": (lambda x: np.sinc(1 / x), 0.0),
    "complex root": (lambda x: np.real(np.sqrt(x + 0j)), 0.0),
    "complex quotient": (lambda x: np.real(1 / (x + 0j)), 0.0),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_not_taken_has_no_say(name: str) -> None:
    branch, x = BRANCHES[name]

    assert_derivatives(lambda x: np.where(x > 0, branch(x), x * x), x, 2 * x, 2.0)


CHOSEN: dict[str, tuple[Any, float, tuple[float, float]]] = {
    "nested where": (lambda x: np.where(x > 0, np.where(x > 1, np.log(x - 1), np.sqrt(x)), x * x), 0.0, (0, 2)),
    "inner where": (lambda x: np.where(x > 0, np.where(x > 1, np.log(x - 1), x**3), x * x), 1.0, (3, 6)),
    "factor of zero": (lambda x: np.where(x > 0, 1.0, 0.0) * np.sqrt(x) + x, 0.0, (1, 0)),
    "factor x": (lambda x: x * np.where(x > 0, np.log(x), 0.0), 0.0, (0, 0)),
    "unguarded sinc": (lambda x: np.where(x == 0, 1.0, np.sin(x) / x), 0.0, (0, 0)),
    "select": (lambda x: np.select([x > 0, x <= 0], [np.log(x), x * x]), 0.0, (0, 2)),
    "default of select": (lambda x: np.select([x > 0], [np.sqrt(x)], x * x), 0.0, (0, 2)),
    "choose": (lambda x: np.choose(1, [np.log(x), x * x]), 0.0, (0, 2)),
    "clip before": (lambda x: np.log(np.clip(x, 1e-3, None)), 0.0, (0, 0)),
    "clip after": (lambda x: np.clip(1 / x, -5.0, 5.0), 0.0, (0, 0)),
    "maximum": (lambda x: np.maximum(np.log(x), -5.0), 0.0, (0, 0)),
    "minimum": (lambda x: np.minimum(1 / x, 5.0), 0.0, (0, 0)),
    "nan_to_num": (lambda x: np.nan_to_num(1 / x) + x * x, 0.0, (0, 2)),
    "nansum": (lambda x: np.nansum(np.stack([np.sqrt(x), x * x])), -1.0, (-2, 2)),
    "sum where": (lambda x: np.sum(np.log(np.stack([x, x + 1.0])), where=np.array([False, True])), 0.0, (1, -1)),
    "index": (lambda x: np.log(np.stack([x, x + 1.0]))[1], 0.0, (1, -1)),
    "least": (lambda x: np.min(np.stack([1 / x, x + 1.0])), 0.0, (1, 0)),
    "flat at the origin": (lambda x: np.where(x > 0, np.exp(-1 / x**2), 0.0), 0.0, (0, 0)),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_what_is_not_chosen_has_no_say(name: str) -> None:
    f, x, expected = CHOSEN[name]

    assert_derivatives(f, x, *expected)


def test_hessians_of_masked_functions_are_finite() -> None:
    def entropy(p: Any) -> Any:
        return -np.sum(np.where(p > 0, p * np.log(p), 0.0))

    with np.errstate(all="ignore"):
        found = hessian(entropy)(np.array([0.0, 0.5, 0.25]))
        many = vmap(hessian(entropy))(np.array([[0.0, 0.5, 0.25], [1.0, 0.0, 0.0]]))

    np.testing.assert_allclose(found, np.diag([0.0, -2.0, -4.0]))
    np.testing.assert_allclose(many, [np.diag([0.0, -2.0, -4.0]), np.diag([-1.0, 0.0, 0.0])])


# ---- a flat piece before a pole, as a pole before a flat piece ---------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sqrt(x * x),
        lambda x: np.sqrt(x**2),
        lambda x: np.sqrt(np.square(x)),
        lambda x: np.sqrt(np.sum(np.stack([x, x]) ** 2)),
        lambda x: np.sqrt(np.stack([x, x]) @ np.stack([x, x])),
        lambda x: np.sqrt(np.linalg.norm(np.stack([3.0, x])) - 3.0),
        lambda x: np.sqrt(np.var(np.stack([x, -x]))),
        lambda x: 1 / np.abs(x),
        lambda x: np.log(np.abs(x)),
    ],
)
def test_a_pole_behind_a_flat_piece_has_derivative_zero_in_both_modes(f: Any) -> None:
    assert_derivatives(f, 0.0, 0.0)


def test_distances_to_itself_have_derivative_zero() -> None:
    def energy(x: Any) -> Any:
        return np.sum(np.sqrt(np.sum((x[:, None] - x[None, :]) ** 2, axis=-1)))

    x = np.array([[0.0, 0.0], [3.0, 4.0]])

    np.testing.assert_allclose(grad(energy)(x), [[-1.2, -1.6], [1.2, 1.6]])
    np.testing.assert_allclose(jacfwd(energy)(x), [[-1.2, -1.6], [1.2, 1.6]])


def test_what_is_infinite_stays_infinite() -> None:
    poles: list[tuple[Any, float]] = [(np.sqrt, np.inf), (np.log, np.inf), (np.cbrt, np.inf), (np.reciprocal, -np.inf)]
    for f, slope in poles:
        assert_derivatives(f, 0.0, slope)
        assert_derivatives(lambda x: f(x) * 2.0 + x, 0.0, slope)
    assert_derivatives(lambda x: x * np.sqrt(x), 0.0, 0.0, np.inf)
    assert_derivatives(lambda x: x**1.5, 0.0, 0.0, np.inf)


def test_infinities_that_cancel_are_undefined() -> None:
    assert_derivatives(lambda x: np.sqrt(x) - np.sqrt(x), 0.0, np.nan)
    assert_derivatives(lambda x: np.stack([1.0, -1.0]) @ np.sqrt(np.stack([x, x])), 0.0, np.nan)


def test_zeros_within_a_contraction_meet_infinity_as_zero() -> None:
    a = np.array([[1.0, 0.0], [0.0, 1.0]])

    with np.errstate(all="ignore"):
        forward = jacfwd(lambda x: a @ np.sqrt(x))(np.array([0.0, 4.0]))
        reverse = jacrev(lambda x: a @ np.sqrt(x))(np.array([0.0, 4.0]))

    np.testing.assert_array_equal(forward, [[np.inf, 0.0], [0.0, 0.25]])
    np.testing.assert_array_equal(reverse, forward)


# ---- the switch ------------------------------------------------------------------------------------


def test_the_switch_shows_what_is_dropped_in_both_modes() -> None:
    def f(x: Any) -> Any:
        return np.where(x > 0, 1.0, 0.0) * np.sqrt(x)

    assert grad(f)(0.0) == derivative(f)(0.0) == 0.0
    with strict_nans(), np.errstate(all="ignore"):
        assert np.isnan(derivative(f)(0.0))
        assert np.isnan(grad(lambda x: np.where(x > 0, np.sqrt(x), 0.0))(0.0))
    assert grad(f)(0.0) == 0.0


def test_the_switch_counts_where_the_pullback_is_called_and_is_undone_by_errors() -> None:
    _, pullback = vjp(lambda x: np.sqrt(x * x), 0.0)

    with strict_nans():
        assert np.isnan(pullback(1.0)[0])
    with pytest.raises(ValueError), strict_nans():
        pullback(np.ones(2))
    assert pullback(1.0) == (0.0,)


# ---- Python floats ---------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_python_floats_divide_as_numpys_do() -> None:
    value, tangent = jvp(lambda x: np.where(x != 0, 1 / x, x), (0.0,), (1.0,))

    assert (value, tangent) == (0.0, 1.0)
    assert grad(lambda x: 1 / x)(0.0) == -np.inf
    assert grad(lambda x: x / 0.0)(1.0) == np.inf
    assert grad(lambda x: np.real(np.where(x != 0, 1 / (x + 0j), x)))(0.0) == 1.0


def test_powers_of_python_floats_stay_weak() -> None:
    ones = np.ones(2, np.float32)

    value, tangent = jvp(lambda s: ones * s**2 / (s + 1), (2.0,), (1.0,))

    assert value.dtype == tangent.dtype == np.float32
