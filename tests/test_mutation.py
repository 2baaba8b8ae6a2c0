"""The generated checks notice a wrong formula; `python -m tests.mutation` asks this of every record."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from dualgrad import grad
from dualgrad._table.record import Primitive, records
from tests.mutants import installed
from tests.mutants.batches import EQUIVALENT, batch_mutants_of
from tests.mutation import Mutant, cases_of, is_caught, is_caught_on_batches, mutants_of

TABLE = list(records().values())
"""The records as they are before any test or page adds its own."""


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


def test_every_wrong_way_to_run_on_a_batch_is_caught() -> None:
    mutants = [Mutant(*pair) for record in TABLE for pair in batch_mutants_of(record)]

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        survivors = {m.name for m in mutants if not is_caught_on_batches(m, cases_of(m.record))}

    assert survivors == EQUIVALENT.keys()
    assert len(mutants) > 400


@pytest.mark.parametrize(
    "fun", [np.sum, np.sort, np.concatenate, np.linalg.inv, np.argmax, np.isin], ids=lambda fun: str(fun.__name__)
)
def test_right_ways_to_run_on_a_batch_are_not_taken_for_wrong_ones(fun: Any) -> None:
    record = records()[fun]

    assert not is_caught_on_batches(Mutant("right", record), cases_of(record))
