"""Rules of patterns that samples cannot see: data that another point gives otherwise, stacks of matrices, values where nothing moves."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacobian, jvp, sparse
from dualgrad._table.functions import getitem, set_item
from dualgrad._table.record import RECORDS, Primitive, name_of
from dualgrad._table.space import dtype_of
from dualgrad._table.structure import OfMatrices
from dualgrad.errors import DensePatternWarning
from dualgrad.rules.contractions.einsum import contract
from dualgrad.rules.indexing.items import scatter
from dualgrad.rules.linalg.degenerate import cotangent_within, nan_where_lost, with_nan_derivatives
from dualgrad.rules.reductions.products import recurrence
from dualgrad.rules.reductions.sorting import arranged, put_back


def written(x: Any) -> Any:
    y = x * 1.0
    y[np.argmax(x)] = x[0]
    return y


LOOSE: dict[Any, Callable[[Any], Any]] = {
    np.multiply: lambda x: x * (x[::-1] > 0),
    np.power: lambda x: x ** (x[::-1] > 0),
    np.where: lambda x: np.where(x > 0, x, x[::-1]),
    getitem: lambda x: x[np.argsort(x)],
    scatter: lambda x: grad(lambda y: np.sum(y[np.argsort(x)] * x))(x),
    set_item: written,
    np.repeat: lambda x: np.repeat(x, np.argsort(x)),
    np.bincount: lambda x: np.bincount(np.argsort(x) % 3, weights=x, minlength=3),
    put_back: lambda x: grad(lambda y: np.sum(np.sort(y) ** 2 * np.arange(6)))(x),
    arranged: lambda x: jvp(np.sort, (x,), (x * x,))[1],
    np.matmul: lambda x: np.diag(x[:3] > 0) @ x[3:],
    np.dot: lambda x: np.dot(np.diag(x[:3] > 0), x[3:]),
    np.inner: lambda x: np.inner(np.diag(x[:3] > 0), x[3:]),
    np.tensordot: lambda x: np.tensordot(np.diag(x[:3] > 0), x[3:], 1),
    np.outer: lambda x: np.ravel(np.outer(x[:3] > 0, x[3:])),
    np.vdot: lambda x: np.vdot(x[:3] > 0, x[3:]),
    np.vecdot: lambda x: np.vecdot((x[:3] > 0) * 1.0, x[3:]),
    contract: lambda x: np.einsum("ij,j->i", np.diag(x[:3] > 0), x[3:]),
}
"""Functions of six numbers, by the primitive that meets data there that is not fixed."""

# NumPy has these two since 2.2.
if hasattr(np, "matvec"):
    LOOSE[np.matvec] = lambda x: np.matvec(np.diag(x[:3] > 0) * 1.0, x[3:])
    LOOSE[np.vecmat] = lambda x: np.vecmat(x[3:], np.diag(x[:3] > 0) * 1.0)


def check_loose(key: Any) -> None:
    points = np.random.default_rng(0).standard_normal((40, 6))
    with warnings.catch_warnings():
        # Where it is written, any place may be meant.
        warnings.simplefilter("ignore", DensePatternWarning)
        pattern = sparse.jacobian_sparsity(LOOSE[key], np.array([-0.5, 0.4, -0.3, 0.8, -1.0, 0.1])).toarray()

    for point in points:
        assert not np.any((jacobian(LOOSE[key])(point) != 0) & ~pattern)


@pytest.mark.parametrize("key", LOOSE, ids=name_of)
def test_data_that_depends_on_the_point_is_not_fixed(key: Any) -> None:
    check_loose(key)


STACKED = [
    key
    for key, record in RECORDS.items()
    if isinstance(record, Primitive) and isinstance(record.structure, OfMatrices) and not record.structure.many
]


def check_stacks(key: Any) -> None:
    stack = np.random.default_rng(0).standard_normal((2, 3, 3))
    stack = stack @ np.swapaxes(stack, -1, -2) + np.diag([1.0, 2.0, 3.0])

    def numbers_of(member: int) -> Callable[[Any], Any]:
        def function(x: Any) -> Any:
            answers = key(np.reshape(x, (2, 3, 3)))
            parts = [np.ravel(y[member]) for y in (answers if isinstance(answers, tuple) else (answers,))]
            reals = [part for y in parts for part in ((np.real(y), np.imag(y)) if dtype_of(y).kind == "c" else (y,))]
            return np.concatenate(reals)

        return function

    for member in (0, 1):
        columns = sparse.jacobian_sparsity(numbers_of(member), np.ravel(stack)).cols
        assert set(columns // 9) == {member}


@pytest.mark.parametrize("key", STACKED, ids=name_of)
def test_matrices_of_a_stack_do_not_mix(key: Any) -> None:
    check_stacks(key)


def check_recurrence() -> None:
    pattern = sparse.jacobian_sparsity(lambda x: recurrence(x[:4], x[4:], axis=0), np.arange(1.0, 9.0)).toarray()

    np.testing.assert_array_equal(pattern, np.hstack([np.tri(4)] * 2))
    along_rows = sparse.jacobian_sparsity(
        lambda x: recurrence(np.reshape(x, (2, 3)), np.ones((2, 3)), axis=1), np.arange(1.0, 7.0)
    )
    np.testing.assert_array_equal(along_rows.toarray(), np.kron(np.eye(2), np.tri(3)))


def test_a_recurrence_looks_back() -> None:
    check_recurrence()


def check_heaviside() -> None:
    pattern = sparse.jacobian_sparsity(lambda x: np.heaviside(np.zeros(3), x), np.ones(3))

    np.testing.assert_array_equal(pattern.toarray(), np.eye(3))


def test_heaviside_depends_on_the_value_at_its_own_place() -> None:
    check_heaviside()


def check_unknown() -> None:
    x, none = np.ones(8), np.zeros((2, 2), bool)

    def halves(x: Any) -> Any:
        return np.reshape(x, (2, 2, 2))

    np.testing.assert_array_equal(sparse.jacobian_sparsity(with_nan_derivatives, x).toarray(), np.eye(8))
    found = sparse.jacobian_sparsity(lambda x: nan_where_lost(halves(x)[0], halves(x)[1], none), x)
    np.testing.assert_array_equal(found.toarray(), np.hstack([np.eye(4)] * 2))
    found = sparse.jacobian_sparsity(lambda x: cotangent_within(halves(x)[0], halves(x)[1], none), x)
    assert found.nnz == 32
    apart = sparse.jacobian_sparsity(
        lambda x: cotangent_within(halves(x), np.zeros((2, 2, 2)), np.stack([none, none])), x
    )
    np.testing.assert_array_equal(apart.toarray(), np.kron(np.eye(2), np.ones((4, 4))))


def test_what_is_not_known_depends_on_what_it_is_made_of() -> None:
    check_unknown()


def check_vdot() -> None:
    assert sparse.jacobian_sparsity(lambda x: np.vdot([1.0, 0.0, 2.0], x), np.ones(3)).cols.tolist() == [0, 2]


def test_fixed_zeros_of_vdot_count() -> None:
    check_vdot()


def check_greatest(fun: Any) -> None:
    pattern = sparse.jacobian_sparsity(lambda x: fun(np.reshape(x, (2, 3)), axis=1), np.arange(6.0))

    np.testing.assert_array_equal(pattern.toarray(), np.kron(np.eye(2), np.ones((1, 3))))


@pytest.mark.parametrize("fun", [np.nanmax, np.nanmin], ids=name_of)
def test_a_greatest_number_depends_on_those_beside_it(fun: Any) -> None:
    check_greatest(fun)


BY_HAND: dict[Any, Callable[[], None]] = {
    **{fun: functools.partial(check_greatest, fun) for fun in (np.nanmax, np.nanmin)},
    recurrence: check_recurrence,
    np.heaviside: check_heaviside,
    np.vdot: check_vdot,
    **dict.fromkeys((with_nan_derivatives, nan_where_lost, cotangent_within), check_unknown),
}
"""Checks of one primitive, for the mutation check of patterns."""
