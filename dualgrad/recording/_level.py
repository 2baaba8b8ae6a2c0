"""The recorder: an interpreter that carries values along and writes down what was done to them, row by row."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._array.array import TracedArray
from dualgrad._call.callers import place_of_user
from dualgrad._table.facets import LOWER
from dualgrad._table.record import RECORDS, Composite, Constant, Metadata, Primitive
from dualgrad._table.space import Function, Value, dtype_of, shape_of
from dualgrad._trace.ended import Ended
from dualgrad._trace.level import Level, Tracer, decide, deepest
from dualgrad.recording._rows import Data, Guard, Outline, Ref, Row, Step, mapped

_NUMBERS = (np.ndarray, np.generic, float, complex, int)
_SMALL = frozenset((int, float, complex, bool, np.float64, np.bool_, np.int64, type(None), str, type(Ellipsis)))


class RecordArray(TracedArray):
    """A value, and the row that it came from.

    What asks for a plain number (a branch, an index, `float`) is answered, and guarded: the program holds where the answer is the same.
    """

    __slots__ = ("_ref",)

    _level: RecordLevel
    _ref: Ref | Data

    def __float__(self) -> float:  # type: ignore[override]
        return decide(float, self)

    def __int__(self) -> int:  # type: ignore[override]
        return decide(int, self)

    def __complex__(self) -> complex:  # type: ignore[override]
        return decide(complex, self)

    def __index__(self) -> int:  # type: ignore[override]
        return decide(operator.index, self)

    def item(self, *args: Any) -> Any:
        return decide(_item, self[args] if args else self)

    def tolist(self) -> Any:
        return decide(_as_list, self)


def _item(x: Any) -> Any:
    return np.asarray(x).item()


def _as_list(x: Any) -> Any:
    return np.asarray(x).tolist()


def record_array(value: Value, level: RecordLevel, ref: Ref | Data) -> RecordArray:
    """Return the answer of a row, or a constant of the program."""
    made = RecordArray()
    made._value = value
    made._level = level
    made._ref = ref
    return made


class RecordLevel(Level):
    """One recording. Its tracers are differentiated by nobody: what transformations do to them is recorded as well."""

    __slots__ = ("_errors", "_known", "_snapshots", "constants", "count", "lowers", "steps")

    title = "the recording of a program"
    differentiates = False
    takes_whole = True

    def __init__(self, lowers: bool = False) -> None:
        super().__init__()
        self.lowers = lowers
        self.steps: list[Step] = []
        self.count = 0
        self.constants: list[Any] = []
        # By id: the array of the user's, and the number of the copy. That array is held, so that its id stays its own.
        self._snapshots: dict[int, tuple[Any, int]] = {}
        self._known: set[Any] = set()
        self._errors = np.geterr()

    def close(self) -> None:
        """End the recording."""
        self.__class__ = EndedRecordLevel

    def input(self, value: Value) -> RecordArray:
        """Return a value as an input of the program."""
        ref = self._write(None, (), {}, value)
        return record_array(value, self, ref)

    def lift(self, value: Value) -> RecordArray:
        if type(value) is RecordArray and value._level is self:
            return value
        ref = self.reference(value)
        return record_array(self.constants[ref.number] if type(ref) is Data else value, self, self._as_data(ref))

    def apply(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        if self.lowers and (body := LOWER.of(record)) is not None:
            return body(*operands, **params)
        values = [x._value if type(x) is RecordArray and x._level is self else x for x in operands]
        plain_params = self.peel(params) if params else params
        ans = (record.operate if not params else record.fun)(*values, **plain_params)
        ref = self._write(record, operands, params, ans)
        return self._wrap(ans, ref)

    def constant(self, fun: Function, args: Any, kwargs: dict[str, Any]) -> Value:
        record = RECORDS.get(fun)
        if self.lowers and (body := LOWER.of(record)) is not None:
            return body(*args, **kwargs)
        ans = fun(*self.peel(args), **self.peel(kwargs))
        if type(record) is Metadata or not isinstance(record, Constant) or record.facts.outline:
            return ans
        return self._wrap(ans, self._write(record, args, kwargs, ans))

    def whole(self, record: Composite, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
        plain_args, plain_kwargs = self.peel(args), self.peel(kwargs)
        if self.lowers or deepest((plain_args, plain_kwargs)) is not None:
            return NotImplemented
        ans = record.key(*plain_args, **plain_kwargs)
        return self._wrap(ans, self._write(record, args, kwargs, ans))

    def decided(self, x: Tracer, question: Callable[[Any], Any], answer: Any) -> None:
        ref: Ref | Data = x._ref  # type: ignore[attr-defined]
        if isinstance(ref, Data):
            return
        key = (ref, _identity(question))
        if key not in self._known:
            self._known.add(key)
            self.steps.append(Guard(ref, question, answer, place_of_user()))

    # ---- writing -------------------------------------------------------------------------------------

    def _write(
        self, record: Primitive | Composite | Constant | None, operands: Any, params: dict[str, Any], ans: Any
    ) -> Ref:
        number = self.count
        self.count += 1
        answers = ans if isinstance(ans, tuple) else (ans,)
        errors = np.geterr()
        row = Row(
            number,
            record,
            tuple([mapped(self.reference, x) for x in operands]),
            {name: mapped(self.reference, x) for name, x in params.items()},
            tuple(map(outline, answers)),
            place_of_user(),
            None if errors == self._errors else {**errors},
        )
        self.steps.append(row)
        return Ref(number)

    def reference(self, x: Any) -> Any:
        """Return what stands for a value in a row."""
        kind = type(x)
        if kind is RecordArray and x._level is self:
            return x._ref
        if kind in _SMALL or not (isinstance(x, (np.ndarray, Tracer)) or hasattr(x, "__array_function__")):
            return x
        known = self._snapshots.get(id(x))
        if known is not None and _is_same(self.constants[known[1]], x):
            return Data(known[1])
        # A copy: the user may write to the array later, and the program holds what it was.
        self.constants.append(np.array(x) if isinstance(x, np.ndarray) else x)
        number = len(self.constants) - 1
        self._snapshots[id(x)] = (x, number)
        return Data(number)

    def _as_data(self, ref: Any) -> Data:
        if isinstance(ref, Data):
            return ref
        self.constants.append(ref)
        return Data(len(self.constants) - 1)

    def _wrap(self, ans: Any, ref: Ref) -> Any:
        if not isinstance(ans, tuple):
            return record_array(ans, self, ref) if _is_numeric(ans) else ans
        members = [record_array(a, self, Ref(ref.row, k)) if _is_numeric(a) else a for k, a in enumerate(ans)]
        return ans._make(members) if hasattr(ans, "_make") else tuple(members)


class EndedRecordLevel(Ended, RecordLevel):
    """A recording that is over."""

    __slots__ = ()


def outline(x: Any) -> Outline:
    """Return the shape and dtype of a number or array, None for anything else."""
    return (shape_of(x), dtype_of(x).str) if _is_numeric(x) else None


def _is_numeric(x: Any) -> bool:
    return isinstance(x, (*_NUMBERS, Tracer)) or hasattr(x, "__array_function__")


def _identity(question: Any) -> Any:
    """Return a key for a question: partial functions of the same arguments are the same question."""
    if not hasattr(question, "func"):
        return question
    try:
        return question.func, question.args, hash((question.args, tuple(sorted(question.keywords.items()))))
    except TypeError:
        return id(question)


def _is_same(copy: Any, x: Any) -> bool:
    if not isinstance(copy, np.ndarray):
        return copy is x
    return (
        copy.shape == x.shape
        and copy.dtype == x.dtype
        and bool(np.array_equal(copy, x, equal_nan=copy.dtype.kind in "fc"))
    )
