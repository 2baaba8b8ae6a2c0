"""Pandas and xarray: right, or an error that says what to pass; labels are never dropped silently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jvp, vjp
from tests.arrays.optional import optional

pd = optional("pandas")
xr = optional("xarray")

X = np.array([1.0, 2.0, 3.0])
V = np.array([2.0, 3.0, 4.0])
A = np.arange(1.0, 10.0).reshape(3, 3)
SERIES = pd.Series(V)
FRAME = pd.DataFrame(A, columns=list("abc"))
ARRAY = xr.DataArray(V, dims="t")
GAPS = xr.DataArray(np.array([2.0, np.nan, 4.0]), dims="t")


@pytest.mark.parametrize("labelled", [SERIES, ARRAY, pd.Index(V)], ids=lambda x: type(x).__name__)
def test_labelled_arguments_say_what_to_pass(labelled: Any) -> None:
    for differentiate in (grad(np.sum), lambda x: jvp(np.sum, (x,), (x,)), lambda x: vjp(np.sum, x)):
        with pytest.raises(TypeError, match=r"Pass x\.to_numpy\(\)"):
            differentiate(labelled)
    with pytest.raises(TypeError, match=r"Pass x\.to_numpy\(\)"):
        grad(lambda p: np.sum(p["w"]))({"w": labelled})


def test_a_frame_as_argument_says_what_to_pass() -> None:
    with pytest.raises(TypeError, match=r"Pass x\.to_numpy\(\)"):
        grad(lambda x: np.sum(x.values))(FRAME)


@pytest.mark.parametrize(
    "program",
    [
        lambda x: np.sum(x * SERIES),
        lambda x: np.sum(SERIES * x),
        lambda x: (SERIES - x).mean(),
        lambda x: np.sum(x > SERIES),
        lambda x: np.sum(np.multiply(x, SERIES)),
        lambda x: np.sum(np.multiply(SERIES, x)),
        lambda x: np.sum(np.hypot(SERIES, x)),
        lambda x: np.dot(x, SERIES),
        lambda x: np.sum(np.where(SERIES > 2.5, x, 0.0)),
        lambda x: np.sum(np.stack([x, SERIES])),
        lambda x: np.sum(np.einsum("i,i", x, SERIES)),
        lambda x: np.sum(x * FRAME),
        lambda x: np.sum(FRAME * x),
        lambda x: np.sum(x @ FRAME),
        lambda x: np.sum(x * FRAME.index),
        lambda x: np.multiply(x, ARRAY).sum(),
        lambda x: np.sum(np.where(ARRAY > 2.5, x, 0.0)),
    ],
)
def test_labels_that_would_be_lost_say_what_to_pass(program: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"(Series|DataFrame|Index|DataArray) met .* Pass x\.to_numpy\(\)"):
        grad(program)(X)
    with pytest.raises(TypeError, match=r"Pass x\.to_numpy\(\)"):
        jvp(program, (X,), (X,))


RIGHT: list[tuple[Callable[[Any], Any], Any]] = [
    (lambda x: np.sum(x * np.exp(SERIES).to_numpy()), np.exp(V)),
    (lambda x: np.sum((FRAME.to_numpy() @ x - SERIES.values) ** 2), 2 * A.T @ (A @ X - V)),
    # Pandas collects traced numbers in an object series here, with its labels.
    (lambda x: np.sum((FRAME @ x - SERIES) ** 2), 2 * A.T @ (A @ X - V)),
    (lambda x: FRAME.dot(x).sum(), A.sum(0)),
    (lambda x: np.sum(np.matmul(FRAME, x)), A.sum(0)),
    (lambda x: np.sum(np.log(FRAME @ x)), A.T @ (1 / (A @ X))),
    (lambda x: pd.Series(x, index=[2, 1, 0]).loc[2] ** 2, [2.0, 0.0, 0.0]),
    (lambda x: np.sum(pd.Series(x).to_numpy() ** 2), 2 * X),
    (lambda x: FRAME.assign(z=x).groupby("a").z.sum().iloc[1], [0.0, 1.0, 0.0]),
    (lambda x: (ARRAY * x).sum().data, V),
    (lambda x: (x * ARRAY).sum().data, V),
    (lambda x: np.sum((x * ARRAY).data), V),
    (lambda x: np.sum((x - ARRAY).values ** 2), 2 * (X - V)),
    (lambda x: np.multiply(ARRAY, x).sum().data, V),
    (lambda x: (GAPS * x).sum().data, [2.0, 0.0, 4.0]),
    (lambda x: np.exp(xr.DataArray(x, dims="t") * ARRAY).mean().data, V * np.exp(V * X) / 3),
    (lambda x: xr.DataArray(x, dims="t").std().data, grad(np.std)(X)),
    (lambda x: ARRAY.dot(xr.DataArray(x, dims="t")).data, V),
    (lambda x: (xr.DataArray(x, dims="u") * ARRAY).isel(u=1, t=2).data, [0.0, 4.0, 0.0]),
    (lambda x: xr.DataArray(x, dims="t").where(ARRAY > 2.5, 0.0).sum().data, [0.0, 1.0, 1.0]),
    (lambda x: xr.Dataset({"a": ("t", x)}).a.max().data, [0.0, 0.0, 1.0]),
]


@pytest.mark.parametrize(("program", "expected"), RIGHT)
def test_what_passes_is_right_in_both_modes(program: Callable[[Any], Any], expected: Any) -> None:
    np.testing.assert_allclose(grad(program)(X), expected)
    np.testing.assert_allclose(jvp(program, (X,), (X,))[1], np.dot(expected, X))


@pytest.mark.parametrize(
    "program",
    [
        lambda x: pd.Series(x, dtype=float).sum(),
        lambda x: pd.Series(x).astype(float).sum(),
        lambda x: pd.Series(x).var(),
        lambda x: SERIES.corr(pd.Series(x)),
        lambda x: float((ARRAY * x).sum()),
        lambda x: pd.Series(x),
        lambda x: ARRAY * x,
    ],
)
def test_what_pandas_and_xarray_cannot_do_raises(program: Callable[[Any], Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        grad(program)(X)
