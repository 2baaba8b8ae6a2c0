"""Mutants of how functions run on batches: `python -m tests.mutation` asks of each whether a generated test fails.

A rule, said or read from a structure, hands back its members in another order, or the last of them as the first, or the numbers
within members in another order. A structure gives way to a neighbour, or is kept back.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import numpy as np

from dualgrad import vmap
from dualgrad._table.facets import BATCH, BATCH_BODY, BATCH_CONSTANT, Facet
from dualgrad._table.record import Constant, Primitive, Record, Word, name_of
from dualgrad._table.space import shape_of
from dualgrad._table.structure import Along, Numberwise, OfMatrices, Structure
from dualgrad.batching._structures import batch_rule
from dualgrad.errors import BatchLoopWarning
from tests.registry.cases import Case
from tests.registry.constants import CALLS, PRINTING, RAISING
from tests.registry.test_batching import (
    SETS,
    test_a_batch_is_its_members_stacked,
    test_a_constant_of_a_batch_is_those_of_its_members_stacked,
)


def each(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a change of one array as a change of an answer, which may have several."""

    def changed(answer: Any) -> Any:
        if not isinstance(answer, tuple):
            return change(answer) if hasattr(answer, "shape") else answer
        members = [change(a) if hasattr(a, "shape") else a for a in answer]
        return answer._make(members) if hasattr(answer, "_make") else tuple(members)

    return changed


def rolled(x: Any) -> Any:
    """Return the members of a batch in another order."""
    return np.concatenate([x[1:], x[:1]])


def without_the_last(x: Any) -> Any:
    """Return a batch whose last member is its first."""
    return np.concatenate([x[:-1], x[:1]])


def moved_within(x: Any) -> Any:
    """Return a batch whose members have their first axis last."""
    rank = len(shape_of(x)) - 1
    return x[:, ::-1] if rank == 1 else np.moveaxis(x, 1, -1) if rank > 1 else x


ANSWERS = {"members in another order": rolled, "without the last member": without_the_last, "axes moved": moved_within}


_ZERO = "its answers are 0 or NaN, the same for all members of its samples; batches of them have tests of their own"
_OWN = "dualgrad.rules.linalg"
EQUIVALENT = {
    "numpy.vdot batch: axes moved": "its answers are numbers, which have no axes",
    **{
        f"{_OWN}.degenerate.{name} batch: {what}": _ZERO
        for name in ("nan_where_lost", "cotangent_within", "with_nan_derivatives")
        for what in ANSWERS
    },
    **{f"numpy.{name} batch: no structure": "a ufunc acts on each number" for name in ("divmod", "modf", "frexp")},
    f"{_OWN}.degenerate.with_nan_derivatives batch: no structure": "it is used where values are equal, which has tests of its own",
}
"""Mutants that do the same, with the reason."""


def neighbours(structure: Structure | None, takes_default: bool) -> Iterator[tuple[str, Structure | None]]:
    """Yield the structures that are near to one, by what they are."""
    match structure:
        case Along(axis=axis, flat=flat):
            if takes_default:
                yield "another axis by default", dataclasses.replace(structure, axis=-1 if axis == 0 else 0)
            if flat:
                yield "all axes for the flat array", dataclasses.replace(structure, flat=False)
            yield "of numbers", Numberwise()
        case OfMatrices() | Numberwise():
            pass
        case _:
            return
    yield "no structure", None


def saying(record: Any, facet: Facet[Any], value: Any) -> Any:
    """Return a record that says something else with a facet."""
    return dataclasses.replace(record, says=MappingProxyType({**record.says, facet: value}))


def changed(rule: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return a rule whose answers are changed."""
    return lambda *args, **kwargs: change(rule(*args, **kwargs))


def batch_mutants_of(record: Record) -> Iterator[tuple[str, Any]]:
    """Yield every record that differs from this one in how it runs on a batch."""
    title = name_of(record.key)
    if isinstance(record, Primitive) and record.word is not Word.ELEMENTWISE:
        if BATCH.of(record) is None and record.structure is None:
            return
        rule = batch_rule(record)
        for what, change in ANSWERS.items():
            yield f"{title} batch: {what}", saying(record, BATCH, changed(rule, each(change)))
        if BATCH.of(record) is None:
            # Another default than the function's cannot be said: registration refuses it.
            for what, structure in neighbours(record.structure, takes_default=False):
                yield f"{title} batch: {what}", dataclasses.replace(record, structure=structure)
    elif isinstance(record, Constant) and record.key not in RAISING | PRINTING:
        yield from _mutants_of_constant(record)


def _mutants_of_constant(record: Constant) -> Iterator[tuple[str, Any]]:
    title = name_of(record.key)
    for facet in (BATCH_CONSTANT, BATCH_BODY):
        rule = facet.of(record)
        if rule is not None:
            yield f"{title} batch: not said", dataclasses.replace(record, says=MappingProxyType({}))
            yield f"{title} batch: contrary", saying(record, facet, changed(rule, contrary))
    for what, structure in neighbours(record.structure, takes_default=True):
        yield f"{title} batch: {what}", dataclasses.replace(record, structure=structure)
    if record.facts.outline:
        yield (
            f"{title} batch: no outline",
            dataclasses.replace(record, facts=dataclasses.replace(record.facts, outline=False)),
        )


def contrary(answer: Any) -> Any:
    """Return what is not so."""
    return np.logical_not(answer) if np.asarray(getattr(answer, "dtype", bool)).dtype == bool else answer + 1


def fails_on_batches(record: Record, cases: list[Case], by_hand: Callable[..., Any] | None = None) -> bool:
    """Tell whether a generated test of batches fails with what is in the table."""
    if isinstance(record, Constant):
        calls = [call for call in CALLS if call.fun is record.key]
        return any(_raises(test_a_constant_of_a_batch_is_those_of_its_members_stacked, call) for call in calls)
    if any(_raises(test_a_batch_is_its_members_stacked, case) for case in cases if case.record.key not in SETS):
        return True
    if by_hand is None:
        return False
    xs = np.random.default_rng(0).standard_normal((3, 3, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error", BatchLoopWarning)
        return _raises(lambda f: np.testing.assert_allclose(vmap(f)(xs), np.stack([f(x) for x in xs]), 1e-9), by_hand)


def _raises(check: Callable[[Any], None], given: Any) -> bool:
    try:
        check(given)
    except Exception:
        return True
    return False
