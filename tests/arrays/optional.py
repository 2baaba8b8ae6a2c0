"""Libraries that the tests of other arrays need: the extra `test` installs them, and nothing is skipped in continuous integration."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest


def optional(name: str) -> Any:
    """Return a module; where it is not installed the tests that need it are skipped, or fail where CI is set."""
    return importlib.import_module(name) if os.environ.get("CI") else pytest.importorskip(name)
