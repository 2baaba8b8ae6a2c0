"""Patterns of programs: what they hold, for which points, and what happens where nothing is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dualgrad import checkpoint, custom_jvp, custom_vjp, errors, extend, grad, sparse, stop_gradient
from dualgrad._table.record import RECORDS
from dualgrad.patterns.varying import VaryingData, varying
from tests.sparse.programs import D2, HESSIANS, JACOBIANS

X = np.array([1.0, -2.0, 3.0, -4.0])
DIAGONAL = np.eye(4, dtype=bool)
DENSE = np.ones((4, 4), bool)


def in_place_mask(x: Any) -> Any:
    mask = x > 0
    mask &= x < 9
    return mask


def jacobian_of(f: Any, x: Any = X) -> np.ndarray[Any, Any]:
    return sparse.jacobian_sparsity(f, x).toarray()


def hessian_of(f: Any, x: Any = X) -> np.ndarray[Any, Any]:
    return sparse.hessian_sparsity(f, x).toarray()


# ---- Hessians that are known -----------------------------------------------------------------------


def test_a_linear_function_has_an_empty_hessian() -> None:
    assert not hessian_of(lambda x: np.sum(2 * x) + np.mean(x) - x[0] / 3 + np.dot(x, np.arange(4.0))).any()


def test_a_separable_function_has_a_diagonal_hessian() -> None:
    np.testing.assert_array_equal(hessian_of(lambda x: np.sum(np.sin(x) + x**2)), DIAGONAL)


def test_a_product_of_two_numbers_has_two_entries() -> None:
    pattern = sparse.hessian_sparsity(lambda x: x[0] * x[1], X)

    assert list(zip(pattern.rows.tolist(), pattern.cols.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_a_squared_sum_has_a_dense_hessian() -> None:
    np.testing.assert_array_equal(hessian_of(lambda x: np.sum(x) ** 2), DENSE)


def test_neighbours_that_multiply_have_a_band() -> None:
    band = np.abs(np.subtract.outer(np.arange(12), np.arange(12))) <= 1

    np.testing.assert_array_equal(hessian_of(HESSIANS["rosenbrock"], np.ones(12)), band)


def test_a_common_factor_has_an_arrow() -> None:
    expected = DIAGONAL.copy()
    expected[0] = expected[:, 0] = True

    np.testing.assert_array_equal(hessian_of(lambda x: np.sum(x**2) * x[0]), expected)


def test_the_zeros_of_a_quadratic_form_are_zeros_of_its_hessian() -> None:
    np.testing.assert_array_equal(hessian_of(HESSIANS["quadratic form"], np.ones(12)), D2 != 0)


def test_a_product_is_not_bent_in_its_own_factors() -> None:
    np.testing.assert_array_equal(hessian_of(np.prod), ~DIAGONAL)


def test_powers_zero_and_one_are_not_bent() -> None:
    np.testing.assert_array_equal(
        hessian_of(lambda x: np.sum(x**1 + x**0 + x**2 * np.array([0, 1, 0, 0]))), np.diag([0, 1, 0, 0]).astype(bool)
    )


def test_a_power_zero_depends_on_nothing() -> None:
    np.testing.assert_array_equal(
        jacobian_of(lambda x: x ** np.array([0, 1, 2, 0])), np.diag([0, 1, 1, 0]).astype(bool)
    )


def test_patterns_go_through_checkpoints() -> None:
    found = hessian_of(lambda x: np.sum(checkpoint(lambda y: np.sin(y) * y[0])(x)))

    np.testing.assert_array_equal(found, hessian_of(lambda x: np.sum(np.sin(x) * x[0])))


# ---- every point with the same branches ------------------------------------------------------------


@pytest.mark.parametrize("name", JACOBIANS)
def test_a_jacobian_has_the_same_pattern_at_other_points(name: str) -> None:
    rng = np.random.default_rng(0)
    first, *others = [jacobian_of(JACOBIANS[name], rng.standard_normal(12)) for _ in range(3)]

    for other in others:
        np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("name", HESSIANS)
def test_a_hessian_has_the_same_pattern_at_other_points(name: str) -> None:
    rng = np.random.default_rng(0)
    first, *others = [hessian_of(HESSIANS[name], rng.standard_normal(12)) for _ in range(3)]

    for other in others:
        np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * (x > 0),
        lambda x: x * (x > 0).astype(float),
        lambda x: x * np.where(x > 0, 1.0, 0.0),
        lambda x: x * np.sign(x - 1) * (np.floor(x) + 2),
        lambda x: x * in_place_mask(x),
        lambda x: x * np.add.reduce(np.stack([x > 0, x > 9]), axis=0),
    ],
)
def test_a_mask_of_the_argument_is_not_fixed(f: Any) -> None:
    np.testing.assert_array_equal(jacobian_of(f), DIAGONAL)


def test_a_matrix_with_a_mask_of_the_argument_has_no_fixed_zeros() -> None:
    np.testing.assert_array_equal(jacobian_of(lambda x: np.eye(4) @ x), DIAGONAL)
    np.testing.assert_array_equal(jacobian_of(lambda x: (np.eye(4) * (x > 0)) @ x), DENSE)


def test_a_fixed_mask_is_fixed() -> None:
    mask = np.array([True, False, True, True])

    np.testing.assert_array_equal(jacobian_of(lambda x: x * mask), np.diag(mask))
    np.testing.assert_array_equal(
        jacobian_of(lambda x: np.where(mask, x, x[0])), np.where(mask[:, None], DIAGONAL, np.eye(4, dtype=bool)[0])
    )


def test_where_takes_both_branches() -> None:
    np.testing.assert_array_equal(jacobian_of(lambda x: np.where(x > 0, x, x[::-1])), DIAGONAL | DIAGONAL[::-1])


def test_a_python_branch_is_taken() -> None:
    np.testing.assert_array_equal(jacobian_of(lambda x: x if x[0] > 0 else x[::-1]), DIAGONAL)
    np.testing.assert_array_equal(jacobian_of(lambda x: x if x[0] > 0 else x[::-1], -X), DIAGONAL[::-1])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x[np.argsort(x)],
        lambda x: np.take(x, np.argsort(x)),
        lambda x: np.take_along_axis(x, np.argsort(x), 0),
        lambda x: np.stack([x[k] for k in np.argsort(x)]),
        lambda x: x[x.argsort()],
        lambda x: x[(x > -9).nonzero()[0]],
        lambda x: x[np.flatnonzero(x > -9)],
        lambda x: x[x > -9],
        lambda x: np.compress(x > -9, x),
        lambda x: np.choose((x > 0).astype(int), [x[0], x[1:].sum()]) * x[:, None].sum(),
        lambda x: np.stack([x[(x > k).argmax()] for k in range(4)]),
        lambda x: np.stack([x[(x > k).argmin()] for k in range(4)]),
        lambda x: x[np.searchsorted(np.floor(x), [0.0, 1.0, 2.0, 3.0]) % 4],
        lambda x: x[np.floor(x).searchsorted(np.arange(4.0)) % 4],
        lambda x: np.repeat(x, np.where(x > 9, 2, 1)),
        lambda x: np.repeat(x[None], np.where(x > 9, 2, 1), axis=1),
        lambda x: np.bincount(np.argsort(x), x),
        np.sort,
    ],
)
def test_an_index_computed_from_the_argument_may_be_any(f: Any) -> None:
    np.testing.assert_array_equal(jacobian_of(f), DENSE)


def test_a_computed_index_spreads_along_its_own_axis_only() -> None:
    found = jacobian_of(lambda x: x.reshape(2, 2)[:, np.argmax(x[:2])])

    np.testing.assert_array_equal(found, [[1, 1, 0, 0], [0, 0, 1, 1]])


def test_a_computed_index_after_an_ellipsis_spreads_along_its_own_axis() -> None:
    found = jacobian_of(lambda x: x.reshape(2, 2)[..., np.argsort(x[:2])])

    np.testing.assert_array_equal(found, np.kron(np.eye(2), np.ones((2, 2))))


def test_a_computed_mask_spreads_along_all_its_axes() -> None:
    np.testing.assert_array_equal(jacobian_of(lambda x: x.reshape(2, 2)[x.reshape(2, 2) > -9]), DENSE)
    np.testing.assert_array_equal(
        jacobian_of(lambda x: x.reshape(2, 2, 1)[..., 0][:, x[:2] > -9]), np.kron(np.eye(2), np.ones((2, 2)))
    )


def test_a_computed_index_of_a_gradient_spreads_too() -> None:
    # The cotangent of x[k] ** 2 is scattered to a place that is not fixed.
    np.testing.assert_array_equal(hessian_of(lambda x: x[np.argmax(x)] ** 2), DENSE)


def test_constants_do_not_depend_on_the_argument() -> None:
    assert not jacobian_of(lambda x: np.floor(x)).any()
    assert not jacobian_of(lambda x: stop_gradient(x) ** 2).any()
    assert not jacobian_of(lambda x: np.zeros(3)).any()
    np.testing.assert_array_equal(jacobian_of(lambda x: x * stop_gradient(x[0])), DIAGONAL)
    assert not jacobian_of(lambda x: x * np.zeros(np.shape(x))).any()


def test_varying_data_is_what_it_was() -> None:
    mask = varying(np.array([True, True, False]))
    mask &= np.array([True, False, True])
    numbers = varying(np.arange(3.0))

    assert isinstance(mask, VaryingData)
    assert mask.tolist() == [True, False, False]
    assert [float(x) for x in numbers] == [0.0, 1.0, 2.0]
    assert (numbers.argmax(), numbers.argmin(), numbers.searchsorted(1.5)) == (2, 0, 2)
    assert bool(np.all(numbers * 2 == [0, 2, 4]))
    assert [type(x) for x in (numbers[0], numbers + 1, np.sort(numbers), numbers.nonzero()[0])] == [VaryingData] * 4


# ---- rules of users --------------------------------------------------------------------------------


def test_the_rule_of_a_custom_function_tells_its_pattern() -> None:
    @custom_vjp
    def clipped(x: Any) -> Any:
        return x * 1.0

    clipped.defvjp(lambda x: (x * 1.0, x), lambda x, ct: (ct * (x > 0),))

    @custom_jvp
    def square(x: Any) -> Any:
        return x**2

    @square.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        return square(primals[0]), 2 * primals[0] * tangents[0]

    # At the negative numbers the derivative of `clipped` is zero; elsewhere it is not.
    np.testing.assert_array_equal(jacobian_of(clipped), DIAGONAL)
    np.testing.assert_array_equal(hessian_of(lambda x: np.sum(clipped(x**3))), DIAGONAL)
    np.testing.assert_array_equal(jacobian_of(lambda x: square(x[::-1])), DIAGONAL[::-1])
    np.testing.assert_array_equal(hessian_of(lambda x: np.sum(square(x))), DIAGONAL)


def test_a_linear_function_of_a_user_is_probed() -> None:
    @extend.overridable
    def swapped(x: Any) -> Any:
        return np.asarray(x)[::-1] * 2.0

    extend.linear(swapped, lambda ct, x: swapped(ct), samples=extend.cases(extend.case(extend.A(3))))
    try:
        np.testing.assert_array_equal(jacobian_of(lambda x: swapped(x**2)), DIAGONAL[::-1])
    finally:
        del RECORDS[swapped]


def test_a_bilinear_function_of_a_user_is_probed_at_random_numbers() -> None:
    @extend.overridable
    def paired(a: Any, b: Any) -> Any:
        return np.asarray(a) * np.asarray(b)

    extend.bilinear(
        paired,
        lambda ct, a, b: paired(ct, b),
        lambda ct, a, b: paired(a, ct),
        samples=extend.cases(extend.case(1.0, 2.0)),
    )
    try:
        found = jacobian_of(lambda x: paired(x[:2], x[2:]), np.zeros(4))
        fixed = jacobian_of(lambda x: paired(x[:2], np.array([1.0, 0.0])), np.zeros(4))
    finally:
        del RECORDS[paired]

    np.testing.assert_array_equal(found, [[1, 0, 1, 0], [0, 1, 0, 1]])
    np.testing.assert_array_equal(fixed, [[1, 0, 0, 0], [0, 0, 0, 0]])


def test_the_pattern_of_a_hessian_is_symmetric_whatever_the_rules_say() -> None:
    @custom_vjp
    def product(x: Any) -> Any:
        return x[0] * x[1]

    product.defvjp(lambda x: (x[0] * x[1], x), lambda x, ct: (ct * np.stack([x[1], 1.0]),))

    np.testing.assert_array_equal(hessian_of(product, np.ones(2)), [[0, 1], [1, 0]])


def test_what_nothing_is_known_of_is_dense_with_a_warning() -> None:
    @extend.overridable
    def mystery(x: Any) -> Any:
        return x * 1.0

    extend.handwritten(
        mystery,
        lambda tangents, ans, x: mystery(tangents[0]),
        lambda ct, wanted, ans, x: (mystery(ct),),
        keep=(),
        samples=extend.cases(extend.case(extend.A(3))),
    )
    try:
        with pytest.warns(errors.DensePatternWarning, match="mystery"):
            pattern = sparse.jacobian_sparsity(lambda x: mystery(x[:2]), X)
    finally:
        del RECORDS[mystery]

    np.testing.assert_array_equal(pattern.toarray(), [[1, 1, 0, 0], [1, 1, 0, 0]])
    assert "mystery" in pattern.unknown[0]
    assert "mystery" in repr(pattern)


# ---- arguments and results -------------------------------------------------------------------------


def test_arguments_and_results_of_any_shape_are_counted_in_c_order() -> None:
    found = jacobian_of(lambda x: x.T, np.ones((2, 3)))

    np.testing.assert_array_equal(np.argmax(found, axis=1), np.arange(6).reshape(2, 3).T.ravel())


def test_a_number_and_an_empty_array_are_arguments() -> None:
    assert jacobian_of(lambda x: x**2, 2.0).tolist() == [[True]]
    assert jacobian_of(lambda x: x**2, np.zeros(0)).shape == (0, 0)
    assert hessian_of(lambda x: np.sum(x), np.zeros(0)).shape == (0, 0)


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (lambda x: x, [1.0, 2.0], "takes one array; it got a list"),
        (lambda x: x, np.arange(3), "Write x.astype"),
        (lambda x: x, np.ones(3) * 1j, "takes a real array"),
        (lambda x: [x, x], np.ones(3), "returns one array of floats; it returned a list"),
    ],
)
def test_other_arguments_and_results_are_refused(f: Any, x: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        sparse.jacobian_sparsity(f, x)


def test_values_of_another_transformation_are_refused() -> None:
    with pytest.raises(TypeError, match="stop_gradient"):
        grad(lambda p: np.sum(sparse.jacobian(lambda x: p * x, X, format="triplet").data))(2.0)
    with pytest.raises(TypeError, match="stop_gradient"):
        grad(lambda x: sparse.jacobian_sparsity(np.sin, x).nnz * x[0])(X)


def test_a_value_that_leaks_from_a_detection_is_an_error() -> None:
    leaked: list[Any] = []

    def leaky(x: Any) -> Any:
        leaked.append(x)
        return x

    sparse.jacobian_sparsity(leaky, X)

    with pytest.raises(errors.LeakedValueError):
        leaked[0] * 2


def test_a_pattern_refuses_places_outside_itself() -> None:
    with pytest.raises(ValueError, match="cols from 0 to 2"):
        sparse.Pattern([0], [3], (2, 3))
    with pytest.raises(ValueError, match="one row for each column"):
        sparse.Pattern([0, 1], [2], (2, 3))


def test_a_long_chain_of_numbers_has_a_pattern() -> None:
    def chain(x: Any) -> Any:
        total = 0.0
        for k in range(200):
            total = total + x[k] * x[k + 1]
        return total

    assert sparse.jacobian_sparsity(chain, np.ones(250)).nnz == 201
    assert sparse.hessian_sparsity(chain, np.ones(250)).nnz == 400
