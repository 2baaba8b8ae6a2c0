"""The tape: a flat chronological list of what was done to traced arrays.

Each value on the tape has a number, and the entry of that number says where its cotangent goes. An entry is a chain of
edges, one per operand that is being differentiated:

    (parent, pullback, kept, params, space, next edge)

The cotangent `ct` of the value sends `pullback(ct, *kept, **params)` to `parent`, moved into `space`, (shape, dtype), first
where the operand had another shape or dtype than the value. `pullback` is a number in PULLBACKS: tuples of
numbers and arrays alone are not visited by Python's garbage collector. Elementwise formulas have no parameters, and most keep one value: there
`params` is ONE and `kept` that value itself, or FEW and `kept` a tuple, which spares the sweep the slower call. An edge
whose parent is -1 sends to more than one place, and does so itself: its `pullback` is a function.
"""

from __future__ import annotations

import threading
from sys import getrefcount
from typing import Any, NoReturn

from numpy import float64, ndarray

from dualgrad._array.views import frozen
from dualgrad._table.copies import copy_in_layout
from dualgrad._table.index import join_index
from dualgrad._table.record import PULLS, WAITS, Primitive, Pull
from dualgrad._table.space import Space, Value, base_class, has_space, is_inexact, space_of, space_unless_equal
from dualgrad._trace.ended import Ended, leaked
from dualgrad._trace.level import Call, Tracer
from dualgrad._trace.roots import has_zero
from dualgrad.reverse._guard import SMALL, Guard
from dualgrad.reverse._hot import ShortTape, TapeArray, tape_array
from dualgrad.reverse._joint import joint, pick, unpack
from dualgrad.reverse._sweep import FEW, ITEM, LATER, ONE

_making_locks = threading.Lock()

_SCALARS = frozenset((float, float64))


class Tape(ShortTape):
    """One reverse-mode transformation: records every operation on its arrays, until it is closed."""

    __slots__ = ("_lock", "guard")

    _lock: Any

    guard: Guard | None
    """Holds the copies of large arrays; None as long as all that is kept is small."""

    def __init__(self) -> None:
        super().__init__()
        self.guard = None

    @property
    def lock(self) -> Any:
        """The lock held while a sweep extends the tape (see _checkpoint.py)."""
        try:
            return self._lock
        except AttributeError:
            with _making_locks:
                if not hasattr(self, "_lock"):
                    self._lock = threading.RLock()
            return self._lock

    def keep(self, x: Any, is_lifted: bool = False) -> Any:
        """Return an array with the numbers of `x`, which nobody changes; numbers as they are."""
        if type(x) is not ndarray:
            return self._frozen(x) if isinstance(x, Tracer) else x.copy() if isinstance(x, ndarray) else x
        if x.size <= SMALL:
            return x.copy() if x.flags.c_contiguous else copy_in_layout(x)
        if self.guard is None:
            self.guard = Guard()
        return self.guard.keep(x, is_lifted)

    def _frozen(self, x: Tracer) -> Tracer:
        # A write to an array of an outer transformation makes it stand for another value; what it stands for stays. A batch
        # may hold the user's own array.
        found = frozen(x)
        if isinstance(found._value, Tracer) or not x._level.differentiates:
            found._value = self.keep(found._value)
        return found

    def close(self) -> None:
        """End the transformation: whatever is done from now on to an array on this tape is a mistake."""
        self.__class__ = EndedTape
        self.record = _refuse
        self.is_running = False

    def reopen(self) -> None:
        """Take up the transformation again, until it is closed: for what runs again in a sweep."""
        self.__class__ = Tape
        self.record = self.entries.append
        self.is_running = True

    def made_by(self, x: Any) -> Call | None:
        # The entry says it, as it holds what the pullbacks read.
        edge = self.entries[x._number]
        if edge is None:
            return None
        parent, pullback, kept, params, *_ = edge
        if parent < 0:
            return self._made_by_joint(kept) if pullback is joint else None
        record: Any = PULLS[pullback].record
        if record.root is None or params is ITEM or not (record.root.is_zero or has_zero(x._value)):
            return None
        # By place: 0 is the answer, 1 the first operand.
        places = range(1, len(record.pulls) + 1)
        values: dict[int, Value] = {}
        numbers: dict[int, int] = {}
        while edge is not None:
            parent, pullback, kept, params, _, edge = edge
            pull = PULLS[pullback]
            if pull.reads < 0:
                return None
            read = [k for k in (0, *places) if pull.reads >> k & 1]
            values.update(zip(read, (kept,) if params is ONE else kept, strict=True))
            numbers[pull.place + 1] = parent
        if 1 not in values and record.root.operand is not None:
            values[1] = record.root.operand(x._value)
        if not values.keys() >= set(places):
            return None
        return Call(record, tuple([self._again(values[k], numbers.get(k, -1)) for k in places]), {})

    def _made_by_joint(self, kept: Any) -> Call | None:
        record, parents, _, _, operands, _, options = kept
        if record.root is None or any([isinstance(x, Space) for x in operands]):
            return None
        return Call(record, tuple(map(self._again, operands, parents)), options)

    def _again(self, value: Value, number: int) -> Value:
        """Return an operand from its value, and its number on the tape or -1."""
        return value if number < 0 else tape_array(value, self, number)

    def lift(self, value: Value) -> TapeArray:
        """Return a new array on the tape that depends on nothing: an input, or a constant."""
        if type(value) is not ndarray and isinstance(value, ndarray):
            value = base_class(value)
        value = self.keep(value, is_lifted=True)
        self.record(None)
        return tape_array(value, self, len(self.entries) - 1)

    def apply(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        """Record any primitive."""
        pulls = record.pulls
        if len(operands) == 1 and pulls is not None and (pull := pulls[0]) is not None:
            # As below, for the commonest case: reductions, indexing and changes of shape.
            (x,) = operands
            value = x._value
            ans = record.fun(value, **params)
            kept = pull.select(ans, value)
            space = space_unless_equal(value, ans)
            self.record((x._number, pull.number, kept, params, space, None))
            return tape_array(ans, self, len(self.entries) - 1)
        values = [x._value if type(x) is TapeArray and x._level is self else x for x in operands]
        ans = (record.operate if not params else record.fun)(*values, **params)
        if record.pulls is None:
            if record.facts.packs and _SCALARS.issuperset(map(type, values)):
                return self._record_pack(operands, values, ans)
            return self._record_joint(record, operands, values, ans, params)
        return self._record_edges(record.pulls, operands, values, ans, params)

    def write(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        """Record an assignment, into the same memory where nobody else holds it: a loop of writes costs O(n) in all."""
        # Only here: `apply` is also called by levels further in and by rules, whose operand other arrays may hold.
        pulls = record.pulls
        assert pulls is not None
        buffer = _buffer_of(operands[1], self)
        values = [x._value if type(x) is TapeArray and x._level is self else x for x in operands]
        if buffer is None or any([isinstance(v, Tracer) for v in values]):
            return self.apply(record, operands, params)
        buffer[join_index(params["index"], values[2:])] = values[0]
        return self._record_edges(pulls, operands, values, buffer, params)

    def _record_edges(
        self,
        pulls: tuple[Pull | None, ...],
        operands: tuple[Value, ...],
        values: list[Value],
        ans: Value,
        params: dict[str, Any],
    ) -> Value:
        given = [v for v, x in zip(values, operands, strict=True) if v is x]
        edge: Any = None
        for k in range(len(values) - 1, -1, -1):
            x = operands[k]
            if type(x) is TapeArray and x._level is self and (pull := pulls[k]) is not None:
                number = x._number
                kept = pull.select(ans, *values)
                if given:
                    kept = tuple([self.keep(v) if any([v is x for x in given]) else v for v in kept])
                space = space_unless_equal(values[k], ans)
                edge = (number, pull.number, kept, LATER if pull.reads == WAITS and not params else params, space, edge)
        if edge is None:
            return ans
        self.record(edge)
        return tape_array(ans, self, len(self.entries) - 1)

    def _record_pack(self, operands: tuple[Value, ...], values: list[Value], ans: Value) -> Value:
        """Record that numbers became an array: their cotangents need no rule."""
        parents = [-1 if v is x else x._number for v, x in zip(values, operands, strict=True)]
        self.record((-1, unpack, (parents,), FEW, None, None))
        return tape_array(ans, self, len(self.entries) - 1)

    def _record_joint(
        self, record: Primitive, operands: tuple[Value, ...], values: list[Value], ans: Value, params: dict[str, Any]
    ) -> Value:
        keep = record.keep or ()
        parents: list[int] = []
        spaces: list[Space | None] = []
        kept: list[Any] = []
        for k, (v, x) in enumerate(zip(values, operands, strict=True), 1):
            space = space_of(v) if has_space(v) else None
            if v is x:
                parents.append(-1)
                spaces.append(None)
            else:
                parents.append(x._number)
                spaces.append(space)
            if space is not None and k not in keep:
                kept.append(space)
            else:
                kept.append(self.keep(v) if v is x else v)
        wanted = tuple([parent >= 0 for parent in parents])
        if record.outputs == 1:
            kept_ans = ans if 0 in keep else space_of(ans)
            self.record((-1, joint, (record, parents, wanted, kept_ans, kept, spaces, params), FEW, None, None))
            return tape_array(ans, self, len(self.entries) - 1)
        kept_ans = tuple([a if 0 in keep or not has_space(a) else space_of(a) for a in ans])
        self.record((-1, joint, (record, parents, wanted, kept_ans, kept, spaces, params), FEW, None, None))
        node = len(self.entries) - 1
        members = []
        for k, a in enumerate(ans):
            if is_inexact(a):
                self.record((-1, pick, (node, k, len(ans)), FEW, None, None))
                members.append(tape_array(a, self, len(self.entries) - 1))
            else:
                members.append(a)
        return ans._make(members) if hasattr(ans, "_make") else tuple(members)


def _buffer_of(x: Any, tape: Tape) -> Any:
    """Return the memory of an array on a tape where nobody but the array holds it."""
    if type(x) is TapeArray and x._level is tape and type(x._value) is ndarray and getrefcount(x._value) == 2:
        value = x._value
        if value.base is None and value.flags.writeable:
            return value
    return None


def _refuse(edge: Any) -> NoReturn:
    raise leaked(Tape.title)


class EndedTape(Ended, Tape):
    """A tape whose transformation is over: it can be swept, not written."""

    __slots__ = ()
