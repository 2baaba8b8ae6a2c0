"""The peak of the memory that a call takes."""

from __future__ import annotations

import ctypes
import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Memory(NamedTuple):
    """Bytes above what was held before the call; None where they cannot be known."""

    traced: int | None
    resident: int | None


def measure(call: Callable[[], Any], traced: bool) -> Memory:
    """Return the peaks of a call: as the operating system sees it, and, for NumPy's arrays, as tracemalloc counts it."""
    return Memory(_traced(call) if traced else None, _resident(call))


def _traced(call: Callable[[], Any]) -> int:
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before


def _resident(call: Callable[[], Any]) -> int | None:
    """Return the peak of the resident set; Linux can set its high-water mark back to the present."""
    gc.collect()
    try:
        # What an allocator has kept from earlier calls would hide what this one takes.
        ctypes.CDLL(None).malloc_trim(0)
        CLEAR.write_text("5", encoding="ascii")
        before = _status("VmRSS")
        call()
        return max(0, _status("VmHWM") - before)
    except (OSError, AttributeError, TypeError):
        return None


def _status(name: str) -> int:
    for line in STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return 1024 * int(line.split()[1])
    raise OSError(f"{STATUS} does not tell {name}")
