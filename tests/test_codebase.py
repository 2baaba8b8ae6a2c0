"""The shape of the package: who may import whom, how large files and functions are, and that everything is annotated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dualgrad

ROOT = Path(dualgrad.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# A module may import modules of lower layers, and those of its own layer where no cycle follows. The longest prefix decides.
LAYERS = {
    "dualgrad.errors": 0,
    "dualgrad.tree": 1,
    "dualgrad._table": 1,
    "dualgrad._trace": 2,
    "dualgrad._array": 2,
    "dualgrad._call": 2,
    "dualgrad.rules": 3,
    "dualgrad.batching": 3,
    "dualgrad.patterns": 3,
    "dualgrad.forward": 4,
    "dualgrad.reverse": 4,
    "dualgrad.series": 4,
    "dualgrad.recording": 4,
    "dualgrad.transforms": 5,
    "dualgrad.sparse": 6,
    "dualgrad.testing": 6,
    "dualgrad.extend": 6,
    "dualgrad.numpy": 6,
    "dualgrad": 7,
}
# Layer 4 holds the modes, a folder each, two of them on top of batching, of which Jacobians are made. None imports
# another, and none imports the rules.
SIBLINGS = ("dualgrad.forward", "dualgrad.reverse", "dualgrad.series", "dualgrad.recording")
MAY_IMPORT_RULES = ("dualgrad.rules", "dualgrad.extend", "dualgrad.scipy")


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> int:
    while module not in LAYERS:
        module = module.rpartition(".")[0]
    return LAYERS[module]


MODULES = {module_of(path): path for path in FILES}


def imports_of(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("dualgrad"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("dualgrad"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    for imported in imports_of(module):
        assert layer_of(imported) <= layer_of(module), f"{module} imports {imported}, which is above it"
        for sibling in SIBLINGS:
            if module.startswith(SIBLINGS) and not module.startswith(sibling):
                assert not imported.startswith(sibling), f"{module} imports another interpreter, {imported}"
        if imported.startswith("dualgrad.rules") and module != "dualgrad":
            assert module.startswith(MAY_IMPORT_RULES), f"{module} imports the rules"


def test_there_is_no_import_cycle() -> None:
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, f"cycle: {' -> '.join((*above, module))}"
        if module not in done:
            for imported in imports_of(module):
                # A package that is being imported for one of its submodules is no dependency of that submodule.
                if not module.startswith(imported + "."):
                    visit(imported, (*above, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_no_import_is_late_or_a_star(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert all(alias.name != "*" for alias in node.names)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            late = [n for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
            assert not late, f"{path}:{late[0].lineno} imports inside a function"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_files_and_functions_stay_readable(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400, f"{path} has {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
            assert node.end_lineno - node.lineno < 60, f"{path}:{node.lineno} {node.name} is too long"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_everything_is_documented_at_the_top(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path} says nothing about itself"


def test_only_numpy_is_imported_from_outside() -> None:
    allowed = {"numpy", "dualgrad", "__future__"}
    standard = __import__("sys").stdlib_module_names
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for name in names:
                assert name.partition(".")[0] in allowed | standard, f"{path} imports {name}"


# What takes a value of a level apart: these are no looks at numbers (text of a value, its outline, what belongs to a level itself).
MAY_SEE_BELOW = {
    "dualgrad._table.space": "the library that an array is of",
    "dualgrad._trace.level": "the door itself",
    "dualgrad._array.array": "text of a value",
    "dualgrad._array.methods": "the flags of its memory",
    "dualgrad._array.layout": "how it lies in memory",
    "dualgrad.rules.undifferentiated.texts": "text of a value",
    "dualgrad.patterns.probe": "shapes",
    "dualgrad.sparse._level": "data that is marked as varying",
    "dualgrad.sparse._pattern": "sizes",
    "dualgrad.transforms._grad": "the text of an error",
}


@pytest.mark.parametrize("module", MODULES)
def test_numbers_are_looked_at_through_the_door(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text())
    names = {a.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for a in node.names}
    assert "plain" not in names or module in MAY_SEE_BELOW, (
        f"{module} sees numbers that no level hears of: ask decide()"
    )
    if module.startswith("dualgrad.rules"):
        below = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in ("_value", "_level")]
        assert not below, f"{module}:{below[0]} takes a traced value apart"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_files_that_comments_name_exist(path: Path) -> None:
    text = path.read_text()
    for found in re.finditer(r"(?<![\w./])(?:\w+/)*\w+\.py\b", text):
        named = found[0]
        assert any((folder / named).exists() for folder in (path.parent, ROOT, ROOT.parent)), f"{path} names {named}"
