"""Random programs: a few steps over arrays of small, random shapes, each on the results of the ones before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

import dualgrad
from tests.fuzz.steps import ALONG, BINARY, MATRICES, NESTED, REDUCTIONS, UNARY

LARGEST = 40
"""How many numbers a value may have."""


class Namespace:
    """The names of one module, and of another where that has none."""

    def __init__(self, arrays: Any, transformations: Any) -> None:
        self._modules = arrays, transformations

    def __getattr__(self, name: str) -> Any:
        arrays, transformations = self._modules
        return getattr(arrays, name) if hasattr(arrays, name) else getattr(transformations, name)


NUMPY = Namespace(np, dualgrad)


@dataclass(frozen=True)
class Program:
    """Steps, and the array at which they are differentiated. A step is (sort, name, which operands, parameters)."""

    x: np.ndarray[Any, Any]
    steps: list[tuple[str, str, tuple[int, ...], tuple[Any, ...]]] = field(default_factory=list)

    def __call__(self, x: Any, xp: Any = NUMPY) -> Any:
        """Return the last value, and a trace of the others, so that none is in vain."""
        values = [x]
        for sort, name, places, params in self.steps:
            values.append(_TABLES[sort][name](xp, *[values[k] for k in places], *params))
        return values[-1] + 0.1 * sum([xp.mean(v) for v in values[1:-1]], xp.mean(x))

    def on(self, xp: Any) -> Callable[[Any], Any]:
        return lambda x: self(x, xp)


_TABLES: dict[str, dict[str, Any]] = {
    "unary": UNARY,
    "binary": BINARY,
    "reduction": REDUCTIONS,
    "along": ALONG,
    "matrix": MATRICES,
    "nested": NESTED,
}

SHAPES = st.sampled_from([(), (1,), (2,), (3,), (5,), (2, 3), (3, 1), (1, 4), (2, 1, 3), (3, 2, 2)])
SORTS = ("unary", "unary", "binary", "reduction", "along", "matrix", "nested")


@st.composite
def programs(draw: Any, dtypes: tuple[str, ...] = ("f8", "f8", "f8", "f4")) -> Program:
    """Return a strategy of programs that run, on numbers that differ enough for finite differences."""
    shape = draw(SHAPES)
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    x = np.asarray(rng.uniform(-1.5, 1.5, shape), draw(st.sampled_from(dtypes)))
    program = Program(x)
    values = [x]
    for _ in range(draw(st.integers(1, 5))):
        sort = draw(st.sampled_from(SORTS))
        name = draw(st.sampled_from(sorted(_TABLES[sort])))
        places = tuple(draw(st.integers(0, len(values) - 1)) for _ in range(2 if sort == "binary" else 1))
        ndim = np.ndim(values[places[0]])
        params: tuple[Any, ...] = ()
        if sort in ("reduction", "along"):
            if ndim == 0:
                continue
            params = (draw(st.integers(0, ndim - 1)),)
        if sort == "reduction":
            params = (draw(st.sampled_from([params[0], None])) if name != "norm" or ndim < 3 else params[0],)
            params = (*params, draw(st.booleans()))
        value = _tried(_TABLES[sort][name], [values[k] for k in places], params)
        if value is not None:
            program.steps.append((sort, name, places, params))
            values.append(value)
    return program


def _tried(step: Any, operands: list[Any], params: tuple[Any, ...]) -> Any:
    """Return what a step makes of plain arrays, or None where it does not fit them."""
    if not _broadcast(operands):
        return None
    with np.errstate(all="ignore"):
        value = np.asarray(step(NUMPY, *operands, *params))
    fits = 0 < value.size <= LARGEST and value.ndim <= 4
    return value if fits and np.isfinite(value).all() and np.abs(value).max() < 20 else None


def _broadcast(operands: list[Any]) -> bool:
    try:
        np.broadcast_shapes(*[np.shape(x) for x in operands])
    except ValueError:
        return False
    return True
