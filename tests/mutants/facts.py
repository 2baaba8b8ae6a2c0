"""The mutation check of facts: `python -m tests.mutants.facts [part of a name]`.

What each record says beside its derivative (`dualgrad/_table/facts.py`) is said otherwise, one fact at a time, and the tests that ask of
every sample whether such facts are true must fail: what an answer shares its memory with, whether it is an array, whether it is filled
later, of what kind it is to series, to a tape and to batches.
"""

from __future__ import annotations

import dataclasses
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from dualgrad._array import dispatch
from dualgrad._array.places import is_array
from dualgrad._table.facts import first
from dualgrad._table.record import Composite, Constant, Primitive, Record, Word, name_of, records
from dualgrad._trace.level import Tracer
from tests.mutants import installed, report
from tests.mutants.batches import fails_on_batches
from tests.registry.cases import CASES, Case
from tests.registry.constants import CALLS, PRINTING, RAISING
from tests.registry.reach import primitives_of
from tests.registry.test_facts import KEPT_THIN, check_filled_later, check_thin
from tests.registry.test_rules import check_modes
from tests.registry.test_writes import check_writes, make, run, with_axes
from tests.series.test_table import SAVED, check_coefficients, check_savings

Check = Callable[[Record, Sequence[Case]], bool]

MOST = 12
"""So many samples of other records are tried for a primitive that they reach."""


class Mutant(NamedTuple):
    """A record of which one fact is said otherwise, and what may notice."""

    name: str
    record: Any
    is_caught: Check


# ---- what notices ----------------------------------------------------------------------------------


def fails(check: Callable[..., None], *given: Any) -> bool:
    """Tell whether a check raises anything."""
    try:
        check(*given)
    except Exception:
        return True
    return False


def by_cases(*checks: Callable[[Case], None]) -> Check:
    """Return what runs checks on the samples of a record, or else on those that reach it."""
    return lambda record, cases: any(fails(check, case) for case in cases for check in checks)


def by_filling(record: Record, cases: Sequence[Case]) -> bool:
    """Tell whether an array that is made to be filled cannot be."""
    return fails(check_filled_later, record.key)


def by_thinness(record: Record, cases: Sequence[Case]) -> bool:
    """Tell whether directions that are mostly zero do not stay so, or a series takes its long way."""
    thin = record.key in KEPT_THIN and fails(check_thin, record.key)
    return thin or (record.key in SAVED and any(fails(check_savings, case) for case in cases))


def by_batches(record: Record, cases: Sequence[Case]) -> bool:
    """Tell whether a function without a derivative fails on a batch."""
    return fails_on_batches(record, [])


# ---- what makes no difference ----------------------------------------------------------------------


def family(x: Any, found: dict[int, Any]) -> dict[int, Any]:
    """Return, by id, the traced arrays that share memory with one."""
    if id(x) not in found:
        found[id(x)] = x
        links = getattr(x, "_links", None)
        if links is not None:
            relatives = [links.base, *[r() for r in (*links.views, *links.others)]]
            for one in [one for one in relatives if one is not None]:
                family(one, found)
    return found


def are_related(x: Tracer, others: Sequence[Tracer]) -> bool:
    """Tell whether a traced array shares memory with one of others, or is one of them."""
    relatives = family(x, {})
    return any(id(one) in relatives for one in others)


def noted(record: Record, cases: Sequence[Case]) -> list[Any]:
    """Return what dispatch notes of the memory of answers in the calls of some samples.

    Facts that lead to the same notes everywhere are not told apart by any call: no answer has no axes, no body returns a view of an
    operand.
    """
    found: list[Any] = []
    tie, apart = vars(dispatch)["tie"], vars(dispatch)["apart"]

    def noting_tie(x: Any, answer: Any) -> None:
        if is_array(x) and not are_related(answer, [x]):
            found.append("shared")
        tie(x, answer)

    def noting_apart(answer: Any, args: Any) -> Any:
        answers = list(traced(answer))
        for k, one in enumerate(answers):
            if are_related(one, [*traced(args), *answers[:k]]):
                found.append("apart")
        return apart(answer, args)

    def called(case: Case, start: Callable[[Any], Any]) -> None:
        def note(xs: list[Any]) -> list[Any]:
            found.append([is_array(one) for one in traced(case.call(list(map(start, xs))))])
            return []

        run(note, "vjp", case.inputs.values)

    vars(dispatch).update(tie=noting_tie, apart=noting_apart)
    try:
        with installed(record):
            for case in [case for case in cases if case.inputs.values]:
                for start in (with_axes, make):
                    called(case, start)
    finally:
        vars(dispatch).update(tie=tie, apart=apart)
    return found


def traced(x: Any) -> Iterator[Tracer]:
    """Yield the traced arrays in lists and tuples."""
    if isinstance(x, Tracer):
        yield x
    elif isinstance(x, (list, tuple)):
        for one in x:
            yield from traced(one)


# ---- facts said otherwise --------------------------------------------------------------------------


def saying(record: Any, **facts: Any) -> Any:
    """Return a record that says some facts otherwise."""
    return dataclasses.replace(record, facts=dataclasses.replace(record.facts, **facts))


def of_memory(record: Primitive | Composite) -> Iterator[tuple[str, Any]]:
    """Yield other facts of the memory of an answer."""
    facts = record.facts
    if facts.aliases is not None:
        yield "shares with nothing", saying(record, aliases=None)
        if facts.aliases is not first:
            yield "shares with its first argument", saying(record, aliases=first)
    else:
        yield "shares with its first argument", saying(record, aliases=first)
    if isinstance(record, Composite):
        yield ("not as its body" if facts.as_body else "as its body"), saying(record, as_body=not facts.as_body)
    if callable(facts.is_array):
        yield "always an array", saying(record, is_array=True)
    yield ("a number" if facts.is_array else "an array"), saying(record, is_array=not facts.is_array)


def are_numbers(values: Sequence[Any]) -> bool:
    return len(values) > 1 and all(type(x) is np.float64 for x in values)


def of_computing(record: Primitive, cases: Sequence[Case]) -> Iterator[Mutant]:
    """Yield other facts of how a function computes."""
    title, facts = name_of(record.key), record.facts
    operands = len(record.pulls or ())
    # Series ask of neither word, and not where a rule gives several answers or the value too.
    by_itself = record.outputs == 1 and record.value_and_jvp is None
    kinds = [
        ("linear", by_itself and record.word not in (Word.LINEAR, Word.STRUCTURAL)),
        ("product", operands == 2 and record.word not in (Word.BILINEAR, Word.LINEAR)),
        ("quotient", operands == 2 and record.word not in (Word.BILINEAR, Word.LINEAR)),
    ]
    for kind, may_be in kinds:
        if getattr(facts, kind):
            yield Mutant(f"{title}: no {kind}", saying(record, **{kind: False}), by_thinness)
        elif may_be:
            yield Mutant(f"{title}: {kind}", saying(record, **{kind: True}), by_cases(check_coefficients))
    if facts.packs:
        yield Mutant(f"{title}: does not pack", saying(record, packs=False), by_cases(check_modes))
    elif record.pulls is None and any(are_numbers(c.inputs.values) for c in cases):
        yield Mutant(f"{title}: packs", saying(record, packs=True), by_cases(check_modes))
    if facts.in_one_place:
        yield Mutant(f"{title}: not in one place", saying(record, in_one_place=False), by_cases(check_modes))


def mutants_of(record: Record, cases: Sequence[Case]) -> Iterator[Mutant]:
    """Yield every record that differs from this one in one fact."""
    title = name_of(record.key)
    if isinstance(record, (Primitive, Composite)):
        own = [case for case in cases if case.record.key is record.key]
        before = noted(record, own)
        for what, other in of_memory(record):
            if noted(other, own) != before:
                yield Mutant(f"{title}: {what}", other, by_cases(check_writes))
    if isinstance(record, Primitive):
        yield from of_computing(record, cases)
    if record.facts.fresh:
        yield Mutant(f"{title}: not filled later", saying(record, fresh=False), by_filling)
    if isinstance(record, Constant) and record.key not in RAISING | PRINTING:
        if record.facts.outline:
            yield Mutant(f"{title}: reads numbers", saying(record, outline=False), by_batches)
        elif any(call.fun is record.key for call in CALLS):
            yield Mutant(f"{title}: reads its outline only", saying(record, outline=True), by_batches)


_LINEAR = "it is linear, or linear between its ties, in what may be differentiated by"
_ZERO = "its derivatives are 0 or NaN"
_FIRST = "series ask first whether it is linear, and then whether it is a product"
_QUICKER = "the same numbers, later"
_OURS = "rules call it, which do not write to what it gives"
_ITEMS, _OWN, _FUNCTIONS = (
    "dualgrad.rules.indexing.items",
    "dualgrad.rules.elementwise.own",
    "dualgrad._table.functions",
)
EQUIVALENT = {
    **{
        f"{name}: linear": _LINEAR
        for name in (
            *[
                f"numpy.{ufunc}"
                for ufunc in ("remainder", "fmod", "real", "imag", "fabs", "copysign", "heaviside", "ldexp")
            ],
            *[f"numpy.{ufunc}" for ufunc in ("degrees", "rad2deg", "radians", "deg2rad", "nextafter")],
            *[f"numpy.{ufunc}" for ufunc in ("maximum", "minimum", "fmax", "fmin")],
            *[
                f"numpy.{name}"
                for name in ("max", "amax", "min", "amin", "nanmax", "nanmin", "sort", "partition", "clip")
            ],
            *(
                "clip",
                f"{_ITEMS}.scatter",
                f"{_ITEMS}.scatter_many",
                f"{_FUNCTIONS}.set_item",
                "dualgrad._trace.zeros.restored",
            ),
        )
    },
    **{f"dualgrad.rules.linalg.degenerate.{name}: linear": _ZERO for name in ("unseen", "told", "adrift")},
    **{f"numpy.{name}: {kind}": _LINEAR for name in ("nextafter", "ldexp") for kind in ("product", "quotient")},
    **{f"numpy.{name}: {kind}": _FIRST for name in ("add", "subtract") for kind in ("product", "quotient")},
    "numpy.multiply: quotient": _FIRST,
    **{f"numpy.{name}: no linear": _QUICKER for name in ("add", "subtract", "copy", "where")},
    **{f"numpy.{name}: not in one place": _QUICKER for name in ("matmul", "matvec", "vecmat")},
    **{f"{_FUNCTIONS}.pack: {what}": _QUICKER for what in ("no linear", "does not pack")},
    "numpy.stack: packs": "numbers that are stacked are packed",
    **{f"{_OWN}.{name}: an array": _OURS for name in ("logistic", "one_minus_square", "sech2", "cosine_of")},
    "dualgrad.rules.arrays.casting.cast: an array": _OURS,
    "dualgrad.rules.arrays.casting.cast: linear": _LINEAR,
    f"{_ITEMS}.scatter_many: shares with its first argument": _OURS,
    f"{_FUNCTIONS}.pack: shares with its first argument": _OURS,
    f"{_FUNCTIONS}.astype: an array": "x.astype() says it itself",
}
"""Mutants that do the same, with the reason."""


def is_caught(mutant: Mutant, cases: Sequence[Case]) -> bool:
    """Tell whether a check fails while a record says the fact otherwise."""
    with installed(mutant.record):
        return mutant.is_caught(mutant.record, cases)


def cases_by_record() -> dict[Any, list[Case]]:
    """Return, by function, its own samples, and then a few of others that reach it."""
    found: dict[Any, list[Case]] = {}
    for case in CASES:
        found.setdefault(case.record.key, []).append(case)
    reaching: dict[Any, list[Case]] = {}
    for case in CASES:
        for key in primitives_of(case) - {case.record.key}:
            others = reaching.setdefault(key, [])
            if len(others) < MOST and not (others and others[-1].record is case.record):
                others.append(case)
    return {key: found.get(key, []) + reaching.get(key, []) for key in records()}


def main(part: str = "") -> int:
    """Check every record whose name contains `part`; return the exit code."""
    total = 0
    survivors = []
    cases = cases_by_record()
    for record in list(records().values()):
        if part in name_of(record.key):
            for mutant in mutants_of(record, cases[record.key]):
                total += 1
                if not is_caught(mutant, cases[record.key]):
                    survivors.append(mutant.name)
    return report("facts said otherwise", total, survivors, EQUIVALENT)


if __name__ == "__main__":
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        sys.exit(main(*sys.argv[1:2]))
