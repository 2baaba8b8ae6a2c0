"""What importing dualgrad asks of the C library, counted in page faults."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from dualgrad import keep_memory

SCRIPT = """
import resource
import numpy as np
from dualgrad import grad
gradient = grad(lambda x: np.sum(np.sin(np.exp(x)) ** 2))
x = np.linspace(0.0, 1.0, 100_000)
for _ in range(3):
    gradient(x)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    gradient(x)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}


def faults(**variables: str) -> int:
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=clean_environment() | variables, capture_output=True, check=True
    )
    return int(found.stdout)


glibc = pytest.mark.skipif(not keep_memory(512), reason="the C library is not glibc")


@glibc
def test_gradients_use_the_memory_of_those_before_again() -> None:
    assert faults() < 200
    # An array of this size covers 195 pages.
    assert faults(DUALGRAD_KEEP_MEMORY="0") > 2000


@glibc
def test_what_the_environment_tells_the_c_library_comes_first() -> None:
    assert faults(MALLOC_TRIM_THRESHOLD_="131072") > 2000


def test_what_the_variable_says_is_checked() -> None:
    found = subprocess.run(
        [sys.executable, "-c", "import dualgrad"],
        env=clean_environment() | {"DUALGRAD_KEEP_MEMORY": "much"},
        capture_output=True,
        text=True,
    )
    assert found.returncode
    assert "DUALGRAD_KEEP_MEMORY is a number of megabytes from 0 to 2047; it is 'much'" in found.stderr


def test_negative_amounts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"-1"):
        keep_memory(-1)


@pytest.mark.parametrize("megabytes", [1.5, "3"])
def test_fractions_are_refused(megabytes: Any) -> None:
    with pytest.raises(TypeError, match="whole number"):
        keep_memory(megabytes)
