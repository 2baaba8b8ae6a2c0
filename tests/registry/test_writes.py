"""Generated from the table: a write to an answer, or to an operand afterwards, does what NumPy's does, or raises."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from dualgrad import jvp, vjp, vmap
from dualgrad._table.record import name_of
from dualgrad._table.space import is_inexact, shape_of
from dualgrad._trace.level import Tracer, plain
from dualgrad.errors import ConversionError
from tests.registry.cases import CASES, IDS, Case
from tests.registry.test_batching import SETS

each_case = pytest.mark.parametrize("case", CASES, ids=IDS)


def with_axes(value: Any) -> Any:
    return make(value) if shape_of(value) else value


def make(value: Any) -> Any:
    """Return an array of its own with some numbers; without axes, it is an array too."""
    made = np.zeros_like(value)
    made[...] = value
    return made


def fill(array: Any, number: float) -> None:
    if 0 not in shape_of(array):
        array[...] = number


def leaves(answer: Any) -> Iterator[Any]:
    if isinstance(answer, (tuple, list)):
        for x in answer:
            yield from leaves(x)
    elif is_inexact(answer):
        yield answer


def write_to_answers(case: Case, operands: list[Any]) -> list[Any]:
    for x in leaves(case.call(operands)):
        if isinstance(x, Tracer) or (type(x) is np.ndarray and x.flags.writeable):
            fill(x, 7.0)
    return operands


def write_to_operands(case: Case, operands: list[Any]) -> list[Any]:
    answers = list(leaves(case.call(operands)))
    for x in operands:
        if shape_of(x):
            fill(x, 3.0)
    return answers


def add_to_numbers(case: Case, operands: list[Any]) -> list[Any]:
    # Only of an array does another name see it.
    found = []
    for x in leaves(case.call(operands)):
        if shape_of(x) == ():
            same = x
            same += 1.0
            found.append(x)
    return found


def run(f: Callable[[list[Any]], list[Any]], mode: str, values: Sequence[Any]) -> list[Any]:
    found: list[Any] = []

    def differentiated(*xs: Any) -> Any:
        found.extend(f(list(xs)))
        return xs[0] * 1.0

    if mode == "vjp":
        vjp(differentiated, *values)
    elif mode == "jvp":
        jvp(differentiated, tuple(values), tuple([np.zeros_like(x)[()] for x in values]))
    else:
        vmap(differentiated)(*[np.stack([x, x]) for x in values])
        return [np.array(plain(x))[0] if isinstance(x, Tracer) else np.array(x) for x in found]
    return [np.array(plain(x)) for x in found]


def may_be_overwritten(case: Case) -> bool:
    # NumPy leaves open what stands in the operand afterwards.
    return "overwrite_input" in case.sample.kwargs or any(x is True for x in case.sample.args[3:4])


MAY_COPY = frozenset((np.reshape, np.ravel, np.flip, np.imag, np.diagonal, np.broadcast_to, np.broadcast_arrays))
"""What shares memory by the layout of its operand, or unless that is real, empty or without axes: a write may raise where NumPy made a copy."""


def shares_memory(case: Case, start: Callable[[Any], Any]) -> bool:
    """Tell whether an answer of NumPy's may share memory with an operand, or with another answer."""
    if case.record.key in MAY_COPY:
        return True
    operands = [start(x) for x in case.inputs.values]
    with quietly():
        arrays = [x for x in [*leaves(case.call(operands)), *operands] if isinstance(x, np.ndarray)]
    return any(np.shares_memory(x, y) for k, x in enumerate(arrays) for y in arrays[:k])


def check_writes(case: Case) -> None:
    """Compare what NumPy and each mode make of writes to answers, of writes to operands, and of numbers that are added to.

    A mode may raise only where memory is shared.
    """
    values = case.inputs.values
    is_numpys = not name_of(case.record.key).startswith("dualgrad.")
    for write in (write_to_answers, write_to_operands, *((add_to_numbers,) if is_numpys else ())):
        if write is write_to_answers and may_be_overwritten(case):
            continue
        for start in (with_axes, make):
            if start is make and (all(map(shape_of, values)) or not is_numpys):
                continue

            def f(xs: list[Any], start: Any = start, write: Any = write) -> list[Any]:
                return list(write(case, [start(x) for x in xs]))

            try:
                with quietly():
                    expected = [np.array(x) for x in f(values)]
            except (ConversionError, ValueError):
                # NumPy's own refusals to write.
                continue
            for mode in ("vjp", "jvp", "vmap"):
                what = f"{write.__name__} under {mode}"
                try:
                    with quietly():
                        found = run(f, mode, values)
                except (ConversionError, ValueError):
                    if not (mode == "vmap" and case.record.key in SETS) and not shares_memory(case, start):
                        raise
                    continue
                assert len(found) == len(expected), what
                for x, wanted in zip(found, expected, strict=True):
                    np.testing.assert_allclose(x, wanted, rtol=1e-10, atol=1e-10, err_msg=what)


@contextmanager
def quietly() -> Iterator[None]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@each_case
def test_writes_do_what_numpys_do_or_raise(case: Case) -> None:
    check_writes(case)


def test_an_answer_in_a_given_place_is_that_place() -> None:
    def f(x: Any) -> Any:
        y = np.zeros_like(x)
        first = np.median(x, axis=0, out=y[0])
        second = np.median(x, 0, y[1])
        first *= 2.0
        second += x[0]
        return y

    x = np.array([[1.0, 2.0], [4.0, 3.0], [5.0, 7.0]])
    for mode in ("vjp", "jvp", "vmap"):
        (found,) = run(lambda xs: [f(*xs)], mode, [x])
        np.testing.assert_allclose(found, f(x))
