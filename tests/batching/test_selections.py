"""What a mask selects that differs between the members of a batch: what it can do, and that everything else raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacfwd, jacrev, vmap
from dualgrad.errors import ConversionError
from tests.batching.bodies import Body, X, written

# What NumPy raises for each member, or what has no one shape.
NO_SHAPE: dict[str, Callable[[Any], Any]] = {
    "returned": lambda x: x[x > 0],
    "sum": lambda x: np.sum(x[x > 0]),
    "method": lambda x: x[x > 0].sum(),
    "mean": lambda x: np.mean(x[x > 0]),
    "size": lambda x: x * x[x > 0].size,
    "len": lambda x: x * len(x[x > 0]),
    "reduce": lambda x: np.add.reduce(x[x > 0]),
    "keyword": lambda x: np.sin(x[x > 0], where=True),
    "item": lambda x: x[x > 0][0],
    "loop": lambda x: sum(t for t in x[x > 0]),
    "branch": lambda x: x if x[x > 0] else -x,
    "float": lambda x: float(x[x > 0]),
    "asarray": lambda x: np.asarray(x[x > 0]),
    "array": lambda x: np.array([x[x > 0], 1.0]),
    "concatenate": lambda x: np.concatenate([x[x > 0], x[0]]),
    "where": lambda x: np.where(x > 0, x[x > 0], 0.0),
    "matmul": lambda x: x[x > 0] @ x[x > 0],
    "dot": lambda x: np.dot(x[x > 0], x[x > 0]),
    "two masks": lambda x: x[x > 0] * x[x < 0],
    "other axes": lambda x: x[x > 0] * x[0],
    "one axis": lambda x: x[x > 0] * np.ones(1),
    "a list": lambda x: x[x > 0] * [1.0],
    "traced first": lambda x: np.multiply(x[0, 0], x[x > 0]),
    "mask and places": lambda x: x[x[:, 0] > 0, np.array([0])],
    "added to all": lambda x: x + x[x > 0],
    "apart": lambda x: np.stack([x, x])[0, :, x[0] > 0] * x[:, x[0] > 0],
}


@pytest.mark.parametrize("d", [lambda f: f, jacfwd, jacrev])
@pytest.mark.parametrize("name", NO_SHAPE)
def test_what_needs_the_shape_of_what_a_mask_selects_raises(d: Any, name: str) -> None:
    with pytest.raises(ConversionError, match=r"x\[mask\] under vmap.*np\.where\(mask, x, 0\)"):
        vmap(d(NO_SHAPE[name]))(X)


NO_PLACE: dict[str, Body] = {
    "another mask": lambda x, y: y.__setitem__(x < 0, x[x > 0]),
    "everywhere": lambda x, y: y.__setitem__(slice(None), x[x > 0]),
    "other axes": lambda x, y: y.__setitem__(x[:, 0] > 0, x[x > 0]),
    "all in place": lambda x, y: np.add(y, x[x > 0], out=y),
    "out": lambda x, y: np.multiply(x[x > 0], 2.0, out=y),
    "plain array": lambda x, y: np.copyto(y, x[x > 0]),
}


@pytest.mark.parametrize("name", NO_PLACE)
def test_what_a_mask_selects_is_written_to_where_the_same_mask_selects(name: str) -> None:
    with pytest.raises(ConversionError, match=r"x\[mask\] under vmap"):
        vmap(written(NO_PLACE[name]))(X)


def test_what_a_mask_selects_is_changed_in_place_in_its_dtype() -> None:
    def scaled(factor: Any) -> Callable[[Any], Any]:
        def f(x: Any) -> Any:
            y = np.copy(x)
            y[x > 1] *= factor
            return y

        return f

    counts = np.arange(4)
    small = np.arange(4, dtype=np.float32)

    assert vmap(scaled(3))(counts).tolist() == [0, 1, 6, 9]
    assert vmap(scaled(np.float64(0.5)))(small).dtype == np.float32
    with pytest.raises(TypeError, match="same_kind"):
        vmap(scaled(0.5))(counts)


def test_hidden_numbers_raise_no_warnings() -> None:
    def f(x: Any) -> Any:
        y = np.zeros_like(x)
        y[x > 0] = np.sqrt(x[x > 0]) + np.log(x[x > 0]) + 1 / x[x > 0]
        return y

    x = np.array([[4.0, -1.0], [0.0, 1.0]])
    with np.errstate(all="raise"):
        np.testing.assert_allclose(vmap(f)(x), [[2.25 + np.log(4.0), 0.0], [0.0, 2.0]])
    np.testing.assert_allclose(vmap(grad(lambda x: np.sum(f(x))))(x), [[7 / 16, 0.0], [0.0, 0.5]])
