"""The Taylor interpreter: what every operation does to power series, up to a given order."""

from __future__ import annotations

from typing import Any

from dualgrad._table.record import Primitive, name_of
from dualgrad._table.space import Value, zeros_of
from dualgrad._trace.ended import Ended
from dualgrad._trace.level import Level
from dualgrad._trace.roots import remember
from dualgrad.series._array import SeriesArray
from dualgrad.series._rules import RuleLevel
from dualgrad.series._series import Series


class SeriesLevel(Level):
    """One running expansion. Its arrays have all coefficients up to `order`, which is at least 1."""

    __slots__ = ("order",)

    title = "Taylor mode"

    def __init__(self, order: int) -> None:
        super().__init__()
        self.order = order

    def close(self) -> None:
        """End the transformation."""
        self.__class__ = EndedSeriesLevel

    def moving(self, value: Value, velocity: Value) -> SeriesArray:
        """Return the array value + t * velocity."""
        return SeriesArray(Series([value, velocity, *[None] * (self.order - 1)]), self)

    def lift(self, value: Value) -> SeriesArray:
        return self.moving(value, zeros_of(value))

    def apply(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        rules = RuleLevel(self)
        try:
            answer = rules.answer(record, operands, params)
            members = answer if isinstance(answer, tuple) else (answer,)
            for k in range(1, self.order + 1):
                for x in members:
                    if type(x) is Series:
                        x[k]
        except RecursionError as error:
            # A rule that needs a new operand every time makes a chain as long as the order.
            raise RecursionError(
                f"taylor: the coefficients of {name_of(record.key)} up to order {self.order} need more nested calls than Python "
                "allows. Lower the order, or raise the limit with sys.setrecursionlimit."
            ) from error
        finally:
            rules.close()
        if not isinstance(answer, tuple):
            out = self._wrap(answer)
            return out if record.root is None else remember(out, record, operands, params)
        members = tuple([self._wrap(a) for a in answer])
        return answer._make(members) if hasattr(answer, "_make") else members

    def _wrap(self, x: Series | Value) -> Value:
        if type(x) is not Series:
            return x
        return x.value if all(c is None for c in x.coefficients[1:]) else SeriesArray(x, self)


class EndedSeriesLevel(Ended, SeriesLevel):
    """An expansion that is over."""

    __slots__ = ()
