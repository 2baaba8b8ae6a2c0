"""Traced arrays behave as ndarrays do: object arrays, in-place operators, ufunc methods, methods, containers."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from dualgrad import derivative, grad, jacfwd, jacrev, jvp
from dualgrad.errors import ConversionError, NoRuleError

X = np.array([0.5, 1.5, 2.5])
M = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]])
JACOBIANS = {"jacfwd": jacfwd, "jacrev": jacrev}
each_mode = pytest.mark.parametrize("d", JACOBIANS.values(), ids=JACOBIANS)


def same(d: Any, f: Any, g: Any, x: Any = X) -> None:
    """Two functions have the same value, which is NumPy's, and the same Jacobian."""
    np.testing.assert_allclose(np.asarray(f(x), float), np.asarray(g(x), float))
    np.testing.assert_allclose(np.asarray(d(f)(x), float), np.asarray(d(g)(x), float), atol=1e-14)


# ---- object arrays ---------------------------------------------------------------------------------


@each_mode
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.array([x[0], x[1] * x[2], 1.0]),
        lambda x: np.sqrt(np.array([x[0], x[1]])),
        lambda x: np.array([x[0], x[1], x[2]]) * x,
        lambda x: x * np.array([x[2], x[1], 2.0]),
        lambda x: np.array([x[0], 2.0, x[1]]) * np.array([1.0, x[2], x[0]]) + 1.0,
        lambda x: np.array([[x[0], x[1]], [x[2], 0.0]]) @ x[:2],
        lambda x: np.array([[x[0], x[1]], [x[2], 0.0]]),
        lambda x: np.sum(np.array([x[0] ** 2, x[1]])),
        lambda x: np.dot(x, np.array([x[0], x[1], x[2]])),
        lambda x: np.concatenate([np.array([x[0] * 2]), x]),
        lambda x: np.linalg.det(np.array([[x[0], x[1]], [x[2], 1.0]]) + 0.0 * x[0]),
        lambda x: np.asarray(x) * 2.0,
        lambda x: np.array(x),
        lambda x: np.array([x, 2 * x]),
        lambda x: np.array([np.sum(x)]),
        lambda x: np.array([x[0], x[1]])[::-1],
        lambda x: np.arctan2(np.array([x[0], x[1]]), np.array([x[2], 1.0])),
        lambda x: np.stack([np.array([x[0], 1.0]), np.array([2.0, x[1]])]),
        lambda x: np.where(np.array([True, False]), np.array([x[0], x[1]]), x[2]),
    ],
    ids=[
        "returned", "sqrt", "objects*tracer", "tracer*objects", "objects*objects", "matmul", "2-d", "sum", "dot",
        "concatenate", "det", "asarray", "array", "rows", "of a sum", "reversed", "arctan2", "stack", "where",
    ],
)  # fmt: skip
def test_object_arrays_are_gathered(d: Any, f: Any) -> None:
    shape = np.shape(f(X))
    found = d(f)(X)

    step = 1e-6
    columns = [(f(X + step * e) - f(X - step * e)) / (2 * step) for e in np.eye(3)]
    assert found.dtype == np.float64
    assert found.shape == (*shape, 3)
    np.testing.assert_allclose(found, np.stack(columns, axis=-1), rtol=1e-6, atol=1e-6)


@each_mode
def test_object_arrays_in_auxiliary_data_come_back_as_floats(d: Any) -> None:
    _, aux = d(lambda x: (x, np.array([x[0], x[1]])), has_aux=True)(X)

    assert aux.dtype == np.float64


@each_mode
def test_an_object_array_with_something_else_in_it_is_refused(d: Any) -> None:
    with pytest.raises(TypeError, match="mixes"):
        d(lambda x: np.array([x[0], "a"], dtype=object))(X)


def test_object_arrays_gather_at_second_order_too() -> None:
    f = lambda x: np.sum(np.sin(np.array([x[0] * x[1], x[2]])) ** 2)
    g = lambda x: np.sin(x[0] * x[1]) ** 2 + np.sin(x[2]) ** 2

    np.testing.assert_allclose(jacfwd(grad(f))(X), jacfwd(grad(g))(X))
    np.testing.assert_allclose(jacrev(jacfwd(f))(X), jacfwd(grad(g))(X))


# ---- in place --------------------------------------------------------------------------------------


@each_mode
@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**"])
def test_in_place_operators_are_the_operators(d: Any, symbol: str) -> None:
    scope: dict[str, Any] = {}
    exec(
        f"def f(x):\n y = 1.0 * x\n z = y\n y {symbol}= x\n return z * y\ndef g(x):\n y = x {symbol} x\n return y * y",
        scope,
    )

    same(d, scope["f"], scope["g"])


@each_mode
def test_scalars_are_immutable(d: Any) -> None:
    def f(x: Any) -> Any:
        total = np.sum(x)
        before = total
        total += x[0]
        return np.stack([before, total])

    same(d, f, lambda x: np.stack([np.sum(x), np.sum(x) + x[0]]))


@each_mode
def test_a_copy_of_a_view_can_be_written(d: Any) -> None:
    def f(x: Any) -> Any:
        z = x[1:].copy()
        z *= x[0]
        return z

    same(d, f, lambda x: x[1:] * x[0])


@each_mode
def test_an_ndarray_cannot_take_a_traced_value_in_place(d: Any) -> None:
    def f(x: Any) -> Any:
        total = np.zeros(3)
        total += x
        return total

    with pytest.raises(ConversionError, match="cannot hold its derivative"):
        d(f)(X)
    with pytest.raises(ConversionError, match="out="):
        d(lambda x: np.multiply(x, 2.0, out=np.zeros(3)))(X)


@each_mode
def test_an_in_place_result_of_another_shape_raises(d: Any) -> None:
    def f(x: Any) -> Any:
        y = 1.0 * x
        y += np.ones((2, 3))
        return y

    with pytest.raises(ValueError, match="shape"):
        d(f)(X)


# ---- ufunc methods and keywords --------------------------------------------------------------------


@each_mode
@pytest.mark.parametrize(
    ("f", "g"),
    [
        (lambda x: np.add.reduce(x), lambda x: np.sum(x, axis=0)),
        (lambda x: np.add.reduce(x, axis=1, keepdims=True), lambda x: np.sum(x, axis=1, keepdims=True)),
        (lambda x: np.multiply.reduce(x), lambda x: np.prod(x, axis=0)),
        (lambda x: np.maximum.reduce(x, axis=None), np.max),
        (lambda x: np.add.reduce(x, initial=2.0, axis=None), lambda x: np.sum(x) + 2.0),
        (lambda x: np.logaddexp.reduce(x, axis=1), lambda x: np.log(np.sum(np.exp(x), axis=1))),
        (lambda x: np.hypot.reduce(x, axis=None), lambda x: np.sqrt(np.sum(x**2))),
        (lambda x: np.add.accumulate(x, axis=1), lambda x: np.cumsum(x, axis=1)),
        (lambda x: np.multiply.accumulate(x), lambda x: np.cumprod(x, axis=0)),
        (lambda x: np.logaddexp.accumulate(x, axis=1), lambda x: np.log(np.cumsum(np.exp(x), axis=1))),
        (lambda x: np.multiply.outer(x, x), lambda x: x[:, :, None, None] * x),
        (lambda x: np.subtract.outer(x, np.ones(2)), lambda x: x[:, :, None] - np.ones(2)),
        (
            lambda x: np.add.reduceat(x, [0, 2, 1], axis=1),
            lambda x: np.stack([x[:, 0] + x[:, 1], x[:, 2], x[:, 1] + x[:, 2]], axis=1),
        ),
        (lambda x: np.sin(x, dtype=np.float64), np.sin),
        (lambda x: np.add(x, x, casting="same_kind"), lambda x: 2 * x),
    ],
)  # fmt: skip
def test_ufunc_methods_are_what_they_say(d: Any, f: Any, g: Any) -> None:
    same(d, f, g, M)


@each_mode
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.logaddexp.reduce(x, axis=2),
        lambda x: np.logaddexp.reduce(x, axis=(0, -2)),
        lambda x: np.logaddexp.accumulate(x, axis=2),
        lambda x: np.logaddexp.accumulate(x[0, 0]),
        lambda x: np.add.reduceat(x, [0, 1], axis=-3),
        lambda x: np.power.reduce(x, axis=None),
    ],
)  # fmt: skip
def test_ufunc_methods_refuse_the_axes_that_numpy_refuses(d: Any, f: Any) -> None:
    with pytest.raises((ValueError, TypeError)) as plain:
        f(M)
    with pytest.raises(plain.type):
        d(f)(M)


@each_mode
def test_folds_of_nothing_lose_their_axes(d: Any) -> None:
    nothing = np.zeros((0, 3))

    assert d(lambda x: np.logaddexp.reduce(x, axis=0))(nothing).shape == (3, 0, 3)
    assert d(lambda x: np.logaddexp.reduce(x, axis=None))(nothing).shape == (0, 3)


@each_mode
def test_at_counts_each_index(d: Any) -> None:
    def f(x: Any) -> Any:
        y = 2.0 * x
        np.add.at(y, [0, 0, 2], x * x)
        return y

    same(d, f, lambda x: 2 * x + np.stack([x[0] ** 2 + x[1] ** 2, 0 * x[0], x[2] ** 2]))


@each_mode
def test_at_into_a_plain_array_raises(d: Any) -> None:
    with pytest.raises(ConversionError, match=r"add\.at .*np\.zeros_like\(x\)"):
        d(lambda x: np.add.at(np.zeros(3), [0, 1, 1], x))(X)


@each_mode
def test_where_needs_out(d: Any) -> None:
    mask = np.array([True, False, True])

    def f(x: Any) -> Any:
        y = x * 3.0
        np.sin(x, out=y, where=mask)
        return y

    same(d, f, lambda x: np.where(mask, np.sin(x), 3 * x))
    with pytest.raises(NoRuleError, match=r"np.where"):
        d(lambda x: np.sin(x, where=mask))(X)


@each_mode
def test_out_may_be_a_traced_array(d: Any) -> None:
    def f(x: Any) -> Any:
        y = 0.0 * x
        z = np.multiply(x, x, out=y)
        assert z is y
        return y

    same(d, f, lambda x: x * x)


# ---- methods and properties ------------------------------------------------------------------------

METHODS = {
    "sum": (lambda x: x.sum(axis=0), lambda x: np.sum(x, axis=0)),
    "mean": (lambda x: x.mean(1), lambda x: np.mean(x, 1)),
    "prod": (lambda x: x.prod(), np.prod),
    "max": (lambda x: x.max(axis=1), lambda x: np.max(x, axis=1)),
    "min": (lambda x: x.min(), np.min),
    "std": (lambda x: x.std(ddof=1), lambda x: np.std(x, ddof=1)),
    "var": (lambda x: x.var(axis=1), lambda x: np.var(x, axis=1)),
    "cumsum": (lambda x: x.cumsum(1), lambda x: np.cumsum(x, 1)),
    "cumprod": (lambda x: x.cumprod(), np.cumprod),
    "reshape": (lambda x: x.reshape(3, 2), lambda x: np.reshape(x, (3, 2))),
    "ravel": (lambda x: x.ravel(), np.ravel),
    "flatten": (lambda x: x.flatten(), np.ravel),
    "transpose": (lambda x: x.transpose(), np.transpose),
    "T": (lambda x: x.T, np.transpose),
    "mT": (lambda x: x.mT, np.transpose),
    "swapaxes": (lambda x: x.swapaxes(0, 1), lambda x: np.swapaxes(x, 0, 1)),
    "squeeze": (lambda x: x[None].squeeze(0), lambda x: x * 1.0),
    "repeat": (lambda x: x.repeat(2, axis=0), lambda x: np.repeat(x, 2, axis=0)),
    "take": (lambda x: x.take([0, 2], axis=1), lambda x: np.take(x, [0, 2], axis=1)),
    "dot": (lambda x: x.dot(x.T), lambda x: np.dot(x, x.T)),
    "trace": (lambda x: x.trace(), np.trace),
    "diagonal": (lambda x: x.diagonal(), np.diagonal),
    "clip": (lambda x: x.clip(1.5, 5.5), lambda x: np.clip(x, 1.5, 5.5)),
    "round": (lambda x: x.round(1), lambda x: np.round(x, 1)),
    "real": (lambda x: x.real * x, lambda x: np.real(x) * x),
    "imag": (lambda x: x.imag + x, lambda x: np.imag(x) + x),
    "conj": (lambda x: x.conj(), np.conj),
    "astype": (lambda x: x.astype(np.float64), lambda x: x * 1.0),
    "copy": (lambda x: x.copy(), np.copy),
    "copy.copy": (copy.copy, np.copy),
    "deepcopy": (copy.deepcopy, np.copy),
    "flat": (lambda x: np.stack(list(x.flat)), np.ravel),
    "ptp": (lambda x: np.ptp(x, axis=1), lambda x: x.max(1) - x.min(1)),
    "abs": (abs, np.abs),
    "neg": (lambda x: -x, lambda x: 0 - x),
    "pos": (lambda x: +x, lambda x: 1 * x),
    "mod": (lambda x: x % 2.5, lambda x: np.mod(x, 2.5)),
    "rsub": (lambda x: 1 - x, lambda x: np.subtract(1, x)),
    "rdiv": (lambda x: 1 / x, lambda x: np.divide(1, x)),
    "rpow": (lambda x: 2**x, lambda x: np.power(2, x)),
    "rmatmul": (lambda x: M.T @ x, lambda x: np.matmul(M.T, x)),
    "list": (lambda x: x * [1.0, 2.0, 3.0], lambda x: x * np.array([1.0, 2.0, 3.0])),
}


@each_mode
@pytest.mark.parametrize("name", METHODS)
def test_methods_and_properties_are_the_functions(d: Any, name: str) -> None:
    f, g = METHODS[name]

    same(d, f, g, M)


@each_mode
def test_facts_are_plain(d: Any) -> None:
    def f(x: Any) -> Any:
        assert x.shape == (2, 3)
        assert (x.ndim, x.size, x.dtype, len(x)) == (2, 6, np.dtype(float), 2)
        assert np.shape(x) == (2, 3)
        assert type(x > 2) is np.ndarray
        assert type(x.argmax()) is not type(x)
        assert bool(np.any(x > 6))
        return x

    d(f)(M)


# ---- as a container, a number and text -------------------------------------------------------------


@each_mode
def test_iteration_unpacking_and_len(d: Any) -> None:
    def f(x: Any) -> Any:
        a, b, c = x
        return sum(v * v for v in x) + a * b * c * len(x) + sum(x)

    same(d, f, lambda x: np.sum(x**2) + np.prod(x) * 3 + np.sum(x))


@each_mode
def test_a_number_has_no_length_and_no_items(d: Any) -> None:
    with pytest.raises(TypeError, match="unsized"):
        d(len)(2.0)
    with pytest.raises(TypeError, match="0-d"):
        d(list)(2.0)


@each_mode
def test_contains_bool_and_comparisons_decide_branches(d: Any) -> None:
    def f(x: Any) -> Any:
        assert 1.5 in x
        assert 7.0 not in x
        return x * 2 if x[0] < 1 and x[1] and x[2] >= 2.5 else x

    same(d, f, lambda x: 2 * x)
    with pytest.raises(ValueError, match="ambiguous"):
        d(lambda x: x if x > 0 else -x)(X)


@each_mode
def test_text_shows_the_value(d: Any) -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.extend([f"{x:.2f}", str(x), f"{x}", repr(x)])
        return x

    d(f)(1.25)
    assert seen[:3] == ["1.25", "1.25", "1.25"]
    assert "1.25" in seen[3]


def test_a_traced_array_has_no_hash_and_equals_elementwise() -> None:
    def f(x: Any) -> Any:
        with pytest.raises(TypeError, match="unhashable"):
            hash(x)
        assert (x == x).all()
        return np.sum(x)

    grad(f)(X)


def test_divmod_and_round_of_numbers() -> None:
    assert float(derivative(lambda x: divmod(x, 2.0)[1])(5.5)) == 1.0
    assert float(jvp(lambda x: round(x, 1) + x, (1.26,), (1.0,))[1]) == 1.0
