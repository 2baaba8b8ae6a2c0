"""`dualgrad.numpy` is NumPy, with functions that make arrays of values being differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dualgrad.numpy as dnp
from dualgrad import jacfwd, jacrev, jvp, stop_gradient, vmap
from dualgrad.errors import ConversionError
from dualgrad.testing import check_grads

X = np.array([1.0, 2.0])


@pytest.mark.parametrize("d", [jacfwd, jacrev])
@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: dnp.array([x[0] * x[1], 1.0]), [[2, 1], [0, 0]]),
        (lambda x: dnp.array([x[0], x[1]], dtype=float), np.eye(2)),
        (lambda x: dnp.array(x, ndmin=2)[0], np.eye(2)),
        (lambda x: dnp.asarray([x, 2 * x])[1], 2 * np.eye(2)),
        (lambda x: dnp.full(2, x[1]), [[0, 1], [0, 1]]),
        (lambda x: dnp.arange(x[0], 3.0), [[1, 0], [1, 0]]),
        (lambda x: dnp.linalg.det(dnp.array([[x[0], 0.0], [0.0, x[1]]])), [2, 1]),
        (lambda x: dnp.sin(x), np.diag(np.cos(X))),
    ],
    ids=["array", "dtype", "ndmin", "asarray", "full", "arange", "linalg", "sin"],
)
def test_arrays_are_made_of_values_being_differentiated(d: Any, f: Any, expected: Any) -> None:
    np.testing.assert_allclose(d(f)(X), expected, atol=1e-14)


def test_an_array_of_a_traced_array_is_a_copy_and_asarray_is_not() -> None:
    def f(x: Any) -> Any:
        assert dnp.array(x) is not x
        assert dnp.asarray(x) is x
        assert dnp.isscalar(x[0])
        return x

    jacrev(f)(X)


@pytest.mark.parametrize("d", [jacfwd, jacrev])
@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: np.array([x[0] * x[1], 1.0], like=x), [[2, 1], [0, 0]]),
        (lambda x: np.array([x[0], x[1]], float, like=x), np.eye(2)),
        (lambda x: np.array(x, ndmin=2, copy=None, order="F", subok=True, like=x)[0], np.eye(2)),
        (lambda x: np.asarray(x, like=x), np.eye(2)),
        (lambda x: np.asarray([x, 2 * x], dtype=complex, like=x)[1].real, 2 * np.eye(2)),
        (lambda x: np.asanyarray(x, float, "C", like=x), np.eye(2)),
        (lambda x: np.ascontiguousarray(x[0], like=x), [[1, 0]]),
        (lambda x: np.asfortranarray([x, x], dtype=float, like=x)[0], np.eye(2)),
        (lambda x: np.require([x[1]], requirements="C", like=x), [[0, 1]]),
        (lambda x: np.full((2,), x[1], dtype=float, order="F", like=x), [[0, 1], [0, 1]]),
        (lambda x: np.arange(x[0], 3.0, like=x), [[1, 0], [1, 0]]),
        (lambda x: np.arange(x[1], like=x) * x[0], [[0, 0], [1, 0]]),
        (lambda x: np.fromiter((y * y for y in x), float, like=x), np.diag(2 * X)),
        (lambda x: np.fromiter((y * y for y in x), dtype=float, count=1, like=x), [[2, 0]]),
        (lambda x: np.fromfunction(lambda i, s: i * s, (2,), s=x[1], like=x), [[0, 0], [0, 1]]),
    ],
)
def test_arrays_made_like_a_value_being_differentiated_hold_such_values(d: Any, f: Any, expected: Any) -> None:
    np.testing.assert_allclose(d(f)(X), expected, atol=1e-14)


def test_arrays_of_plain_numbers_made_like_a_value_are_numpys() -> None:
    text = "1 2"

    def f(x: Any) -> Any:
        pairs: list[tuple[Any, Any]] = [
            (np.zeros((2, 1), like=x), np.zeros((2, 1))),
            (np.ones(2, np.float32, like=x), np.ones(2, np.float32)),
            (np.eye(2, 3, k=1, like=x), np.eye(2, 3, k=1)),
            (np.identity(2, like=x), np.identity(2)),
            (np.tri(2, 3, -1, like=x), np.tri(2, 3, -1)),
            (np.full(2, 3.0, like=x), np.full(2, 3.0)),
            (np.arange(3, like=x), np.arange(3)),
            (np.arange(1, 7, 2, dtype=float, like=x), np.arange(1, 7, 2, dtype=float)),
            (np.asarray([1, 2], like=x), np.array([1, 2])),
            (np.fromiter([1, 2], int, like=x), np.array([1, 2])),
            (np.fromstring(text, sep=" ", like=x), np.array([1.0, 2.0])),
            (np.frombuffer(np.ones(2).tobytes(), like=x), np.ones(2)),
            (np.loadtxt([text], like=x), np.array([1.0, 2.0])),
            (np.genfromtxt([text], like=x), np.array([1.0, 2.0])),
        ]
        for k, (found, expected) in enumerate(pairs):
            # Those that are filled later can be written to by values being differentiated.
            assert (type(found) is np.ndarray) is (k not in (0, 1, 2, 3, 5))
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(stop_gradient(found), expected)
        assert np.empty(2, like=x).shape == (2,)
        return x

    jacrev(f)(X)


def test_what_arrays_of_values_being_differentiated_cannot_be_raises() -> None:
    with pytest.raises(ValueError, match="copy"):
        jacrev(lambda x: np.array([x[0]], copy=False, like=x))(X)
    with pytest.raises(TypeError, match="ndmax"):
        jacrev(lambda x: dnp.array(x, ndmax=1))(X)
    with pytest.raises(ValueError, match="too short"):
        jacrev(lambda x: np.fromiter(x, float, 3, like=x))(X)


def test_a_range_has_the_dtype_that_numpy_gives_it() -> None:
    x = np.float32(3.0)

    def f(x: Any) -> Any:
        assert dnp.arange(x).dtype == np.arange(np.float32(3.0)).dtype
        assert dnp.arange(0, x, dtype=np.float64).dtype == np.float64
        return x

    jacrev(f)(x)


def test_plain_values_go_to_numpy() -> None:
    assert dnp.array([1, 2]).dtype == np.array([1, 2]).dtype
    np.testing.assert_array_equal(dnp.arange(3), np.arange(3))
    np.testing.assert_array_equal(dnp.full((2,), 1.5), np.full((2,), 1.5))
    assert dnp.pi == np.pi
    assert dnp.linalg.norm is np.linalg.norm
    assert "sin" in dir(dnp)


@pytest.mark.parametrize("d", [jacfwd, jacrev])
@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: dnp.mean([x[0], x[0] * x[1], 4.0]), [1, 1 / 3]),
        (lambda x: dnp.mean((x, 3 * x), axis=1), [[0.5, 0.5], [1.5, 1.5]]),
        (lambda x: dnp.mean(np.array([x[1], 1.0])), [0, 0.5]),
        (lambda x: dnp.var([x[0], x[1]]), [-0.5, 0.5]),
        (lambda x: dnp.std([x[0], x[1]], ddof=1), [-(0.5**0.5), 0.5**0.5]),
        (lambda x: dnp.average([x[0], x[1]], weights=[3.0, 1.0]), [0.75, 0.25]),
        (lambda x: dnp.median([x[0], 5.0, x[1]]), [0, 1]),
        (lambda x: dnp.mean(x), [0.5, 0.5]),
    ],
)
def test_averages_take_lists_of_values_being_differentiated(d: Any, f: Any, expected: Any) -> None:
    np.testing.assert_allclose(d(f)(X), expected)


def test_averages_of_plain_lists_are_numpys() -> None:
    pairs: list[tuple[Any, Any]] = [(dnp.mean, np.mean), (dnp.std, np.std), (dnp.var, np.var), (dnp.median, np.median)]
    for found, expected in pairs:
        assert type(found([1, 2, 4])) is type(expected([1, 2, 4]))
        np.testing.assert_array_equal(found([[1, 2], [3, 5]], axis=0), expected([[1, 2], [3, 5]], axis=0))


@pytest.mark.parametrize("d", [jacfwd, jacrev])
@pytest.mark.parametrize(("offset", "axes"), [(0, (-1, -2)), (0, (0, 1)), (1, (-2, -1)), (-2, (0, 2))])
def test_a_diagonal_is_made_of_what_it_gives_back(d: Any, offset: int, axes: tuple[int, int]) -> None:
    x = np.arange(1.0, 7.0).reshape(2, 3)

    def made(x: Any) -> Any:
        return dnp.make_diagonal(x * x, offset, *axes)

    np.testing.assert_array_equal(np.diagonal(made(x), offset, *axes), x * x)
    assert np.sum(made(x)) == np.sum(x * x)
    moved = d(lambda x: np.diagonal(made(x), offset, *axes))(x)
    np.testing.assert_array_equal(moved.reshape(6, 6), np.diag(2 * x.ravel()))


# NumPy takes plain arrays in the same brackets, so it says what is to come out.
@pytest.mark.parametrize("joiner", ["r_", "c_"])
@pytest.mark.parametrize(
    "key",
    [
        lambda x: x,
        lambda x: (x, [1, 2]),
        lambda x: (x, slice(0, 2), np.arange(2)),
        lambda x: (x[0], 3, x[1], 1.0),
        lambda x: ([x[0], 5.0], x * 1j),
        lambda x: (slice(0, 1, 2j), np.float32(2) * x.astype(np.float32)),
        lambda x: ("0,3,1", x, slice(0, 2)),
        lambda x: slice(0, x[0], 3j),
        lambda x: (slice(x[0], x[1] + 2, 5j), 1, slice(None, x[1], -3j)),
        lambda x: ("0,2", slice(x.astype(np.float32)[1], 7, 1j), slice(0, 2)),
        lambda x: ("-1", np.stack([x, x]), np.ones((2, 2))),
        lambda x: (np.stack([x.astype(np.float32)] * 2).T, np.ones((2, 1), np.float32)) * 2,
    ],
)
def test_brackets_that_join_take_values_being_differentiated(joiner: str, key: Any) -> None:
    mine, numpys = getattr(dnp, joiner), getattr(np, joiner)
    try:
        expected = numpys[key(X)]
    except ValueError:
        with pytest.raises(ValueError, match="dimensions"):
            jacrev(lambda x: mine[key(x)])(X)
        return
    value, tangent = jvp(lambda x: mine[key(x)], (X,), (np.ones(2),))

    assert (value.dtype, value.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(value, expected)
    np.testing.assert_array_equal(tangent, numpys[key(X + 1)] - expected)
    np.testing.assert_array_equal(vmap(lambda x: mine[key(x)])(np.stack([X, X + 1]))[1], numpys[key(X + 1)])


@pytest.mark.parametrize("d", [jacfwd, jacrev])
@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (lambda a: slice(a, 4.0), [1, 1, 1]),
        (lambda a: slice(0, 5, a), [0, 1, 2]),
        (lambda a: (slice(a), slice(a, 0.0, -1), 2 * a), [0, 0, 1, 1, 2]),
        (lambda a: slice(a, None), [0, 0]),
    ],
)
def test_ranges_in_brackets_follow_their_start_and_step(d: Any, key: Any, expected: Any) -> None:
    np.testing.assert_array_equal(dnp.r_[key(1.75)], np.r_[key(1.75)])
    assert d(lambda a: dnp.r_[key(a)])(1.75).tolist() == expected


def test_ranges_in_brackets_go_from_number_to_number() -> None:
    with pytest.raises(ValueError, match="an end of this one is an array"):
        jacfwd(lambda x: dnp.r_[0:x:3j])(X)
    with pytest.raises(ConversionError):
        vmap(lambda a: dnp.r_[0:a])(X)


def test_what_is_joined_in_brackets_is_an_array_like_any_other() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.sin(dnp.c_[np.ones(2), x] @ dnp.r_[x[0], np.array([x[1]])]))

    check_grads(f, (X,))
    assert type(dnp.r_[1:3, 4.0]) is np.ndarray
    with pytest.raises(TypeError, match="matrix"):
        jacrev(lambda x: dnp.r_["r", x])(X)


VECTORIZED: dict[str, Callable[[Any], Any]] = {
    "plain": lambda x: dnp.vectorize(lambda t: t**2 if t > 0 else 0.0 * t)(x),
    "otypes": lambda x: dnp.vectorize(lambda t: t**2 if t > 0 else 0.0 * t, otypes=[float])(x),
    "two results": lambda x: dnp.vectorize(lambda t: (t**2, np.sin(t)), otypes=[float, float])(x)[1],
    "signature": lambda x: dnp.vectorize(lambda r: np.sum(r**2), otypes="d", signature="(n)->()")(np.outer(x, x)),
    "excluded": lambda x: dnp.vectorize(lambda t, p: t**p, otypes="d", excluded=["p"])(x, p=3),
    "decorator": lambda x: dnp.vectorize(otypes=[float])(lambda t: np.sin(t) * t)(x),
}


@pytest.mark.parametrize("name", VECTORIZED)
def test_vectorize_differentiates(name: str) -> None:
    f = VECTORIZED[name]
    x = np.array([1.0, -2.0, 3.0])
    np.testing.assert_array_equal(f(x).dtype, float)
    check_grads(f, (x,), order=2)


def test_vectorize_of_nothing_has_the_type_it_is_told() -> None:
    assert dnp.vectorize(lambda t: t, otypes=[np.float32])(np.zeros(0)).dtype == np.float32
