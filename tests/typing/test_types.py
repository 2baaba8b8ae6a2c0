"""Types as mypy sees them, in one run of it over a file of what is to be known and what is to be refused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dualgrad import grad, value_and_grad

ROOT = Path(__file__).parents[2]
STATED = Path(__file__).parent / "stated.py"


def test_mypy_knows_what_comes_back() -> None:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        str(STATED),
    ]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    # Each refusal is marked where it is expected; with a mark too many mypy fails too.
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_file_of_types_states_and_refuses() -> None:
    text = STATED.read_text(encoding="utf-8")
    assert len(re.findall(r"^ *assert_type\(", text, re.M)) > 30
    assert len(re.findall(r"# type: ignore\[", text)) > 5


def loss(x: float, name: str = "a") -> float:
    return x**2


def test_what_types_refuse_raises() -> None:
    assert float(grad(loss)(3.0, name="b")) == 6.0
    value, gradient = value_and_grad(lambda w: (np.sum(w**2), w), has_aux=True)(np.ones(2))
    assert float(value[0]) == 2.0
    np.testing.assert_array_equal(gradient, [2.0, 2.0])
    with pytest.raises(TypeError):
        grad(loss)("3.0")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        grad(loss)()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        value_and_grad(loss)(3.0, nme="b")  # type: ignore[call-arg]
