"""Patterns of functions of one's own: exact where they say their structure or PATTERN, and checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import extend, sparse
from dualgrad.errors import DensePatternWarning, PatternError, RuleError

X = np.random.default_rng(0).uniform(0.5, 1.5, 12)
NONE = extend.cases()

pytestmark = pytest.mark.usefixtures("own_functions")


def state(f: Any, transposed: Any, says: dict[str, Any]) -> None:
    extend.handwritten(
        f,
        lambda tangents, ans, a, *, axis=None: f(tangents[0]),
        lambda ct, wanted, ans, a, *, axis=None: (transposed(ct),),
        keep=(),
        samples=NONE,
        **says,
    )


def own(matrix: Any, **says: Any) -> Callable[[Any], Any]:
    """Return a linear function of which only what it says is known: its rules call itself."""
    default = getattr(says.get("structure"), "axis", None)

    @extend.overridable
    def hidden(a: Any, axis: Any = default) -> Any:
        return (matrix @ np.ravel(np.asarray(a))).reshape(np.shape(a))

    @extend.overridable
    def turned(a: Any, axis: Any = default) -> Any:
        return (matrix.T @ np.ravel(np.asarray(a))).reshape(np.shape(a))

    state(hidden, turned, says)
    state(turned, hidden, says)
    return hidden


def along_rows(block: Any) -> Any:
    return np.kron(np.eye(3), block)


def nearest(call: extend.PatternCall) -> extend.IndexSets:
    n = np.arange(call.count)
    return call.linked(0, np.concatenate([n, n[1:]]), np.concatenate([n, n[:-1]]))


EXACT: dict[str, tuple[Any, dict[str, Any], tuple[int, ...]]] = {
    "numberwise": (np.diag(X), {"structure": extend.Numberwise()}, (12,)),
    "along all": (along_rows(np.ones((4, 4))), {"structure": extend.Along(-1)}, (3, 4)),
    "along the first": (np.kron(np.ones((3, 3)), np.eye(4)), {"structure": extend.Along(0)}, (3, 4)),
    "before": (along_rows(np.tri(4)), {"structure": extend.Along(-1, "before")}, (3, 4)),
    "matrices": (along_rows(np.ones((4, 4))), {"structure": extend.OfMatrices()}, (3, 2, 2)),
    "rule": (np.eye(12) + np.eye(12, k=-1), {"says": (extend.PATTERN(nearest),)}, (12,)),
}


@pytest.mark.parametrize("name", EXACT)
def test_a_function_that_says_its_structure_has_an_exact_pattern(name: str) -> None:
    matrix, says, shape = EXACT[name]
    f = own(matrix, **says)

    pattern = sparse.jacobian_sparsity(lambda x: f(np.reshape(x, shape)), X)

    np.testing.assert_array_equal(pattern.toarray(), matrix != 0)
    assert pattern.unknown == ()


def test_without_a_word_the_pattern_is_dense_and_a_warning_says_what_to_write() -> None:
    with pytest.warns(DensePatternWarning, match=r"hidden; .*structure= or PATTERN"):
        assert sparse.jacobian_sparsity(own(np.eye(12)), X).nnz == 144


@pytest.mark.filterwarnings("ignore::dualgrad.errors.BatchLoopWarning")
def test_a_plan_computes_what_the_pattern_says() -> None:
    matrix = np.eye(12) + np.eye(12, k=-1)
    f = own(matrix, says=(extend.PATTERN(nearest),))

    plan = sparse.plan_jacobian(lambda x: f(x * x), X)

    assert plan.passes == 2
    np.testing.assert_allclose(plan(2 * X).toarray(), matrix * (4 * X))


@pytest.mark.filterwarnings("ignore::dualgrad.errors.BatchLoopWarning")
def test_a_structure_that_says_too_little_is_found_out() -> None:
    f = own(np.tri(12), structure=extend.Numberwise())

    with pytest.raises(PatternError, match="does not hold"):
        sparse.plan_jacobian(f, X)(X)


def test_a_hessian_has_the_pattern_of_a_function_of_ones_own() -> None:
    f, silent = own(np.diag(X), structure=extend.Numberwise()), own(np.diag(X))

    assert sparse.hessian_sparsity(lambda x: np.sum(f(x) ** 2), X).nnz == 12
    with pytest.warns(DensePatternWarning):
        assert sparse.hessian_sparsity(lambda x: np.sum(silent(x) ** 2), X).nnz == 144


def test_of_several_answers_some_have_a_derivative() -> None:
    @extend.overridable
    def split(a: Any) -> Any:
        return np.floor(a), a - np.floor(a)

    extend.handwritten(
        split,
        lambda tangents, ans, a: (None, tangents[0]),
        lambda ct, wanted, ans, a: (ct[1],),
        keep=(),
        outputs=2,
        samples=NONE,
        structure=extend.Numberwise(moves=(False, True)),
    )

    np.testing.assert_array_equal(sparse.jacobian_sparsity(lambda x: split(x)[1], X).toarray(), np.eye(12, dtype=bool))
    assert sparse.jacobian_sparsity(lambda x: split(x)[0], X).nnz == 0


def test_products_and_rearrangements_of_ones_own() -> None:
    @extend.overridable
    def weighted(a: Any, b: Any) -> Any:
        return np.einsum("ij,i->j", a, b)

    @extend.overridable
    def halves(*parts: Any) -> Any:
        return np.concatenate(parts)[::2]

    # Too large to be probed, were it not said what they are.
    extend.bilinear(
        weighted,
        lambda ct, a, b: np.multiply.outer(b, ct),
        lambda ct, a, b: a @ ct,
        structure=extend.Contracted(lambda shapes, params: (["ij", "i"], "j")),
        samples=NONE,
    )
    extend.handwritten(
        halves,
        lambda tangents, ans, *parts: None,
        lambda ct, wanted, ans, *parts: tuple(parts),
        keep=(),
        structure=extend.Rearranged(many=True),
        samples=NONE,
    )
    x = np.ones(5000)
    fixed = np.zeros((2, 5000))
    fixed[0, :7] = 1.0

    assert sparse.jacobian_sparsity(lambda x: weighted(x.reshape(2, 2500), np.array([0.0, 1.0])), x).nnz == 2500
    assert sparse.jacobian_sparsity(lambda x: weighted(fixed, x[:2]), x).nnz == 7
    found = sparse.jacobian_sparsity(lambda x: halves(x[:3], x[1:]), x)
    np.testing.assert_array_equal(found.cols[:4], [0, 2, 2, 4])
    assert found.unknown == ()


def test_what_reads_shapes_only_is_fixed() -> None:
    mask = extend.overridable(lambda a: (np.arange(np.size(a)) % 2).astype(float))
    sized = extend.overridable(lambda a: (np.arange(np.size(a)) % 2).astype(float))
    extend.constant(mask)
    extend.constant(sized, facts=extend.Facts(outline=True))

    assert sparse.jacobian_sparsity(lambda x: x * mask(x), X).nnz == 12
    assert sparse.jacobian_sparsity(lambda x: x * sized(x), X).nnz == 6


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "structure": (
        {"structure": extend.Along(-1, "neighbours")},
        r"Along\(axis=-1.* does not fit .*hidden at .*\(12,\)",
    ),
    "terms": ({"structure": extend.Contracted(lambda shapes, params: (["ij"], "i"))}, r"Contracted.* does not fit"),
    "rule": ({"says": (extend.PATTERN(lambda call: call.nothing()[0]),)}, r"PATTERN does not fit .*hidden"),
    "columns": ({"says": (extend.PATTERN(lambda call: call.linked(0, [0], [12])),)}, "columns from 0 to 11"),
    "rows": ({"says": (extend.PATTERN(lambda call: call.linked(0, [-1], [0])),)}, "rows from 0 to 11"),
    "pairs": ({"says": (extend.PATTERN(lambda call: call.linked(0, [0, 1], [0])),)}, "2 rows with 1 columns"),
    "answers": ({"says": (extend.PATTERN(lambda call: [None, None]),)}, r"sets for \[None, None\] numbers; .* \[12\]"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_the_function_raises_and_names_it(name: str) -> None:
    says, message = WRONG[name]

    with pytest.raises(RuleError, match=message):
        sparse.jacobian_sparsity(own(np.eye(12), **says), X)
