"""The JVP rules of the table, run on series: y(t) = f(x(t)) has y' = J(x) x', so y_k = [J(x) x']_{k-1} / k.

That one formula serves every record. A rule runs once, on series that are extended on demand, with x' as the tangent and the answer
itself as the answer. What it returns is the series of y', and every formula is a recurrence: t * ans says
k e_k = sum_j j x_j e_{k-j} for the exponential (Griewank & Walther 2008, table 13.2, has this and others for elementary functions).

Cost, for K coefficients. The operations inside a rule run by the same formula: sin needs cos, whose rule needs sin. What keeps
this from branching is a memory of one application: the same function of the same series is the same series. So sin
and cos are two series, and tanh and its derivative are. Sums, products and quotients, of which formulas consist, have their own
recurrences, O(K) operations for each coefficient. Then

* O(K**2) operations where a formula closes on itself: exp, log, sqrt, sin, tanh, arctan, ..., and matrix functions whose
  rules consist of products (inv, det);
* O(K**3) where it takes a new operand every time: x ** a needs x ** (a - 1), ..., and solve(a, b) needs solve(a, b') and so on. A
  chain of K series. (For powers with a constant exponent there is a recurrence in O(K**2). It divides by x, and
  loses everything where x ** a underflows.)
* O(K**n) for a product of n operands that is one primitive (einsum): the K**n derivatives of the operands that occur in it.

Never exponential, as nested forward mode is: a test counts, for every record of the table.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.record import Primitive, Word
from dualgrad._table.space import Value, is_inexact
from dualgrad._trace.ended import Ended
from dualgrad._trace.level import Level
from dualgrad.series._array import SeriesArray
from dualgrad.series._series import Extend, Series, conformed, constant, derivative, linear, product, quotient

_SIMPLE = (bool, int, float, complex, str, type(None), type(Ellipsis))


class RuleLevel(Level):
    """One application of a primitive to series of the level `above`, and the rules that run for it."""

    __slots__ = ("above", "memory")

    title = "Taylor mode"

    def __init__(self, above: Level) -> None:
        super().__init__()
        self.above = above
        # What is remembered is kept with its operands, so that their ids stay theirs.
        self.memory: dict[Any, tuple[Any, Any]] = {}

    def close(self) -> None:
        """End the application; what its series hold stays."""
        for found, _ in self.memory.values():
            for x in found if isinstance(found, tuple) else (found,):
                if type(x) is Series:
                    x.freeze()
        self.memory.clear()
        self.__class__ = EndedRuleLevel

    def lift(self, value: Value) -> SeriesArray:
        return SeriesArray(constant(value), self)

    def apply(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
        answer = self.answer(record, operands, params)
        if not isinstance(answer, tuple):
            return self.traced(answer)
        members = [self.traced(a) for a in answer]
        return answer._make(members) if hasattr(answer, "_make") else tuple(members)

    def traced(self, x: Series | Value) -> Value:
        """Return a series as an array of this level; anything else as it is."""
        return SeriesArray(x, self) if type(x) is Series else x

    def series(self, x: Value) -> Series | None:
        """Return the series of a traced array of this level or the one above; None for what is constant to both."""
        if type(x) is SeriesArray and (x._level is self or x._level is self.above):
            return x._series
        return None

    def derivative(self, x: Series) -> Series:
        """Return the series of dx/dt."""
        key = (derivative, id(x))
        if key not in self.memory:
            self.memory[key] = (derivative(x), x)
        found: Series = self.memory[key][0]
        return found

    def answer(self, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Any:
        """Return the series of an answer, or a tuple of the series (and constant parts) of answers."""
        known = tuple([self.series(x) for x in operands])
        given = tuple([x if s is None else s for x, s in zip(operands, known, strict=True)])
        key = (id(record), *map(_identity, given), *[(name, _identity(params[name])) for name in sorted(params)])
        if key not in self.memory:
            self.memory[key] = (self._answer(record, given, params), (given, params))
        return self.memory[key][0]

    def _answer(self, record: Primitive, given: tuple[Series | Value, ...], params: dict[str, Any]) -> Any:
        values = tuple([x.value if type(x) is Series else x for x in given])
        known = [x if type(x) is Series else None for x in given]
        run = record.operate if not params else record.fun
        if record.outputs != 1 or record.value_and_jvp is not None:
            return self._by_rule(record, given, values, params)
        if _is_linear(record, known):
            ans = run(*values, **params)
            return linear(lambda tangents: record.jvp(tuple(tangents), ans, *values, **params), known, ans)
        if record.word is Word.BILINEAR or record.facts.product:
            return product(lambda a, b: run(a, b, **params), given[0], given[1], run(*values, **params))
        if record.facts.quotient:
            return quotient(known[0], given[1], run(*values, **params))
        return self._by_rule(record, given, values, params)

    def _by_rule(
        self, record: Primitive, given: tuple[Series | Value, ...], values: tuple[Value, ...], params: dict[str, Any]
    ) -> Any:
        ans, first = _start(record, given, values, params)
        rule = RunningRule(self, record, given, params)
        if record.outputs == 1:
            rule.answer = found = Series([ans, *[conformed(t, ans) for t in first]], rule.extend(0, ans))
            return found
        members = [
            Series([a, *[conformed(t[i], a) for t in first]], rule.extend(i, a)) if is_inexact(a) else a
            for i, a in enumerate(ans)
        ]
        rule.answer = ans._make(members) if hasattr(ans, "_make") else tuple(members)
        return rule.answer


class EndedRuleLevel(Ended, RuleLevel):
    """An application that is over."""

    __slots__ = ()


class RunningRule:
    """A JVP rule that runs once, when the first coefficient is asked for that only it can tell."""

    __slots__ = ("_given", "_level", "_params", "_pushed", "_record", "answer")

    answer: Any

    def __init__(
        self, level: RuleLevel, record: Primitive, given: tuple[Series | Value, ...], params: dict[str, Any]
    ) -> None:
        self._level = level
        self._record = record
        self._given = given
        self._params = params
        self._pushed: list[Series | None] | None = None

    def extend(self, member: int, ans: Value) -> Extend:
        """Return what extends the series of one of the answers, whose value is `ans`."""

        def extend(k: int) -> Value:
            if self._pushed is None:
                self._pushed = self._push()
            pushed = self._pushed[member] if self._pushed else None
            c = None if pushed is None else pushed[k - 1]
            return None if c is None else conformed(c / k, ans)

        return extend

    def _push(self) -> list[Series | None]:
        level, record = self._level, self._record
        operands = [level.traced(x) for x in self._given]
        tangents = [level.traced(level.derivative(x)) if type(x) is Series else None for x in self._given]
        ans = self.answer
        if isinstance(ans, tuple):
            members = [level.traced(a) for a in ans]
            if record.keeps and record.value_and_jvp is None:
                # What a function keeps for its rule depends on its operands, too: run on them, it keeps series.
                members[-record.keeps :] = record.fun(*operands, **self._params)[-record.keeps :]
            ans = ans._make(members) if hasattr(ans, "_make") else tuple(members)
        else:
            ans = level.traced(ans)
        # An infinite or undefined derivative is an answer, not an accident.
        with np.errstate(all="ignore"):
            pushed = record.jvp(tuple(tangents), ans, *operands, **self._params)
        if pushed is None:
            return []
        return [self._as_series(t) for t in (pushed if record.outputs != 1 else (pushed,))]

    def _as_series(self, tangent: Value) -> Series | None:
        found = self._level.series(tangent)
        return constant(tangent) if found is None and tangent is not None else found


def _start(
    record: Primitive, given: tuple[Series | Value, ...], values: tuple[Value, ...], params: dict[str, Any]
) -> tuple[Any, list[Value]]:
    """Return the value of an application, and its first coefficient in a list if it came along.

    Some values depend on the direction (a basis, where eigenvalues are equal). The direction is asked for only where it is known:
    inside a rule it may be what is being computed.
    """
    if record.value_and_jvp is not None and all(x.is_complete for x in given if type(x) is Series):
        tangents = tuple([x[1] if type(x) is Series else None for x in given])
        if any(t is not None for t in tangents):
            ans, first = record.value_and_jvp(tangents, *values, **params)
            return ans, [] if first is None else [first]
    return (record.operate if not params else record.fun)(*values, **params), []


def _is_linear(record: Primitive, known: list[Series | None]) -> bool:
    """Tell whether a function is linear in those of its operands that are series, the others being constant."""
    if record.word in (Word.LINEAR, Word.STRUCTURAL) or record.facts.linear:
        return True
    moving = [i for i, x in enumerate(known) if x is not None]
    if record.word is Word.BILINEAR:
        return len(moving) == 1
    if record.word is not Word.ELEMENTWISE or record.pulls is None:
        return False
    # The bits of `reads`: 1 for the answer, 2, 4, ... for the operands.
    varying = 1 + sum(2 << i for i in moving)
    pulls = [record.pulls[i] for i in moving]
    return all(pull is None or (pull.reads >= 0 and not pull.reads & varying) for pull in pulls)


def _identity(x: Any) -> Any:
    """Return a key that is equal only for equal things."""
    if isinstance(x, _SIMPLE):
        return type(x), repr(x)
    if isinstance(x, slice):
        return slice, _identity((x.start, x.stop, x.step))
    if type(x) is tuple or type(x) is list:
        return (type(x), *map(_identity, x))
    if type(x) is np.ndarray and x.dtype.kind in "iub":
        # A parameter, which is copied at each call.
        return np.ndarray, x.dtype, x.shape, x.tobytes()
    return id(x)
