"""NumPy's `numpy.linalg`, under dualgrad's name."""

from __future__ import annotations

from typing import Any

from numpy import linalg as _linalg


def __getattr__(name: str) -> Any:
    return getattr(_linalg, name)


def __dir__() -> list[str]:
    return dir(_linalg)
