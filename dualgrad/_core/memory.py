"""Memory that an array has left is kept for the next one.

When a sweep ends, all that the tape kept is freed. The C library of Linux (glibc) then gives the memory back to the system,
and the next gradient pays for a page fault at every 4 kB that it touches: from half to three quarters of its time where arrays
hold 10^4 to 10^6 numbers. Told to keep some of it, glibc hands the same memory out again.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_mallopt: Any = None
try:
    import ctypes

    if sys.platform.startswith("linux"):
        _mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
except ImportError:
    # Python can be built without ctypes.
    pass

_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
"""The parameters of `mallopt`, from glibc's malloc.h."""

_SHARED_UP_TO = 32 * 2**20
"""Larger arrays have memory of their own, which is given back. glibc goes so far by itself, once it has freed one that large."""

_BY_DEFAULT = 512


def keep_memory(megabytes: int) -> bool:
    """Return whether the C library has been told to keep up to so many megabytes of freed memory for new arrays.

    That is of the process as a whole. Importing dualgrad asks for 512, or for what the environment variable
    `DUALGRAD_KEEP_MEMORY` says (0: nothing is changed), unless variables of the C library's own (`MALLOC_TRIM_THRESHOLD_`,
    `GLIBC_TUNABLES`, ...) say something. It needs glibc: elsewhere nothing happens, and the answer is False.

    Raises ValueError where the number is negative.

    >>> from dualgrad import keep_memory
    >>> answer = keep_memory(1024)
    """
    if megabytes < 0:
        raise ValueError(f"keep_memory takes a number of megabytes; it is {megabytes!r}.")
    if _mallopt is None:
        return False
    # Both: once told the one, glibc does not find the other by itself any more.
    kept = min(megabytes * 2**20, 2**31 - 1)
    return bool(_mallopt(_MMAP_THRESHOLD, _SHARED_UP_TO) and _mallopt(_TRIM_THRESHOLD, kept))


def keep_by_default() -> None:
    """Do what the environment says; what it tells the C library itself comes first."""
    if any(name.startswith("MALLOC_") for name in os.environ) or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return
    said = os.environ.get("DUALGRAD_KEEP_MEMORY", str(_BY_DEFAULT))
    if not said.isdigit():
        raise ValueError(f"The environment variable DUALGRAD_KEEP_MEMORY is a number of megabytes; it is {said!r}.")
    if int(said):
        keep_memory(int(said))
