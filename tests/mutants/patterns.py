"""The mutation check of patterns: `python -m tests.mutants.patterns [part of a name]`.

What each primitive says of its pattern, by a structure or by PATTERN, is made wrong in one way at a time, and the checks generated
from the table run on the samples that reach that primitive: a pattern that misses an entry, or has one too many, must fail.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from dualgrad._table.facets import PATTERN
from dualgrad._table.record import Primitive, name_of, records
from dualgrad._table.space import shape_of
from dualgrad._table.structure import Along, Contracted, Numberwise, Structure, Terms
from dualgrad.errors import DensePatternWarning, RuleError
from dualgrad.patterns import spread
from dualgrad.patterns.call import PatternCall, size_of
from dualgrad.patterns.sets import IndexSets, from_pairs, repeated, take
from tests.mutants import report
from tests.registry.cases import Case
from tests.sparse import test_rules, test_table

Rule = Callable[[PatternCall], Any]

MOST = 60
"""So many samples are tried for a primitive that more of them reach, its own first."""

EQUIVALENT = {
    "numpy.broadcast_to with another structure: numberwise": "what is broadcast is numberwise too",
    "dualgrad.rules.reductions.products.recurrence with another structure: axis": "its axis is always given",
    "numpy.vdot with another structure: answer turned": "one number has no axes",
    "numpy.frexp with another structure: moves answer 1": "integers have no sets",
}
"""Mutants that say the same, with the reason."""


class Mutant(NamedTuple):
    """A wrong pattern of one primitive."""

    name: str
    record: Primitive
    rule: Rule


# ---- rules made wrong ------------------------------------------------------------------------------


def changed(rule: Rule, change: Callable[[PatternCall, IndexSets, int], IndexSets]) -> Rule:
    """Return a rule of which the sets of each answer are changed; the change gets how many numbers there are."""

    def mutated(call: PatternCall) -> Any:
        found = rule(call)
        if found is None:
            return None
        sets = [found] if isinstance(found, IndexSets) else found
        sizes = [size_of(shape_of(a)) for a in call.answers]
        return [None if s is None else change(call, s, n) for s, n in zip(sets, sizes, strict=True)]

    return mutated


def without_one(call: PatternCall, sets: IndexSets, count: int) -> IndexSets:
    """Return sets that miss one entry, the last of all."""
    return from_pairs(sets.row_numbers()[:-1], sets.indices[:-1], count, sets.width)


def one_too_many(call: PatternCall, sets: IndexSets, count: int) -> IndexSets:
    """Return sets of which the first number depends on everything that the operands do."""
    given = np.concatenate([s.indices for _, s, _ in call.traced()])
    rows = np.concatenate([sets.row_numbers(), np.zeros(len(given), np.intp)])
    return from_pairs(rows, np.concatenate([sets.indices, given]), count, sets.width) if count else sets


def everything(call: PatternCall, sets: IndexSets, count: int) -> IndexSets:
    """Return sets of numbers that all depend on everything that the operands do."""
    return repeated(np.unique(np.concatenate([s.indices for _, s, _ in call.traced()])), count, sets.width)


def deaf_to(rule: Rule, operand: int) -> Rule:
    """Return a rule that does not see what one operand depends on."""

    def mutated(call: PatternCall) -> Any:
        sets = tuple([None if k == operand else s for k, s in enumerate(call.sets)])
        return [None for _ in call.answers] if not any(sets) else rule(dataclasses.replace(call, sets=sets))

    return mutated


def with_first_sets(rule: Rule) -> Rule:
    """Return a rule that takes the sets of the first operand for those of the second."""

    def mutated(call: PatternCall) -> Any:
        if not both_depend(call):
            return rule(call)
        first, second, *others = call.sets
        assert first is not None
        assert second is not None
        wrong = take(first, np.arange(second.count) % first.count + 1)
        return rule(dataclasses.replace(call, sets=(first, wrong, *others)))

    return mutated


def both_depend(call: PatternCall) -> bool:
    """Tell whether the first two operands depend on inputs, and have numbers that move the answer."""
    if len(call.sets) < 2 or any(s is None or s.count == 0 for s in call.sets[:2]):
        return False
    return call.record.pulls is None or all(call.record.pulls[:2])


class Noting(tuple[bool, ...]):
    """What `loose` says, and whether somebody asked."""

    asked = False

    def __getitem__(self, place: Any) -> Any:
        self.asked = True
        return super().__getitem__(place)

    def __iter__(self) -> Iterator[bool]:
        self.asked = True
        return super().__iter__()


def as_fixed(rule: Rule) -> Rule:
    """Return a rule that takes all data for fixed."""
    return lambda call: rule(dataclasses.replace(call, loose=tuple([False for _ in call.loose])))


# ---- structures made wrong -------------------------------------------------------------------------


def turned(structure: Contracted, operand: int | None) -> Contracted:
    """Return a sum of products in which one operand, or the answer for None, has its axes in another order."""

    def terms(shapes: Any, params: dict[str, Any]) -> Terms:
        inputs, output = structure.terms(shapes, params)
        if operand is None:
            return inputs, output[::-1]
        return [term[::-1] if k == operand else term for k, term in enumerate(inputs)], output

    return dataclasses.replace(structure, terms=terms)


def wrong_structures(structure: Structure | None) -> Iterator[tuple[str, Structure]]:
    """Yield other structures for one, with a name."""
    if isinstance(structure, Along):
        for mixes in ("all", "before"):
            if structure.mixes not in (mixes, "neighbours"):
                yield f"mixes {mixes}", dataclasses.replace(structure, mixes=mixes)
        if structure.mixes == "all":
            yield "stays", dataclasses.replace(structure, stays=not structure.stays)
        yield "axis", dataclasses.replace(structure, axis=-1 if structure.axis == 0 else 0)
    elif isinstance(structure, Numberwise):
        for k, moves in enumerate(structure.moves or ()):
            other = tuple([not moves if i == k else m for i, m in enumerate(structure.moves or ())])
            yield f"moves answer {k}", Numberwise(other)
    elif isinstance(structure, Contracted):
        yield "answer turned", turned(structure, None)
        if not structure.flat:
            yield "operand 0 turned", turned(structure, 0)
            yield "operand 1 turned", turned(structure, 1)
    elif structure is not None:
        yield "numberwise", Numberwise()


# ---- the mutants of a record -----------------------------------------------------------------------


def mutants_of(record: Primitive, seen: Seen) -> Iterator[Mutant]:
    """Yield every wrong pattern of a record that says one."""
    rule = spread.stated(record)
    if rule is None:
        return
    title = name_of(record.key)
    yield Mutant(f"{title} misses an entry", record, changed(rule, without_one))
    yield Mutant(f"{title} has entries too many", record, changed(rule, one_too_many))
    yield Mutant(f"{title} is dense", record, changed(rule, everything))
    for k in sorted(seen.operands):
        if (record.pulls is None and k < 3) or (record.pulls is not None and k < len(record.pulls) and record.pulls[k]):
            yield Mutant(f"{title} is deaf to operand {k}", record, deaf_to(rule, k))
    if seen.both:
        yield Mutant(f"{title} takes one operand for the other", record, with_first_sets(rule))
    if seen.asks:
        yield Mutant(f"{title} takes data for fixed", record, as_fixed(rule))
    if PATTERN.of(record) is not None:
        return
    for name, structure in wrong_structures(record.structure):
        other = functools.partial(spread.READINGS[type(structure)], structure)
        yield Mutant(f"{title} with another structure: {name}", record, other)


class Seen:
    """The samples that reach a primitive, and which operands depend on inputs there."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self.operands: set[int] = set()
        self.both = False
        self.asks = False


def reached(cases: Sequence[Case]) -> dict[Any, Seen]:
    """Return, by function, the samples that reach it, its own first."""
    found: dict[Any, Seen] = {}
    for case in cases:
        calls: list[PatternCall] = []
        with said_by(lambda record, calls=calls: noted(record, calls)):  # type: ignore[misc]
            test_table.pattern_of(case)
        for call in calls:
            seen = found.setdefault(call.record.key, Seen())
            seen.operands.update(k for k, _, _ in call.traced())
            seen.both = seen.both or both_depend(call)
            seen.asks = seen.asks or (len(call.values) > 1 and call.loose.asked)  # type: ignore[attr-defined]
            if not any(case is other for other in seen.cases[-1:]):
                seen.cases.append(case)
    for key, seen in found.items():
        seen.cases.sort(key=lambda case: case.record.key is not key)
    return found


def noted(record: Primitive, calls: list[PatternCall]) -> Rule | None:
    """Return what a record says, as a rule that writes its calls down."""
    rule = STATED(record)

    def noting(call: PatternCall) -> Any:
        call = dataclasses.replace(call, loose=Noting(call.loose))
        calls.append(call)
        return rule(call) if rule is not None else None

    return None if rule is None else noting


STATED: Callable[[Primitive], Rule | None] = spread.stated


@contextmanager
def said_by(stated: Callable[[Primitive], Rule | None]) -> Iterator[None]:
    """Let records say their patterns by another function, for a while."""
    vars(spread)["stated"] = stated
    try:
        yield
    finally:
        vars(spread)["stated"] = STATED


@contextmanager
def installed(mutant: Mutant) -> Iterator[None]:
    """Let one primitive say its pattern by a mutant, for a while."""
    with said_by(lambda record: mutant.rule if record.key is mutant.record.key else STATED(record)):
        yield


def is_caught(mutant: Mutant, cases: list[Case]) -> bool:
    """Tell whether a check fails while a primitive says its pattern by the mutant."""
    exact, distinct = ({case.name for case in some} for some in (test_table.EXACT, test_table.DISTINCT))
    with installed(mutant):
        for case in cases[:MOST]:
            try:
                test_table.check_jacobian(case)
                if case.name in exact:
                    test_table.test_patterns_of_primitives_are_no_larger_than_they_need_be(case)
            except (AssertionError, RuleError, DensePatternWarning):
                return True
        try:
            by_hand(mutant.record.key)
        except (AssertionError, RuleError, DensePatternWarning):
            return True
        for case in [case for case in cases[:MOST] if case.name in distinct]:
            try:
                test_table.test_no_entry_of_a_hessian_is_missing(case)
            except (AssertionError, RuleError, DensePatternWarning):
                return True
    return False


def by_hand(key: Any) -> None:
    """Run the checks of one primitive that do not follow from its samples."""
    if key in test_rules.LOOSE:
        test_rules.check_loose(key)
    if key in test_rules.STACKED:
        test_rules.check_stacks(key)
    if key in test_rules.BY_HAND:
        test_rules.BY_HAND[key]()


def main(part: str = "") -> int:
    """Check every record whose name contains `part`; return the exit code."""
    total = 0
    survivors = []
    seen = reached(test_table.EVERY)
    for record in list(records().values()):
        if isinstance(record, Primitive) and part in name_of(record.key):
            for mutant in mutants_of(record, seen.get(record.key, Seen())):
                total += 1
                if not is_caught(mutant, seen[record.key].cases if record.key in seen else []):
                    survivors.append(mutant.name)
    return report("wrong patterns", total, survivors, EQUIVALENT)


if __name__ == "__main__":
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", DensePatternWarning)
        sys.exit(main(*sys.argv[1:2]))
