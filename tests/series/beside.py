"""Coefficients beside those of nested forward mode."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad import jvp, taylor


def nested(f: Callable[[Any], Any], x: Any, v: Any, order: int) -> Any:
    return f(x) if order == 0 else jvp(lambda y: nested(f, y, v, order - 1), (x,), (v,))[1]


def assert_as_nested(f: Callable[[Any], Any], x: Any, v: Any, order: int = 4) -> None:
    for k, c in enumerate(taylor(f, x, v, order)):
        np.testing.assert_allclose(c * math.factorial(k), nested(f, x, v, k), rtol=1e-9, atol=1e-12)
