"""What shares memory in NumPy shares it under every transformation, and what does not, does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jacfwd, jacrev, jvp, sparse, taylor, vmap
from dualgrad.errors import DensePatternWarning
from dualgrad.testing import check_grads

X = np.array([1.1, 2.0, -0.7, 1.3])


def no_axes_by_dots(x: Any) -> Any:
    y = 1.0 * x
    v, w = y[..., 0], y[1, ...]
    v[...] = 5 * x[1]
    y *= 2
    w += v
    return y * v


def a_running_sum(x: Any) -> Any:
    path = np.zeros_like(x)
    path[0] = x[0]
    now = path[0, ...]
    for k in range(3):
        now += 0.1 * np.sin(now) * x[k]
    return path * x[2]


def buffers_without_axes(x: Any) -> Any:
    total = np.zeros((), like=x)
    other, same = np.zeros_like(total), total
    for k in range(3):
        same += x[k] ** 2
        other[...] += same
    copied = total.copy()
    copied *= x[0]
    return x * total + other * copied


def scalars_have_no_views(x: Any) -> Any:
    s, t, u, r = np.sum(x), x[0], x @ x * 2.0, x @ x
    w, v, d, e = s[None], t[np.newaxis, None], u[...], np.reshape(r, (1,))
    w[0] = 3.0
    v /= t * x[1]
    d += 1.0
    e *= 2.0
    return x * (s * w[0] + t * v[0, 0] + u * d + r * e[0])


def scalars_are_not_changed(x: Any) -> Any:
    first = x[0] * x[1]
    total = first
    total += x[2]
    again = first.copy()
    again *= 3
    return x * first + total * again


def arrays_of_no_axes_are_changed(x: Any) -> Any:
    a = np.where(x[0] > 0, x[0], x[1])
    same, apart = a, np.copy(a)
    same += x[1]
    apart *= 2.0
    b = x[:1].reshape(()) * 1.0
    total = b
    total += 1.0
    return x * a + apart * b


def flat_slices_are_copies(x: Any) -> Any:
    m = np.outer(x, x)
    v, w = m.flat[:], m.flat[2:9:3]
    v -= v.mean()
    m *= 2
    m.flat[1:4] *= 3
    w += 1.0
    return m.ravel() * v * np.sum(w)


def slices_to_other_places(x: Any) -> Any:
    m = np.outer(x, x + 1)
    m[np.arange(4), np.array([1, 0, 3, 2])] = m[:, 0]
    m[np.array([True, False, True, False]), 1:] = m[:2, 1:]
    m[:, [2, 0]] = m[:, :2]
    m[np.ix_([0, 1], [0, 1])] = m[2:, 2:]
    m[np.array([0, 2]), 0] = m[1:3, 1]
    np.put_along_axis(m, np.array([[1], [0], [3], [2]]), m[:, :1], 1)
    m[True, :] = m[1, :]
    m[2] = m[0:1, :][0]
    return m


def slices_of_slices(x: Any) -> Any:
    m = np.outer(x, x)
    v = m[1:][::-1, None][..., 1:]
    w = v[0, 0][::-2]
    m[3, 3] = x[0]
    w *= 3.0
    v[2, 0, 0] += w[0]
    inner = v[:2][1]
    v[:2][1] += x[1:]
    del v
    m[2] += 1.0
    return np.concatenate([m.ravel(), w, inner[0]])


def nothing_of_a_slice(x: Any) -> Any:
    y = 1.0 * x
    none, row = y[2:2], y[None][0:0]
    none += 1.0
    row *= 2.0
    one = y[None, 1:][0:1]
    one -= x[0]
    return y


def conjugate_is_the_array_itself(x: Any) -> Any:
    y, c = 1.0 * x, x * (1 + 1j)
    z, d = y.conjugate(), c.conjugate()
    z *= x[0]
    d *= 2
    return y + np.imag(c)


def answers_without_axes_are_arrays(x: Any) -> Any:
    n = np.sum(x)
    found = (
        np.full_like(n, 2.0),
        np.broadcast_to(n, ()).copy(),
        np.apply_along_axis(np.sum, 0, x),
    )
    total = 0.0 * x
    for y in found:
        same, row = y, y[None]
        same *= 2
        y[...] += x[0]
        total += y * row * x
    return total


PROGRAMS: list[Callable[[Any], Any]] = [
    no_axes_by_dots,
    a_running_sum,
    buffers_without_axes,
    scalars_have_no_views,
    scalars_are_not_changed,
    answers_without_axes_are_arrays,
    arrays_of_no_axes_are_changed,
    flat_slices_are_copies,
    slices_to_other_places,
    slices_of_slices,
    nothing_of_a_slice,
    conjugate_is_the_array_itself,
]
each_program = pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)


@each_program
def test_values_are_numpys(f: Callable[[Any], Any]) -> None:
    np.testing.assert_allclose(jvp(f, (X,), (X,))[0], f(X), rtol=1e-14)
    np.testing.assert_allclose(taylor(f, X, X, 2)[0], f(X), rtol=1e-14)


@each_program
def test_derivatives_agree_with_differences(f: Callable[[Any], Any]) -> None:
    check_grads(f, (X,), order=2, rtol=1e-5)
    np.testing.assert_allclose(jacrev(jacfwd(f))(X), jacfwd(jacrev(f))(X), rtol=1e-9, atol=1e-9)


@each_program
def test_members_of_a_batch_are_as_they_are_alone(f: Callable[[Any], Any]) -> None:
    batch = X + 0.01 * np.arange(3.0)[:, None]

    np.testing.assert_allclose(vmap(f)(batch), [f(x) for x in batch], rtol=1e-12)
    np.testing.assert_allclose(vmap(jacrev(f))(batch), [jacfwd(f)(x) for x in batch], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(jacfwd(vmap(f))(batch), jacrev(vmap(f))(batch), rtol=1e-9, atol=1e-12)


def row_of_the_largest(x: Any) -> Any:
    m = np.outer(x, x)
    row = m[np.argmax(x)]
    row += 10 * x
    m[1:] *= 3
    m[np.argmin(x)][0] = 7 * x[1]
    m[:, np.argmax(x)] *= 2.0
    m[1:][np.argmax(x) - 1] += row
    m[np.argmax(x), ..., None][1] += x[2]
    return m * row


def number_of_the_largest(x: Any) -> Any:
    y = 1.0 * x
    k = np.argmax(y)
    v = y[k, ...]
    v *= x[0]
    old = y[k]
    old += 1.0
    y[k] += old
    return y * v


def copies_at_arrays_of_one_place(x: Any) -> Any:
    m = np.outer(x, x)
    k = np.where(x[0] > 1.0, np.argmax(x), np.argmax(x))
    row = m[k]
    row += 1.0
    other = m[np.array(1)]
    other *= 2.0
    return m * row * other


BATCH = np.array([[1.0, 5.0, 3.0, 2.0], [1.5, 1.2, 1.0, 3.0], [0.2, 0.4, 0.9, 0.8]])


@pytest.mark.parametrize("f", [row_of_the_largest, number_of_the_largest, copies_at_arrays_of_one_place])
def test_places_that_differ_between_members_are_views(f: Callable[[Any], Any]) -> None:
    expected = np.array([jacfwd(f)(x) for x in BATCH])
    for x in BATCH:
        np.testing.assert_allclose(jvp(f, (x,), (x,))[0], f(x))
        check_grads(f, (x,), rtol=1e-5)

    np.testing.assert_allclose(vmap(f)(BATCH), [f(x) for x in BATCH], rtol=1e-13)
    np.testing.assert_allclose(vmap(jacrev(f))(BATCH), expected, rtol=1e-12)
    np.testing.assert_allclose(vmap(jacfwd(f))(BATCH), expected, rtol=1e-12)
    for d in (jacfwd, jacrev):
        whole = d(vmap(f))(BATCH)
        for k in range(len(BATCH)):
            np.testing.assert_allclose(whole[k][..., k, :], expected[k], rtol=1e-12)


def test_patterns_see_a_view_at_a_place_that_depends_on_the_point() -> None:
    def f(x: Any) -> Any:
        m = np.outer(x, x)
        row = m[np.argmax(x)]
        row += 10 * x
        return m.ravel() * 1.0

    with pytest.warns(DensePatternWarning):
        found = sparse.jacobian(f, X)
    np.testing.assert_allclose(found.toarray(), jacfwd(f)(X))


@pytest.mark.parametrize("d", [grad, jacfwd, jacrev])
def test_views_of_views_are_as_deep_as_one_likes(d: Any) -> None:
    def consumed(x: Any) -> Any:
        rest, total = 1.0 * x, 0.0
        for _ in range(1500):
            rest[0] *= 2.0
            total = total + rest[0] ** 2
            rest = rest[1:]
        return total

    np.testing.assert_allclose(d(consumed)(np.ones(1510)), np.repeat([8.0, 0.0], [1500, 10]))


def test_views_at_places_of_members_are_as_deep_as_one_likes() -> None:
    def consumed(x: Any) -> Any:
        rest = np.outer(x, np.ones(1)) + 0.0
        held = [
            rest := rest[np.argmax(x) * 0 :][::1] if k % 2 else rest[None, ::-1][np.argmin(x) * 0] for k in range(1200)
        ]
        held[-1][0] += x[0]
        return np.sum(held[0])

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(jvp(consumed, (x,), (x,))[0], consumed(x))
