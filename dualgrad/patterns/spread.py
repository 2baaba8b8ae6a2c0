"""How each primitive spreads its operands' sets: as its record says.

A record that says PATTERN has a rule of its own; one with a structure has the reading of that structure. What is merely linear has a
matrix, whose nonzeros are read off from unit vectors. Zeros of fixed data count as zeros.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

from dualgrad._table.facets import PATTERN
from dualgrad._table.record import Primitive, Word, name_of
from dualgrad._table.space import shape_of
from dualgrad._table.structure import Along, Contracted, Numberwise, OfMatrices, Rearranged, Structure
from dualgrad.errors import RuleError
from dualgrad.patterns.along import along
from dualgrad.patterns.call import PatternCall, size_of
from dualgrad.patterns.contract import contracted
from dualgrad.patterns.matrices import of_matrices
from dualgrad.patterns.numberwise import numberwise
from dualgrad.patterns.places import rearranged
from dualgrad.patterns.probe import probe
from dualgrad.patterns.sets import IndexSets

Found: TypeAlias = "IndexSets | list[IndexSets | None] | None"
Rule: TypeAlias = Callable[[PatternCall], Found]

READINGS: dict[type[Structure], Callable[[Any, PatternCall], Found]] = {
    Numberwise: numberwise,
    Rearranged: rearranged,
    Along: along,
    OfMatrices: of_matrices,
    Contracted: contracted,
}
"""What each structure says of sets."""


def stated(record: Primitive) -> Rule | None:
    """Return what a record says of sets: its own rule, or its structure's reading."""
    rule: Rule | None = PATTERN.of(record)
    if rule is None and (reading := READINGS.get(type(record.structure))) is not None:  # type: ignore[arg-type]
        return functools.partial(reading, record.structure)
    return rule


def spread(call: PatternCall) -> list[IndexSets | None] | None:
    """Return the sets of each answer of a primitive (None: all empty), or None where no rule says them."""
    rule = stated(call.record)
    if rule is None and call.record.word in (Word.LINEAR, Word.BILINEAR):
        rule = probe
    try:
        found = None if rule is None else rule(call)
    except (IndexError, TypeError, ValueError) as error:
        shapes = ", ".join([str(shape_of(x)) for x in call.values])
        how = "PATTERN" if PATTERN.of(call.record) is not None else repr(call.record.structure)
        raise RuleError(
            f"{how} does not fit {name_of(call.record.key)} at operands of shapes {shapes}, with an answer of shape {call.shape}: {error}"
        ) from error
    if found is None:
        return None
    found = [found] if isinstance(found, IndexSets) else found
    _check(call, found)
    return found


def _check(call: PatternCall, found: list[IndexSets | None]) -> None:
    sizes = [size_of(shape_of(a)) for a in call.answers]
    counts = [n if sets is None else sets.count for sets, n in zip(found, sizes, strict=False)]
    if len(found) != len(sizes) or counts != sizes:
        given = [None if sets is None else sets.count for sets in found]
        raise RuleError(
            f"The pattern of {name_of(call.record.key)} has sets for {given} numbers; its answers have {sizes}. "
            "A rule of PATTERN returns one set for each number of the answer, and a list of such sets where there are several answers."
        )
