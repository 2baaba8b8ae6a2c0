"""A pullback is a number on a tape; from the number follows all that is known of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.functions import getitem, set_item
from dualgrad._table.record import PULLBACKS, PULLS, RECORDS, Primitive, Pull, install
from tests.registry.cases import CASES


def pull_of(fun: Any, place: int = 0) -> Pull:
    record = RECORDS[fun]
    assert isinstance(record, Primitive)
    pull = (record.pulls or ())[place]
    assert pull is not None
    return pull


def test_numbers_lead_to_functions_and_to_pulls() -> None:
    assert [pull.function for pull in PULLS] == PULLBACKS
    assert [pull.number for pull in PULLS] == list(range(len(PULLS)))


def test_every_pull_of_the_table_knows_its_record_and_place() -> None:
    for record in {case.record for case in CASES if isinstance(case.record, Primitive)}:
        for place, pull in enumerate(record.pulls or ()):
            assert pull is None or (pull.record is record and pull.place == place)


def test_what_sweeps_ask_of_few_pullbacks() -> None:
    sine, item, written = pull_of(np.sin), pull_of(getitem), pull_of(set_item, 1)
    assert (sine.lanewise, sine.scatters) == (True, False)
    assert (item.lanewise, item.scatters) == (False, True)
    assert not written.scatters
    assert written.in_place is not None
    assert pull_of(np.multiply, 0).in_place is pull_of(np.multiply, 1).in_place is np.multiply


def test_a_record_that_is_installed_takes_over_its_pulls() -> None:
    pull = pull_of(np.sin)
    record, pull.record = pull.record, None
    assert record is RECORDS[np.sin]
    install(record)
    assert pull.record is record
