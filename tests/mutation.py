"""The mutation check: `python -m tests.mutation [part of a name]`.

Each formula in the table is made wrong by one part in a thousand, one at a time, and the checks generated from the table run
on the samples of that record. The same is asked of how each function runs on a batch (`tests/mutants/batches.py`). A wrong formula that
no check notices has no test: it is printed, and the exit code is 1.
"""

from __future__ import annotations

import dataclasses
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from dualgrad._table.record import Primitive, Pull, Record, name_of, records
from dualgrad.rules.linalg.eigen import eigenvalues, eigh_moved
from dualgrad.rules.linalg.singular import singular_values, singular_vectors
from dualgrad.testing import check_grads
from tests.mutants import batches, installed, report
from tests.mutants.batches import batch_mutants_of, fails_on_batches
from tests.registry.cases import CASES, Case
from tests.registry.test_rules import check_modes

WRONG = 1.0 + 1e-3

_UNKNOWN = "its derivatives are 0 or NaN, and stay so"
_DISTINCT = "between values that are distinct it is 0; where they are equal it has tests of its own"
_INDEX = "operand 1 is an array of indices, which has no derivative"
EQUIVALENT = {
    "dualgrad.rules.indexing.items.scatter jvp of operand 1": _INDEX,
    "dualgrad.rules.indexing.items.scatter vjp to operand 1": _INDEX,
    "dualgrad.rules.linalg.degenerate.nan_where_lost jvp": _UNKNOWN,
    **{f"dualgrad.rules.linalg.degenerate.nan_where_lost jvp of operand {k}": _UNKNOWN for k in range(3)},
    **{f"dualgrad.rules.linalg.degenerate.nan_where_lost vjp to operand {k}": _UNKNOWN for k in range(3)},
    "dualgrad.rules.linalg.degenerate.cotangent_within jvp": _DISTINCT,
    **{f"dualgrad.rules.linalg.degenerate.cotangent_within jvp of operand {k}": _DISTINCT for k in range(3)},
    **{f"dualgrad.rules.linalg.degenerate.cotangent_within vjp to operand {k}": _DISTINCT for k in range(3)},
    "dualgrad.rules.linalg.degenerate.with_nan_derivatives jvp": _UNKNOWN,
    "dualgrad.rules.linalg.degenerate.with_nan_derivatives vjp to operand 0": _UNKNOWN,
}
"""Mutants that compute the same derivatives, with the reason."""


def definite(x: Any) -> Any:
    """Return a symmetric matrix with distinct eigenvalues."""
    return x @ x.T + np.diag([1.0, 2.0, 3.0])


def through_eigenvectors(w: Any, v: Any) -> Any:
    """Return a smooth function of the matrix with these eigenvalues and vectors."""
    return (v * np.exp(-w)) @ v.T


def through_singular_vectors(u: Any, s: Any, vh: Any) -> Any:
    """Return a smooth function of the matrix with these singular values and vectors."""
    return (u * np.sqrt(s)) @ vh


BY_HAND: dict[Any, Callable[..., Any]] = {
    # Vectors are free in sign: only functions that do not see it have a derivative.
    np.linalg.eigh: lambda x: through_eigenvectors(*np.linalg.eigh(definite(x))),
    eigh_moved: lambda x: through_eigenvectors(*eigh_moved(definite(x))),
    eigenvalues: lambda x: eigenvalues(definite(x))[0],
    singular_values: lambda x: singular_values(x)[1],
    singular_vectors: lambda x: through_singular_vectors(*singular_vectors(x)),
}
"""Functions of one 3 by 3 matrix, for records that have no samples."""


class Mutant(NamedTuple):
    """A record with one wrong formula."""

    name: str
    record: Any


def scaled(derivative: Any) -> Any:
    """Return a derivative, or each of a tuple of them, made wrong; None is zero and stays so."""
    if derivative is None:
        return None
    if isinstance(derivative, (tuple, list)):
        return tuple([scaled(d) for d in derivative])
    # A factor of the derivative's own precision, so that no check of dtypes notices.
    return derivative * np.dtype(getattr(derivative, "dtype", float)).type(WRONG)


def wrong(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return a rule whose results are wrong."""
    return lambda *args, **kwargs: scaled(rule(*args, **kwargs))


def wrong_tangent(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return a rule for value and tangent of which the tangent is wrong."""

    def mutated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        value, tangent = rule(*args, **kwargs)
        return value, scaled(tangent)

    return mutated


def wrong_at(rule: Callable[..., Any], operand: int) -> Callable[..., Any]:
    """Return a joint pullback that is wrong in one operand; a call with fewer operands stays right."""

    def mutated(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
        return tuple([scaled(g) if k == operand else g for k, g in enumerate(rule(*args, **kwargs))])

    return mutated


def wrong_tangent_of(rule: Callable[..., Any], operand: int) -> Callable[..., Any]:
    """Return a pushforward that is wrong in what one operand contributes."""

    def mutated(tangents: tuple[Any, ...], *args: Any, **kwargs: Any) -> Any:
        moved = tuple([scaled(t) if k == operand else t for k, t in enumerate(tangents)])
        return rule(moved, *args, **kwargs)

    return mutated


def wrong_into(into: Callable[..., None]) -> Callable[..., None]:
    """Return a pullback into a buffer that adds wrong numbers."""
    return lambda buffer, ct, *kept, **params: into(buffer, scaled(ct), *kept, **params)


def operands_of(record: Primitive) -> list[int]:
    """Return the operands by which any sample of a record is differentiated."""
    if record.pulls is not None:
        return [k for k, pull in enumerate(record.pulls) if pull is not None]
    if record.normalise.spread:
        return [0, 1]  # as many operands as the call has: the first two stand for all
    return list(range(len(record.normalise.operands)))


def mutants_of(record: Primitive) -> Iterator[Mutant]:
    """Yield every record that differs from this one in one formula."""
    title = name_of(record.key)
    both = None if record.value_and_jvp is None else wrong_tangent(record.value_and_jvp)
    # Without the paths that push through the formulas of the pullbacks, which would go round the wrong pushforward.
    pushed = dataclasses.replace(record, one_formula=False)
    yield Mutant(f"{title} jvp", dataclasses.replace(pushed, jvp=wrong(record.jvp), value_and_jvp=both))
    operands = operands_of(record)
    for k in operands:
        if len(operands) > 1:
            yield Mutant(
                f"{title} jvp of operand {k}", dataclasses.replace(pushed, jvp=wrong_tangent_of(record.jvp, k))
            )
        if record.pulls is None:
            yield Mutant(f"{title} vjp to operand {k}", dataclasses.replace(record, vjp=wrong_at(record.vjp, k)))
            continue
        pulls = list(record.pulls)
        pull = pulls[k]
        assert pull is not None
        pulls[k] = Pull(wrong(pull.function), pull.select, pull.reads)
        # Without the paths that add in place, which would go round the wrong pullback.
        changed = dataclasses.replace(record, pulls=tuple(pulls), vjp=wrong_at(record.vjp, k), into=None, gather=None)
        if record.into is not None:
            changed = dataclasses.replace(changed, into=wrong_into(record.into))
        yield Mutant(f"{title} vjp to operand {k}", changed)


def checks(case: Case) -> None:
    """Run what is generated for one case, to first order."""
    check_modes(case)
    check_grads(case.function, tuple(case.inputs.values), order=1, rtol=1e-5)


def is_caught(mutant: Mutant, cases: list[Case]) -> bool:
    """Tell whether a check fails with the mutant in the table."""
    with installed(mutant.record):
        for case in cases:
            try:
                checks(case)
            except AssertionError:
                return True
        if mutant.record.key in BY_HAND:
            x = np.random.default_rng(0).standard_normal((3, 3))
            try:
                check_grads(BY_HAND[mutant.record.key], (x,), order=1, rtol=1e-5)
            except AssertionError:
                return True
    return False


def is_caught_on_batches(mutant: Mutant, cases: list[Case]) -> bool:
    """Tell whether a check of batches fails with the mutant in the table."""
    with installed(mutant.record):
        return fails_on_batches(mutant.record, cases, BY_HAND.get(mutant.record.key))


def cases_of(record: Record) -> list[Case]:
    """Return the sample calls of a record."""
    return [case for case in CASES if case.record.key is record.key]


def all_mutants_of(record: Record) -> Iterator[tuple[Mutant, Callable[[Mutant, list[Case]], bool]]]:
    """Yield every mutant of a record, with what tells whether it is caught."""
    if isinstance(record, Primitive):
        yield from [(mutant, is_caught) for mutant in mutants_of(record)]
    yield from [(Mutant(name, changed), is_caught_on_batches) for name, changed in batch_mutants_of(record)]


def main(part: str = "") -> int:
    """Check every record whose name contains `part`; return the exit code."""
    total = 0
    survivors = []
    for record in list(records().values()):
        if part in name_of(record.key):
            cases = cases_of(record)
            for mutant, is_seen in all_mutants_of(record):
                total += 1
                if not is_seen(mutant, cases):
                    survivors.append(mutant.name)
    return report("wrong formulas", total, survivors, EQUIVALENT | batches.EQUIVALENT)


if __name__ == "__main__":
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        sys.exit(main(*sys.argv[1:2]))
