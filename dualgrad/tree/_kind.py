"""`Kind`: how the instances of one class come apart and are put together again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One class of containers.

    The law is `unflatten(static, children)` == `x` for `children, static = flatten(x)`. `names(static, count)` gives
    one path component per child, such as `[0]` or `.weight`.
    """

    cls: type
    flatten: Callable[[Any], tuple[Sequence[Any], Any]]
    unflatten: Callable[[Any, Sequence[Any]], Any]
    names: Callable[[Any, int], Sequence[str]]


def positions(static: Any, count: int) -> list[str]:
    """Return the path components of children that have no names: `[0]`, `[1]`, and so on."""
    return [f"[{i}]" for i in range(count)]
