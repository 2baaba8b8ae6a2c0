"""The pattern interpreter against the whole table: every record's samples, so that a new record cannot be forgotten."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import errors, hessian, jacobian, sparse
from dualgrad._call.leaves import Leaves
from dualgrad._table.record import RECORDS, Primitive, Sample, Word, name_of
from dualgrad._table.space import dtype_of, shape_of
from dualgrad.patterns import spread as _spread
from dualgrad.rules.functions.polynomial_roots import characteristic
from dualgrad.rules.linalg.degenerate import cotangent_within, nan_where_lost
from dualgrad.rules.linalg.eigen import eigenvalues, eigh_moved
from dualgrad.rules.linalg.qr import reduced_qr
from dualgrad.rules.linalg.singular import singular_vectors
from dualgrad.rules.reductions.products import recurrence
from tests.registry.cases import CASES, Case, has_numbers
from tests.registry.reach import distinct, primitives_of

SYMMETRIC = np.array([[2.0, 0.3, -0.4], [0.3, 3.0, 0.7], [-0.4, 0.7, 5.0]])

UNSAMPLED = [
    Case(f"{name_of(key)}-0", record, Sample(SYMMETRIC))
    for key in (
        eigenvalues,
        eigh_moved,
        singular_vectors,
        np.linalg.cholesky,
        np.linalg.eigh,
    )
    if isinstance(record := RECORDS[key], Primitive)
]
"""Functions of symmetric matrices, or free in a sign, have no samples: differences go elsewhere."""

EVERY = [*CASES, *UNSAMPLED]
DISTINCT = [*distinct(), *UNSAMPLED]

each_case = pytest.mark.parametrize("case", EVERY, ids=[case.name for case in EVERY])

LARGER = {
    recurrence: "the first factor of all meets no product",
    nan_where_lost: "its derivatives are 0 or NaN",
    cotangent_within: "its derivatives are 0 or NaN",
    reduced_qr: "what lies below the diagonal counts for the whole matrix",
    np.nanmax: "which numbers are NaN may change",
    np.nanmin: "which numbers are NaN may change",
    np.heaviside: "it has a derivative at one point only, which random ones do not meet",
    np.linalg.eig: "the vector of a matrix of one number is constant",
    np.linalg.cholesky: "what comes later in the matrix counts for the numbers before it",
    characteristic: "its first coefficient is 1",
}
"""Functions whose patterns are larger than random points show, and why."""


def flattened(case: Case) -> tuple[Callable[[Any], Any], np.ndarray[Any, Any]]:
    """Return a case as a function of one real vector that returns one real vector, and the point."""
    values = case.inputs.values
    parts: list[Any] = []
    for x in values:
        parts += [np.ravel(np.real(x)), np.ravel(np.imag(x))] if dtype_of(x).kind == "c" else [np.ravel(x)]

    def function(flat: Any) -> Any:
        start, given = 0, []
        for x in values:
            shape = shape_of(x)
            size = int(np.prod(shape, dtype=int))
            here = flat[start : start + size]
            start += size
            if dtype_of(x).kind == "c":
                here = here + 1j * flat[start : start + size]
                start += size
            given.append(np.reshape(here, shape))
        outputs = [np.ravel(y) for y in Leaves([case.call(given)]).values]
        reals = [part for y in outputs for part in ((np.real(y), np.imag(y)) if dtype_of(y).kind == "c" else (y,))]
        return np.concatenate([*reals, np.zeros(0)])

    return function, np.concatenate([*parts, np.zeros(0)])


def pattern_of(case: Case) -> sparse.Pattern:
    function, point = flattened(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return sparse.jacobian_sparsity(function, point)


def elsewhere(function: Any, point: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Another point, where the function has a value (probabilities lie in [0, 1], edges in order)."""
    direction = np.random.default_rng(0).standard_normal(point.size)
    for step in (0.3, 0.03, 0.003, 1e-6):
        with contextlib.suppress(ValueError):
            function(point + step * direction)
            return point + step * direction
    return point


def check_jacobian(case: Case) -> None:
    """Look for entries of the Jacobian that the pattern misses, at the point and at another one."""
    function, point = flattened(case)
    found = pattern_of(case)
    pattern = found.toarray()

    # A DensePatternWarning is an error here: a new record has to say its structure, or PATTERN.
    assert found.unknown == ()
    dense = np.asarray(jacobian(function)(point))
    assert dense.shape == found.shape
    assert not np.any((dense != 0) & ~pattern)
    # Rounded numbers and masks may come out otherwise there; a mask of another size is another function.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        dense = np.asarray(jacobian(function)(elsewhere(function, point)))
    assert dense.shape == found.shape
    assert not np.any((dense != 0) & np.isfinite(dense) & ~pattern), "at another point"


@each_case
def test_structures_are_known_and_no_entry_of_the_jacobian_is_missing(case: Case) -> None:
    check_jacobian(case)


@pytest.mark.parametrize("case", DISTINCT, ids=[case.name for case in DISTINCT])
def test_no_entry_of_a_hessian_is_missing(case: Case) -> None:
    function, point = flattened(case)
    if point.size == 0:
        return
    weights = np.random.default_rng(1).uniform(1.0, 2.0, np.size(function(point)))

    def bent(x: Any) -> Any:
        return np.sum(weights * np.sin(function(x)))

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        pattern = sparse.hessian_sparsity(bent, point).toarray()
        dense = hessian(bent)(elsewhere(function, point))

    assert not np.any((dense != 0) & np.isfinite(dense) & ~pattern)


STATING = ((Word.HANDWRITTEN,), (Word.HANDWRITTEN, Word.LINEAR, Word.BILINEAR))


def without_rules() -> list[Any]:
    """Return the cases, with the words whose rules are left out, in which that changes something."""
    found = []
    for case in DISTINCT:
        reached = [RECORDS[key] for key in primitives_of(case)]
        words = {r.word for r in reached if isinstance(r, Primitive) and _spread.stated(r) is not None}
        for k, (left_out, before) in enumerate(zip(STATING, ((), STATING[0]), strict=True)):
            if words & (set(left_out) - set(before)):
                found.append(pytest.param(case, left_out, id=f"{case.name}-{k}"))
    return found


@pytest.mark.parametrize(("case", "words"), without_rules())
def test_nothing_is_missing_without_rules_either(
    case: Case, words: tuple[Word, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # So it is for functions of users: probed, traced through their own JVP rule, or dense.
    stated = _spread.stated
    monkeypatch.setattr(_spread, "stated", lambda record: None if record.word in words else stated(record))
    function, point = flattened(case)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.DensePatternWarning)
        pattern = pattern_of(case).toarray()
    dense = np.asarray(jacobian(function)(point))

    assert not np.any((dense != 0) & ~pattern)


def is_simple(case: Case) -> bool:
    """Tell whether a case is real (complex numbers mix two inputs) and of a primitive whose patterns are exact."""
    numbers = [*case.inputs.values, *Leaves([case.call(case.inputs.values)]).values]
    # Of fixed numbers that are clipped, the pattern does not see on which side of a bound they are.
    hidden = case.record.key in LARGER or (case.record.key is np.clip and dtype_of(case.sample.args[0]).kind == "i")
    return isinstance(case.record, Primitive) and not hidden and all(dtype_of(x).kind != "c" for x in numbers)


EXACT = [case for case in EVERY if has_numbers(case) and is_simple(case)]


@pytest.mark.parametrize("case", EXACT, ids=[case.name for case in EXACT])
def test_patterns_of_primitives_are_no_larger_than_they_need_be(case: Case) -> None:
    function, point = flattened(case)
    rng = np.random.default_rng(0)
    pattern = pattern_of(case).toarray()
    seen = np.zeros_like(pattern)

    # Some points stay in the domain of the function, others reach its other branches.
    for scale in (0.0, *[0.1] * 5, *[4.0] * 400):
        if np.all(seen[pattern]):
            break
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            dense = np.asarray(jacobian(function)(point + scale * rng.standard_normal(point.size)))
        seen |= dense != 0
        assert not np.any((dense != 0) & np.isfinite(dense) & ~pattern)

    # Of one number, a variance and a cofactor are constant.
    is_constant = isinstance(case.record, Primitive) and case.record.word is Word.HANDWRITTEN and not np.any(seen)
    assert is_constant or not np.any(pattern & ~seen)
