"""Numbers of how the package is built, which should not drift: `python -m tests.house`. `tests/test_house.py` holds them."""

from __future__ import annotations

import ast
import collections
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dualgrad
from dualgrad._table import record as table
from dualgrad._table.record import Primitive, name_of, records

ROOT = Path(dualgrad.__file__).parent
TREES = {path: ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}
INTERPRETERS = ("batching", "forward", "reverse", "series", "sparse", "patterns", "recording", "_array", "_trace")
DERIVED = ("RECORDS", "UNARY", "SHORT", "SHORT_FORWARD")
"""Tables that registering fills, from the records."""


def module_of(path: Path) -> str:
    """Return the name of the module that a file is."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def folder_of(path: Path) -> str:
    """Return the name of a file's folder, within the package."""
    return str(path.parent.relative_to(ROOT))


def tables_by_function() -> dict[str, frozenset[Any]]:
    """Return the tables and sets of modules whose keys are functions with a record, beside the table itself."""
    found: dict[str, frozenset[Any]] = {}
    for path in TREES:
        module = importlib.import_module(module_of(path))
        for name, value in vars(module).items():
            if (
                isinstance(value, (dict, set, frozenset))
                and value
                and name not in DERIVED
                and not name.startswith("__")
            ):
                keys = frozenset(key for key in value if callable(key) and is_recorded(key))
                made_here = any(name == target for target in assigned(TREES[path]))
                if made_here and 2 * len(keys) > len(value):
                    found[f"{module.__name__}.{name}"] = keys
    return found


def is_recorded(key: Any) -> bool:
    """Tell whether something is a function with a record that is differentiated."""
    try:
        return isinstance(records().get(key), (Primitive, table.Composite, table.Constant))
    except TypeError:
        return False


def assigned(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module gives values to itself."""
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def in_three_tables() -> list[str]:
    """Return the primitives that stand in three tables or more beside their records."""
    count = collections.Counter(key for keys in tables_by_function().values() for key in keys)
    return sorted(name_of(key) for key, n in count.items() if n >= 3)


def files_that_know(*names: str) -> list[str]:
    """Return the files in which a function of NumPy is named and not called: in a record, a table, or a comparison."""
    return sorted(
        str(path.relative_to(ROOT))
        for path, tree in TREES.items()
        if any(ast.unparse(node) in names for node in names_without_calls(tree))
    )


def names_without_calls(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Yield the attributes in a tree that are not called where they stand."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and id(node) not in called)


def files_that_know_roots() -> list[str]:
    """Return the files that say or ask what a value is the root of."""
    words = {"UNDER", "even_power", "has_zero", "remember", "made_by", ".root"}
    return sorted(str(path.relative_to(ROOT)) for path, tree in TREES.items() if words & set(names_in(tree)))


def names_in(tree: ast.AST) -> Iterator[str]:
    """Yield every name that a file uses, defines or imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield from (node.attr, f".{node.attr}")
        elif isinstance(node, (ast.FunctionDef, ast.alias)):
            yield node.name


def branches_on_functions() -> list[str]:
    """Return the comparisons with a named function of NumPy in interpreters."""
    asked = re.compile(r"^(record\.key|self\.key|fun|ufunc|func|key)$")
    found = []
    for path, tree in TREES.items():
        if folder_of(path).partition("/")[0] not in INTERPRETERS:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and isinstance(
                node.ops[0], (ast.Is, ast.IsNot, ast.Eq, ast.NotEq, ast.In)
            ):
                left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
                if asked.match(left) and is_function_name(right, path):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}")
    return found


def is_function_name(text: str, path: Path) -> bool:
    """Tell whether an expression in a module is a function of NumPy, or several."""
    try:
        value = eval(text, dict(vars(importlib.import_module(module_of(path)))))  # a name in that file
    except Exception:
        return False
    several = value if isinstance(value, (tuple, list, set, frozenset)) else (value,)
    return any(callable(one) and is_recorded(one) for one in several)


def looks_at_numbers() -> list[str]:
    """Return the rules that take a traced value apart, of which no level hears."""
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in TREES.items()
        if folder_of(path).startswith("rules") and path.stem != "texts"
        for node in ast.walk(tree)
        if (isinstance(node, ast.alias) and node.name == "plain")
        or (isinstance(node, ast.Attribute) and node.attr in ("_value", "_level"))
    ]


def questions_of_kind() -> list[str]:
    """Return the lines of rules that ask what a value is: an ndarray, a traced array."""
    asks = re.compile(r"\btype\(\w+\) is (not )?(np\.ndarray|Tracer)|isinstance\([^)]*(np\.ndarray|Tracer)")
    return [
        f"{path.relative_to(ROOT)}:{k}"
        for path in TREES
        if folder_of(path).startswith("rules")
        for k, line in enumerate(path.read_text().splitlines(), 1)
        if asks.search(line)
    ]


def imports_between_areas() -> list[str]:
    """Return the imports of one area of the rules by another; words, samples and the like belong to all."""
    areas = {path.name for path in (ROOT / "rules").iterdir() if path.is_dir() and path.name != "words"}
    found = []
    for path, tree in TREES.items():
        here = folder_of(path).split("/")
        if here[0] != "rules" or len(here) < 2 or here[1] not in areas:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("dualgrad.rules."):
                parts = node.module.split(".")
                there = parts[2] if len(parts) > 2 else ""
                if there in areas and there != here[1]:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.module}")
    return found


def most_files_in_a_folder() -> tuple[int, str]:
    """Return the number of files in the fullest folder, and its name."""
    count = collections.Counter(folder_of(path) for path in TREES if path.name != "__init__.py")
    return max((n, folder) for folder, n in count.items())


MEASURES: dict[str, Callable[[], Any]] = {
    "tables keyed by function, beside the records": tables_by_function,
    "files that know of np.diff": lambda: files_that_know("np.diff"),
    "files that know of np.linalg.norm": lambda: files_that_know("np.linalg.norm"),
    "files that know of roots": files_that_know_roots,
    "primitives that stand in three tables or more": in_three_tables,
    "branches on named functions in interpreters": branches_on_functions,
    "looks at numbers in rules that no level hears of": looks_at_numbers,
    "lines of rules that ask what a value is": questions_of_kind,
    "imports between areas of rules": imports_between_areas,
}


def main() -> None:
    """Print each number, and what it counts."""
    for title, measure in MEASURES.items():
        found = list(measure())
        print(f"{len(found):4d}  {title}")
        for one in found:
            print(f"        {one}")
    most, folder = most_files_in_a_folder()
    print(f"{most:4d}  files in one folder ({folder})")


if __name__ == "__main__":
    main()
