"""Text of values, files, dates, bits and records: what prints, what is constant and what raises."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import recfunctions

from dualgrad import grad, stop_gradient, vmap
from dualgrad.errors import NoRuleError

X = np.array([1.0, 2.5])


def test_values_print_as_plain_arrays_do() -> None:
    seen: list[str] = []

    def f(x: Any) -> Any:
        seen.extend((np.array_str(x), np.array_repr(x, precision=1), np.array2string(x, separator=";")))
        return np.sum(grad(lambda y: y @ y if seen.append(np.array_str(y)) is None else y)(x))  # type: ignore[arg-type, func-returns-value]

    grad(f)(X)
    assert seen == ["[1.  2.5]", "array([1. , 2.5])", "[1. ;2.5]", "[1.  2.5]"]


def test_a_batch_prints_all_of_its_members() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append(np.array_str(x))
        return x

    vmap(f)(X)
    assert seen == ["[1.  2.5]"]


def test_saving_raises_and_says_what_to_do(tmp_path: Path) -> None:
    for save in (np.save, np.savez, np.savez_compressed, np.savetxt):
        with pytest.raises(NoRuleError, match="has_aux"):
            grad(lambda x, save=save: np.sum(x) if save(tmp_path / "x", x) is None else x)(X)


def test_what_is_stopped_can_be_saved() -> None:
    file = io.BytesIO()

    def f(x: Any) -> Any:
        np.save(file, stop_gradient(x))
        return np.sum(x)

    np.testing.assert_array_equal(grad(f)(X), [1, 1])
    file.seek(0)
    np.testing.assert_array_equal(np.load(file), X)


@pytest.mark.parametrize(
    "fun", [np.strings.isalpha, np.strings.str_len, lambda x: np.strings.find(x, "a"), lambda x: np.char.upper(x)]
)
def test_functions_of_text_raise(fun: Any) -> None:
    with pytest.raises((NoRuleError, TypeError), match=r"text|string"):
        grad(lambda x: np.sum(fun(x)))(X)


def test_functions_of_records_raise() -> None:
    kind = np.dtype([("a", float), ("b", float)])
    with pytest.raises(NoRuleError, match="records"):
        grad(lambda x: recfunctions.unstructured_to_structured(x, kind)["a"])(X)


def test_functions_of_bits_and_places_complain_as_numpy_does_or_are_constant() -> None:
    with pytest.raises(TypeError, match="integer"):
        grad(lambda x: np.sum(np.packbits(x)))(X)
    with pytest.raises(TypeError):
        grad(lambda x: np.sum(np.unravel_index(x, (2, 2))[0]))(X)
    rows, columns = vmap(lambda i: np.unravel_index(i, (2, 3)))(np.array([[0, 5], [1, 3]]))
    np.testing.assert_array_equal(rows, [[0, 1], [0, 1]])
    np.testing.assert_array_equal(columns, [[0, 2], [1, 0]])


def test_a_path_of_einsum_depends_on_shapes_only() -> None:
    a = np.ones((2, 3))

    def f(a: Any) -> Any:
        path, _ = np.einsum_path("ij,jk,kl", a, a.T, a)
        return np.sum(np.einsum("ij,jk,kl", a, a.T, a, optimize=path))

    path, _ = np.einsum_path("ij,jk,kl", a, a.T, a)
    assert vmap(lambda a: np.einsum_path("ij,jk,kl", a, a.T, a)[0] == path)(np.ones((2, 2, 3))).all()
    assert grad(f)(a).shape == (2, 3)


def test_the_method_clip_of_a_plain_array_takes_bounds_being_differentiated() -> None:
    x = np.array([-1.0, 0.5, 2.0])
    np.testing.assert_array_equal(grad(lambda b: np.sum(x.clip(b[0], b[1])))(np.array([0.0, 1.0])), [1, 1])
