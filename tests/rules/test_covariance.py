"""cov and corrcoef: weights, degrees of freedom, invariances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacrev, jvp

M = np.array([[1.0, 2.0, 4.0, 3.0], [0.5, -1.0, 2.0, 1.0]])


def test_repeated_observations_are_weights() -> None:
    repeats = np.array([1, 2, 1, 3])
    weighted, pulled = jvp(lambda m: np.cov(m, fweights=repeats), (M,), (M,))
    plain, pushed = jvp(lambda m: np.cov(np.repeat(m, repeats, axis=1)), (M,), (M,))

    np.testing.assert_allclose(weighted, plain)
    np.testing.assert_allclose(pulled, pushed)


def test_a_factor_of_all_weights_changes_nothing() -> None:
    w = np.array([0.5, 1.0, 2.0, 1.5])

    _, t = jvp(lambda w: np.cov(M, aweights=w), (w,), (w,))

    np.testing.assert_allclose(t, np.zeros((2, 2)), atol=1e-15)


def test_correlation_does_not_see_scale_or_shift() -> None:
    for tangent in (np.ones((2, 4)), M, np.array([[1.0], [2.0]]) * M):
        _, t = jvp(np.corrcoef, (M,), (tangent,))

        np.testing.assert_allclose(t, np.zeros((2, 2)), atol=1e-15)


def test_a_variable_correlates_with_itself_whatever_it_is() -> None:
    np.testing.assert_allclose(jacrev(lambda x: np.corrcoef(x, 3 * x))(M[0]), np.zeros((2, 2, 4)), atol=1e-15)
    assert np.all(grad(lambda x: np.corrcoef(x))(M[0]) == 0)


def test_too_few_observations_warn() -> None:
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"), np.errstate(all="ignore"):
        value, _ = jvp(np.cov, (M[:, :1],), (M[:, :1],))

    assert np.all(np.isnan(value))


@pytest.mark.parametrize(
    ("params", "kind", "match"),
    [
        ({"ddof": 0.5}, ValueError, "integer"),
        ({"fweights": [0.5, 1, 1, 1]}, TypeError, "integer"),
        ({"fweights": [-1, 1, 1, 1]}, ValueError, "negative"),
        ({"aweights": [1.0, 1.0]}, RuntimeError, "incompatible"),
        ({"aweights": np.ones((4, 1))}, RuntimeError, "multidimensional"),
    ],
)
def test_errors_are_numpys(params: Any, kind: Any, match: str) -> None:
    with pytest.raises(kind, match=match):
        grad(lambda m: np.sum(np.cov(m, **params)))(M)
    with pytest.raises(ValueError, match="2 dimensions"):
        grad(lambda m: np.sum(np.cov(m)))(np.ones((2, 2, 2)))
