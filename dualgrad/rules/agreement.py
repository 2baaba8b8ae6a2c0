"""What depends on numbers and decides about shapes: it has to be the same for all members of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from dualgrad._table.space import Value, shape_of
from dualgrad._trace.level import plain
from dualgrad.errors import ConversionError

T = TypeVar("T")


def agreed(decide: Callable[[np.ndarray[Any, Any]], T], x: Value, what: str) -> T:
    """Return what `decide` says of the numbers of a value; a ConversionError where members of a batch differ in it."""
    numbers, shape = np.asarray(plain(x)), shape_of(x)
    # Every vmap has its axis in front.
    members = numbers.reshape(-1, *shape) if numbers.size else np.zeros((1, *shape), numbers.dtype)
    found = decide(members[0])
    if any(decide(member) != found for member in members[1:]):
        raise ConversionError(
            f"{what}, and under vmap that differs between the members of the batch: so would the shapes or the dtypes. "
            "Use arrays of full shape (np.where(mask, x, 0) instead of leaving numbers out), or loop over the members."
        )
    return found
