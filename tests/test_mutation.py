"""The generated checks notice a wrong formula; `python -m tests.mutation` asks this of every record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import grad
from dualgrad._table.record import Primitive, records
from tests.mutation import cases_of, installed, is_caught, mutants_of


def primitive(fun: Any) -> Primitive:
    record = records()[fun]
    assert isinstance(record, Primitive)
    return record


@pytest.mark.parametrize("fun", [np.sin, np.hypot, np.matmul], ids=lambda fun: str(fun.__name__))
def test_a_wrong_formula_is_caught(fun: Any) -> None:
    record = primitive(fun)
    mutants = list(mutants_of(record))

    assert [mutant.name for mutant in mutants if not is_caught(mutant, cases_of(record))] == []
    assert len(mutants) == (2 if fun is np.sin else 5)


def test_a_mutant_in_the_table_is_used_and_taken_out_again() -> None:
    record = primitive(np.sin)
    mutant = next(m for m in mutants_of(record) if "vjp" in m.name).record

    with installed(mutant):
        assert float(grad(np.sin)(0.0)) == pytest.approx(1.001)

    assert float(grad(np.sin)(0.0)) == 1.0
    assert records()[np.sin] is record


def test_right_formulas_are_not_taken_for_wrong_ones() -> None:
    (mutant, *_) = mutants_of(primitive(np.hypot))

    assert not is_caught(mutant._replace(record=primitive(np.hypot)), cases_of(primitive(np.hypot)))
