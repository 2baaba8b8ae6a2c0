"""The table: one frozen record per NumPy function, with everything dualgrad knows about it.

A record is one of five: `Primitive` (both rules), `Composite` (differentiated by running its body), `Constant` (no
derivative), `Metadata` (facts of shape and dtype) and `Refused` (with the reason). This module knows no interpreter and no
traced array; the records are written in `dualgrad/rules/`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from dualgrad._table.facets import UNDER, Root, Says, silent
from dualgrad._table.facts import NO_FACTS, Facts
from dualgrad._table.signature import Normaliser
from dualgrad._table.space import Function, Value
from dualgrad._table.structure import Along, Numberwise, Rearranged, Structure


class JvpRule(Protocol):
    """`jvp(tangents, ans, *operands, **params)`: the tangent of the answer; a tangent that is zero is None."""

    def __call__(self, tangents: tuple[Value, ...], ans: Value, /, *operands: Value, **params: Any) -> Value: ...


class VjpRule(Protocol):
    """`vjp(ct, wanted, ans, *operands, **params)`: one cotangent per operand, None where zero or not wanted."""

    def __call__(
        self, ct: Value, wanted: tuple[bool, ...], ans: Value, /, *operands: Value, **params: Any
    ) -> tuple[Value, ...]: ...


class Word(enum.Enum):
    """What sort of function a primitive is; interpreters that need structure (batching, sparsity) read this."""

    ELEMENTWISE = "elementwise"
    LINEAR = "linear"
    BILINEAR = "bilinear"
    STRUCTURAL = "structural"
    HANDWRITTEN = "handwritten"


class Sample:
    """A call at which a record is checked: the arguments and keywords as a user writes them."""

    __slots__ = ("args", "kwargs")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs

    def __repr__(self) -> str:
        return f"Sample({', '.join([*map(repr, self.args), *(f'{k}={v!r}' for k, v in self.kwargs.items())])})"


Samples: TypeAlias = "Callable[[np.random.Generator], Iterable[Sample]]"
"""Draws the sample calls of a record. A string, so that importing dualgrad does not import numpy.random."""


PULLBACKS: list[Function] = []
"""The pullbacks by number. A tape holds the numbers: what refers to functions, Python's garbage collector visits again and
again, and on a long tape that costs as much as everything else."""

PULLS: list[Pull] = []
"""The same with all that is known of them, for what is asked of few: whose they are, how they may be run."""


WAITS = -2
"""In the place of `reads`: a product of matrices a^T ct, which reads (a, the space of b) and may wait for others like it."""


class Pull:
    """The pullback to one operand: `function(ct, *kept, **params)`, where `kept = select(ans, *operands)`.

    What `select` returns is all that a tape has to hold on to. `reads` says the same as a number for one or two operands, for
    fast paths: 1 for the answer, 2 and 4 for the operands. `parts` is (number in PULLBACKS, select, reads).
    `in_place` is the function once more with a last argument `out`: it can be written over the cotangent.
    The rest is known when its record comes into the table: `record` and `place`, the operand that it is of; `lanewise`, each
    number of the result depends on one number of the cotangent; `scatters`, it only scatters a cotangent into zeros, and the
    record can add that into a buffer in place.
    """

    __slots__ = (
        "function",
        "in_place",
        "lanewise",
        "number",
        "parts",
        "place",
        "reads",
        "record",
        "scatters",
        "select",
    )

    record: Primitive | None

    def __init__(
        self,
        function: Function,
        select: Callable[..., tuple[Value, ...]],
        reads: int = -1,
        in_place: Function | None = None,
    ) -> None:
        self.function = function
        self.select = select
        self.reads = reads
        self.in_place = in_place
        self.number = len(PULLBACKS)
        self.parts = (self.number, select, reads)
        self.record = None
        self.place = -1
        self.lanewise = self.scatters = False
        PULLBACKS.append(function)
        PULLS.append(self)

    def belong(self, record: Primitive, place: int) -> None:
        """Note whose pullback this is, and to which operand."""
        self.record = record
        self.place = place
        self.lanewise = record.word is Word.ELEMENTWISE
        self.scatters = place == 0 and record.into is not None


_STRUCTURES: dict[Word, Structure] = {Word.ELEMENTWISE: Numberwise(), Word.STRUCTURAL: Rearranged()}


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """A function with both rules.

    `fun(*operands, **params)` is the implementation; `operate` the same for Python operators, which keep Python floats.
    `pulls` holds the pullback to each operand (None: constant in it), or is None where one `vjp` serves all operands at once
    and reads of (ans, operands) what `keep` names by position: 0 is the answer, 1 the first operand.
    `desugar` is a body in NumPy for the parameters that the rules do not take (`where=`, `initial=`, ...).
    With `outputs` other than 1 it returns a tuple. The last `keeps` of its members are no answers: it keeps them for its rules, which find
    them in `ans`, and they have neither tangent nor cotangent (None). What is kept depends on the operands: a mode in which these move
    runs `fun` on them once more.
    With `same_space`, the answer always has the shape and dtype of the one operand, and cotangents need no correction.
    `unary` is all that a fast path needs of an elementwise function of one operand: operate, the pull's parts, same_space.
    `value_and_jvp(tangents, *operands, **params)` computes both at once, where they share work.
    `into` adds the pullback to the first operand into a buffer in place; `gather` does the same for many answers at once.
    With `poles`, tangents that are finite may become infinite.
    With `one_formula`, the function of each pull is the pushforward by that operand too.
    `structure` says which numbers the answer depends on, `says` holds its facets, `facts` what else is true of it. `root` is what the
    facet UNDER says, for hot paths.
    """

    key: Function
    word: Word
    fun: Function
    jvp: JvpRule
    vjp: VjpRule
    samples: Samples
    normalise: Normaliser
    operate: Function
    pulls: tuple[Pull | None, ...] | None = None
    keep: frozenset[int] | None = None
    desugar: Function | None = None
    outputs: int = 1
    keeps: int = 0
    same_space: bool = False
    value_and_jvp: Function | None = None
    into: Function | None = None
    gather: Function | None = None
    poles: bool = False
    one_formula: bool = False
    structure: Structure | None = None
    says: Says = field(default_factory=silent)
    facts: Facts = NO_FACTS
    unary: tuple[Function, int, Function, int, bool] | None = field(init=False, default=None)
    root: Root | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", UNDER.of(self))
        if self.structure is None and self.word in _STRUCTURES:
            object.__setattr__(self, "structure", _STRUCTURES[self.word])
        _check_structure(self)
        if (
            self.word is Word.ELEMENTWISE
            and self.pulls is not None
            and len(self.pulls) == 1
            and self.pulls[0] is not None
        ):
            object.__setattr__(self, "unary", (self.operate, *self.pulls[0].parts, self.same_space))

    def __reduce__(self) -> tuple[Any, ...]:
        return named, (self.key,)


def _check_structure(record: Primitive) -> None:
    structure = record.structure
    if structure is not None and not isinstance(structure, Structure):
        raise TypeError(
            f"{name_of(record.key)}: structure= takes a structure, Along(-1) for example; it got {structure!r}."
        )
    if isinstance(structure, Along):
        if "axis" not in record.normalise.params:
            raise without_axis(record.key)
        default = record.normalise.defaults.get("axis", structure.axis)
        if default != structure.axis:
            raise TypeError(
                f"{name_of(record.key)}: structure=Along({structure.axis!r}) says another default than the function has, axis={default!r}. "
                f"Write Along({default!r})."
            )


def without_axis(fun: Function) -> TypeError:
    """Return the error for a function that is said to work along an axis, and takes none."""
    return TypeError(
        f"{name_of(fun)}: structure=Along(...) is for functions with a parameter named axis, which the rules take by keyword "
        "(lambda ct, a, *, axis=-1: ...). For others write says=(BATCH(rule),)."
    )


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """A function whose body in NumPy is differentiated by running it; the body takes the function's own signature."""

    key: Function
    body: Function
    samples: Samples
    out_position: int | None = None
    """Where `out` stands among the body's parameters, if it is one of them."""
    whole: bool = False
    """Whether the function itself is a faster way than the body: what nobody differentiates is computed by it in one step."""
    says: Says = field(default_factory=silent)
    facts: Facts = NO_FACTS

    def __reduce__(self) -> tuple[Any, ...]:
        return named, (self.key,)


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A function whose derivative is zero wherever it exists: comparisons, floor, argmax."""

    key: Function
    samples: Samples | None = None
    structure: Structure | None = None
    says: Says = field(default_factory=silent)
    facts: Facts = NO_FACTS

    def __reduce__(self) -> tuple[Any, ...]:
        return named, (self.key,)


@dataclass(frozen=True, slots=True, eq=False)
class Metadata:
    """A function of shapes and dtypes only."""

    key: Function
    says: Says = field(default_factory=silent)
    facts: Facts = NO_FACTS


@dataclass(frozen=True, slots=True, eq=False)
class Refused:
    """A function that dualgrad does not differentiate; `reason` says why and what to write instead."""

    key: Function
    reason: str
    says: Says = field(default_factory=silent)
    facts: Facts = NO_FACTS


Record: TypeAlias = Primitive | Composite | Constant | Metadata | Refused

RECORDS: dict[Function, Record] = {}
"""The table. Keys are NumPy's functions."""

REFUSED_MODULES: dict[str, str] = {}
"""The modules that are not differentiated, none of their functions, and why. They need not be imported."""

UNARY: dict[Function, Primitive] = {}
"""The elementwise primitives of one operand among them, for the shortest path."""

SHORT: dict[Function, int] = {}
"""What a tape's shortest path needs of those among them whose answer is of the operand's space, and whose pullback reads one
value: the number of the pullback where that is the operand, and `~number` where it is the answer."""

SHORT_FORWARD: dict[Function, int] = {}
"""The same for forward mode: of those whose formula serves both modes, and whose tangents need not be looked at."""


def register(record: Record) -> None:
    """Put a record into the table. Raises ValueError where the function has one already."""
    if record.key in RECORDS:
        raise ValueError(f"{name_of(record.key)} has a record already ({type(RECORDS[record.key]).__name__}).")
    install(record)


def install(record: Record) -> None:
    """Put a record into the table, also where the function has one; for tests that try another rule."""
    RECORDS[record.key] = record
    for shorter in (UNARY, SHORT, SHORT_FORWARD):
        shorter.pop(record.key, None)
    if isinstance(record, Primitive) and record.pulls is not None:
        if record.unary is not None:
            UNARY[record.key] = record
            operate, number, _, reads, same_space = record.unary
            if same_space and operate is record.key and reads in (1, 2):
                SHORT[record.key] = number if reads == 2 else ~number
                if record.one_formula and not record.poles and record.root is None:
                    SHORT_FORWARD[record.key] = SHORT[record.key]
        for place, pull in enumerate(record.pulls):
            if pull is not None:
                pull.belong(record, place)


def records() -> Mapping[Function, Record]:
    """Return the table, for reading."""
    return RECORDS


def named(fun: Function) -> Record:
    """Return the record of a function that has one: records are pickled by their functions."""
    return RECORDS[fun]


def record_of(fun: Function) -> Record | None:
    """Return what the table says of a function, in words of its module where it says nothing of the function alone."""
    record = RECORDS.get(fun)
    reason = REFUSED_MODULES.get(getattr(fun, "__module__", None) or "") if record is None else None
    return record if reason is None else Refused(fun, reason)


def name_of(fun: Function) -> str:
    """Return a function's name as a user writes it: `numpy.sum`, `numpy.linalg.solve`."""
    if isinstance(fun, np.ufunc):
        name = fun.__name__
        return f"numpy.{name}" if getattr(np, name, None) is fun else name
    name = getattr(fun, "__qualname__", getattr(fun, "__name__", repr(fun)))
    module = getattr(fun, "__module__", None)
    return f"{module}.{name}" if module else name
