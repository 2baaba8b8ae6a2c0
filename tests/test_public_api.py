"""The public names: listed once, documented, each with an example that runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import dualgrad
from dualgrad import errors

ROOT = Path(dualgrad.__file__).parents[1]
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


def run(code: str, directory: Path) -> str:
    """Return what a fresh Python prints that finds the source tree and is in another directory."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=directory)
    return found.stdout.strip()


def test_the_version_is_said_once_and_known_without_installation(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "dualgrad.__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", dualgrad.__version__)
    assert run("import dualgrad; print(dualgrad.__version__)", tmp_path) == dualgrad.__version__


def test_the_namespace_for_autograds_code_is_reached_by_its_name_and_imported_late(tmp_path: Path) -> None:
    code = (
        "import sys, dualgrad; before = 'dualgrad.numpy' in sys.modules; made = dualgrad.numpy.array([1.0]);"
        "print(before, made, dualgrad.numpy is sys.modules['dualgrad.numpy'], 'numpy' in dir(dualgrad))"
    )
    assert run(code, tmp_path) == "False [1.] True True"


def test_dir_shows_public_names_only() -> None:
    assert dir(dualgrad) == sorted([*dualgrad.__all__, "numpy"])
    assert all(hasattr(dualgrad, name) for name in dir(dualgrad))


def test_other_names_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="no attribute 'grda'"):
        dualgrad.grda  # type: ignore[attr-defined]  # noqa: B018


def test_importing_needs_numpy_only() -> None:
    code = (
        "import sys; import numpy; before = set(sys.modules); import dualgrad;"
        "print(sorted({m.partition('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() in ("['dualgrad']", "['dualgrad', 'numpy']")
