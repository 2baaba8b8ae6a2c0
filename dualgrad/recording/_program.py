"""A program: what a function did at one point, to be looked at, and run again at others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dualgrad import tree
from dualgrad._call.leaves import owned
from dualgrad._table.record import Primitive
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import Tracer, bind, decide
from dualgrad.errors import ProgramError
from dualgrad.recording._drawing import dot, svg
from dualgrad.recording._inputs import Inputs
from dualgrad.recording._level import outline
from dualgrad.recording._listing import listing
from dualgrad.recording._rows import Data, Guard, Leaf, Ref, Row, Step, mapped


class Program:
    """What `dualgrad.record(f)(*args)` returns: the rows that `f` came to, and the guards under which they are right.

    Called with other arguments of the same structure, shapes and dtypes, it runs the rows again, and raises ProgramError
    where a guard does not hold, so that the answer is that of `f` or an error. Print it for a listing. `rows`, `guards`, `constants`
    (arrays that did not come from the arguments, as they were) and `value` (what `f` returned) are for reading.

    >>> import numpy as np
    >>> from dualgrad import grad, record
    >>> program = record(grad(lambda x: np.sum(x**2) if x[0] > 0 else -x[0]))(np.array([1.0, 2.0]))
    >>> program(np.array([3.0, 5.0]))
    array([ 6., 10.])
    >>> program.holds(np.array([-3.0, 5.0]))
    False
    """

    def __init__(
        self, title: str, inputs: Inputs, steps: Sequence[Step], constants: Sequence[Any], result: Any, value: Any
    ) -> None:
        self.title = title
        self.value = value
        self.steps = tuple(steps)
        self.constants = tuple(constants)
        self._inputs = inputs
        self._result = result

    @property
    def rows(self) -> tuple[Row, ...]:
        """The applications of functions, in their order; the first ones are the inputs."""
        return tuple([step for step in self.steps if type(step) is Row])

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The looks at numbers that decided how the function went on."""
        return tuple([step for step in self.steps if type(step) is Guard])

    @property
    def inputs(self) -> list[str]:
        """How errors name the inputs."""
        return self._inputs.names

    @property
    def result(self) -> Any:
        """The tree of what is returned, with references to rows and constants at its leaves."""
        return self._result

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the rows on other arguments. Raises ProgramError where the program does not hold for them."""
        values = self._inputs.of(args, kwargs)
        answers = self._run(values)
        taken = [*values, *self.constants]
        return tree.map(lambda x: owned(self._fetch(answers, x.ref), taken) if type(x) is Leaf else x, self._result)

    def holds(self, *args: Any, **kwargs: Any) -> bool:
        """Tell whether the program is right for other arguments: all guards hold, and all shapes are those of the recording."""
        try:
            self._run(self._inputs.of(args, kwargs))
        except ProgramError:
            return False
        return True

    def differences(self, other: Program) -> list[str]:
        """Return in what two programs differ, a line each: recorded twice, a function that reads nothing unseen has none.

        NumPy among plain arrays is not seen: `x * (data * 2)` holds the product as a constant, and random numbers or arrays that have
        changed show in the constants of a second recording.
        """
        found = [f"{len(self.rows)} rows and {len(other.rows)}"] if len(self.rows) != len(other.rows) else []
        for one, two in zip(self.steps, other.steps, strict=False):
            if _essence(one) != _essence(two):
                found.append(f"{_described(one)} and {_described(two)}")
                break
        for k, (a, b) in enumerate(zip(self.constants, other.constants, strict=False)):
            if not _is_same(a, b):
                found.append(f"the constant c{k}{self._first_use(k)}")
        return found

    def __str__(self) -> str:
        return listing(self)

    def __repr__(self) -> str:
        return f"<program of {self.title}: {len(self.rows)} rows, {len(self.guards)} guards, {len(self.constants)} constants>"

    def to_dot(self) -> str:
        """Return the program as a graph in the language of Graphviz."""
        return dot(self)

    def to_svg(self) -> str:
        """Return a picture of the program. Raises ValueError where it has too many rows for one; draw `to_dot()` then."""
        return svg(self)

    # ---- running -------------------------------------------------------------------------------------

    def _run(self, values: Sequence[Value]) -> list[Any]:
        answers: list[Any] = []
        given = iter(values)
        for step in self.steps:
            if type(step) is Guard:
                self._check(step, answers)
            else:
                assert type(step) is Row
                answers.append(next(given) if step.record is None else self._apply(step, answers))
        return answers

    def _apply(self, row: Row, answers: list[Any]) -> Any:
        record = row.record
        assert record is not None
        operands = [mapped(lambda x: self._fetch(answers, x), x) for x in row.operands]
        params = {name: mapped(lambda y: self._fetch(answers, y), x) for name, x in row.params.items()}
        if row.errors is None:
            ans = _applied(record, operands, params)
        else:
            with np.errstate(**row.errors):
                ans = _applied(record, operands, params)
        found = tuple(map(outline, ans if isinstance(ans, tuple) else (ans,)))
        if found != row.outlines:
            raise ProgramError(
                f"The program of {self.title} does not hold here: {row.name}{_at(row.place)} gave {_shapes(row.outlines)} when it was "
                f"recorded, and gives {_shapes(found)} for these arguments. Record the function at these arguments."
            )
        return ans

    def _check(self, guard: Guard, answers: list[Any]) -> None:
        value = self._fetch(answers, guard.ref)
        if not decide(guard.holds, value):
            raise ProgramError(
                f"The program of {self.title} does not hold here: {guard.name}({guard.ref}){_at(guard.place)} was {guard.answer!r} when "
                "it was recorded, and is not for these arguments. Record the function at these arguments."
            )

    def _fetch(self, answers: list[Any], x: Any) -> Any:
        if type(x) is Ref:
            found = answers[x.row]
            return found if x.member < 0 else found[x.member]
        return self.constants[x.number] if type(x) is Data else x

    def _first_use(self, number: int) -> str:
        for row in self.rows:
            if Data(number) in _leaves((*row.operands, *row.params.values())):
                return f" of {row.name}{_at(row.place)}"
        return ""


def _applied(record: Any, operands: list[Any], params: dict[str, Any]) -> Any:
    if not isinstance(record, Primitive):
        return record.key(*operands, **params)
    if any([isinstance(x, Tracer) for x in operands]):
        return bind(record, tuple(operands), params)
    return (record.operate if not params else record.fun)(*operands, **params)


def _leaves(x: Any) -> Iterator[Any]:
    if isinstance(x, (tuple, list)) and type(x) not in (Ref, Data):
        for y in x:
            yield from _leaves(y)
    else:
        yield x


def _essence(step: Step) -> Any:
    if type(step) is Guard:
        return step.ref, step.name, repr(step.answer)
    assert type(step) is Row
    return step.name, repr(step.operands), repr(step.params), step.outlines


def _described(step: Step) -> str:
    return f"{step}{_at(step.place)}"


def _is_same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if shape_of(a) != shape_of(b) or dtype_of(a) != dtype_of(b):
        return False
    return bool(np.array_equal(a, b, equal_nan=dtype_of(a).kind in "fc"))


def _shapes(outlines: tuple[Any, ...]) -> str:
    return ", ".join(["no array" if one is None else f"{np.dtype(one[1])}{list(one[0])}" for one in outlines])


def _at(place: Any) -> str:
    return "" if place is None else f" ({place})"
