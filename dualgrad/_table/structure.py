"""Structure: which numbers of its operands each number of an answer depends on.

The word of a record is its algebra (linear, bilinear, a formula); its structure says where things come from. Every interpreter that
has to know that has one reading of each structure: how a function runs on a batch, which pattern its derivative has.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias


def axes_of(ndim: int, axis: Any) -> tuple[int, ...]:
    """Return the axes that `axis` names, counted from the front: all for None. A number along axis 0 or -1 has none."""
    if axis is None:
        return tuple(range(ndim))
    if ndim == 0:
        return ()
    return tuple([operator.index(k) % ndim for k in (axis if isinstance(axis, tuple) else (axis,))])


class Structure:
    """Which numbers an answer depends on; one of the classes of this file."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Numberwise(Structure):
    """Each number depends on those at its own place in the operands, which broadcast.

    Where there are several answers, `moves` tells which of them have a derivative.
    """

    moves: tuple[bool, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rearranged(Structure):
    """Each number is one of the first operand's, or zero: run on an array of places, the function says which.

    With `many`, it is one of any operand's: all of them are put together.
    """

    many: bool = False


@dataclass(frozen=True, slots=True)
class Along(Structure):
    """Each number depends on numbers along an axis of the operands, which is the parameter `axis`.

    `axis` is the parameter's default, and None stands for all axes, or with `flat` for the flat array. `mixes` says on which numbers along
    the axis: all, those before and at its place, or (through the parameter `n`) its neighbours. The axis goes unless it `stays`.
    """

    axis: int | None = None
    mixes: Literal["all", "before", "neighbours"] = "all"
    stays: bool = True
    flat: bool = False

    def __post_init__(self) -> None:
        if self.mixes not in ("all", "before", "neighbours"):
            raise ValueError(f"Along: mixes is 'all', 'before' or 'neighbours'; it is {self.mixes!r}.")

    def axes(self, ndim: int, params: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the axes that a call means in an operand of `ndim` axes, counted from the front."""
        return axes_of(ndim, params.get("axis", self.axis))


@dataclass(frozen=True, slots=True)
class OfMatrices(Structure):
    """Each number depends on the whole of its own matrix, the last two axes of the one operand, which may be a stack.

    With `many`, of the matrices of all operands, which are stacks that broadcast against each other. Where only one triangle is read,
    `is_upper(params)` tells which.
    """

    many: bool = False
    is_upper: Callable[[dict[str, Any]], bool] | None = None


Terms: TypeAlias = tuple[list[str], str]
"""The letters of the axes of each operand, and of the answer."""


@dataclass(frozen=True, slots=True)
class Contracted(Structure):
    """A sum of products over the axes that the answer does not have: `terms(shapes, params)` gives the letters of all axes.

    With `flat`, of the flat operands.
    """

    terms: Callable[[Sequence[tuple[int, ...]], dict[str, Any]], Terms]
    flat: bool = False
