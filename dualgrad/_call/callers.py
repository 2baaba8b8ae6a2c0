"""Whose line a warning is about: the first one, going outwards, that is not of this package."""

from __future__ import annotations

import sys


def stacklevel_of_user() -> int:
    """Return the `stacklevel` with which the caller's warning points at the line of the user's that led to it."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "dualgrad":
        level, frame = level + 1, frame.f_back
    return level
