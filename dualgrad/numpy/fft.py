"""NumPy's `numpy.fft`, under dualgrad's name."""

from __future__ import annotations

from typing import Any

from numpy import fft as _fft


def __getattr__(name: str) -> Any:
    return getattr(_fft, name)


def __dir__() -> list[str]:
    return dir(_fft)
