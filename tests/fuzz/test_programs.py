"""Random programs, a bounded number of them; `python -m tests.fuzz` runs as many as there is time for."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.compare import check
from tests.fuzz.programs import Program, programs


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(programs())
@pytest.mark.filterwarnings("ignore")
def test_all_ways_to_a_derivative_of_a_random_program_agree(program: Program) -> None:
    check(program)
