"""Custom functions that run once per member of a batch: their errors, and the warning."""

from __future__ import annotations

import math
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dualgrad import custom_jvp, grad, vmap
from dualgrad.errors import BatchLoopWarning, ConversionError, RuleError, TreeError
from tests.transforms.solvers import solve_by_jvp

A = np.array([0.5, 1.5, 2.5])
PAIRS = np.array([[0.5, 1.5], [2.5, 3.0], [1.0, 4.0]])
pytestmark = pytest.mark.filterwarnings("ignore::dualgrad.errors.BatchLoopWarning")


def test_errors_of_the_function_come_out_as_they_are() -> None:
    def body(x: Any) -> Any:
        if x > 2:
            raise LookupError("too large")
        return math.exp(x)

    f = custom_jvp(body)
    f.defjvp(lambda p, t: (f(*p), f(*p) * t[0]))

    nested: list[Any] = [vmap(f), vmap(grad(f)), lambda x: vmap(vmap(f))(x[None]), grad(lambda x: np.sum(vmap(f)(x)))]
    for run in nested:
        with pytest.raises(LookupError, match="too large") as caught:
            run(A)
        assert caught.value.__cause__ is None
        assert not isinstance(caught.value.__context__, ConversionError)
    np.testing.assert_allclose(vmap(f)(A[:2]), np.exp(A[:2]))


def test_members_that_differ_in_shape_or_structure() -> None:
    ragged = custom_jvp(lambda x: np.ones(1 + int(x > 1)))
    with pytest.raises(ValueError, match="cannot be stacked"):
        vmap(ragged)(A)
    branches = custom_jvp(lambda x: (x,) if x > 1 else [x])
    with pytest.raises(TreeError, match="different structure"):
        vmap(branches)(A)


def test_a_closure_over_a_batched_value_runs_once_per_member() -> None:
    def member(x: Any, a: Any) -> Any:
        f = custom_jvp(lambda x: a * math.exp(x))
        f.defjvp(lambda p, t: (f(*p), a * math.exp(p[0]) * t[0]))
        return f(x)

    with pytest.warns(BatchLoopWarning):
        np.testing.assert_allclose(vmap(member)(A, A), A * np.exp(A))
    with pytest.warns(BatchLoopWarning):
        np.testing.assert_allclose(vmap(grad(lambda x: member(x, x)))(A), (A + 1) * np.exp(A))
    # What is differentiated is further in than what is closed over.
    with pytest.raises(RuleError, match=r"once per member.*Pass it as an argument"):
        vmap(grad(member))(A, A)


def test_a_batched_value_in_an_object_raises() -> None:
    def member(x: Any, a: Any) -> Any:
        held = SimpleNamespace(a=a)
        f = custom_jvp(lambda x: held.a * math.exp(x))
        f.defjvp(lambda p, t: (f(*p), held.a * math.exp(p[0]) * t[0]))
        return f(x)

    for run in (vmap(member), vmap(grad(member))):
        with pytest.raises(RuleError, match=r"Under vmap.*Pass it as an argument"):
            run(A, A)


def test_an_empty_batch_says_what_fails() -> None:
    with pytest.raises(ConversionError, match="Python branch"):
        vmap(solve_by_jvp())(A[:0])


def test_it_warns_once_and_names_the_function() -> None:
    solve = solve_by_jvp()

    for run, batch in ((vmap(solve), A), (vmap(vmap(solve)), PAIRS)):
        with pytest.warns(BatchLoopWarning, match="vmap runs root, or a rule of it, once per member") as caught:
            run(batch)
        assert len(caught) == 1
        assert caught[0].filename == __file__


def test_what_runs_on_the_batch_warns_of_nothing() -> None:
    cube = custom_jvp(lambda x: x**3)
    cube.defjvp(lambda p, t: (cube(*p), 3 * p[0] ** 2 * t[0]))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(vmap(grad(cube))(A), 3 * A**2)
        np.testing.assert_allclose(grad(lambda x: np.sum(vmap(cube)(x)))(A), 3 * A**2)
