"""The generated checks notice a wrong pattern; `python -m tests.mutants.patterns` asks this of every record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import sparse
from dualgrad._table.functions import getitem
from dualgrad._table.record import RECORDS, Primitive, name_of
from dualgrad.patterns import spread
from tests.mutants.patterns import Mutant, is_caught, mutants_of, reached
from tests.registry.cases import CASES


def primitive(fun: Any) -> Primitive:
    record = RECORDS[fun]
    assert isinstance(record, Primitive)
    return record


@pytest.mark.parametrize("fun", [np.multiply, np.matmul, np.cumsum, np.sum, np.modf, np.roll, getitem], ids=name_of)
def test_a_wrong_pattern_is_caught(fun: Any) -> None:
    record = primitive(fun)
    seen = reached([case for case in CASES if case.record is record])[fun]

    mutants = list(mutants_of(record, seen))

    assert len(mutants) >= 5
    assert [mutant.name for mutant in mutants if not is_caught(mutant, seen.cases)] == []


def test_right_patterns_are_not_taken_for_wrong_ones() -> None:
    record = primitive(np.matmul)
    rule = spread.stated(record)
    assert rule is not None

    assert not is_caught(Mutant("right", record, rule), [case for case in CASES if case.record is record])


def test_a_mutant_is_used_and_taken_out_again() -> None:
    record = primitive(np.roll)
    seen = reached([case for case in CASES if case.record is record])[np.roll]
    before = spread.stated

    for mutant in mutants_of(record, seen):
        is_caught(mutant, seen.cases)

    assert spread.stated is before
    assert sparse.jacobian_sparsity(lambda x: np.roll(x, 1), np.ones(3)).cols.tolist() == [2, 0, 1]
