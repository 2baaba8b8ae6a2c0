"""np.linalg.lstsq of many matrices at once: NumPy's own takes one."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, hessian, jacfwd, jacrev, vmap
from dualgrad.errors import ConversionError


def test_least_squares_run_on_batches() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((3, 4, 2)), rng.standard_normal((3, 4))

    both: Any = vmap(lambda a, b: np.linalg.lstsq(a, b))(a, b)
    right = vmap(lambda b: np.linalg.lstsq(a[0], b)[:2])(b)

    for i in range(3):
        x, residuals, rank, s = np.linalg.lstsq(a[i], b[i])
        for found, expected in zip([y[i] for y in both], (x, residuals, rank, s), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)
        x, residuals, _, _ = np.linalg.lstsq(a[0], b[i])
        np.testing.assert_allclose(right[0][i], x, rtol=1e-12)
        np.testing.assert_allclose(right[1][i], residuals, rtol=1e-12)


LSTSQ_SHAPES = [((4, 2), (4,)), ((4, 2), (4, 3)), ((2, 4), (2,)), ((3, 3), (3, 2))]


@pytest.mark.parametrize(("a_shape", "b_shape"), LSTSQ_SHAPES)
@pytest.mark.parametrize("is_complex", [False, True])
def test_least_squares_of_a_batch_of_matrices_are_numpys_to_the_last_digit(
    a_shape: Any, b_shape: Any, is_complex: bool
) -> None:
    rng = np.random.default_rng(1)
    a: Any = rng.standard_normal((5, *a_shape))
    b = rng.standard_normal((5, *b_shape))
    # One of deficient rank, one that is zero, one with numbers far apart.
    a[1, :, 1] = 2 * a[1, :, 0]
    a[2] = 0
    a[3, :, 0] *= 1e-9
    if is_complex:
        a = a * (1 + 0.5j)

    for rcond in (None, 0.3, -1):
        solved = functools.partial(np.linalg.lstsq, rcond=rcond)
        expected = [np.linalg.lstsq(one, right, rcond=rcond) for one, right in zip(a, b, strict=True)]
        x, rank, s = vmap(lambda a, b, solved=solved: solved(a, b)[::2] + solved(a, b)[3:])(a, b)
        np.testing.assert_array_equal(x, [y[0] for y in expected])
        np.testing.assert_array_equal(rank, [y[2] for y in expected])
        np.testing.assert_allclose(s, [y[3] for y in expected], rtol=1e-12, atol=1e-14)
    twice = vmap(vmap(lambda a, b: np.linalg.lstsq(a, b)[0], in_axes=(None, 0)))(a, np.stack([b, -b], 1))
    np.testing.assert_array_equal(twice[:, 1], [-np.linalg.lstsq(*pair)[0] for pair in zip(a, b, strict=True)])
    assert vmap(lambda a, b: np.linalg.lstsq(a, b)[0])(a[:0], b[:0]).shape == (0, a_shape[1], *b_shape[1:])


@pytest.mark.parametrize(("a_shape", "b_shape"), LSTSQ_SHAPES)
def test_derivatives_of_least_squares_of_a_batch_of_matrices_are_those_of_its_members(
    a_shape: Any, b_shape: Any
) -> None:
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((3, *a_shape)), rng.standard_normal((3, *b_shape))

    def solved(a: Any, b: Any) -> Any:
        return np.linalg.lstsq(a, b)[0]

    def s(a: Any, b: Any) -> Any:
        return np.sum(np.sin(solved(a, b)))

    for transformed in (jacfwd(solved), jacrev(solved), jacrev(solved, 1), grad(s), hessian(s), hessian(s, 1)):
        one_by_one = np.stack([transformed(*pair) for pair in zip(a, b, strict=True)])
        np.testing.assert_allclose(vmap(transformed)(a, b), one_by_one, rtol=1e-9, atol=1e-10)
        shared = vmap(transformed, in_axes=(0, None))(a, b[0])
        np.testing.assert_allclose(shared, np.stack([transformed(x, b[0]) for x in a]), rtol=1e-9, atol=1e-10)
    for d in (jacfwd, jacrev):
        total = d(lambda b: np.sum(vmap(solved, in_axes=(0, None))(a, b), axis=0))(b[0])
        np.testing.assert_allclose(total, sum(d(solved, 1)(x, b[0]) for x in a), atol=1e-12)


def test_residuals_of_some_members_only_have_no_shape() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((2, 4, 2)), rng.standard_normal((2, 4))
    deficient = np.stack([a[0], np.ones((4, 2))])

    def residuals(a: Any, b: Any) -> Any:
        return np.linalg.lstsq(a, b)[1]

    assert vmap(residuals)(a, b).shape == (2, 1)
    assert vmap(residuals)(deficient[1:], b[1:]).shape == (1, 0)
    for use in (residuals, lambda a, b: np.sum(residuals(a, b))):
        with pytest.raises(ConversionError, match="has no one shape"):
            vmap(use)(deficient, b)
