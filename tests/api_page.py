"""Writes docs/reference/api.md from the docstrings: `python -m tests.api_page`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import dualgrad
from dualgrad._table.facets import Facet
from dualgrad.numpy._joining import Joiner

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "api.md"

# The interpreters and the table: what users call of them is named in dualgrad itself.
INTERNAL = frozenset(("batching", "forward", "patterns", "recording", "reverse", "rules", "transforms"))


def modules() -> list[str]:
    """Return the names of the public modules, dualgrad itself first."""
    found = [info.name for info in pkgutil.iter_modules(dualgrad.__path__)]
    return ["dualgrad", *[f"dualgrad.{name}" for name in found if not name.startswith("_") and name not in INTERNAL]]


def names_in(module: ModuleType) -> list[str]:
    """Return the public functions and classes of a module, those of its `__all__` where it has one."""
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if not isinstance(getattr(module, name), ModuleType)]
    return [
        name
        for name, x in vars(module).items()
        if not name.startswith("_") and callable(x) and getattr(x, "__module__", None) == module.__name__
    ]


def namespaces_in(module: ModuleType) -> list[tuple[str, ModuleType]]:
    """Return the modules that are public by a name of another module only."""
    found = [(name, getattr(module, name)) for name in getattr(module, "__all__", ()) if module is not dualgrad]
    return [(name, x) for name, x in found if isinstance(x, ModuleType) and "._" in x.__name__]


def first_sentence(doc: str) -> str:
    """Return the first sentence of a docstring, on one line."""
    paragraph = " ".join(doc.partition("\n\n")[0].split())
    end = re.search(r"\.(?= [A-Z`])", paragraph)
    return paragraph[: end.end()] if end else paragraph


def signature(x: Any) -> str:
    """Return how a function is called, without annotations; nothing for classes and other things."""
    if not inspect.isroutine(x):
        return ""
    given = inspect.signature(x)
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in given.parameters.values()]
    return str(given.replace(parameters=plain, return_annotation=inspect.Signature.empty))


def entry(module: ModuleType, name: str) -> str:
    """Return the line of one name."""
    x = getattr(module, name)
    is_documented = inspect.isroutine(x) or inspect.isclass(x) or isinstance(x, Joiner)
    doc = inspect.getdoc(x) if is_documented else None
    if isinstance(x, Facet):
        doc = f"A statement of a record: {x.meaning}."
    elif doc is None:
        doc = "A type, for annotations."
    return f"* `{name}{signature(x)}`: {first_sentence(doc)}"


def page() -> str:
    """Return the page."""
    lines = [
        "# Reference",
        "",
        "Every public name, in one line each. `help(dualgrad.grad)` says more, with an example. Made by `python -m tests.api_page`.",
        "",
    ]
    for title in modules():
        module = importlib.import_module(title)
        lines += [f"## {title}", "", first_sentence(inspect.getdoc(module) or ""), ""]
        lines += [*[entry(module, name) for name in sorted(names_in(module))], ""]
        for name, inner in namespaces_in(module):
            lines += [f"### {title}.{name}", "", first_sentence(inspect.getdoc(inner) or ""), ""]
            lines += [*[entry(inner, one) for one in sorted(names_in(inner))], ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
