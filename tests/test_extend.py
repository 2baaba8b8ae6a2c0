"""`extend`: each word defines a function of one's own, in both modes, and checks what its rules return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dualgrad import extend, grad, hessian, jacfwd, jacrev, jvp, stop_gradient, taylor, vjp
from dualgrad._table import record as primitive
from dualgrad._trace.batch import elementwise
from dualgrad.errors import NoRuleError, RuleError
from dualgrad.testing import check_grads

A, case, cases = extend.A, extend.case, extend.cases
X = np.array([0.5, 1.5, 2.5])
TANGENT = np.ones(3)


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    before = dict(primitive.RECORDS)
    yield
    for key in set(primitive.RECORDS) - set(before):
        del primitive.RECORDS[key]


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


def test_what_is_said_is_checked() -> None:
    f = extend.overridable(lambda x: x)
    with pytest.raises(TypeError, match="two statements of <facet BATCH"):
        extend.constant(f, says=(extend.BATCH(elementwise), extend.BATCH(elementwise)))
    with pytest.raises(TypeError, match="takes statements such as BATCH"):
        extend.constant(f, says=(elementwise,))  # type: ignore[arg-type]
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
