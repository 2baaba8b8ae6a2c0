"""`dualgrad.numpy` is NumPy, with functions that make arrays of values being differentiated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dualgrad.numpy as dnp
from dualgrad import jacfwd, jacrev

X = np.array([1.0, 2.0])


@pytest.mark.parametrize("d", [jacfwd, jacrev])
@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: dnp.array([x[0] * x[1], 1.0]), [[2, 1], [0, 0]]),
        (lambda x: dnp.array([x[0], x[1]], dtype=float), np.eye(2)),
        (lambda x: dnp.array(x, ndmin=2)[0], np.eye(2)),
        (lambda x: dnp.asarray([x, 2 * x])[1], 2 * np.eye(2)),
        (lambda x: dnp.full(2, x[1]), [[0, 1], [0, 1]]),
        (lambda x: dnp.arange(x[0], 3.0), [[1, 0], [1, 0]]),
        (lambda x: dnp.linalg.det(dnp.array([[x[0], 0.0], [0.0, x[1]]])), [2, 1]),
        (lambda x: dnp.sin(x), np.diag(np.cos(X))),
    ],
    ids=["array", "dtype", "ndmin", "asarray", "full", "arange", "linalg", "sin"],
)
def test_arrays_are_made_of_values_being_differentiated(d: Any, f: Any, expected: Any) -> None:
    np.testing.assert_allclose(d(f)(X), expected, atol=1e-14)


def test_an_array_of_a_traced_array_is_a_copy_and_asarray_is_not() -> None:
    def f(x: Any) -> Any:
        assert dnp.array(x) is not x
        assert dnp.asarray(x) is x
        assert dnp.isscalar(x[0])
        return x

    jacrev(f)(X)


def test_plain_values_go_to_numpy() -> None:
    assert dnp.array([1, 2]).dtype == np.array([1, 2]).dtype
    np.testing.assert_array_equal(dnp.arange(3), np.arange(3))
    np.testing.assert_array_equal(dnp.full((2,), 1.5), np.full((2,), 1.5))
    assert dnp.pi == np.pi
    assert dnp.linalg.norm is np.linalg.norm
    assert "sin" in dir(dnp)
