"""Arrays of plain subclasses of ndarray, memory maps for example, are differentiated as NumPy's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import checkpoint, extend, grad, hessian, hvp, jacfwd, jacrev, jvp, linearize, taylor, vjp, vmap

X = np.array([1.0, 3.0, 2.0])
W = np.array([1.0, -2.0, 0.5])


class Plain(np.ndarray[Any, Any]):
    """A class of arrays that adds nothing."""


class PassedOn(np.ndarray[Any, Any]):
    """A class of arrays that is asked first, and leaves the answer to NumPy."""

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return super().__array_function__(func, types, args, kwargs)


def mapped(tmp_path: Any) -> Any:
    found = np.memmap(tmp_path / "x", dtype=float, mode="w+", shape=X.shape)
    found[:] = X
    return found


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "convolve": lambda x: np.sum(np.convolve(x, W) ** 2),
    "cross": lambda x: np.sum(np.cross(x, W) ** 2),
    "einsum": lambda x: np.einsum("i,i->", x, x * W),
    "nanmedian": lambda x: np.nanmedian(x) ** 2,
    "max": lambda x: np.max(x) ** 2,
    "sort": lambda x: np.sort(x)[0] * x[1],
    "norm": np.linalg.norm,
    "prod": np.prod,
}

TRANSFORMS: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "grad": grad,
    "jacfwd": jacfwd,
    "jacrev": jacrev,
    "hessian": hessian,
    "jvp": lambda f: lambda x: jvp(f, (x,), (x,))[1],
    "vjp": lambda f: lambda x: vjp(f, x)[1](1.0)[0],
    "hvp": lambda f: lambda x: hvp(f, (x,), (x,))[1],
    "linearize": lambda f: lambda x: linearize(f, x)[1](x),
    "taylor": lambda f: lambda x: np.array(taylor(f, x, x, 3)),
    "vmap": lambda f: lambda x: vmap(grad(lambda s: f(s * X)))(x),
    "checkpoint": lambda f: grad(checkpoint(f)),
    "closure": lambda f: lambda x: jacfwd(lambda s: f(s * x))(2.0),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_subclass_is_differentiated_as_numpys_own(name: str, transform: str, tmp_path: Any) -> None:
    derivative = TRANSFORMS[transform](FUNCTIONS[name])
    wanted = derivative(X)
    for x in (mapped(tmp_path), X.view(Plain), X.view(PassedOn), X.view(np.recarray)):
        found = derivative(x)
        assert type(found) is type(wanted)
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_an_overridable_function_takes_subclasses_where_nothing_is_differentiated() -> None:
    @extend.overridable
    def twice(a: Any) -> Any:
        return 2 * a

    for x in (X.view(Plain), X.view(PassedOn)):
        np.testing.assert_array_equal(twice(x), 2 * X)


@pytest.mark.parametrize("transform", [grad, jacfwd, hessian, vmap])
@pytest.mark.parametrize("x", [np.ma.masked_array(X, X > 2), X.view(np.matrix)])
def test_classes_whose_own_rules_would_be_lost_are_refused(transform: Any, x: Any) -> None:
    with pytest.raises(TypeError, match=r"would be lost. Pass np.asarray\(x\)"):
        transform(np.sum)(x)
