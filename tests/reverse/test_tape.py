"""The tape: its size, what it holds, and what its sweeps leave alone."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest

from dualgrad import checkpoint, grad, hessian, jacrev, value_and_grad, vjp
from dualgrad.reverse import Recording


def test_a_tape_of_a_million_entries_is_swept_without_recursion() -> None:
    def f(x: Any) -> Any:
        for _ in range(500_000):
            x = (x + x) / 2
        return x

    assert float(grad(f)(1.5)) == 1.0


def test_a_chain_of_additions_holds_a_few_arrays() -> None:
    x = np.ones((200, 200))

    def f(x: Any) -> Any:
        for _ in range(100):
            x = x + 1
        return np.sum(x)

    grad(f)(x)
    tracemalloc.start()
    grad(f)(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak <= 4 * x.nbytes


def test_a_gradient_leaves_nothing_behind() -> None:
    x = np.ones(1000)
    alive: list[weakref.ref[Any]] = []

    def f(x: Any) -> Any:
        y = np.exp(x)
        alive.append(weakref.ref(y._value))
        return np.sum(y * y)

    gc.disable()
    try:
        grad(f)(x)
        assert alive[0]() is None
    finally:
        gc.enable()


def test_a_pullback_may_be_called_many_times() -> None:
    _, pullback = vjp(lambda x, y: x * y, np.array([1.0, 2.0]), np.array([3.0, 4.0]))

    first = pullback(np.array([1.0, 0.0]))
    second = pullback(np.array([0.0, 1.0]))
    third = pullback(np.array([1.0, 0.0]))

    np.testing.assert_array_equal(first[0], [3.0, 0.0])
    np.testing.assert_array_equal(second[1], [0.0, 2.0])
    np.testing.assert_array_equal(first[0], third[0])


def test_gradients_share_memory_with_nothing_and_are_writable() -> None:
    x, ct = np.ones(3), np.ones(3)
    _, pullback = vjp(lambda x, y: (x + y, x), x, x)

    a, b = pullback((ct, ct))
    (c,) = vjp(lambda x: x, x)[1](ct)
    d: Any = grad(np.sum)(x)

    for g in (a, b, c, d):
        assert g.flags.writeable
        assert not np.shares_memory(g, x)
        assert not np.shares_memory(g, ct)
    assert not np.shares_memory(a, b)


def test_indexing_in_a_loop_scatters_into_one_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.linspace(0.0, 1.0, 50)
    made = []
    zeros = np.zeros

    def counted(*args: Any, **kwargs: Any) -> Any:
        made.append(args)
        return zeros(*args, **kwargs)

    monkeypatch.setattr(np, "zeros", counted)

    gradient = grad(lambda x: sum(x[i] ** 2 for i in range(50)))(x)

    np.testing.assert_allclose(gradient, 2 * x)
    assert len(made) <= 2


def test_indexing_in_a_loop_is_right_to_second_order_in_both_orders() -> None:
    x = np.linspace(0.5, 1.5, 6)
    f = lambda x: sum(x[i] ** 2 * x[i - 1] for i in range(6))

    expected = np.zeros((6, 6))
    for i in range(6):
        expected[i, i] += 2 * x[i - 1]
        expected[i, i - 1] += 2 * x[i]
        expected[i - 1, i] += 2 * x[i]
    np.testing.assert_allclose(hessian(f)(x), expected)
    np.testing.assert_allclose(jacrev(jacrev(f))(x), expected)


def test_reading_an_array_both_whole_and_by_element_adds_up() -> None:
    x = np.array([1.0, 2.0, 3.0])

    gradient = grad(lambda x: np.sum(x * x) + x[0] * x[1:].sum() + x[np.array([0, 0])].sum())(x)

    np.testing.assert_allclose(gradient, 2 * x + [5.0 + 2.0, 1.0, 1.0])


def test_fan_out_is_linear_in_the_number_of_operations() -> None:
    recording = Recording(lambda values: _doubled(values[0], 100), [1.0])

    assert len(recording._tape.entries) == 201


def _doubled(x: Any, n: int) -> Any:
    for _ in range(n):
        x = (x + x) / 2
    return x


@pytest.mark.parametrize("order", [1, 2])
def test_checkpoint_changes_no_derivative(order: int) -> None:
    w = np.array([0.3, -0.2])

    def net(layer: Any) -> Any:
        def loss(x: Any) -> Any:
            h = {"h": x, "n": 1}
            for _ in range(3):
                h = layer(h, w=x * w)
            return np.sum(h["h"] ** 2)

        return loss

    def layer(state: dict[str, Any], *, w: Any) -> dict[str, Any]:
        return {"h": np.tanh(state["h"] * w + 1), "n": state["n"] + 1}

    x = np.array([0.5, 1.5])
    transform: Any = grad if order == 1 else hessian
    np.testing.assert_allclose(transform(net(checkpoint(layer)))(x), transform(net(layer))(x), rtol=1e-13)


def test_checkpoint_differentiates_what_it_closes_over_and_nests() -> None:
    f = checkpoint(lambda x: checkpoint(lambda y: np.sin(y) * x)(x * 2))

    assert float(grad(f)(0.4)) == pytest.approx(np.sin(0.8) + 2 * 0.4 * np.cos(0.8))


def test_checkpoint_holds_no_intermediate_arrays() -> None:
    x = np.ones((100, 100))

    def block(x: Any) -> Any:
        for _ in range(20):
            x = np.sin(x) * x
        return x

    def loss(block: Any) -> Any:
        return lambda x: np.sum(block(block(block(x))))

    def peak(f: Any) -> int:
        grad(f)(x)
        tracemalloc.start()
        value_and_grad(f)(x)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(loss(checkpoint(block))) < 0.5 * peak(loss(block))
