"""What has to agree for a program: both modes, loops and batches, nestings to second order, and differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad import grad, hessian, hvp, jacfwd, jacrev, jvp, vjp, vmap
from tests.fuzz.programs import NUMPY, Program


def check(program: Program) -> None:
    """Raise AssertionError where two ways to the same derivative differ."""
    with np.errstate(all="ignore"):
        _check_first(program)
        _check_second(program)


def _check_first(program: Program) -> None:
    x, f = program.x, program.on(NUMPY)
    value = np.asarray(f(x))
    scale = 1e-9 if x.dtype == np.float64 else 3e-3
    forward, reverse = np.asarray(jacfwd(f)(x)), np.asarray(jacrev(f)(x))
    assert forward.shape == (*value.shape, *x.shape)
    _close(forward, reverse, scale, "jacfwd and jacrev")
    for found in (jvp(f, (x,), (np.ones_like(x),))[0], vjp(f, x)[0], vmap(f)(np.stack([x, x]))[1]):
        _close(found, value, scale * 1e-2, "value")

    rng = np.random.default_rng(1)
    t, ct = np.asarray(rng.normal(size=x.shape), x.dtype), np.asarray(rng.normal(size=value.shape), value.dtype)
    pushed = np.asarray(jvp(f, (x,), (t,))[1])
    (pulled,) = vjp(f, x)[1](ct[()])
    assert np.asarray(pulled).dtype == x.dtype
    _close(pushed, np.tensordot(forward, t, t.ndim), scale, "jvp and jacfwd")
    _close(pulled, np.tensordot(ct, reverse, ct.ndim), scale, "vjp and jacrev")

    other = np.asarray(x * x.dtype.type(0.9))
    many = vmap(jacrev(f))(np.stack([x, other]))
    _close(many[0], reverse, scale, "vmap of jacrev")
    _close(many[1], jacrev(f)(other), scale, "vmap of jacrev")
    _close(vmap(jacfwd(f))(np.stack([other, x]))[1], forward, scale, "vmap of jacfwd")
    if x.dtype == np.float64:
        _close_to_differences(pushed, lambda h: f(x + h * t), "jvp")


def _check_second(program: Program) -> None:
    x = program.x
    w = np.asarray(np.random.default_rng(2).normal(size=np.shape(program(x))), x.dtype)

    def h(x: Any) -> Any:
        return np.sum(program(x) * w)

    scale = 1e-7 if x.dtype == np.float64 else 3e-2
    t = np.asarray(np.random.default_rng(3).normal(size=x.shape), x.dtype)
    full = hessian(h)(x)
    along = np.tensordot(full, t, t.ndim)
    _close(hvp(h, (x,), (t,))[1], along, scale, "hvp and hessian")
    _close(jvp(lambda x: jvp(h, (x,), (t,))[1], (x,), (t,))[1], np.sum(along * t), scale, "forward over forward")
    _close(vjp(lambda x: jvp(h, (x,), (t,))[1], x)[1](x.dtype.type(1))[0], along, scale, "reverse over forward")
    _close(grad(lambda x: np.sum(grad(h)(x) * t))(x), along, scale, "reverse over reverse")
    _close(vmap(hessian(h))(np.stack([x, x]))[0], full, scale, "vmap of hessian")
    if x.dtype == np.float64:
        _close_to_differences(along, lambda s: grad(h)(x + s * t), "hvp")


def _close(found: Any, expected: Any, scale: float, what: str) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    size = float(np.max(np.abs(expected), initial=1.0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=scale * max(size, 1.0), err_msg=what)


def _close_to_differences(found: Any, along: Callable[[float], Any], what: str) -> None:
    """Compare with differences, where those of two steps and both sides agree: there is no kink near."""
    middle = np.asarray(along(0.0))
    slopes = [(np.asarray(along(h)) - middle) / h for h in (1e-4, -1e-4, 5e-5, -5e-5)]
    right, left = 2 * slopes[2] - slopes[0], 2 * slopes[3] - slopes[1]
    size = max(1.0, float(np.max(np.abs(slopes))))
    smooth = np.abs(right - left) < 1e-5 * size
    central = (slopes[2] + slopes[3]) / 2
    assert np.isfinite(np.where(smooth, found, 0)).all(), f"{what}: {found} where the differences are {central}"
    np.testing.assert_allclose(
        np.where(smooth, found, 0), np.where(smooth, central, 0), rtol=0, atol=1e-4 * size, err_msg=what
    )
