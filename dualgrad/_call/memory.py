"""Memory that an array has left is kept for the next one.

When a sweep ends, all that the tape kept is freed. The C library of Linux (glibc) then gives the memory back to the system,
and the next gradient pays for a page fault at every 4 kB that it touches: from half to three quarters of its time where arrays
hold 10^4 to 10^6 numbers. Told to keep some of it, glibc hands the same memory out again.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_glibc: Any = None
try:
    import ctypes

    if sys.platform.startswith("linux"):
        _glibc = ctypes.CDLL(None)
except (ImportError, OSError):
    # Python can be built without ctypes, and without dynamic libraries.
    pass

_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
"""The parameters of `mallopt`, from glibc's malloc.h."""

_SHARED_UP_TO = 32 * 2**20
"""Larger arrays have memory of their own, which is given back. glibc goes so far by itself, once it has freed one that large."""

_AT_FIRST = 128 * 2**10
"""What glibc begins with, for both."""

_BY_DEFAULT = 512
_AT_MOST = 2047


def keep_memory(megabytes: int) -> bool:
    """Return whether the C library has been told to keep up to so many megabytes of freed memory for new arrays.

    That is of the process as a whole, and of the memory above all that is in use: what lies below a block in use is kept in any
    case. 0 gives back what can be given back now and from now on. Importing dualgrad asks for 512, or for what the
    environment variable `DUALGRAD_KEEP_MEMORY` says (0: nothing is changed), unless variables of the C library's own
    (`MALLOC_TRIM_THRESHOLD_`, `GLIBC_TUNABLES`, ...) say something. It needs glibc: elsewhere nothing happens, and the answer is False.

    Raises TypeError where the number is no integer, ValueError where it is negative or more than 2047.

    >>> from dualgrad import keep_memory
    >>> answer = keep_memory(1024)
    """
    if not isinstance(megabytes, int):
        raise TypeError(f"keep_memory takes a whole number of megabytes; it is {megabytes!r}.")
    if not 0 <= megabytes <= _AT_MOST:
        raise ValueError(f"keep_memory takes a number of megabytes from 0 to {_AT_MOST}; it is {megabytes!r}.")
    if not hasattr(_glibc, "mallopt") or not hasattr(_glibc, "malloc_trim"):
        return False
    # Both: once told the one, glibc does not find the other by itself any more.
    if megabytes:
        return _told(_SHARED_UP_TO, megabytes * 2**20)
    answer = _told(_AT_FIRST, _AT_FIRST)
    _glibc.malloc_trim(0)
    return answer


def _told(mmap_threshold: int, trim_threshold: int) -> bool:
    return bool(_glibc.mallopt(_MMAP_THRESHOLD, mmap_threshold) and _glibc.mallopt(_TRIM_THRESHOLD, trim_threshold))


def keep_by_default() -> None:
    """Do what the environment says; what it tells the C library itself comes first."""
    if any(name.startswith("MALLOC_") for name in os.environ) or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return
    said = os.environ.get("DUALGRAD_KEEP_MEMORY", str(_BY_DEFAULT))
    if not said.isdecimal() or int(said) > _AT_MOST:
        raise ValueError(
            f"The environment variable DUALGRAD_KEEP_MEMORY is a number of megabytes from 0 to {_AT_MOST}; it is {said!r}."
        )
    if int(said):
        keep_memory(int(said))
