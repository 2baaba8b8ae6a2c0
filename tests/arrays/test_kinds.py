"""What else may stand for an array in NumPy code: subclasses of ndarray, buffers, sequences."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dualgrad import grad

X = np.array([1.0, 2.0, 3.0])
V = np.array([2.0, 3.0, 4.0])
RECORDS = np.array([(1.0, 2.0), (3.0, 4.0)], dtype=[("a", float), ("b", float)])
MASKED = np.ma.array(X, mask=[False, True, False])


class Convertible:
    """What NumPy knows how to make an array of."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return V


@pytest.mark.parametrize(
    "data",
    [[2.0, 3.0, 4.0], (2, 3, 4), range(2, 5), array("d", [2, 3, 4]), memoryview(array("d", V))],
    ids=lambda x: type(x).__name__,
)
def test_sequences_and_buffers_are_data(data: Any) -> None:
    for program in (
        lambda x: np.sum(x * data),
        lambda x: np.sum(data * x),
        lambda x: np.sum(np.multiply(data, x)),
        lambda x: np.dot(x, data),
        lambda x: np.sum(np.where([True, True, True], x * data, data)),
    ):
        np.testing.assert_array_equal(grad(program)(X), V)


def test_what_becomes_an_array_is_data() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.dot(np.multiply(x, Convertible()), Convertible()))(X), V * V)


def test_a_file_in_memory_is_an_argument_and_data(tmp_path: Path) -> None:
    file = np.memmap(tmp_path / "numbers", dtype=float, mode="w+", shape=(3,))
    file[:] = V

    np.testing.assert_array_equal(grad(lambda x: np.sum(x * x))(file), 2 * V)
    np.testing.assert_array_equal(grad(lambda x: np.sum(x * file))(X), V)


def test_fields_of_records_are_data() -> None:
    records = RECORDS.view(np.recarray)

    np.testing.assert_array_equal(grad(lambda x: np.sum(x * RECORDS["a"]))(X[:2]), [1.0, 3.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(x * records.b))(X[:2]), [2.0, 4.0])


@pytest.mark.parametrize(
    "argument", [RECORDS, RECORDS.view(np.recarray), array("d", V), memoryview(array("d", V)), "abc"]
)
def test_other_arguments_cannot_be_differentiated(argument: Any) -> None:
    with pytest.raises(TypeError, match="cannot be differentiated"):
        grad(lambda x: 1.0)(argument)


def test_a_whole_record_is_no_number() -> None:
    with pytest.raises(TypeError, match="did not contain a loop"):
        grad(lambda x: np.sum(x * RECORDS))(X[:2])


@pytest.mark.parametrize(
    "program",
    [
        lambda x: np.sum(x * MASKED),
        lambda x: np.sum(np.where(MASKED > 1, x, 0.0)),
        lambda x: np.sum(np.stack([x, MASKED])),
        lambda x: np.sum(x[MASKED > 1]),
    ],
)
def test_masks_that_would_be_lost_say_what_to_pass(program: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"np\.where"):
        grad(program)(X)


def test_operations_of_masked_arrays_themselves_keep_the_mask() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(MASKED * x))(X), [1.0, 0.0, 3.0])
    np.testing.assert_array_equal(grad(lambda x: np.ma.multiply(MASKED, x).sum())(X), [1.0, 0.0, 3.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.ma.array(x, mask=MASKED.mask)))(X), [1.0, 0.0, 1.0])


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_matrices_say_what_to_pass() -> None:
    matrix = np.matrix([[1.0, 2.0], [3.0, 4.0]])

    for program in (
        lambda x: np.sum(x * matrix),
        lambda x: np.sum(matrix * x),
        lambda x: np.sum(np.concatenate([x[None], matrix])),
    ):
        with pytest.raises(TypeError, match=r"np\.asarray\(m\)"):
            grad(program)(X[:2])
    with pytest.raises(TypeError, match=r"np\.asarray\(x\)"):
        grad(np.sum)(matrix)
