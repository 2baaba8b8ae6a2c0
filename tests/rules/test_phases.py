"""unwrap: whole periods are constant, how long they are is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad import grad, jacfwd, jvp
from dualgrad.testing import check_grads

P = np.array([0.0, 3.0, 6.2, 0.5, 4.0, 7.1])


def test_every_phase_moves_with_itself() -> None:
    np.testing.assert_array_equal(jacfwd(np.unwrap)(P), np.eye(6))


def test_the_period_counts_as_often_as_it_was_added() -> None:
    turns = np.round((np.unwrap(P) - P) / (2 * np.pi))

    g = grad(lambda p, period: np.sum(np.unwrap(p, period=period)), argnums=(0, 1))(P, 2 * np.pi)

    np.testing.assert_array_equal(g[0], np.ones(6))
    assert g[1] == np.sum(turns) != 0
    check_grads(lambda p, period: np.unwrap(p, period=period), (P, 6.1))


def test_half_a_period_goes_on_as_it_went() -> None:
    for p in (np.array([0.0, 2.0, 0.0]), np.array([0, 2, 0, 3])):
        value, _ = jvp(lambda x, p=p: np.unwrap(p + 0 * x, period=4), (1.0,), (1.0,))

        np.testing.assert_array_equal(value, np.unwrap(p, period=4))


def test_nan_spreads_to_what_follows() -> None:
    def f(p: Any) -> Any:
        return np.unwrap(p)

    p = np.array([0.0, 7.0, np.nan, 1.0])
    value, _ = jvp(f, (p,), (np.ones(4),))

    np.testing.assert_allclose(value, np.unwrap(p))
