"""Numbers that are not finite, as constants: a tangent of exactly zero that meets one stays zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import derivative, grad, hessian, jacfwd, jacrev, jvp, strict_nans, vmap

INF, NAN = np.inf, np.nan
X = np.array([1.0, 2.0, 3.0])
C = np.array([1.0, INF, NAN])

# Functions, and their Jacobians at X.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "times inf": (lambda x: x * INF, np.diag([INF] * 3)),
    "inf times": (lambda x: -INF * x, np.diag([-INF] * 3)),
    "times nan": (lambda x: x * NAN, np.diag([NAN] * 3)),
    "one number": (lambda x: x[0] * INF + x[1], [INF, 1.0, 0.0]),
    "a number of an array": (lambda x: x[0] * C[1] + x[1], [INF, 1.0, 0.0]),
    "of single precision": (lambda x: x[0] * np.float32(INF) + x[1], [INF, 1.0, 0.0]),
    "power": (lambda x: x[0] ** 2 * INF + x[1] ** 2, [INF, 4.0, 0.0]),
    "zeros before": (lambda x: x[0] * 0.0 * INF + x[1], [0.0, 1.0, 0.0]),
    "product after": (lambda x: x[0] * (x[1] * INF), [INF, INF, 0.0]),
    "branch": (lambda x: np.where(x > 2, x * INF, x), np.diag([1.0, 1.0, INF])),
    "data": (lambda x: np.sum(np.where(np.isfinite(C), x * C, 0.0)), [1.0, 0.0, 0.0]),
    "quotient": (lambda x: x / 0.0, np.diag([INF] * 3)),
    "by inf": (lambda x: x / INF + x, np.eye(3)),
    "sum": (lambda x: x[0] + INF - x[1], [1.0, -1.0, 0.0]),
    "larger": (lambda x: np.maximum(x, -INF) + np.logaddexp(-INF, x), 2 * np.eye(3)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_zero_times_a_number_that_is_not_finite_is_zero_in_both_modes(name: str) -> None:
    f, expected = FUNCTIONS[name]

    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(jacfwd(f)(X), expected)
        np.testing.assert_array_equal(jacrev(f)(X), expected)
        np.testing.assert_array_equal(vmap(jacfwd(f))(np.stack([X, X]))[1], expected)
        for k, unit in enumerate(np.eye(3)):
            tangent = jvp(f, (X,), (unit,))[1]
            np.testing.assert_array_equal(tangent, np.asarray(expected)[..., k])


def test_tangents_that_meet_them_raise_no_warnings() -> None:
    with np.errstate(all="raise"):
        assert jacfwd(lambda x: x[0] * INF + x[1])(X).tolist() == [INF, 1.0, 0.0]


def test_derivatives_of_derivatives_meet_them_as_zero_too() -> None:
    def f(x: Any) -> Any:
        return x[0] ** 2 * INF + x[1] ** 2

    expected = [[INF, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]
    for transformed in (hessian(f), jacfwd(jacfwd(f)), jacrev(jacfwd(f)), jacrev(grad(f))):
        np.testing.assert_array_equal(transformed(X), expected)


def test_strict_nans_shows_them() -> None:
    with strict_nans(), np.errstate(all="ignore"):
        assert np.isnan(jacfwd(lambda x: x[0] * INF + x[1])(X)).tolist() == [False, True, True]


def test_what_is_asked_for_is_infinite() -> None:
    assert derivative(lambda x: x * INF)(2.0) == INF
    assert np.isnan(derivative(lambda x: x * INF - x * INF)(2.0))
