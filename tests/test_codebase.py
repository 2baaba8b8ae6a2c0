"""The shape of the package: who may import whom, how large files and functions are, and that everything is annotated."""

from __future__ import annotations

import ast
import collections
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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
TREES = {module: ast.parse(path.read_text()) for module, path in MODULES.items()}


def imports_of(module: str) -> Iterator[str]:
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("dualgrad"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("dualgrad"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def test_imports_go_down() -> None:
    for module, imported in [(name, imported) for name in MODULES for imported in imports_of(name)]:
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


def test_no_import_is_late_or_a_star() -> None:
    for module, node in [(name, node) for name, tree in TREES.items() for node in ast.walk(tree)]:
        if isinstance(node, ast.ImportFrom):
            assert all(alias.name != "*" for alias in node.names), f"{module}:{node.lineno} imports a star"
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            late = [n for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
            assert not late, f"{module}:{late[0].lineno} imports inside a function"


def test_files_and_functions_stay_readable() -> None:
    long = {path: lines for path in FILES if (lines := path.read_text().count("\n")) > 400}
    assert not long
    for module, node in [(name, node) for name, tree in TREES.items() for node in ast.walk(tree)]:
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
            assert node.end_lineno - node.lineno < 60, f"{module}:{node.lineno} {node.name} is too long"


def test_a_folder_holds_a_dozen_files_at_most() -> None:
    count = collections.Counter(path.parent for path in FILES if path.name != "__init__.py")
    assert {str(folder): n for folder, n in count.items() if n > 12} == {}


def test_everything_is_documented_at_the_top() -> None:
    assert [module for module, tree in TREES.items() if not ast.get_docstring(tree)] == []


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


def test_numbers_are_looked_at_through_the_door() -> None:
    for module, tree in TREES.items():
        names = {a.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for a in node.names}
        assert "plain" not in names or module in MAY_SEE_BELOW, (
            f"{module} sees numbers that no level hears of: ask decide()"
        )
        if module.startswith("dualgrad.rules"):
            below = [
                n.lineno for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in ("_value", "_level")
            ]
            assert not below, f"{module}:{below[0]} takes a traced value apart"


PRINT_THE_TABLE = """
import importlib, random, re, sys, types
root, seed, *modules = sys.argv[1:]
if seed == "as it is":
    import dualgrad
else:
    for name, path in (("dualgrad", root), ("dualgrad.rules", root + "/rules")):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [path]
    random.Random(seed).shuffle(modules)
    for module in modules:
        importlib.import_module(module)
from dualgrad._table.record import RECORDS, name_of
for key in sorted(RECORDS, key=name_of):
    record = RECORDS[key]
    says = sorted((repr(facet), repr(said)) for facet, said in record.says.items())
    said = (getattr(record, "word", None), getattr(record, "structure", None), record.facts, says)
    print(name_of(key), type(record).__name__, re.sub(" at 0x[0-9a-f]+", "", repr(said)))
"""


def table_by(order: str) -> list[str]:
    """Return the table as lines of text, after the modules of rules are imported in some order, in another process."""
    modules = [m for m in MODULES if m.startswith("dualgrad.rules.") and MODULES[m].name != "__init__.py"]
    command = [sys.executable, "-c", PRINT_THE_TABLE, str(ROOT), order, *modules]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT.parent).stdout.splitlines()


def test_the_order_in_which_rules_are_imported_does_not_matter() -> None:
    expected = table_by("as it is")

    assert len(expected) > 400
    for seed in ("1", "2", "3"):
        assert table_by(seed) == expected


def test_files_that_comments_name_exist() -> None:
    for path in FILES:
        for found in re.finditer(r"(?<![\w./])(?:\w+/)*\w+\.py\b", path.read_text()):
            named = found[0]
            assert any((folder / named).exists() for folder in (path.parent, ROOT, ROOT.parent)), (
                f"{path} names {named}"
            )
