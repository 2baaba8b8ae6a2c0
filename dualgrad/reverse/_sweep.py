"""The backward sweep: a loop over the tape, from the end to its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from dualgrad._table.foreign import is_foreign
from dualgrad._table.record import PULLBACKS, PULLS
from dualgrad._table.space import LARGE, ForeignSpace, Function, Value, conform_cotangent
from dualgrad._trace.level import Tracer, decide, may_be_anywhere, vanishes
from dualgrad._trace.zeros import drop_zeros
from dualgrad.reverse._pending import Pending, can_wait

ONE = None
"""In the place of an edge's parameters: it has none, and `kept` is the one value that its formula reads."""

FEW: tuple[()] = ()
"""In the place of an edge's parameters: it has none, and `kept` is the tuple of what its formula reads."""

ITEM: tuple[str] = ("item",)
"""In the place of an edge's parameters: the value was read at the index `kept`, which is no array."""

LATER: tuple[str] = ("later",)
"""In the place of an edge's parameters: a product of matrices, which may wait for others (see _pending.py)."""

_OURS = (np.ndarray, np.generic, float, int, complex)

_NEVER: tuple[str] = ("never",)
"""What no edge has in the place of its parameters."""

_NO_PARAMS: dict[str, Any] = {}


class Sweep:
    """Cotangents on their way back, by the number of the value that they belong to."""

    __slots__ = ("cotangents", "owned", "pending", "strong", "tape")

    def __init__(self, tape: Any, strong: bool) -> None:
        self.tape = tape
        self.strong = strong
        self.cotangents: list[Any] = [None] * len(tape.entries)
        # The numbers whose cotangent is a buffer made here, free to be added into.
        self.owned: set[int] = set()
        self.pending: dict[int, Pending] = {}

    def add(self, number: int, cotangent: Value) -> None:
        """Add to the cotangent of a value."""
        cotangents = self.cotangents
        old = cotangents[number]
        if old is None:
            cotangents[number] = cotangent
        elif number in self.owned:
            if not isinstance(cotangent, _OURS):
                cotangents[number] = old + cotangent
                self.owned.discard(number)
            else:
                np.add(old, cotangent, out=old)
        else:
            total = old + cotangent
            cotangents[number] = total
            if type(total) is np.ndarray:
                self.owned.add(number)

    def run(self, entries: list[Any], start: int, stop: int = 0) -> None:
        """Send every cotangent from number `start` down to `stop` to the operands it came from."""
        if self.strong:
            self._run_strong(entries, start, stop)
            return
        cotangents = self.cotangents
        pending = self.pending
        del cotangents[start + 1 if start >= stop else stop :]
        # The cotangent of the entry at hand is always the last of the list: popping is the fastest way to it.
        pop = cotangents.pop
        pullbacks, pulls = PULLBACKS, PULLS
        # Among large arrays memory is what costs: cotangents that nobody else holds are written over.
        is_large = self.tape.guard is not None
        quick = _NEVER if is_large else ONE
        for edge in reversed(entries[stop : start + 1]):
            ct = pop()
            if pending:
                ct = self._settled(len(cotangents), ct)
            if ct is None:
                continue
            while edge is not None:
                parent, pullback, kept, params, space, edge = edge
                if params is quick:
                    g = pullbacks[pullback](ct, kept)
                elif parent < 0:
                    pullback(self, ct, *kept)
                    continue
                elif is_large and edge is None and (over := _over(pullback, ct, kept, getrefcount(ct))) is not None:
                    g = over(ct, *((kept,) if params is None else kept), ct, **(params or _NO_PARAMS))
                elif params is None:
                    g = pullbacks[pullback](ct, kept)
                elif params is LATER and can_wait(kept[0], ct, kept[1]):
                    self._later(parent, kept[0], ct)
                    continue
                elif params is FEW or params is LATER:
                    g = pullbacks[pullback](ct, *kept)
                elif params is ITEM:
                    self._add_item(parent, pullback, kept, ct)
                    continue
                elif (pull := pulls[pullback]).scatters:
                    self._scatter(parent, pull.record, ct, kept, params)
                    continue
                else:
                    g = pullbacks[pullback](ct, *kept, **params)
                if space is not None:
                    g = conform_cotangent(g, *space)
                if cotangents[parent] is None:
                    cotangents[parent] = g
                elif is_large and parent not in self.owned and _is_free(g, cotangents[parent], getrefcount(g)):
                    np.add(g, cotangents[parent], out=g)
                    cotangents[parent] = g
                    self.owned.add(parent)
                else:
                    self.add(parent, g)
                if is_large:
                    # The name would hold on to what comes back as `ct`.
                    g = None
        # What was popped is not there any more, and later sweeps of this list may reuse the numbers.
        if self.owned:
            self.owned = {number for number in self.owned if number < len(cotangents)}

    def _run_strong(self, entries: list[Any], start: int, stop: int) -> None:
        """Sweep so that a cotangent of exactly zero contributes zero, also through an infinite or undefined derivative."""
        for number in range(start, stop - 1, -1):
            ct = self.settle(number)
            edge = entries[number]
            if ct is None or edge is None:
                continue
            self.cotangents[number] = None
            silent = _silent(ct)
            if _all(silent):
                continue
            while edge is not None:
                parent, pullback, kept, params, space, edge = edge
                if parent < 0:
                    pullback(self, ct, *kept)
                    continue
                if params is ITEM:
                    self._add_item(parent, pullback, kept, ct)
                    continue
                g = _pulled(pullback, kept, params, ct)
                if isinstance(ct, Tracer):
                    # A zero that is traced may still move: only what it spoils is dropped.
                    zero, lost = _is_zero(ct), np.isnan(g)
                    if PULLS[pullback].lanewise:
                        g = np.where(silent | (lost & zero), 0, g)
                    elif _all(zero) and may_be_anywhere(lost):
                        continue
                elif PULLS[pullback].lanewise and (params is ONE or kept):
                    g = np.where(silent, 0, g)
                self.add(parent, g if space is None else conform_cotangent(g, *space))

    def _add_item(self, parent: int, pullback: int, index: Any, ct: Value) -> None:
        """Add the cotangent of an item to that of its array."""
        record: Any = PULLS[pullback].record
        if parent in self.owned and isinstance(ct, _OURS):
            record.into(self.cotangents[parent], ct, None, index=index)
        else:
            self._scatter(parent, record, ct, (self.tape.read[parent],), {"index": index})

    def _later(self, parent: int, a: Value, ct: Value) -> None:
        """Add a^T ct to the cotangent of a matrix, together with others of its kind."""
        waiting = self.pending.get(parent)
        if waiting is None:
            waiting = self.pending[parent] = Pending()
        if waiting.product(a, ct):
            self.cotangents[parent] = self._settled(parent, self.cotangents[parent])

    def _wait(self, parent: int, *scatter: Any) -> None:
        self.pending.setdefault(parent, Pending()).scatter(*scatter)

    def _scatter(self, parent: int, record: Any, ct: Value, kept: tuple[Any, ...], params: dict[str, Any]) -> None:
        """Add a scattered cotangent into one buffer per array, so that a loop over x[i] costs O(n) in all."""
        if not isinstance(ct, _OURS) or type(kept[0]) is ForeignSpace or any([isinstance(x, Tracer) for x in kept[1:]]):
            self._wait(parent, record, ct, kept, params)
            return
        buffer = self.cotangents[parent]
        if buffer is None:
            space = kept[0]
            buffer = self.cotangents[parent] = np.zeros(space.shape, space.dtype)
            self.owned.add(parent)
        elif parent not in self.owned:
            if not isinstance(buffer, _OURS):
                self._wait(parent, record, ct, kept, params)
                return
            buffer = self.cotangents[parent] = np.array(buffer)
            self.owned.add(parent)
        record.into(buffer, ct, *kept, **params)

    def settle(self, number: int) -> Value:
        """Return the cotangent of a value, with the scatters that were pending for it."""
        if number in self.pending:
            self.cotangents[number] = self._settled(number, self.cotangents[number])
        return self.cotangents[number]

    def _settled(self, number: int, ct: Value) -> Value:
        waiting = self.pending.pop(number, None)
        if waiting is None:
            return ct
        total = waiting.total()
        return total if ct is None else ct + total


def _over(pullback: int, ct: Value, kept: Any, references: int) -> Function | None:
    """Return a pullback as one that writes over the cotangent, where it knows how to, and may."""
    over = PULLS[pullback].in_place
    return over if over is not None and _is_free(ct, kept, references) else None


def _is_free(x: Value, other: Value, references: int) -> bool:
    """Tell whether an array is large, held by one variable only, and of the shape and dtype of another: free to take results."""
    return (
        references <= 2
        and type(x) is np.ndarray
        and x.size >= LARGE
        and x.base is None
        and x.flags.writeable
        and (type(other) is tuple or (type(other) is np.ndarray and other.shape == x.shape and other.dtype is x.dtype))
    )


def _pulled(pullback: int, kept: Any, params: Any, ct: Value) -> Value:
    """Return what a pullback makes of a cotangent, with infinity times zero as zero."""
    formula = PULLBACKS[pullback]

    def pull(moves: Sequence[Value]) -> Value:
        if params is ONE:
            return formula(moves[0], kept)
        return formula(moves[0], *kept, **(params if type(params) is dict else {}))

    return drop_zeros(pull, (ct,), pull((ct,)), is_lanewise=PULLS[pullback].lanewise)


def _silent(ct: Value) -> Any:
    if isinstance(ct, list):
        return np.array([c is None or _all(vanishes(c)) for c in ct])
    return vanishes(ct)


def _is_zero(ct: Value) -> Any:
    return ct == 0


def _all(silent: Any) -> bool:
    # Nobody knows of what has not been computed yet.
    return not is_foreign(silent) and decide(_is_everywhere, silent)


def _is_everywhere(mask: Any) -> bool:
    return bool(np.all(mask))
