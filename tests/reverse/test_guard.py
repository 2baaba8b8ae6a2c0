"""What a tape keeps of the user's arrays are copies: whoever writes to an array after its use changes no derivative."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import checkpoint, grad, hessian, jacfwd, jacrev, jvp, vjp, vmap
from dualgrad.reverse import Tape, _guard

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


@pytest.mark.parametrize("transform", [grad, jacrev, jacfwd, lambda f: lambda x: vjp(f, x)[1](1.0)[0]])
def test_a_large_buffer_may_be_reused(transform: Any) -> None:
    def f(k: Any) -> Any:
        w = np.ones(BIG)
        total = 0.0
        for _ in range(3):
            total = total + np.sum(k * w)
            w *= 5
        w[:] = 1.0  # as at the first use
        return total

    assert transform(f)(2.0) == 31 * BIG


VIEWS: dict[str, Callable[[Any], Any]] = {
    "a part": lambda w: w[0, :BIG],
    "every second": lambda w: w[0, ::2],
    "backwards": lambda w: w[::-1, ::-1],
    "a transpose": lambda w: w.T,
    "broadcast": lambda w: np.broadcast_to(w[0], (3, 2 * BIG)),
    "windows": lambda w: np.lib.stride_tricks.sliding_window_view(w[1], 4),
    "real": lambda w: (w + 1j * w)[0].real,
    "complex": lambda w: w.view(complex),
    "complex, strided": lambda w: w.view(complex)[:, ::3],
    "extended": lambda w: w.astype(np.longdouble)[0],
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_may_be_written_to_through_what_they_show(name: str) -> None:
    memory = np.random.default_rng(0).normal(size=(2, 2 * BIG))
    old = VIEWS[name](memory).copy()

    def f(k: Any) -> Any:
        w = memory.copy()
        view = VIEWS[name](w)
        total = np.sum(k * view) + np.sum(k * view)  # the second use finds the copy
        w[:] = 9.0
        view = VIEWS[name](w)
        total = total + np.sum(k * view)
        w[1, -1] = w[0, 0] = 7.0
        return np.real(total)

    changed = VIEWS[name](np.full((2, 2 * BIG), 9.0))
    np.testing.assert_allclose(grad(f)(2.0), np.real(2 * np.sum(old) + np.sum(changed)), rtol=1e-5)


def test_a_view_made_before_may_be_written_through() -> None:
    def f(k: Any) -> Any:
        w = np.ones((2, BIG))
        row = w[0]
        y = np.sum(k * w)
        row[:] = 7.0
        return y

    assert grad(f)(2.0) == 2 * BIG


@pytest.mark.parametrize("transform", [grad, jacrev, hessian])
def test_the_users_arrays_and_views_made_meanwhile_can_be_written_to(transform: Any) -> None:
    data = np.ones((2, BIG))
    seen = []

    def f(k: Any) -> Any:
        y = np.sum(data[1] * k) ** 2
        seen.append(data[0])
        assert data.flags.writeable
        return y

    transform(f)(3.0)

    data[0, 0] = seen[0][1] = 2.0


def test_other_threads_may_write() -> None:
    data = np.ones(BIG)
    used, written = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def write() -> None:
        used.wait(10)
        try:
            data[:] = 7.0
        except ValueError as error:
            errors.append(error)
        written.set()

    def f(k: Any) -> Any:
        y = np.sum(data * k)
        used.set()
        written.wait(10)
        return y**2

    thread = threading.Thread(target=write)
    thread.start()
    found = grad(f)(3.0)
    thread.join()

    assert found == 6.0 * BIG**2
    assert not errors


def test_a_matrix_in_a_loop_is_copied_once() -> None:
    a = np.full((40, 40), 0.01)

    def f(x: Any) -> Any:
        for _ in range(50):
            x = a.T @ (a @ x)
        return np.sum(x)

    tape = Tape()
    f(tape.lift(np.ones(40)))

    assert tape.guard is not None
    assert len(tape.guard.copies) == 2


def test_what_its_owner_made_read_only_is_not_copied() -> None:
    data = np.ones((2, BIG))
    data.flags.writeable = False
    tape = Tape()

    assert tape.keep(data) is data
    view = data[0]
    assert tape.keep(view) is view


def test_a_read_only_view_of_what_can_be_written_to_is_copied() -> None:
    def f(k: Any) -> Any:
        w = np.ones(BIG)
        view = w.view()
        view.flags.writeable = False
        y = np.sum(k * view)
        w[:] = 7.0
        return y

    assert grad(f)(2.0) == BIG


def test_a_pullback_copies_what_may_become_writeable_again() -> None:
    c, x = np.ones(BIG), np.ones(BIG)
    c.flags.writeable = x.flags.writeable = False
    _, pullback = vjp(lambda x: np.sum(c[1:] * x[1:] ** 2) + np.sum(c * x), x)

    c.flags.writeable = x.flags.writeable = True
    c[:] = 7.0
    x[:] = 7.0

    np.testing.assert_array_equal(pullback(1.0)[0], np.r_[1.0, np.full(BIG - 1, 3.0)])


@pytest.mark.parametrize("size", [4, 40])
@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
def test_copies_are_laid_out_as_the_arrays(order: Any, size: int) -> None:
    cube = np.random.default_rng(0).normal(size=(size, size, 4))
    layouts = {
        "Fortran": np.asfortranarray(cube),
        "part of Fortran": np.asfortranarray(cube)[::2],
        "permuted": cube.transpose(2, 0, 1),
        "part of permuted": cube.transpose(2, 0, 1)[::2, 1:],
        "rotated": np.rot90(cube),
        "broadcast": np.broadcast_to(cube[0], (3, size, 4)),
        "turned": np.broadcast_to(cube[0], (3, size, 4)).T,
    }
    for x in layouts.values():
        wanted = np.ravel(x, order)
        weights = np.arange(x.size)
        np.testing.assert_array_equal(vjp(lambda x: np.ravel(x, order), x)[0], wanted)
        np.testing.assert_array_equal(jvp(lambda x: np.ravel(x, order), (x,), (x,))[0], wanted)
        slope = grad(lambda x, weights=weights: np.sum(np.ravel(x, order) * weights))(x)
        np.testing.assert_allclose(np.sum(slope * x), np.sum(wanted * weights), rtol=1e-12)


@pytest.mark.parametrize("owner_is_read_only", [False, True])
def test_no_flag_is_touched(owner_is_read_only: bool) -> None:
    base = np.ones(2 * BIG)
    view = base[:BIG]
    base.flags.writeable = not owner_is_read_only

    assert grad(lambda s: np.sum(view * s))(1.0) == BIG

    assert view.flags.writeable
    assert base.flags.writeable is not owner_is_read_only


@pytest.mark.parametrize("transform", [hessian, jacfwd, lambda f: lambda x: vmap(grad(f))(x[None])[0]])
@pytest.mark.parametrize("size", [3, BIG])
def test_what_is_differentiated_may_be_written_to_after_its_use(transform: Any, size: int) -> None:
    x = np.linspace(1.0, 2.0, size)
    if transform is hessian:
        x = x[:60]
    right = transform(lambda y: np.sum(y**3))(x)

    def f(y: Any) -> Any:
        total = np.sum(y**3)
        x[:] = 7.0
        return total

    np.testing.assert_allclose(transform(f)(x), right, rtol=1e-12)


def test_arrays_are_free_after_an_exception() -> None:
    data = np.ones(BIG)

    def f(k: Any) -> Any:
        y = np.sum(data * k)
        raise KeyError(y)

    with pytest.raises(KeyError):
        grad(f)(3.0)

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


def test_what_a_pullback_came_with_may_be_written_to() -> None:
    x = np.array([0.0, 1.0])
    value, pullback, aux = vjp(lambda x: ((y := np.exp(x)) ** 2, {"y": y}), x, has_aux=True)

    value[:] = 0
    aux["y"][:] = 0

    np.testing.assert_allclose(pullback(np.ones(2))[0], 2 * np.exp(2 * x), rtol=1e-12)


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


def test_what_a_checkpoint_uses_in_its_second_run_can_be_written_to() -> None:
    big = np.ones(2000)
    _, pullback = vjp(lambda x: np.sum(checkpoint(lambda x: np.sin(x * big))(x)), np.ones(2000))
    for _ in range(2):
        pullback(1.0)
        assert big.flags.writeable
