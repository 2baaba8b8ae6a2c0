"""What all tests share: settings of those that draw their cases, and the table as it was before a test."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from dualgrad._table.record import RECORDS

# Machines are noisy: how long a case takes says nothing of it. The same cases each time, so that a run can be repeated.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture
def own_functions() -> Iterator[None]:
    """Take out of the table again what a test registers."""
    before = set(RECORDS)
    yield
    for key in set(RECORDS) - before:
        del RECORDS[key]
