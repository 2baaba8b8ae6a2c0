"""The shortest ways through both modes say what the general ways say."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import extend, grad, jacobian, jvp, vjp
from dualgrad._table.record import RECORDS, SHORT, SHORT_FORWARD, UNARY, install, name_of
from dualgrad.errors import LeakedValueError
from tests.registry.cases import CASES

DTYPES = ("f2", "f4", "f8", "c8", "c16")
POINTS = {fun: [case.inputs.values[0] for case in CASES if case.record.key is fun] for fun in SHORT}


def both(fun: Any, x: Any) -> tuple[Any, ...]:
    value, tangent = jvp(fun, (x,), (np.ones_like(x),))
    pulled = vjp(fun, x)[1](np.ones_like(value))[0]
    return value, tangent, pulled


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fun", SHORT, ids=name_of)
def test_a_short_way_is_the_general_one(fun: Any, dtype: str) -> None:
    for point in POINTS[fun]:
        if np.iscomplexobj(point) > (dtype[0] == "c"):
            continue
        x = np.asarray(point).astype(dtype)[()]
        try:
            with np.errstate(all="ignore"):
                short = both(fun, x)
        except TypeError:
            assert dtype[0] == "c"  # NumPy has no complex version.
            continue
        record = RECORDS[fun]
        try:
            for table in (SHORT, SHORT_FORWARD, UNARY):
                table.pop(fun, None)
            with np.errstate(all="ignore"):
                general = both(fun, x)
        finally:
            install(record)
        for found, expected in zip(short, general, strict=True):
            assert found.dtype == expected.dtype
            assert np.shape(found) == np.shape(expected) == np.shape(x)
            np.testing.assert_array_equal(found, expected)


def test_tangents_of_a_users_rule_have_the_dtype_of_the_answer() -> None:
    record = RECORDS[np.rint]
    try:
        del RECORDS[np.rint]
        extend.elementwise(np.rint, lambda t, x: t * np.float64(2.0) * x, samples=lambda rng: [])
        x = np.full(3, 0.5, np.float32)
        value, tangent = jvp(np.rint, (x,), (x,))
        assert value.dtype == tangent.dtype == np.float32
        number = np.float32(0.5)
        assert jvp(np.rint, (number,), (number,))[1].dtype == np.float32
    finally:
        install(record)


# What is missing, and what overflows, next to numbers that count. Reverse mode agrees.
DIVISIONS: dict[str, tuple[Callable[[Any], Any], Any, Any, Any]] = {
    "a missing number of weight 0": (
        lambda w: np.sum(np.array([1.0, 0.0]) * np.stack([w / 2.0, w / float("nan")])),
        1.0,
        1.0,
        0.5,
    ),
    "a branch not taken": (
        lambda x: np.where(np.array([True, False]), x, x * 0 / np.nan),
        np.ones(2),
        np.ones(2),
        [1.0, 0.0],
    ),
    "a zero tangent": (lambda x: x / np.nan, 1.0, 0.0, 0.0),
    "an infinite dividend": (lambda y: np.inf / y[0] + y[1], np.array([2.0, 3.0]), np.array([0.0, 1.0]), 1.0),
    "a divisor that float32 does not know": (
        lambda x: (x / 1e-46) * 0.0,
        np.ones(2, np.float32),
        np.ones(2, np.float32),
        [0.0, 0.0],
    ),
    "a denormal divisor": (lambda x: (x / 5e-324) * 0.0, 0.0, 1.0, 0.0),
}


@pytest.mark.parametrize("name", DIVISIONS)
def test_divisions_by_numbers_have_poles_too(name: str) -> None:
    f, x, t, expected = DIVISIONS[name]
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(jvp(f, (x,), (t,))[1], expected)


def test_division_by_an_ordinary_number_warns_as_little_as_any_product() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jvp(lambda x: x / 4.0, (2.0,), (1.0,)) == (0.5, 0.25)


def test_rows_and_columns_of_a_jacobian_agree_at_a_pole() -> None:
    def f(v: Any) -> Any:
        return np.stack([(v[0] > 0.5) * (1 / v[0]), v[0] * 2])

    np.testing.assert_array_equal(jacobian(f)(np.array([1e-200])), [[0.0], [2.0]])


def test_nothing_is_written_to_a_value_that_has_leaked() -> None:
    leaked: list[Any] = []

    def f(x: Any) -> Any:
        leaked.append(np.zeros_like(x))
        return np.sum(x)

    grad(f)(np.ones(3))
    with pytest.raises(LeakedValueError):
        leaked[0][1] = 5.0
    np.testing.assert_array_equal(leaked[0]._value, 0.0)
