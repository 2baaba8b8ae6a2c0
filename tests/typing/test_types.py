"""Types as mypy sees them: derived functions keep the parameters. Each ignore is needed, or mypy calls it unused."""

from __future__ import annotations

from typing import Any, assert_type

import pytest

from dualgrad import grad, jacobian, value_and_grad


def loss(x: float, name: str = "a") -> float:
    return x**2


def test_a_derived_function_takes_what_the_function_takes() -> None:
    assert_type(grad(loss)(3.0, name="b"), Any)
    assert_type(jacobian(loss)(3.0, "b"), Any)

    assert float(grad(loss)(3.0, name="b")) == 6.0


def test_wrong_arguments_are_errors_of_types() -> None:
    with pytest.raises(TypeError):
        grad(loss)("3.0")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        grad(loss)()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        value_and_grad(loss)(3.0, nme="b")  # type: ignore[call-arg]
