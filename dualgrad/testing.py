"""Checks of derivatives against differences, for users' functions and for rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dualgrad._call.arguments import check_callable
from dualgrad._call.leaves import Leaves
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad.forward import jvp
from dualgrad.reverse import vjp

MODES = ("fwd", "rev")


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    *,
    order: int = 2,
    modes: Sequence[str] = MODES,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    step: float = 1e-3,
    seed: int = 0,
) -> None:
    """Compare the derivatives of `f` at `args` (a tuple, one entry per argument) with differences, up to `order`.

    Along random directions, the JVP is compared with a central difference of fourth order, the VJP with the same difference by
    the identity <ct, J v> = <ct J, v>; then both are differentiated again, by the arguments and by v and ct. Complex arguments
    move in both their parts.

    What it cannot catch: errors smaller than `rtol`, or at points other than `args` (branches, ties, poles); functions that
    are not smooth within a few `step` of `args` fail although their rules may be right; float32 and integers are
    too coarse for differences, pass float64; NaN equals NaN; random directions see every entry of a Jacobian, but only
    mixed together, so that two errors may cancel with probability zero, not never.

    Raises AssertionError with a report of what differs where.

    >>> import numpy as np
    >>> from dualgrad.testing import check_grads
    >>> check_grads(lambda x, y: np.sum(x * np.sin(y)), (np.ones(3), 2.0))
    """
    check_callable(f, "check_grads", "check_grads(f, (x,))")
    unknown = set(modes) - set(MODES)
    if unknown:
        raise ValueError(f"check_grads knows the modes 'fwd' and 'rev'; it got {sorted(unknown)}.")
    if not isinstance(args, (tuple, list)):
        raise TypeError("check_grads takes the arguments as a tuple: check_grads(f, (x,)).")
    rng = np.random.default_rng(seed)
    _check(f, tuple(args), order, tuple(modes), _Tolerance(rtol, atol, step), rng, "f")


class _Tolerance:
    def __init__(self, rtol: float, atol: float, step: float) -> None:
        self.rtol = rtol
        self.atol = atol
        self.step = step

    def compare(self, found: Value, expected: Value, what: str) -> None:
        """Raise unless two arrays agree, relative to the largest number of both."""
        found, expected = np.asarray(found), np.asarray(expected)
        if found.shape != expected.shape:
            raise AssertionError(f"{what}: shape {found.shape}, but differences have shape {expected.shape}.")
        scale = max([1.0, *(float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x))) for x in (found, expected))])
        close = np.isclose(found, expected, rtol=self.rtol, atol=self.atol + self.rtol * scale, equal_nan=True)
        if not close.all():
            worst = np.unravel_index(np.argmax(np.where(close, -1.0, np.abs(found - expected))), found.shape)
            raise AssertionError(
                f"{what} differs from finite differences in {int(np.sum(~close))} of {found.size} numbers, most at "
                f"{tuple(int(k) for k in worst)}: found {found[worst]}, differences give {expected[worst]}."
            )


def _check(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    order: int,
    modes: tuple[str, ...],
    tolerance: _Tolerance,
    rng: np.random.Generator,
    title: str,
) -> None:
    inputs = Leaves(args)
    direction = [random_like(x, rng) for x in inputs.values]
    tangents = inputs.fill_derivatives(direction)
    outputs = Leaves([f(*args)])
    expected = _differences(f, inputs, direction, tolerance.step)
    names = outputs.paths([title])
    if "fwd" in modes:
        pushed = outputs.match((jvp(f, args, tangents)[1],), "tangent", "value")
        for name, found, y, wanted in zip(names, pushed, outputs.values, expected, strict=True):
            tolerance.compare(_or_zero(found, y), wanted, f"jvp of {name}")
    cotangent = [random_like(y, rng) for y in outputs.values]
    (ct,) = outputs.fill_derivatives(cotangent)
    if "rev" in modes:
        pulled = inputs.match(vjp(f, *args)[1](ct), "cotangents", "arguments")
        found = sum(inner(g, t) for g, t in zip(pulled, direction, strict=True) if g is not None)
        tolerance.compare(found, sum(inner(c, e) for c, e in zip(cotangent, expected, strict=True)), f"vjp of {title}")
    if order > 1:
        if "fwd" in modes:
            push = _pushed(f, len(args))
            _check(push, (*args, *tangents), order - 1, modes, tolerance, rng, f"jvp({title})")
        if "rev" in modes:
            pull = _pulled(f)
            _check(pull, (ct, *args), order - 1, modes, tolerance, rng, f"vjp({title})")


def _pushed(f: Callable[..., Any], count: int) -> Callable[..., Any]:
    return lambda *args: jvp(f, args[:count], args[count:])[1]


def _pulled(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda ct, *args: vjp(f, *args)[1](ct)


def _differences(f: Callable[..., Any], inputs: Leaves, direction: Sequence[Value], step: float) -> list[Value]:
    """Return the derivative of f along a direction by a central difference of fourth order."""

    def at(h: float) -> list[Value]:
        moved = [x + h * t for x, t in zip(inputs.values, direction, strict=True)]
        return [np.asarray(y) for y in Leaves([f(*inputs.fill(moved))]).values]

    far, near, back, behind = at(2 * step), at(step), at(-step), at(-2 * step)
    return [(8 * (b - c) - (a - d)) / (12 * step) for a, b, c, d in zip(far, near, back, behind, strict=True)]


def random_like(x: Value, rng: np.random.Generator) -> Value:
    """Return a random element of a value's space."""
    shape, dtype = shape_of(x), dtype_of(x)
    found = rng.standard_normal(shape)
    if dtype.kind == "c":
        found = found + 1j * rng.standard_normal(shape)
    return np.asarray(found, dtype)[()]


def inner(a: Value, b: Value) -> Value:
    """Return the real part of the sum of products, without conjugation: the pairing of cotangents and tangents."""
    return np.real(np.sum(np.asarray(a) * np.asarray(b)))


def _or_zero(found: Value, y: Value) -> Value:
    return np.zeros(shape_of(y), dtype_of(y)) if found is None else found
