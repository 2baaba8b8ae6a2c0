"""`grad_named`, `multigrad` and `multigrad_dict`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dualgrad
from dualgrad import grad_named, multigrad, multigrad_dict
from dualgrad.errors import NotScalarError


def f(x: Any, y: Any = 3.0, *, z: Any = 2.0) -> Any:
    return x * y**2 * z**3


@pytest.mark.parametrize(("name", "expected"), [("x", 72.0), ("y", 48.0), ("z", 108.0)])
def test_the_name_chooses(name: str, expected: float) -> None:
    assert float(grad_named(f, name)(1.0)) == expected


def test_a_number_is_no_name() -> None:
    with pytest.raises(TypeError, match="name of one argument"):
        grad_named(f, 0)  # type: ignore[arg-type]


def test_an_unknown_name_is_an_error_that_lists_the_parameters() -> None:
    with pytest.raises(TypeError, match="x, y, z"):
        grad_named(f, "w")(1.0)


def test_multigrad_gives_a_tuple_in_the_order_asked_for() -> None:
    assert [float(g) for g in multigrad(f, (1, 0))(1.0, 3.0)] == [48.0, 72.0]
    assert len(multigrad(f)(1.0)) == 1
    assert len(multigrad(f, 1)(1.0, 3.0)) == 1  # type: ignore[arg-type]


def test_multigrad_dict_has_every_argument() -> None:
    assert {k: float(g) for k, g in multigrad_dict(f)(1).items()} == {"x": 72.0, "y": 48.0, "z": 108.0}


def test_multigrad_dict_knows_stars() -> None:
    def g(*xs: Any, name: str = "a", **options: Any) -> Any:
        return xs[0] * xs[1] * options["scale"]

    found = multigrad_dict(g)(2.0, 3.0, scale=5.0)

    assert [float(x) for x in found["xs"]] == [15.0, 10.0]
    assert found["name"] is None
    assert float(found["options"]["scale"]) == 6.0
    assert list(found) == ["xs", "name", "options"]


def test_auxiliary_data_comes_along() -> None:
    g = lambda x, y: (np.sum(x) * y, "aux")

    assert grad_named(g, "y", has_aux=True)(np.ones(2), 1.0) == (2.0, "aux")
    assert multigrad(g, (1,), has_aux=True)(np.ones(2), 1.0) == ((2.0,), "aux")
    assert multigrad_dict(g, has_aux=True)(np.ones(2), 1.0)[1] == "aux"


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("grad_named", lambda f, x: dualgrad.grad_named(f, "x")(x)),
        ("multigrad", lambda f, x: dualgrad.multigrad(f, (0,))(x)),
        ("multigrad_dict", lambda f, x: dualgrad.multigrad_dict(f)(x)),
        ("hvp", lambda f, x: dualgrad.hvp(f, (x,), (x,))),
        ("hessian_operator", lambda f, x: dualgrad.hessian_operator(f, x)),
        ("sparse.hessian_sparsity", lambda f, x: dualgrad.sparse.hessian_sparsity(f, x)),
    ],
)
def test_errors_name_what_was_called(name: str, call: Callable[..., Any]) -> None:
    with pytest.raises(NotScalarError, match=f"^{name} needs a function with one real number"):
        call(lambda x: x * 2, np.ones(3))
