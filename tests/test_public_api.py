"""The public names: listed once, documented, each with an example that runs."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import dualgrad
from dualgrad import errors

NAMES = [name for name in dualgrad.__all__ if not isinstance(getattr(dualgrad, name), ModuleType)]


def test_all_is_sorted_and_complete() -> None:
    assert sorted(dualgrad.__all__) == dualgrad.__all__
    public = {name for name, x in vars(dualgrad).items() if not name.startswith("_") and not isinstance(x, ModuleType)}
    assert public == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_function_has_a_docstring_with_an_example(name: str) -> None:
    doc = getattr(dualgrad, name).__doc__
    assert doc is not None
    assert ">>>" in doc, f"{name} has no example"


@pytest.mark.parametrize("name", [name for name in vars(errors) if name.endswith("Error")])
def test_every_error_subclasses_a_builtin(name: str) -> None:
    kind = getattr(errors, name)
    assert kind.__bases__[0].__module__ == "builtins"
    assert kind.__doc__


def test_importing_needs_numpy_only() -> None:
    code = (
        "import sys; import numpy; before = set(sys.modules); import dualgrad;"
        "print(sorted({m.partition('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() in ("['dualgrad']", "['dualgrad', 'numpy']")
