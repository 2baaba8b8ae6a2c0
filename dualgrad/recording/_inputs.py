"""The inputs of a program: the numbers and arrays among the arguments of a call. Everything else is static."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dualgrad import tree
from dualgrad._call.arguments import argument_name
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import Tracer
from dualgrad.errors import ProgramError


class Inputs:
    """The arguments at which a function was recorded, without their numbers: structure, shapes, dtypes, and static leaves."""

    __slots__ = ("_kinds", "_static", "_structure", "names", "outlines")

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        leaves, self._structure = tree.flatten((args, kwargs))
        paths = _names(f, args, kwargs)
        self._static = [None if is_input(x) else _Static(x) for x in leaves]
        self.names = [path for path, x in zip(paths, leaves, strict=True) if is_input(x)]
        values = [x for x in leaves if is_input(x)]
        self.outlines = [(shape_of(x), dtype_of(x)) for x in values]
        self._kinds = [float if type(x) is float else None for x in values]

    def fill(self, values: Sequence[Value]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return arguments with other values in the place of the inputs."""
        given = iter(values)
        leaves = [next(given) if one is None else one.value for one in self._static]
        args, kwargs = self._structure.unflatten(leaves)
        return args, kwargs

    def of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Value]:
        """Return the inputs among other arguments. Raises ProgramError where these are of another kind."""
        leaves, structure = tree.flatten((args, kwargs))
        if structure != self._structure:
            raise ProgramError(
                f"The program was recorded with {_outline(self._structure)}; it is called with {_outline(structure)}. The same arguments have "
                "to be given, in the same way: by position or by keyword, defaults left out or not, lists where there were lists. "
                "Record the function at these arguments."
            )
        found: list[Value] = []
        for x, static in zip(leaves, self._static, strict=True):
            if static is None:
                k = len(found)
                found.append(self._checked(x, k))
            elif not static.is_same(x):
                raise ProgramError(
                    f"The program was recorded with the static argument {static.value!r}; it is {x!r} here. Only numbers in floats "
                    "and arrays may differ. Record the function at these arguments."
                )
        return found

    def _checked(self, x: Any, k: int) -> Value:
        shape, dtype = self.outlines[k]
        if not is_input(x) or shape_of(x) != shape or dtype_of(x) != dtype:
            given = f"{dtype_of(x)}{list(shape_of(x))}" if is_input(x) else repr(x)
            raise ProgramError(
                f"The program was recorded with {self.names[k]} as {dtype}{list(shape)}; it is {given} here. "
                "Record the function at these arguments."
            )
        if isinstance(x, Tracer):
            return x
        # Beside float32, a float of Python's counts as weaker than one of NumPy's.
        if self._kinds[k] is float:
            return float(x)
        return np.float64(x) if type(x) is float else x


class _Static:
    """A leaf that is no input, with the value that the program holds for."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def is_same(self, other: Any) -> bool:
        return self.value is other or (type(self.value) is type(other) and bool(self.value == other))


def is_input(x: Any) -> bool:
    """Tell whether a leaf is a number or array that a program takes anew: integers and booleans of Python's are static."""
    if isinstance(x, (float, complex, np.generic, Tracer)):
        return True
    return hasattr(x, "__array_function__") and hasattr(x, "dtype") and x.dtype.kind in "fciub"


def _names(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    found = [p for k, x in enumerate(args) for p in tree.flatten(x)[1].paths(argument_name(f, k))]
    # Paths in the dict of keywords begin with the key in brackets.
    return found + [p[2:].replace("']", "", 1) for p in tree.flatten(kwargs)[1].paths()]


def _outline(structure: Any) -> str:
    """Return where the leaves of a call are, as text: `x[0]` by position is `argument 0[0]`."""
    return f"the leaves {', '.join([_place(path) for path in structure.paths()]) or 'of nothing'}"


def _place(path: str) -> str:
    # The call is a pair: a tuple by position, and a dict by keyword.
    inner = path[3:]
    return f"argument {inner[1:].replace(']', '', 1)}" if path.startswith("[0]") else inner[2:].replace("']", "", 1)
