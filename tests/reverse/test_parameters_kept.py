"""Lists and arrays given as parameters may be used again after the call: axes, shapes, sections, widths, indices."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import checkpoint, grad, hessian, jacfwd, jacrev, linearize, vmap

X = np.random.default_rng(0).normal(size=(3, 3, 3))
W = np.random.default_rng(1).normal(size=(3, 3, 3))


def spoil(parameter: Any) -> None:
    """Change everything in a parameter that can be changed."""
    if isinstance(parameter, slice):
        for bound in (parameter.start, parameter.stop, parameter.step):
            spoil(bound)
    elif isinstance(parameter, tuple):
        for part in parameter:
            spoil(part)
    elif isinstance(parameter, list) and parameter and not isinstance(parameter[0], int):
        for part in parameter:
            spoil(part)
        parameter.reverse()
    elif isinstance(parameter, np.ndarray):
        parameter[...] = 1 - parameter if parameter.dtype.kind in "iu" else 7
    elif hasattr(parameter, "__setitem__"):
        for k, x in enumerate(parameter):
            parameter[k] = 1 - x if isinstance(x, int) else x


Call = Callable[[Any, Any], Any]

CALLS: dict[str, tuple[Call, Callable[[], Any]]] = {
    "transpose": (np.transpose, lambda: [1, 0, 2]),
    "transpose by an array": (np.transpose, lambda: np.array([1, 0, 2])),
    "transpose by a deque": (np.transpose, lambda: deque([1, 0, 2])),
    "method transpose": (lambda x, p: x.transpose(p), lambda: [1, 0, 2]),
    "roll": (lambda x, p: np.roll(x, p, axis=(0, 1)), lambda: np.array([1, 0])),
    "roll by a list": (lambda x, p: np.roll(x, p, axis=(0, 1)), lambda: [1, 0]),
    "roll along": (lambda x, p: np.roll(x, (1, 2), axis=p), lambda: [0, 1]),
    "roll by an array.array": (lambda x, p: np.roll(x, p, axis=(0, 1)), lambda: array("l", [1, 0])),
    "flip": (lambda x, p: np.flip(x, tuple(p)), lambda: [0, 1]),
    "rot90": (lambda x, p: np.rot90(x, 1, p), lambda: [0, 1]),
    "moveaxis": (lambda x, p: np.moveaxis(x, p, [2]), lambda: [0]),
    "moveaxis to": (lambda x, p: np.moveaxis(x, [2], destination=p), lambda: [0]),
    "tensordot": (lambda x, p: np.tensordot(x, W, p), lambda: [[0], [1]]),
    "tensordot of both": (lambda x, p: np.tensordot(x, x, axes=p), lambda: ([0, 1], [1, 0])),
    "einsum of lists": (lambda x, p: np.einsum(x, p[0], W, p[1], p[2]), lambda: [[0, 1, 2], [1, 0, 3], [0, 2, 3]]),
    "einsum path": (lambda x, p: np.einsum("ijk,jil->kl", x, W, optimize=p), lambda: ["einsum_path", (0, 1)]),
    "reshape": (lambda x, p: np.reshape(x, p), lambda: [1, 0 + 27]),
    "broadcast_to": (lambda x, p: np.broadcast_to(x, p), lambda: [1, 3, 3, 3]),
    "pad": (lambda x, p: np.pad(x, p), lambda: [[1, 0], [0, 1], [1, 1]]),
    "pad by an array": (lambda x, p: np.pad(x, p, mode="edge"), lambda: np.array([[1, 0], [0, 1], [1, 1]])),
    "tile": (lambda x, p: np.tile(x, p), lambda: [1, 0 + 2]),
    "repeat": (lambda x, p: np.repeat(x, p, axis=0), lambda: [1, 0, 1]),
    "split": (lambda x, p: np.split(x, p)[0], lambda: [1, 2]),
    "array_split": (lambda x, p: np.array_split(x, p, axis=1)[1], lambda: np.array([0, 1])),
    "delete": (lambda x, p: np.delete(x, p, axis=0), lambda: [0]),
    "insert": (lambda x, p: np.insert(x, p, 0.0, axis=0), lambda: [0]),
    "take": (lambda x, p: np.take(x, p, axis=1), lambda: [0, 1, 0]),
    "fftn": (lambda x, p: np.real(np.fft.fftn(x, axes=p)), lambda: [1, 0]),
    "fftn of sizes": (lambda x, p: np.real(np.fft.fftn(x, s=p, axes=(0, 1))), lambda: [2, 1]),
    "fftshift": (lambda x, p: np.fft.fftshift(x, axes=p), lambda: [0]),
    "squeeze": (lambda x, p: np.squeeze(x[:1], p), lambda: (np.array(0),)),
    "expand_dims": (lambda x, p: np.expand_dims(x, p), lambda: [0, 1]),
    "ravel_multi_index": (lambda x, p: x[p[0], p[1]], lambda: [[0, 1], [1, 0]]),
    "a slice": (lambda x, p: x[p], lambda: slice(np.array(0), np.array(2))),
    "a slice of slices": (lambda x, p: x[p], lambda: (slice(np.array(0), None), slice(None, np.array(2)), 1)),
    "a slice beside a list": (lambda x, p: x[p], lambda: (slice(None, np.array(2)), [0, 1])),
    "an integer array without axes": (lambda x, p: x[p], lambda: np.array(1)),
    "trapezoid": (lambda x, p: np.trapezoid(x, p, axis=0), lambda: np.array([0.0, 1.0, 3.0])),
    "gradient": (lambda x, p: np.gradient(x, p, axis=0), lambda: [0.0, 1.0, 3.0]),
    "cross": (lambda x, p: np.cross(x, p), lambda: [[1.0, 2.0, 3.0]]),
    "where": (lambda x, p: np.where(p, x, 0), lambda: [[True], [False], [True]]),
    "convolve": (lambda x, p: np.convolve(x[0, 0], p), lambda: [1.0, 2.0]),
    "diff": (lambda x, p: np.diff(x, axis=0, prepend=p), lambda: np.ones((1, 3, 3))),
    "sum where": (lambda x, p: np.sum(x, axis=0, where=p), lambda: np.array([[True], [False], [True]])),
    "multi_dot": (lambda x, p: np.linalg.multi_dot([x[0], *p]), lambda: [W[1].copy(), W[2].copy()]),
    "matrix norm": (lambda x, p: np.linalg.norm(x, axis=tuple(p)), lambda: [0, 1]),
    "interp": (lambda x, p: np.interp(x[0, 0], p[0], p[1]), lambda: [[-2.0, 0.0, 2.0], [0.0, 1.0, 5.0]]),
    "polyval": (lambda x, p: np.polyval(p, x), lambda: [1.0, 2.0, 3.0]),
    "dot": (lambda x, p: np.dot(x, p), lambda: [1.0, 2.0, 3.0]),
    "choose": (lambda x, p: np.choose(p, [x[0, 0], x[1, 1]]), lambda: [0, 1, 0]),
    "select": (lambda x, p: np.select(p, [x[0, 0], x[1, 1]]), lambda: [np.array([True, False, True]), X[0, 0] > 0]),
    "put": (lambda x, p: _written(np.put, x, p, x[0, 0, :2] ** 2), lambda: [0, 1]),
    "add.at": (lambda x, p: _written(np.add.at, x, p, x[0, 0] ** 2), lambda: [0, 1, 0]),
    "a write at a slice": (
        lambda x, p: _written(lambda y, i, v: y.__setitem__(i, v), x, p, x[0, 0] ** 2),
        lambda: slice(np.array(0), 2),
    ),
}


def _written(write: Callable[..., Any], x: Any, place: Any, value: Any) -> Any:
    y = 1.0 * x
    write(y, place, value)
    return y


def losses(name: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return a function that spoils its parameter after the call, and one that does not."""
    apply, make = CALLS[name]

    def total(x: Any, spoils: bool) -> Any:
        parameter = make()
        y = apply(x, parameter) ** 3
        if spoils:
            spoil(parameter)
        weights = np.cos(np.arange(y.size)).reshape(y.shape)
        return np.sum(weights * y)

    return lambda x: total(x, True), lambda x: total(x, False)


TRANSFORMS: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "grad": grad,
    "linearize": lambda f: lambda x: linearize(f, x)[1](W),
    "jacrev of grad": lambda f: lambda x: np.tensordot(jacrev(grad(f))(x), W, 3),
    "hessian": lambda f: lambda x: np.tensordot(hessian(f)(x), W, 3),
    "grad of checkpoint": lambda f: grad(checkpoint(f)),
    "vmap of grad": lambda f: lambda x: vmap(grad(f))(np.stack([x, 2 * x])),
    "grad of vmap": lambda f: lambda x: grad(lambda b: np.sum(vmap(f)(b)))(np.stack([x, 2 * x])),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", CALLS)
def test_a_parameter_may_be_changed_after_the_call(name: str, transform: str) -> None:
    derivative = TRANSFORMS[transform]
    spoiled, right = losses(name)

    np.testing.assert_allclose(derivative(spoiled)(X), derivative(right)(X), rtol=1e-10, atol=1e-12)


def test_a_view_stays_where_it_was_when_its_slice_holds_an_array_that_changes() -> None:
    def f(x: Any) -> Any:
        y, start = 1.0 * x, np.array(0)
        view = y[start:]
        rows = y[:, start:2]
        start += 1
        view[0] = 0.0
        rows[1] *= 3.0
        return np.sum(y * W)

    wanted = W.copy()
    wanted[0] = 0.0
    wanted[1, :2] *= 3.0
    for transform in (grad, jacfwd, lambda f: lambda x: vmap(grad(f))(x[None])[0]):
        np.testing.assert_allclose(transform(f)(X), wanted, rtol=1e-12)
