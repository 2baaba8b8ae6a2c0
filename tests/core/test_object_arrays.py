"""Arrays of objects that `np.array([...])` makes of traced numbers: what docs/limitations.md says of them is so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacfwd

X = np.array([1.5, 2.5])
EYE = np.eye(2)
each_mode = pytest.mark.parametrize("d", [grad, jacfwd], ids=["rev", "fwd"])


def weighted(y: Any) -> Any:
    return np.sum(np.ravel(y) * (1 + np.arange(np.size(y))))


RIGHT: dict[str, Callable[[Any], Any]] = {
    "arithmetic": lambda a: (2 * a - 1 / a) ** 2,
    "comparisons": lambda a: np.where(a > 1, a, 0.0),
    "matmul": lambda a: a @ a,
    "dot": lambda a: np.dot(a, EYE),
    "einsum": lambda a: np.einsum("ij,jk->ik", a, EYE),
    "sum": lambda a: np.sum(a, axis=0),
    "prod": lambda a: np.prod(a, axis=1),
    "cumsum": lambda a: np.cumsum(a),
    "clip": lambda a: np.clip(a, 0.7, 2.0),
    "index": lambda a: a[:, 1] * a[0, 0],
    "reshape": lambda a: np.reshape(a.T, (-1,)),
    "joins": lambda a: np.concatenate([a, 3 * a]),
    "norm": lambda a: np.linalg.norm(a),
    "trace": lambda a: np.linalg.trace(a) if hasattr(np.linalg, "trace") else np.trace(a),
}

NUMPYS_ERRORS: dict[str, Callable[[Any], Any]] = {
    **{name: getattr(np, name) for name in ("log", "exp", "sqrt", "sin", "tanh", "round", "floor", "ceil")},
    **{name: getattr(np, name) for name in ("mean", "average", "var", "std", "median", "cov")},
    **{name: getattr(np, name) for name in ("isnan", "isfinite", "isinf")},
    **{name: getattr(np.linalg, name) for name in ("inv", "det", "eigvalsh", "cholesky", "pinv", "svdvals", "cond")},
    "solve": lambda a: np.linalg.solve(a, np.ones(2)),
    "qr": lambda a: np.linalg.qr(a)[1],
    "eigh": lambda a: np.linalg.eigh(a)[0],
    "gradient": lambda a: np.gradient(a, axis=0),
    "interp": lambda a: np.interp(a, [0.0, 3.0], [1.0, 2.0]),
    "logaddexp": lambda a: np.logaddexp(a, 0.0),
    "fft": lambda a: np.abs(np.fft.fft(a)),
}


def by_array(x: Any) -> Any:
    return np.array([[x[0], 1.25], [0.75, x[1]]])


def by_block(x: Any) -> Any:
    return np.block([[x[0], 1.25], [0.75, x[1]]])


@each_mode
@pytest.mark.parametrize("f", RIGHT.values(), ids=RIGHT)
def test_what_works_number_by_number_is_right(f: Any, d: Any) -> None:
    np.testing.assert_allclose(d(lambda x: weighted(f(by_array(x))))(X), d(lambda x: weighted(f(by_block(x))))(X))


@each_mode
@pytest.mark.parametrize("f", NUMPYS_ERRORS.values(), ids=NUMPYS_ERRORS)
def test_what_numpy_cannot_do_with_objects_raises_and_block_does_it(f: Any, d: Any) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        d(lambda x: weighted(f(by_array(x))))(X)

    assert d(lambda x: weighted(f(by_block(x))) + x[0])(X).shape == (2,)
    assert d(lambda x: weighted(f(np.array([[x[0], 1.25], [0.75, x[1]]], float, like=x))) + x[0])(X).shape == (2,)


@each_mode
def test_plain_numbers_among_the_objects_are_pythons(d: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        d(lambda x: np.sum(1 / np.array([x[0], 0.0])))(X)
    # NumPy's rule would be NaN, and half of the derivative for each number that ties.
    np.testing.assert_array_equal(d(lambda x: np.max(np.array([np.nan, x[0]])))(X), [1.0, 0.0])
    np.testing.assert_array_equal(d(lambda x: np.max(np.array([x[0], x[1]])))(np.ones(2)), [1.0, 0.0])
    np.testing.assert_array_equal(d(lambda x: np.max(np.stack([x[0], x[1]])))(np.ones(2)), [0.5, 0.5])
