"""What a tape keeps of the user's arrays must not change before the sweep: small ones are copied, large ones locked.

NumPy tells nobody when an array is written to. A loop that reuses a buffer would get the derivative at the buffer's last
contents, silently. A copy of a few hundred numbers costs less than an operation on them; an array that is too large for that
is made read-only until the sweep is over, so that writing to it raises.
"""

from __future__ import annotations

import threading
from typing import Any

from numpy import ndarray

Array = ndarray[Any, Any]

SMALL = 1024
"""Arrays of up to so many numbers are copied."""

# Every locked array, with how many tapes need it locked: nested transformations and threads share data.
_locked: dict[int, list[Any]] = {}
_lock = threading.Lock()


class Guard:
    """The arrays that one tape has locked."""

    __slots__ = ("arrays",)

    def __init__(self) -> None:
        self.arrays: dict[int, Array] = {}

    def keep(self, x: Array) -> Array:
        """Return a large array with the numbers of `x`, which nobody changes until `release`."""
        if id(x) not in self.arrays:
            chain = _chain(x)
            if not chain:
                return x.copy()
            with _lock:
                for held in chain:
                    self._hold(held)
        return x

    def _hold(self, x: Array) -> None:
        key = id(x)
        if key in self.arrays:
            return
        if key in _locked:
            _locked[key][1] += 1
        elif x.flags.writeable:
            x.flags.writeable = False
            _locked[key] = [x, 1]
        self.arrays[key] = x

    def release(self) -> None:
        """Let everybody write again."""
        if not self.arrays:
            return
        with _lock:
            for key in self.arrays:
                if key in _locked:
                    _locked[key][1] -= 1
            self.arrays = {}
            # A view is made writeable only where what it is a view of is, which another tape may still need locked.
            free = [x for x, count in _locked.values() if count == 0]
            for x in sorted(free, key=_depth):
                if type(x.base) is not ndarray or x.base.flags.writeable:
                    x.flags.writeable = True
                    del _locked[id(x)]

    def __del__(self) -> None:
        # For tapes that no transformation closes: those of rules.
        self.release()

    def copies_in(self, kept: Any) -> Any:
        """Return what a tape kept with copies in the place of the locked arrays."""
        copies = {key: x.copy() for key, x in self.arrays.items()}

        def replaced(x: Any) -> Any:
            kind = type(x)
            if kind is ndarray:
                return copies.get(id(x), x)
            if kind is tuple or kind is list:
                parts = [replaced(part) for part in x]
                # What is unchanged stays itself: sweeps know some of it by identity.
                return x if all(a is b for a, b in zip(parts, x, strict=True)) else kind(parts)
            return x

        return [replaced(entry) for entry in kept]


def _chain(x: Array) -> list[Array]:
    """Return an array and all that it is a view of; nothing where the memory is not NumPy's to lock."""
    chain = [x]
    while type(x.base) is ndarray:
        x = x.base
        chain.append(x)
    return chain if x.flags.owndata else []


def _depth(x: Array) -> int:
    return len(_chain(x))
