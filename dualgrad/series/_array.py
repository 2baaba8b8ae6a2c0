"""The traced array of Taylor mode."""

from __future__ import annotations

from typing import Any

from dualgrad._array.array import TracedArray
from dualgrad._trace.level import Level, vanishes
from dualgrad.series._series import Series


class SeriesArray(TracedArray):
    """An array that is a power series in t: its value at t = 0, and the further coefficients."""

    __slots__ = ("_series",)

    def __init__(self, series: Series, level: Level) -> None:
        self._value = series.value
        self._series = series
        self._level = level

    def vanishes(self) -> Any:
        """Tell where value and coefficients are zero."""
        found = self._series.is_complete
        for c in self._series.coefficients if found else ():
            if c is not None:
                found = found & vanishes(c)
        return found
