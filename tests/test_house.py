"""Bounds on the numbers of `python -m tests.house`: what is known of a function stays in its record. Lower them when they fall."""

from __future__ import annotations

import pytest

from dualgrad._table.record import Composite
from tests import house
from tests.registry.cases import CASES
from tests.registry.reach import distinct

MOST = {
    "tables keyed by function, beside the records": 1,
    "files that know of np.diff": 1,
    "files that know of np.linalg.norm": 1,
    "files that know of roots": 13,
    "primitives that stand in three tables or more": 0,
    "branches on named functions in interpreters": 4,
    "looks at numbers in rules that no level hears of": 0,
    "lines of rules that ask what a value is": 25,
    "imports between areas of rules": 5,
}


def test_every_number_has_a_bound() -> None:
    assert MOST.keys() == house.MEASURES.keys()


@pytest.mark.parametrize("title", MOST)
def test_numbers_stay_within_their_bounds(title: str) -> None:
    found = list(house.MEASURES[title]())

    assert len(found) <= MOST[title], "\n".join(map(str, found))


def test_a_dozen_files_fill_a_folder() -> None:
    assert house.most_files_in_a_folder()[0] <= 12


def test_generated_cases_are_told_apart_by_what_they_reach() -> None:
    composites = [case for case in CASES if isinstance(case.record, Composite)]
    kept = [case for case in distinct() if isinstance(case.record, Composite)]

    assert len(kept) < 0.5 * len(composites)
    assert {case.record for case in kept} == {case.record for case in composites}


def test_what_is_counted_is_seen() -> None:
    assert "rules/reductions/scans.py" in house.files_that_know("np.diff")
    assert any("ufunc is _square" in line for line in house.branches_on_functions())
    assert "_trace/roots.py" in house.files_that_know_roots()
    assert "dualgrad._table.foreign._REDUCTIONS" in house.tables_by_function()
