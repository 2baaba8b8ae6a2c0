"""What a benchmark problem is: one function of plain NumPy, where it is differentiated, and what the others need to compete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

import numpy as np

# An array, or a tuple of arrays: the variables of a problem, and the answer to it.
Variables: TypeAlias = Any
# What is not differentiated, by name: arrays, tuples of arrays, and numbers.
Data: TypeAlias = dict[str, Any]


class Derivative(Enum):
    """What is asked of the function."""

    GRADIENT = "gradient"
    HESSIAN = "Hessian"
    HVP = "Hessian-vector product"  # along data["direction"]
    BLOCKS = "blocks of the Jacobian"  # one pullback for each of data["cotangents"]
    JACOBIAN = "Jacobian"  # more outputs than inputs
    ROWS = "Jacobian by rows"  # fewer outputs than inputs
    MAPPED = "Jacobian of each member of a batch"  # the members lie along axis 0 of x
    SPARSE = "sparse Jacobian"


class Group(Enum):
    """The parts of the report."""

    OVERHEAD = "bound by overhead"
    ARRAYS = "the others"
    JACOBIANS = "Jacobians and second derivatives"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A function written once for all namespaces with NumPy's names, and all that is known about it.

    `function(xp, x, data)` is called with `numpy`, `autograd.numpy` and `jax.numpy`. `torch(torch, x, data)` and
    `jax(jax, x, data)` are what a user of these libraries would write, where that differs; without `torch` its
    namespace is close enough to NumPy's. `hand(x, data)` is the derivative worked out with pencil and paper.
    `make(rng, **size)` returns the variables and the data.
    """

    name: str
    overhead_bound: bool
    function: Callable[[Any, Variables, Data], Any]
    make: Callable[..., tuple[Variables, Data]]
    size: Mapping[str, Any]
    small: Mapping[str, Any]
    torch: Callable[[Any, Variables, Data], Any] | None = None
    jax: Callable[[Any, Variables, Data], Any] | None = None
    hand: Callable[[Variables, Data], Variables] | None = None
    derivative: Derivative = Derivative.GRADIENT
    tolerance: float = 1e-9
    measure_memory: bool = False
    seed: int = field(default=0, repr=False)

    @property
    def group(self) -> Group:
        """The part of the report that shows the problem."""
        if self.derivative not in (Derivative.GRADIENT, Derivative.BLOCKS):
            return Group.JACOBIANS
        return Group.OVERHEAD if self.overhead_bound else Group.ARRAYS

    def instance(self, *, small: bool = False) -> tuple[Variables, Data]:
        """Return the variables and the data, the same in every process."""
        return self.make(np.random.default_rng(self.seed), **(self.small if small else self.size))


def arrays_of(values: Any) -> tuple[Any, ...]:
    """Return the arrays of an array or of nested tuples and lists of arrays, in order."""
    if isinstance(values, (tuple, list)):
        return tuple(array for value in values for array in arrays_of(value))
    return (values,)
