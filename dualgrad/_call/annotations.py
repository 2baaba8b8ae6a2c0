"""Types of functions, for annotations: what a derived function takes and returns, as far as type checkers can follow.

Where overloads differ by the function that is transformed and an annotation that is Any leaves it open which holds, mypy makes
an untyped function of several `Callable`s, but of several `Derived` one that takes and returns Any.
"""

from __future__ import annotations

from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar, TypeVarTuple, overload

import numpy as np

A = TypeVar("A")
R = TypeVar("R")
X = TypeVar("X")
Y = TypeVar("Y")
P = ParamSpec("P")
Q = ParamSpec("Q")
Ts = TypeVarTuple("Ts")
Array = TypeVar("Array", bound=np.ndarray[Any, Any])

Number: TypeAlias = complex | np.number[Any]
"""One number, Python's or NumPy's. (A float is a complex number to type checkers.)"""

AnyArray: TypeAlias = np.ndarray[Any, Any]

_X = TypeVar("_X", contravariant=True)
_R = TypeVar("_R", covariant=True)


class Derived(Protocol[P, _R]):
    """A function with the parameters `P`."""

    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> _R: ...


class Taking(Protocol[P, _X, Q, _R]):
    """A function with the parameters `P`, the first of which is an `_X`.

    Said twice, since a type checker gives either all parameters, with their names, or the first and the rest.
    """

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> _R: ...
    @overload
    def __call__(self, x: _X, /, *args: Q.args, **kwargs: Q.kwargs) -> _R: ...


class Unknown:
    """What no annotated parameter takes: `Taking[P, Unknown, ..., R]` is a function whose first parameter has no annotation, or Any."""
