"""Custom functions as objects: pickled, copied, printed, and in classes."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
from typing import Any

import numpy as np
import pytest

from dualgrad import custom_jvp, custom_vjp, derivative, grad, hessian, vmap
from dualgrad.testing import check_grads

X = np.array([0.5, 1.5])


@custom_jvp
def cube(x: Any, n: int = 3) -> Any:
    """Return the third power."""
    return x**n


cube.defjvp(lambda p, t: (cube(*p), p[1] * p[0] ** (p[1] - 1) * t[0]))


@custom_vjp
def clipped(x: Any) -> Any:
    return x


clipped.defvjp(lambda x: (x, None), lambda _, ct: (np.clip(ct, -1, 1),))
FUNCTIONS = pytest.mark.parametrize("f", [cube, clipped], ids=["jvp", "vjp"])


class Spring:
    """A class with a custom method: its instances are no trees."""

    def __init__(self, k: float) -> None:
        self.k = k

    @custom_jvp
    def force(self, x: Any) -> Any:
        """Return the force."""
        return self.k * x**2

    @force.defjvp
    def force_rule(primals: Any, tangents: Any) -> Any:  # noqa: N805
        (spring, x), (_, t) = primals, tangents
        return spring.force(x), 2 * spring.k * x * t

    @staticmethod
    @custom_vjp
    def scaled(x: Any) -> Any:
        return 2 * x


Spring.scaled.defvjp(lambda x: (2 * x, None), lambda _, ct: (2 * ct,))


@FUNCTIONS
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_functions_of_a_module_are_pickled_by_name(f: Any, protocol: int) -> None:
    assert pickle.loads(pickle.dumps(f, protocol)) is f
    assert pickle.loads(pickle.dumps({"activation": f}, protocol))["activation"] is f


@FUNCTIONS
def test_copies_are_the_function_itself(f: Any) -> None:
    assert copy.copy(f) is f
    assert copy.deepcopy([f])[0] is f


def test_methods_are_pickled() -> None:
    spring = Spring(2.0)

    assert pickle.loads(pickle.dumps(Spring.force)) is Spring.force
    assert pickle.loads(pickle.dumps(spring.force))(3.0) == 18.0
    assert pickle.loads(pickle.dumps(functools.partial(cube, n=2)))(3.0) == 9.0


def test_local_functions_are_not_pickled_as_those_of_python() -> None:
    def local(x: Any) -> Any:
        return x

    with pytest.raises((AttributeError, pickle.PicklingError)) as expected:
        pickle.dumps(local)
    with pytest.raises(expected.type, match=r"<locals>"):
        pickle.dumps(custom_jvp(local))
    with pytest.raises(pickle.PicklingError, match="not the same object"):
        pickle.dumps(custom_jvp(plain))
    with pytest.raises(pickle.PicklingError, match=r"has no name.*Decorate a function of a module"):
        pickle.dumps(custom_jvp(functools.partial(plain, 1.0)))


def plain(x: Any) -> Any:
    return x


def test_text() -> None:
    assert repr(cube) == f"<custom_jvp of {__name__}.cube>"
    assert repr(clipped) == f"<custom_vjp of {__name__}.clipped>"
    assert repr(Spring.force) == f"<custom_jvp of {__name__}.Spring.force>"
    assert repr(custom_jvp(np.sin)) == "<custom_jvp of numpy.sin>"


def test_signature_and_docstring() -> None:
    assert str(inspect.signature(cube)) == "(x: 'Any', n: 'int' = 3) -> 'Any'"
    assert inspect.getdoc(cube) == cube.__doc__ == "Return the third power."
    assert str(inspect.signature(Spring(1.0).force)) == "(x: 'Any') -> 'Any'"
    assert Spring(1.0).force.__doc__ == "Return the force."


def test_methods() -> None:
    spring = Spring(2.0)

    assert spring.force(3.0) == 18.0
    for d in (grad, derivative):
        assert float(d(spring.force)(3.0)) == 12.0
        assert float(d(Spring.scaled)(3.0)) == float(d(spring.scaled)(3.0)) == 2.0
    check_grads(spring.force, (X,), order=2)
    np.testing.assert_allclose(vmap(grad(spring.force))(X), 4 * X)
    np.testing.assert_allclose(hessian(lambda x: np.sum(spring.force(x)))(X), 4 * np.eye(2))


def test_as_an_attribute_of_an_instance_it_is_a_function() -> None:
    spring = Spring(2.0)
    spring.activation = clipped  # type: ignore[attr-defined]

    assert spring.activation(3.0) == 3.0  # type: ignore[attr-defined]
