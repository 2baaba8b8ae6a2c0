"""What a tape keeps of the user's arrays is protected until the sweep, and free again afterwards."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from dualgrad import checkpoint, grad, hessian, jacfwd, jacrev, vjp
from dualgrad.errors import ConversionError
from dualgrad.reverse import _guard

BIG = _guard.SMALL + 1


def test_a_small_buffer_may_be_reused() -> None:
    def f(u: Any) -> Any:
        w = np.ones(2)
        for _ in range(4):
            u = u * w
            w *= 0.5
        return np.sum(u)

    np.testing.assert_array_equal(grad(f)(np.array([1.2, 0.7])), [0.5**6, 0.5**6])


def test_small_indices_masks_and_matrices_may_change_after_use() -> None:
    x = np.array([1.2, 0.7])

    def by_index(x: Any) -> Any:
        index = np.array([0, 1])
        y = x[index]
        index[:] = 1
        return np.sum(y * np.array([1.0, 2.0]))

    def by_mask(x: Any) -> Any:
        mask = np.array([True, False])
        y = np.where(mask, x, 0.0) + np.sum(x[mask])
        mask[:] = False
        return np.sum(y)

    def by_matrix(x: Any) -> Any:
        a = np.array([[1.0, 2.0], [3.0, 4.0]])
        y = np.linalg.solve(a, a @ x)
        a[:] = 0
        return np.sum(y**2)

    np.testing.assert_array_equal(grad(by_index)(x), [1.0, 2.0])
    np.testing.assert_array_equal(grad(by_mask)(x), [3.0, 0.0])
    np.testing.assert_allclose(grad(by_matrix)(x), 2 * x, rtol=1e-12)
    np.testing.assert_allclose(hessian(by_matrix)(x), 2 * np.eye(2), atol=1e-12)


def test_writing_to_a_large_array_after_use_raises() -> None:
    def f(k: Any) -> Any:
        w = np.ones(BIG)
        u = k * w
        w *= 5
        return np.sum(u)

    with pytest.raises(ConversionError, match=r"written to in place.*buffer\.copy\(\)"):
        grad(f)(2.0)
    assert jacfwd(f)(2.0) == BIG  # forward mode keeps nothing


def test_writing_to_what_a_large_view_shows_raises() -> None:
    def f(k: Any) -> Any:
        w = np.ones(2 * BIG)
        u = k * w[:BIG]
        w[0] = 5
        return np.sum(u)

    with pytest.raises(ConversionError):
        grad(f)(2.0)


@pytest.mark.parametrize("transform", [grad, jacrev, hessian])
def test_arrays_are_free_afterwards(transform: Any) -> None:
    data = np.ones((2, BIG))
    row = data[1]

    transform(lambda k: np.sum(row * k) ** 2)(3.0)

    row[0] = 2.0
    data[0, 0] = 2.0
    assert not _guard._locked


def test_arrays_are_free_after_an_exception() -> None:
    data = np.ones(BIG)

    def f(k: Any) -> Any:
        y = np.sum(data * k)
        raise KeyError(y)

    with pytest.raises(KeyError):
        grad(f)(3.0)

    data[0] = 2.0


def test_a_nested_transformation_leaves_locked_what_the_outer_one_needs() -> None:
    data = np.ones(2 * BIG)
    view = data[:BIG]

    def f(k: Any) -> Any:
        y = np.sum(view * k) * k
        grad(lambda q: np.sum(data * q) + np.sum(view * q))(1.0)
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 3.0
        return y

    assert grad(f)(3.0) == 6 * BIG
    view[0] = 2.0
    data[0] = 2.0


def test_a_read_only_array_stays_read_only() -> None:
    data = np.ones(BIG)
    data.flags.writeable = False

    assert grad(lambda k: np.sum(data * k))(3.0) == BIG

    assert not data.flags.writeable


def test_memory_that_is_not_numpys_is_copied() -> None:
    buffer = bytearray(np.ones(BIG).tobytes())

    def f(k: Any) -> Any:
        w = np.frombuffer(buffer)
        y = np.sum(w * k)
        w[:] = 0
        return y

    assert grad(f)(3.0) == BIG


class Marked(np.ndarray[Any, Any]):
    """A class of arrays that calculates as NumPy does, as np.memmap is."""


@pytest.mark.parametrize("size", [2, BIG])
def test_numbers_and_indices_in_subclasses_of_arrays_are_kept(size: int) -> None:
    w = np.full(size, 2.0).view(Marked)
    places = np.arange(size).view(Marked)

    def f(x: Any) -> Any:
        y = x[places] * w * x
        w[:] = 7.0
        places[:] = 0
        return np.sum(y)

    np.testing.assert_array_equal(grad(f)(np.ones(size)), np.full(size, 4.0))


@pytest.mark.parametrize("size", [2, BIG])
def test_arguments_in_subclasses_of_arrays_are_kept(size: int) -> None:
    x = np.full(size, 2.0).view(Marked)

    def f(y: Any) -> Any:
        total = np.sum(y * y)
        x[:] = 7.0
        return total

    found = grad(f)(x)

    np.testing.assert_array_equal(found, np.full(size, 4.0))
    assert not np.shares_memory(found, x)


@pytest.mark.parametrize("size", [2, BIG])
def test_a_pullback_keeps_numbers_of_its_own(size: int) -> None:
    x, c = np.ones(size), np.ones(size)
    _, pullback = vjp(lambda x: np.sum(c * x**2), x)

    x[:] = 0
    c[:] = 7

    np.testing.assert_array_equal(pullback(1.0)[0], np.full(size, 2.0))


def test_a_pullback_reads_items_of_arrays_that_it_copied() -> None:
    x = np.ones(BIG)
    _, pullback = vjp(lambda x: x[1] * x[2] + np.sum(x[:2] ** 2), x)

    np.testing.assert_array_equal(pullback(1.0)[0][:4], [2.0, 3.0, 1.0, 0.0])


def test_an_array_of_an_outer_transformation_may_be_written_to_after_its_use() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0

        def inner(k: Any) -> Any:
            z = k * y
            y[0] = 100.0
            return np.sum(z)

        slope = grad(inner)(2.0)
        w = x * 1.0
        value, pullback = vjp(lambda w: np.sum(w**3), w)
        w *= 10.0
        return slope**2 + value + np.sum(pullback(1.0)[0])

    def by_hand(x: Any) -> Any:
        return np.sum(x) ** 2 + np.sum(x**3) + np.sum(3 * x**2)

    x = np.array([1.5, -0.5])
    np.testing.assert_allclose(grad(f)(x), grad(by_hand)(x), rtol=1e-12)
    np.testing.assert_allclose(jacfwd(f)(x), grad(by_hand)(x), rtol=1e-12)


def test_threads_share_data() -> None:
    data = np.ones(BIG)
    found: list[Any] = []

    def work() -> None:
        for _ in range(50):
            found.append(grad(lambda k: np.sum(data * k))(3.0))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [BIG] * 400
    assert data.flags.writeable


def test_what_a_checkpoint_locks_in_its_second_run_is_unlocked_again() -> None:
    big = np.ones(2000)
    _, pullback = vjp(lambda x: np.sum(checkpoint(lambda x: np.sin(x * big))(x)), np.ones(2000))
    for _ in range(2):
        pullback(1.0)
        assert big.flags.writeable
