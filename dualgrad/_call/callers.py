"""The user's line: the first one, going outwards, that is not of this package."""

from __future__ import annotations

import sys
from types import FrameType
from typing import NamedTuple

_OURS = ("dualgrad", "numpy")


class Place(NamedTuple):
    """A line of a file, and the function that it belongs to."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file.replace(chr(92), '/').rpartition('/')[2]}:{self.line}"


def stacklevel_of_user() -> int:
    """Return the `stacklevel` with which the caller's warning points at the line of the user's that led to it."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "dualgrad":
        level, frame = level + 1, frame.f_back
    return level


def place_of_user() -> Place | None:
    """Return the line that led here, the innermost one that is neither of this package nor of NumPy."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
        frame = frame.f_back
    return None if frame is None else Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def is_pickled_by_value() -> bool:
    """Tell whether the caller's caller is cloudpickle, which sends what is defined in a script with all that it is made of."""
    return "cloudpickle" in sys._getframe(2).f_globals.get("__name__", "").split(".")
