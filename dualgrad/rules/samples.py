"""The points at which rules are checked, written beside them: `cases(case(A(3, 4), axis=0), ...)`.

`A(3, 4)` stands for a random array of that shape, drawn by the tests; everything else in a case is passed as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dualgrad._table.record import Sample, Samples

_UNARY = ((), (3,), (2, 3), (0,))
_BINARY = (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (3,)), ((0,), (1,)))


class A:
    """A random array, uniform between `low` and `high`; an ordinary number of that range where the shape is ()."""

    def __init__(self, *shape: int, low: float = -2.0, high: float = 2.0, is_complex: bool = False) -> None:
        self.shape = shape
        self.low = low
        self.high = high
        self.is_complex = is_complex

    def draw(self, rng: np.random.Generator) -> Any:
        """Return the array."""
        x = rng.uniform(self.low, self.high, self.shape)
        if self.is_complex:
            x = x + 1j * rng.uniform(self.low, self.high, self.shape)
        return x if self.shape else np.asarray(x)[()]


class SymmetricA(A):
    """A random symmetric matrix (or stack of them), Hermitian if complex, positive definite with distinct eigenvalues."""

    def draw(self, rng: np.random.Generator) -> Any:
        x = super().draw(rng)
        n = self.shape[-1]
        return x @ np.conj(np.swapaxes(x, -1, -2)) + n * np.diag(np.arange(1.0, n + 1.0))


class SpacedA(A):
    """A random array whose entries keep a distance: for functions with a kink where two entries are equal."""

    def draw(self, rng: np.random.Generator) -> Any:
        """Return the array."""
        size = int(np.prod(self.shape, dtype=int))
        x = rng.permutation(np.linspace(self.low, self.high, size)).reshape(self.shape)
        return x if self.shape else x[()]


class case:
    """A call: positional and keyword arguments, with `A(...)` wherever an array is to be drawn, inside lists too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs

    def draw(self, rng: np.random.Generator) -> Sample:
        """Return the call with its arrays."""
        return Sample(*_draw(self.args, rng), **_draw(self.kwargs, rng))


def _draw(x: Any, rng: np.random.Generator) -> Any:
    if isinstance(x, A):
        return x.draw(rng)
    if type(x) in (list, tuple):
        return type(x)(_draw(y, rng) for y in x)
    if isinstance(x, dict):
        return {key: _draw(y, rng) for key, y in x.items()}
    return x


def cases(*given: case) -> Samples:
    """Return the samples made of these cases."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        return (one.draw(rng) for one in given)

    return samples


def real(low: float = -2.0, high: float = 2.0, *extra: case) -> Samples:
    """Samples of a function of one real operand in [low, high]: a number, a vector, a matrix, an empty array."""
    return cases(*[case(A(*shape, low=low, high=high)) for shape in _UNARY], *extra)


def analytic(low: float = -2.0, high: float = 2.0, *extra: case) -> Samples:
    """Samples of a function of one real or complex operand."""
    return real(low, high, case(A(2, is_complex=True, low=0.3, high=0.8)), *extra)


def reals(x: tuple[float, float] = (-2.0, 2.0), y: tuple[float, float] = (-2.0, 2.0), *extra: case) -> Samples:
    """Samples of a function of two real operands, with every kind of broadcasting."""
    pairs = [case(A(*s, low=x[0], high=x[1]), A(*r, low=y[0], high=y[1])) for s, r in _BINARY]
    return cases(*pairs, *extra)


def analytics(x: tuple[float, float] = (-2.0, 2.0), y: tuple[float, float] = (-2.0, 2.0), *extra: case) -> Samples:
    """Samples of a function of two real or complex operands."""
    mixed = case(A(3, low=0.3, high=1.5), A(2, 3, low=0.3, high=1.5, is_complex=True))
    return reals(x, y, mixed, case(A(2, is_complex=True), A(2, is_complex=True)), *extra)
