"""Every way to take the first two derivatives of a function of one number, for tests at awkward points."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad import derivative, grad, jacfwd, jacrev, vmap

Function = Callable[[Any], Any]


def by_jacfwd(f: Function) -> Function:
    return lambda x: jacfwd(lambda v: f(v[0]))(np.stack([x, 1.0]))[0]


def by_jacrev(f: Function) -> Function:
    return lambda x: jacrev(lambda v: f(v[0]))(np.stack([x, 1.0]))[0]


def by_batch(f: Function) -> Function:
    return lambda x: vmap(grad(f))(np.stack([x, x]))[0]


WAYS: list[Callable[[Function], Function]] = [derivative, grad, by_jacfwd, by_jacrev, by_batch]
PAIRS = list(itertools.product(WAYS, [derivative, grad, by_batch]))


def assert_derivatives(f: Function, x: Any, *expected: Any, rtol: float = 1e-12) -> None:
    """Compare the first derivatives, the second ones, ... in every mode and nesting of modes; None is not compared."""
    with np.errstate(all="ignore"):
        for order, value in enumerate(expected, 1):
            ways: Any = itertools.product(WAYS) if order == 1 else PAIRS
            if order > 2:
                ways = itertools.product([derivative, grad], repeat=order)
            for way in ways if value is not None else ():
                g = f
                for take in way:
                    g = take(g)
                names = ".".join(take.__name__ for take in way)
                np.testing.assert_allclose(g(x), value, rtol=rtol, atol=0, err_msg=f"order {order} by {names}")
