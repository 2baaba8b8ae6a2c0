"""The generated checks notice a fact said otherwise; `python -m tests.mutants.facts` asks this of every record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad._table.functions import getitem
from dualgrad._table.record import RECORDS, name_of, records
from tests.mutants.facts import EQUIVALENT, Mutant, by_cases, cases_by_record, is_caught, mutants_of
from tests.registry.test_writes import check_writes

CASES = cases_by_record()
SOME = [
    np.transpose,
    np.broadcast_arrays,
    np.split,
    np.diff,
    np.where,
    np.median,
    np.quantile,
    np.tile,
    np.hypot,
    np.multiply,
]
MADE = [np.negative, np.divide, np.zeros_like, np.full, np.argmax]


@pytest.mark.parametrize("fun", [*SOME, *MADE, getitem], ids=name_of)
def test_a_fact_said_otherwise_is_caught(fun: Any) -> None:
    record = records()[fun]
    mutants = list(mutants_of(record, CASES[fun]))

    assert {mutant.name for mutant in mutants if not is_caught(mutant, CASES[fun])} <= EQUIVALENT.keys()
    assert mutants


@pytest.mark.parametrize("fun", [np.transpose, np.split, np.where], ids=name_of)
def test_right_facts_are_not_taken_for_wrong_ones(fun: Any) -> None:
    assert not is_caught(Mutant("right", RECORDS[fun], by_cases(check_writes)), CASES[fun])


def test_a_mutant_is_taken_out_again() -> None:
    record = RECORDS[np.transpose]
    for mutant in mutants_of(record, CASES[np.transpose]):
        is_caught(mutant, CASES[np.transpose])

    assert RECORDS[np.transpose] is record
