"""Taylor mode: arrays that are power series, and with them derivatives of high order at polynomial cost."""

from dualgrad.series._array import SeriesArray
from dualgrad.series._level import SeriesLevel
from dualgrad.series._taylor import taylor

__all__ = ["SeriesArray", "SeriesLevel", "taylor"]
