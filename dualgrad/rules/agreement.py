"""What depends on numbers and decides about shapes: it has to be the same for all members of a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from dualgrad._table.space import Value, shape_of
from dualgrad._trace.level import decide
from dualgrad.errors import ConversionError

T = TypeVar("T")


class Disagreement(NamedTuple):
    """What a question comes to where members of a batch differ in it."""


def agreed(question: Callable[[np.ndarray[Any, Any]], T], x: Value, what: str) -> T:
    """Return what a question says of the numbers of a value; a ConversionError where members of a batch differ in it.

    The question is a function of a module, or `functools.partial` of one with static arguments.
    """
    found = decide(functools.partial(_agreement, question, shape_of(x)), x)
    if isinstance(found, Disagreement):
        raise ConversionError(
            f"{what}, and under vmap that differs between the members of the batch: so would the shapes or the dtypes. "
            "Use arrays of full shape (np.where(mask, x, 0) instead of leaving numbers out), or loop over the members."
        )
    return found


def _agreement(question: Callable[[np.ndarray[Any, Any]], T], shape: tuple[int, ...], numbers: Any) -> T | Disagreement:
    numbers = np.asarray(numbers)
    # Every vmap has its axis in front.
    members = numbers.reshape(-1, *shape) if numbers.size else np.zeros((1, *shape), numbers.dtype)
    found = question(members[0])
    return Disagreement() if any(question(member) != found for member in members[1:]) else found
