"""NumPy's `numpy.random`, under dualgrad's name."""

from __future__ import annotations

from typing import Any

from numpy import random as _random


def __getattr__(name: str) -> Any:
    return getattr(_random, name)


def __dir__() -> list[str]:
    return dir(_random)
