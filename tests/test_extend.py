"""`extend`: each word defines a function of one's own, in both modes, and checks what its rules return."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np
import pytest

from dualgrad import extend, grad, hessian, jacfwd, jacrev, jvp, stop_gradient, taylor, vjp, vmap
from dualgrad._trace.batch import numberwise
from dualgrad.errors import BatchLoopWarning, NoRuleError, RuleError
from dualgrad.testing import check_grads

A, case, cases = extend.A, extend.case, extend.cases
X = np.array([0.5, 1.5, 2.5])
TANGENT = np.ones(3)

pytestmark = pytest.mark.usefixtures("own_functions")


def pulling_raises(f: Any, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        vjp(f, X)[1](np.ones(np.shape(f(X)))[()])


def test_elementwise() -> None:
    @extend.overridable
    def own_sin(x: Any) -> Any:
        return np.sin(x)

    extend.elementwise(own_sin, lambda t, x: t * np.cos(x), samples=cases(case(A(3))))
    check_grads(own_sin, (X,))
    check_grads(own_sin, (0.5,))
    assert own_sin(0.5) == np.sin(0.5)


def test_linear() -> None:
    @extend.overridable
    def total(a: Any) -> Any:
        return np.sum(a)

    extend.linear(total, lambda ct, a: np.broadcast_to(ct, a.shape), samples=cases(case(A(3))))
    check_grads(lambda x: total(x * x), (X,))


def test_structural() -> None:
    @extend.overridable
    def turned(a: Any) -> Any:
        return a[::-1]

    extend.structural(turned, lambda ct, a: ct[::-1], samples=cases(case(A(3))))
    check_grads(lambda x: turned(x) * x, (X,))


def test_bilinear() -> None:
    @extend.overridable
    def inner(a: Any, b: Any) -> Any:
        return np.sum(a * b)

    extend.bilinear(inner, lambda ct, a, b: ct * b, lambda ct, a, b: ct * a, samples=cases(case(A(3), A(3))))
    check_grads(inner, (X, X + 1))
    check_grads(lambda x: inner(x, x), (X,))


def test_handwritten() -> None:
    @extend.overridable
    def square(a: Any) -> Any:
        return a * a

    extend.handwritten(
        square,
        lambda tangents, ans, a: 2 * a * tangents[0],
        lambda ct, wanted, ans, a: (2 * a * ct,),
        keep=("a",),
        samples=cases(case(A(3))),
    )
    check_grads(square, (X,))


def test_composite_constant_and_refused() -> None:
    @extend.overridable
    def hidden(a: Any) -> Any:
        return np.asarray(a, float) ** 2

    @extend.overridable
    def sign(a: Any) -> Any:
        return np.sign(np.asarray(a))

    @extend.overridable
    def never(a: Any) -> Any:
        return a

    extend.composite(hidden, lambda a: a**2, samples=cases(case(A(3))))
    extend.constant(sign)
    extend.refused("write something else.", never)
    check_grads(hidden, (X,))
    np.testing.assert_array_equal(grad(lambda x: np.sum(sign(x) * x))(X), np.ones(3))
    with pytest.raises(NoRuleError, match="write something else"):
        grad(never)(1.0)


@pytest.mark.parametrize("transform", [jacfwd, jacrev, hessian, lambda f: lambda x: taylor(f, x, 1.0, 2)])
def test_a_derivative_that_is_not_known_raises_and_the_others_are_there(transform: Any) -> None:
    @extend.overridable
    def shaped(a: Any, x: Any) -> Any:
        return np.power(x, a)

    why = extend.unknown("nobody has written the derivative by the shape down. Write np.power.")
    extend.elementwise(shaped, why, lambda t, a, x: t * a * x ** (a - 1), samples=cases(case(A(3), A(3))))
    assert np.isfinite(transform(lambda x: shaped(2.5, x))(1.5)).all()
    with pytest.raises(
        NoRuleError, match=r"shaped is not differentiated by its argument 'a': nobody has .*\n.*stop_gradient"
    ):
        transform(lambda a: shaped(a, 1.5))(2.5)
    with pytest.raises(NoRuleError, match="its argument 'a'"):
        transform(lambda a: shaped(a, a))(2.5)
    assert np.isfinite(transform(lambda a: shaped(stop_gradient(a), a))(2.5)).all()


@pytest.mark.parametrize("transform", [jacfwd, jacrev])
def test_handwritten_rules_refuse_operands_too(transform: Any) -> None:
    @extend.overridable
    def scaled(x: Any, n: Any) -> Any:
        return n * x

    extend.handwritten(
        scaled,
        lambda tangents, ans, x, n: n * tangents[0],
        lambda ct, wanted, ans, x, n: (n * ct, None),
        keep=("n",),
        refuses={"n": "its derivative is left out here."},
        samples=cases(case(A(3), 2.0)),
    )
    assert transform(lambda x: scaled(x, 3.0))(1.0) == 3.0
    with pytest.raises(NoRuleError, match="argument 'n': its derivative is left out"):
        transform(lambda n: scaled(1.0, n))(3.0)


def backwards(x: Any, axis: int) -> Any:
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis)


def on_batches_as_one_by_one(f: Any, x: Any) -> None:
    """Check a function of one array that runs on batches, alone and for Jacobians, without a loop."""
    xs = np.stack([x, x + 1, x * 2])
    with warnings.catch_warnings():
        warnings.simplefilter("error", BatchLoopWarning)
        np.testing.assert_allclose(vmap(f)(xs), np.stack([f(one) for one in xs]))
        np.testing.assert_allclose(jacfwd(f)(x), jacrev(f)(x))
        np.testing.assert_allclose(vmap(jacfwd(f))(xs), np.stack([jacrev(f)(one) for one in xs]))
        np.testing.assert_allclose(vmap(jacrev(f))(xs), np.stack([jacfwd(f)(one) for one in xs]))
    check_grads(f, (x,))


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_a_function_along_an_axis_runs_on_batches(axis: int | None) -> None:
    @extend.overridable
    def running(a: Any, *, axis: int = -1) -> Any:
        return np.cumsum(a, axis)

    extend.linear(
        running,
        lambda ct, a, *, axis=-1: backwards(ct, axis),
        structure=extend.Along(-1, "before"),
        samples=cases(case(A(3))),
    )
    given = {} if axis is None else {"axis": axis}
    on_batches_as_one_by_one(lambda x: running(x**2, **given), np.arange(6.0).reshape(2, 3))


def test_a_function_of_the_flat_array_by_default_runs_on_batches() -> None:
    @extend.overridable
    def spread_of(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return np.max(a, axis, keepdims=keepdims) - np.min(a, axis, keepdims=keepdims)

    # Only values are asked for here.
    extend.handwritten(
        spread_of,
        lambda tangents, ans, a, *, axis=None, keepdims=False: np.sum(tangents[0], axis=axis, keepdims=keepdims),
        lambda ct, wanted, ans, a, *, axis=None, keepdims=False: (ct * np.ones(a.shape),),
        keep=("a",),
        structure=extend.Along(stays=False, flat=True),
        samples=cases(case(A(3))),
    )
    xs = np.arange(18.0).reshape(3, 2, 3) ** 2
    with warnings.catch_warnings():
        warnings.simplefilter("error", BatchLoopWarning)
        for keepdims in (False, True):
            for axis in (None, 0, -1):
                found = vmap(lambda x: spread_of(x, axis, keepdims=keepdims))(xs)
                np.testing.assert_array_equal(found, np.stack([spread_of(x, axis, keepdims) for x in xs]))


def test_a_function_of_matrices_runs_on_batches() -> None:
    @extend.overridable
    def turned(a: Any) -> Any:
        return np.swapaxes(a, -1, -2) * 2

    extend.linear(
        turned, lambda ct, a: np.swapaxes(ct, -1, -2) * 2, structure=extend.OfMatrices(), samples=cases(case(A(2, 3)))
    )
    on_batches_as_one_by_one(lambda x: turned(x**2), np.arange(6.0).reshape(2, 3))


def test_a_rule_says_how_a_function_runs_on_batches() -> None:
    @extend.overridable
    def halves(a: Any, *, at: int) -> Any:
        return np.concatenate([a[at:], a[:at]])

    def halves_of_batch(record: Any, batched: Any, operands: Any, params: Any) -> Any:
        (a,) = operands
        return np.concatenate([a[:, params["at"] :], a[:, : params["at"]]], axis=1)

    extend.structural(
        halves,
        lambda ct, a, *, at: halves(ct, at=a.shape[0] - at),
        says=(extend.BATCH(halves_of_batch),),
        samples=cases(case(A(3), at=1)),
    )
    on_batches_as_one_by_one(lambda x: halves(x**2, at=1), X)


def test_a_rule_for_batches_is_made_of_what_extend_has() -> None:
    @extend.overridable
    def weighted(a: Any, w: Any, *, along: int) -> Any:
        return np.moveaxis(a, along, -1) @ w

    def weighted_of_batch(record: Any, batched: Any, operands: Any, params: Any) -> Any:
        a, w = extend.batch.all_batched(batched, operands)
        a = np.moveaxis(a, extend.batch.moved(params["along"], extend.batch.rank_of(a)), -1)
        return (a @ w[..., None])[..., 0]

    extend.bilinear(
        weighted,
        lambda ct, a, w, *, along: np.moveaxis(ct[..., None] * w, -1, along),
        lambda ct, a, w, *, along: np.sum(np.moveaxis(a, along, -1) * ct[..., None], axis=tuple(range(a.ndim - 1))),
        says=(extend.BATCH(weighted_of_batch),),
        samples=cases(case(A(3, 2), A(3), along=0)),
    )
    on_batches_as_one_by_one(lambda x: weighted(np.stack([x, x**2], 1), np.cos(x), along=0), X)


def test_constants_of_users_run_on_batches() -> None:
    @extend.overridable
    def places(a: Any, axis: Any = None, /) -> Any:
        return np.argmax(a, axis)

    @extend.overridable
    def signs(a: Any, b: Any) -> Any:
        return np.sign(np.asarray(a) + b)

    @extend.overridable
    def sizes(a: Any) -> Any:
        return len(a)

    extend.constant(places, structure=extend.Along(stays=False, flat=True))
    extend.constant(signs, structure=extend.Numberwise())
    extend.constant(sizes, facts=extend.Facts(outline=True))
    xs = np.array([[1.0, 3.0, -2.0], [-4.0, -1.0, -2.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error", BatchLoopWarning)
        np.testing.assert_array_equal(vmap(places)(xs), [1, 1])
        np.testing.assert_array_equal(vmap(lambda x: places(x, 0))(xs), [1, 1])
        np.testing.assert_array_equal(vmap(lambda x: signs(x[0], b=x))(xs), np.sign(xs[:, :1] + xs))
        np.testing.assert_array_equal(vmap(lambda x: x * sizes(x))(xs), xs * 3)


def test_a_function_that_says_nothing_of_batches_runs_once_per_member() -> None:
    @extend.overridable
    def turned(a: Any) -> Any:
        return a[::-1]

    extend.structural(turned, lambda ct, a: ct[::-1], samples=cases(case(A(3))))
    with pytest.warns(BatchLoopWarning, match="turned once per member"):
        np.testing.assert_array_equal(vmap(turned)(np.stack([X, 2 * X])), [X[::-1], 2 * X[::-1]])


def test_along_needs_an_axis() -> None:
    f = extend.overridable(lambda a: a)
    with pytest.raises(TypeError, match="with a parameter named axis"):
        extend.linear(f, lambda ct, a: ct, structure=extend.Along(-1), samples=cases(case(A(3))))
    with pytest.raises(TypeError, match="with a parameter named axis"):
        extend.constant(f, structure=extend.Along(-1))


def test_what_is_said_is_checked() -> None:
    f = extend.overridable(lambda x: x)
    with pytest.raises(TypeError, match="two statements of <facet BATCH"):
        extend.constant(f, says=(extend.BATCH(numberwise), extend.BATCH(numberwise)))
    with pytest.raises(TypeError, match="takes statements such as BATCH"):
        extend.constant(f, says=(numberwise,))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes the reason, a str"):
        extend.unknown(lambda t: t)  # type: ignore[arg-type]


def test_a_function_has_one_record() -> None:
    with pytest.raises(ValueError, match=r"numpy\.sin has a record"):
        extend.constant(np.sin)


@pytest.mark.parametrize("word", ["linear", "structural"])
def test_a_transpose_of_a_wrong_shape_is_named(word: str) -> None:
    @extend.overridable
    def badly(a: Any) -> Any:
        return a * 1.0

    getattr(extend, word)(badly, lambda ct, a: ct[:1], samples=cases(case(A(3))))
    pulling_raises(badly, r"transpose of .*badly returned shape \(1,\) where \(3,\)")


def test_a_formula_of_a_wrong_shape_is_named_in_both_modes() -> None:
    @extend.overridable
    def badly(x: Any) -> Any:
        return x * 1.0

    extend.elementwise(badly, lambda t, x: np.sum(t * x), samples=cases(case(A(3))))
    pulling_raises(badly, "formula of .*badly")
    with pytest.raises(RuleError, match=r"formula of .*badly"):
        jvp(badly, (X,), (TANGENT,))


@pytest.mark.parametrize(
    ("pulled", "message"),
    [
        (lambda ct: ct, "returns a tuple"),
        (lambda ct: (ct, ct), "2 cotangents for 1 operands"),
        (lambda ct: (ct[:2],), r"shape \(2,\) where \(3,\)"),
    ],
)
def test_wrong_handwritten_rules_are_named_in_both_modes(pulled: Any, message: str) -> None:
    @extend.overridable
    def badly(a: Any) -> Any:
        return a * 1.0

    extend.handwritten(
        badly,
        lambda tangents, ans, a: tangents[0][:2],
        lambda ct, wanted, ans, a: pulled(ct),
        keep=(),
        samples=cases(case(A(3))),
    )
    pulling_raises(badly, f"VJP rule of .*badly.*{message}")
    with pytest.raises(RuleError, match=r"JVP rule of .*badly"):
        jvp(badly, (X,), (TANGENT,))


def test_a_ufunc_says_which_functions_its_reduce_and_accumulate_are() -> None:
    times = np.frompyfunc(operator.mul, 2, 1)
    extend.elementwise(
        times,
        lambda t, y: t * y,
        lambda t, x: t * x,
        samples=lambda rng: [],
        says=(extend.REDUCES(np.prod), extend.ACCUMULATES(np.cumprod)),
    )
    x = np.array([[2.0, 3.0], [4.0, 5.0]])
    # Number by number, the ufunc makes arrays of objects.
    for method, fun in ((times.reduce, np.prod), (times.accumulate, np.cumprod)):
        value, moved = jvp(lambda x, f=method: f(x, axis=0), (x,), (x,))
        expected = jvp(lambda x, f=fun: f(x, axis=0), (x,), (x,))
        assert value.dtype == moved.dtype == float
        np.testing.assert_array_equal([value, moved], expected)


def scaled(x: Any, factor: Any, axis: int = -1) -> Any:
    return x * factor


@pytest.mark.parametrize("transform", [jacfwd, jacrev])
def test_a_further_operand_of_a_linear_function_is_no_silent_zero(transform: Any) -> None:
    linear, with_data = extend.overridable(scaled), extend.overridable(scaled)
    extend.linear(linear, lambda ct, x, factor: ct * factor, samples=cases(case(A(3), 2.0)))
    extend.linear(with_data, lambda ct, x, factor: ct * factor, data=("factor",), samples=cases(case(A(3), 2.0)))
    assert transform(lambda x: linear(x, 2.0))(1.0) == 2.0
    assert transform(lambda x: linear(x, stop_gradient(x)))(3.0) == 3.0
    with pytest.raises(
        NoRuleError, match=r"argument .factor.: extend\.linear says that the function is linear in its first"
    ):
        transform(lambda factor: linear(2.0, factor))(3.0)
    with pytest.raises(NoRuleError, match="argument 'factor'"):
        transform(lambda x: linear(x, x))(3.0)
    assert transform(lambda x: with_data(x, x))(3.0) == 3.0


@pytest.mark.parametrize("transform", [jacfwd, jacrev])
def test_one_of_two_transposes_may_be_unknown(transform: Any) -> None:
    product = extend.overridable(lambda a, b: a * b)
    extend.bilinear(product, lambda ct, a, b: ct * b, extend.unknown("left out."), samples=cases(case(A(3), A(3))))
    assert transform(lambda a: product(a, 3.0))(2.0) == 3.0
    with pytest.raises(NoRuleError, match="argument 'b': left out"):
        transform(lambda b: product(3.0, b))(2.0)
    first, why = extend.overridable(lambda a, b: a), extend.unknown("left out.")
    with pytest.raises(TypeError, match="has to be known"):
        extend.bilinear(first, why, why, samples=cases(case(A(3), A(3))))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"structure": extend.Along}, "structure= takes a structure"),
        ({"structure": extend.Along(0)}, r"Along\(0\) says another default than the function has, axis=-1"),
        ({}, r"takes the operands \['a'\], which the function does not have"),
    ],
)
def test_what_does_not_fit_is_said_at_registration(options: Any, message: str) -> None:
    transpose: Any = (lambda ct, x, factor, *, axis=-1: ct) if options else (lambda ct, a: ct)
    f, samples = extend.overridable(scaled), cases(case(A(3), 2.0))
    with pytest.raises(TypeError, match=message):
        extend.linear(f, transpose, samples=samples, **options)


def test_other_words_of_structures_and_refusals_are_checked() -> None:
    with pytest.raises(ValueError, match="'all', 'before' or 'neighbours'; it is 'after'"):
        extend.Along(-1, mixes="after")  # type: ignore[arg-type]
    f = extend.overridable(scaled)
    with pytest.raises(TypeError, match=r"refuses= names \['axis'\], which are not among the operands"):
        extend.handwritten(
            f,
            lambda tangents, ans, x, factor, *, axis=-1: tangents[0],
            lambda ct, wanted, ans, x, factor, *, axis=-1: (ct, None),
            keep=(),
            refuses={"axis": "no."},
            samples=cases(case(A(3), 2.0)),
        )
