"""Facets: what a record may say of its function beside the derivative, each a word that its reader declares.

How a function runs on a batch, what its pattern is, what stands under it if it is a root: an interpreter that wants to know
declares a facet here, below the rules, and says how it reads a record that is silent. So all that is known of a function stands in its
record, and rules for functions of other libraries say the same as NumPy's rules do.

    handwritten(np.linalg.solve, _solve_jvp, _solve_vjp, says=(BATCH(_solve_batch), PATTERN(_solve_pattern)), ...)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from dualgrad._table.space import Value

T = TypeVar("T")


class Facet(Generic[T]):
    """A word for something that records may say; `meaning` tells rule authors what its value is."""

    __slots__ = ("meaning", "name")

    def __init__(self, name: str, meaning: str) -> None:
        self.name = name
        self.meaning = meaning

    def __call__(self, value: T) -> Stated:
        """Return the statement that a record makes with this word."""
        return Stated(self, value)

    def of(self, record: Speaker | None) -> T | None:
        """Return what a record says, None where it is silent or there is none."""
        return None if record is None else record.says.get(self)

    def __repr__(self) -> str:
        return f"<facet {self.name}: {self.meaning}>"


class Speaker(Protocol):
    """What has facets: a record of any sort."""

    @property
    def says(self) -> Says: ...


class Stated(NamedTuple):
    """What a record says with one facet."""

    facet: Facet[Any]
    value: Any


Says: TypeAlias = Mapping[Facet[Any], Any]
"""All that a record says with facets."""

SILENT: Says = MappingProxyType({})


def silent() -> Says:
    """Return what a record says that says nothing with facets."""
    return SILENT


def said(statements: Sequence[Stated]) -> Says:
    """Return statements by facet. Raises TypeError where one is no statement, or says a facet again."""
    found: dict[Facet[Any], Any] = {}
    for one in statements:
        if not isinstance(one, Stated):
            raise TypeError(f"says= takes statements such as BATCH(rule); it got a {type(one).__name__}.")
        if one.facet in found:
            raise TypeError(f"says= has two statements of {one.facet!r}.")
        found[one.facet] = one.value
    return MappingProxyType(found) if found else SILENT


class BatchRule(Protocol):
    """`rule(record, batched, operands, params)`: the answers for a whole batch, their batch axis in front.

    `batched` tells which operands carry a batch axis, also in front; at least one does.
    """

    def __call__(
        self, record: Any, batched: tuple[bool, ...], operands: tuple[Value, ...], params: dict[str, Any]
    ) -> Value: ...


BATCH: Facet[BatchRule] = Facet(
    "BATCH", "the rule by which a primitive runs on a batch, where its structure does not tell"
)


class Root(NamedTuple):
    """What a function is the root of: `under(*operands, **params)`, all of whose derivatives exist where it is zero.

    `is_zero(ans, *operands, **params)` tells where that is, if the answer is rounded there. `operand(ans)` is the operand again, of a
    root of one operand whose derivative reads the answer alone.
    """

    under: Callable[..., Value]
    is_zero: Callable[..., Value] | None = None
    operand: Callable[[Value], Value] | None = None


UNDER: Facet[Root] = Facet(
    "UNDER", "what stands under the root that a function is, which even powers of it are made of"
)

BATCH_CONSTANT: Facet[Callable[..., Value]] = Facet(
    "BATCH_CONSTANT",
    "rule(fun, a, ...) by which a function without a derivative runs where `a` alone has a batch axis, in front",
)

BATCH_BODY: Facet[Callable[..., Any]] = Facet(
    "BATCH_BODY", "what a function without a derivative means, in functions that can run on batches"
)


class PatternRule(Protocol):
    """`rule(call)`: which inputs each number of the answers depends on, from those of the operands.

    The call (`dualgrad.patterns.call`) has the operands' values and sets. The sets of the answer are returned, a list of them where there
    are several answers (None: no number of that answer has a derivative), or None where nothing can be said of this call.
    """

    def __call__(self, call: Any) -> Any: ...


PATTERN: Facet[PatternRule] = Facet(
    "PATTERN",
    "the rule by which the sets of inputs of its operands spread to its answers, where its structure does not tell",
)

REDUCES: Facet[Callable[..., Value]] = Facet("REDUCES", "the function that a ufunc's `reduce` is")

ACCUMULATES: Facet[Callable[..., Value]] = Facet("ACCUMULATES", "the function that a ufunc's `accumulate` is")

THIN: Facet[Callable[..., Any]] = Facet(
    "THIN",
    "the function once more, of derivatives along a few directions each (see batching/_thin.py); it returns None where it takes arrays in full",
)

LOWER: Facet[Callable[..., Value]] = Facet(
    "LOWER",
    "a body of functions that are in the table, which computes the same: the steps of a program that is lowered",
)
