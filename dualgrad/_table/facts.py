"""Facts: small truths about a function that dispatch and interpreters act on, beside its derivative."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from dualgrad._table.space import Value

Aliases: TypeAlias = Callable[..., Iterable[Value]]
"""Takes the arguments of a call, and returns those that the answer may share its memory with."""


@dataclass(frozen=True, slots=True, repr=False)
class Facts:
    """What is true of a function.

    Of the memory of its answer: it is new, whatever a composite's body makes it of, unless `aliases` returns the arguments that it
    may be a view of, or (`as_body`) a composite's answer shares what its body makes it share. With `is_array`, an answer without axes is an
    array, as np.where's, not a number, as np.sum's; where that depends, it is a function of the arguments. `fresh`: users
    fill the answer later.

    Of how it computes: `outline`, it reads the shape and dtype of its arguments only; `linear`, it is linear in all that may be
    differentiated, which its word does not say; `product`, `quotient`, the answer is that of its two operands, whatever its word;
    `packs`, it is its operands, numbers, in C order;
    `in_one_place`, it is much faster where the numbers of a member of a batch lie beside each other.
    """

    aliases: Aliases | None = None
    as_body: bool = False
    is_array: bool | Callable[..., bool] = False
    fresh: bool = False
    outline: bool = False
    linear: bool = False
    product: bool = False
    quotient: bool = False
    packs: bool = False
    in_one_place: bool = False

    def __repr__(self) -> str:
        # What is true only: the reference shows this as a default.
        return f"Facts({', '.join([f'{f.name}={x!r}' for f in fields(self) if (x := getattr(self, f.name)) != f.default])})"


def first(*args: Value, **kwargs: Any) -> Iterable[Value]:
    """Return the first argument, wherever it is: what most views are views of."""
    return args[:1] or kwargs.values()


NO_FACTS = Facts()
VIEW = Facts(aliases=first)
AS_BODY = Facts(as_body=True)
ARRAY = Facts(is_array=True)
FILLED_LATER = Facts(fresh=True)
