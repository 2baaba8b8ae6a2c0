"""Generated from the table: the coefficients of every record beside nested forward mode, and how their cost grows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import taylor
from dualgrad._call.leaves import Leaves
from dualgrad._table.space import dtype_of, shape_of
from dualgrad.testing import random_like
from tests.registry.cases import Case, has_numbers
from tests.registry.reach import distinct
from tests.series.beside import nested
from tests.series.counting import applications

each_case = pytest.mark.parametrize("case", distinct(), ids=[case.name for case in distinct()])
MOVING = [case for case in distinct() if has_numbers(case)]

ORDER = 3


def along_a_line(case: Case) -> tuple[Callable[[Any], Any], list[Any], list[Any]]:
    values = case.inputs.values
    rng = np.random.default_rng(5)
    # Copies, since NumPy itself writes into the input where a sample says overwrite_input.
    fresh = lambda x: case.function(*[a.copy() if type(a) is np.ndarray else a for a in x])
    return fresh, values, [random_like(x, rng) for x in values]


def check_coefficients(case: Case) -> None:
    """Compare the coefficients of a function along a line with nested forward mode."""
    f, x, v = along_a_line(case)

    coefficients = taylor(f, x, v, ORDER)

    assert len(coefficients) == ORDER + 1
    for k, found in enumerate(coefficients):
        for y, wanted in zip(found, nested(f, x, v, k), strict=True):
            assert (shape_of(y), dtype_of(y)) == (shape_of(wanted), dtype_of(wanted))
            scale = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
            np.testing.assert_allclose(y * math.factorial(k), wanted, rtol=1e-8, atol=1e-9 * scale)


@each_case
def test_coefficients_are_those_of_nested_forward_mode(case: Case) -> None:
    check_coefficients(case)


@each_case
def test_single_precision_stays_single(case: Case) -> None:
    values = [np.asarray(x, np.complex64 if dtype_of(x).kind == "c" else np.float32)[()] for x in case.inputs.values]
    plain = Leaves([case.call(values)]).values

    for coefficients in taylor(lambda x: case.function(*x), values, [np.ones_like(x)[()] for x in values], ORDER):
        assert [dtype_of(y) for y in coefficients] == [dtype_of(y) for y in plain]


@pytest.mark.parametrize("case", MOVING, ids=[case.name for case in MOVING])
def test_cost_is_polynomial_in_the_order(case: Case) -> None:
    f, x, v = along_a_line(case)
    few, many = (applications(f, x, v, order) for order in (5, 10))

    # At most cubic. Twice the order of nested forward mode costs 2 ** 5 times as much.
    assert many <= 2**3 * few


SAVED: dict[Any, int] = {np.multiply: 6, np.divide: 24}
"""How many primitives are applied at most up to order 6, where series know what a function is. Its JVP rule alone takes 85 and 267."""


def check_savings(case: Case) -> None:
    """Count the primitives of a product or a quotient."""
    assert applications(*along_a_line(case), 6) <= SAVED[case.record.key]


SPARING = [case for case in MOVING if case.record.key in SAVED]


@pytest.mark.parametrize("case", SPARING, ids=[case.name for case in SPARING])
def test_products_and_quotients_are_known_to_series(case: Case) -> None:
    check_savings(case)
