"""The table speaks of every function that NumPy lets it speak of: a new one fails here, and is never a wrong number."""

from __future__ import annotations

import numpy as np

from dualgrad._table.record import name_of
from tests.coverage_page import absent, overridable


def still_absent() -> set[str]:
    # NumPy 2.0 names a private module.
    return {name.replace("._scimath_impl.", ".scimath.") for name in absent()}


def test_the_table_speaks_of_every_function() -> None:
    assert still_absent() == set()


def test_numpy_reports_what_it_lets_be_overridden() -> None:
    names = {name_of(f) for f in overridable()}
    assert {"numpy.sin", "numpy.concatenate", "numpy.linalg.solve", "numpy.eye"} <= names
    assert len(names) > 300
    assert np.sin in overridable()
