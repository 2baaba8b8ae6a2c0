"""Facts that records say, and that no sample shows: arrays that are filled later, and what stays thin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import jacobian
from dualgrad._table.record import name_of, records
from dualgrad.batching import _thin

FILLED: dict[Any, Callable[[Any], Any]] = {
    np.zeros: lambda x: np.zeros(3, like=x),
    np.ones: lambda x: np.ones(3, like=x),
    np.empty: lambda x: np.empty(3, like=x),
    np.full: lambda x: np.full(3, 2.0, like=x),
    np.eye: lambda x: np.eye(1, 3, like=x)[0],
    np.identity: lambda x: np.identity(3, like=x)[0],
    np.zeros_like: np.zeros_like,
    np.ones_like: np.ones_like,
    np.empty_like: np.empty_like,
}
"""Calls that make an array of three numbers like an argument."""


KEPT_THIN: dict[Any, Callable[[Any], Any]] = {
    np.negative: np.negative,
    np.positive: np.positive,
    np.conjugate: np.conjugate,
    np.multiply: lambda t: np.multiply(2.0, np.multiply(t, np.arange(4.0))),
    np.divide: lambda t: np.divide(t, np.arange(1.0, 5.0)),
}
"""Calls of functions that are known to be linear, a product or a quotient, on directions that are mostly zero."""


def check_thin(fun: Any) -> None:
    """Run a function on directions that are mostly zero: they stay so."""
    directions: Any = _thin.unit_directions(4, (4,), np.dtype(float), 0, _thin.Places(4, None))
    found = KEPT_THIN[fun](directions)
    assert type(found) is _thin.ThinBatch
    np.testing.assert_array_equal(np.asarray(found), KEPT_THIN[fun](np.eye(4)))


def check_filled_later(fun: Any) -> None:
    """Fill what a function makes like a value being differentiated with numbers of that value."""
    made: Any = FILLED[fun]

    def filled(x: Any) -> Any:
        y = made(x)
        y[:] = x[::-1]
        y[1] *= x[0]
        return y

    x = np.array([2.0, 3.0, 5.0])
    np.testing.assert_array_equal(filled(x), [5.0, 6.0, 2.0])
    np.testing.assert_array_equal(jacobian(filled)(x), [[0.0, 0.0, 1.0], [3.0, 2.0, 0.0], [1.0, 0.0, 0.0]])


@pytest.mark.parametrize("fun", FILLED, ids=name_of)
def test_what_is_made_like_a_value_is_filled_later(fun: Any) -> None:
    check_filled_later(fun)


@pytest.mark.parametrize("fun", KEPT_THIN, ids=name_of)
def test_directions_stay_thin(fun: Any) -> None:
    check_thin(fun)


def test_every_function_whose_answer_is_filled_later_is_called() -> None:
    assert {key for key, record in records().items() if record.facts.fresh} == FILLED.keys()
