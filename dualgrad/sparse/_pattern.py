"""The pattern of a Jacobian or Hessian: where it can be nonzero, for every point with the same Python branches."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._call.arguments import check_callable
from dualgrad._call.callers import stacklevel_of_user
from dualgrad._call.leaves import Leaves, as_argument, results
from dualgrad._table.space import Value
from dualgrad._trace.level import Level, Tracer, plain
from dualgrad.errors import DensePatternWarning
from dualgrad.patterns.sets import IndexSets, Ints, from_pairs, identity
from dualgrad.patterns.varying import fixed
from dualgrad.sparse._level import PatternArray, PatternLevel
from dualgrad.transforms import gradient_for


class Pattern:
    """Where a matrix can be nonzero: `rows` and `cols`, sorted by rows, and its `shape`.

    `unknown` names the functions that were taken as dense because nothing is known of their structure.

    >>> import numpy as np
    >>> from dualgrad import sparse
    >>> pattern = sparse.jacobian_sparsity(lambda x: x[1:] * x[:-1], np.ones(3))
    >>> pattern
    Pattern(shape=(2, 3), nnz=4)
    >>> pattern.toarray().astype(int)
    array([[1, 1, 0],
           [0, 1, 1]])
    """

    __slots__ = ("cols", "rows", "shape", "unknown")

    def __init__(self, rows: Any, cols: Any, shape: tuple[int, int], unknown: tuple[str, ...] = ()) -> None:
        rows, cols = np.asarray(rows, np.intp).ravel(), np.asarray(cols, np.intp).ravel()
        if len(rows) != len(cols):
            raise ValueError(f"A pattern takes one row for each column; it got {len(rows)} rows, {len(cols)} columns.")
        for name, found, n in (("rows", rows, shape[0]), ("cols", cols, shape[1])):
            if len(found) and not (found.min() >= 0 and found.max() < n):
                raise ValueError(f"A pattern of shape {shape} has {name} from 0 to {n - 1}; some lie outside.")
        sets = from_pairs(rows, cols, shape[0], max(shape[1], 1))
        self.rows: Ints = sets.row_numbers()
        self.cols: Ints = sets.indices
        self.shape = shape
        self.unknown = unknown

    @property
    def nnz(self) -> int:
        """How many entries can be nonzero."""
        return len(self.rows)

    def toarray(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return the pattern as a dense boolean array."""
        found = np.zeros(self.shape, bool)
        found[self.rows, self.cols] = True
        return found

    def __repr__(self) -> str:
        dense = f", dense in {', '.join(self.unknown)}" if self.unknown else ""
        return f"Pattern(shape={self.shape}, nnz={self.nnz}{dense})"


def one_array(x: Any, transform: str) -> Value:
    """Return the argument of a sparse transformation, one real array or number; TypeError where it is anything else."""
    x = as_argument(x, "{}".format, "x")
    leaves = Leaves([x])
    if not leaves.is_one_value:
        raise TypeError(
            f"{transform} takes one array; it got a {type(x).__name__}. Join the parts with np.concatenate, and take them "
            "apart in the function."
        )
    (value,) = leaves.values
    if isinstance(value, Tracer):
        raise TypeError(
            f"{transform} makes matrices of plain numbers, which cannot be differentiated. Use jacobian or hessian inside "
            "another transformation, or stop_gradient."
        )
    if np.iscomplexobj(value):
        raise TypeError(f"{transform} takes a real array; this one is complex. Pass its real and imaginary parts.")
    return np.asarray(value)


def one_result(returned: Any, transform: str, level: Level | None = None) -> Value:
    """Return what a function returned as one array; TypeError where it is a container."""
    leaves = results(returned, level)
    if leaves.is_one_value:
        return leaves.values[0]
    if isinstance(returned, (np.ndarray, np.generic, int)) and not leaves.values:
        return np.asarray(returned, float)
    raise TypeError(
        f"{transform} needs a function that returns one array of floats; it returned a {type(returned).__name__}. "
        "Join the parts with np.concatenate."
    )


def jacobian_sparsity(f: Callable[[Any], Any], x: Any) -> Pattern:
    """Return the pattern of the Jacobian of `f` at `x`: a `Pattern` of shape `(f(x).size, x.size)`.

    `f` takes one real array of any shape and returns one; both are counted in C order. `f` runs once. The pattern holds at
    every point at which Python branches the same way; zeros of fixed arrays that `f` multiplies by count as zeros.
    A function of which nothing is known makes everything it touches dense, with a `DensePatternWarning` that names it.

    >>> import numpy as np
    >>> from dualgrad import sparse
    >>> sparse.jacobian_sparsity(lambda x: np.diff(x**2), np.ones(4)).toarray().astype(int)
    array([[1, 1, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 1, 1]])
    """
    return jacobian_pattern("sparse.jacobian_sparsity", f, x)


def hessian_sparsity(f: Callable[[Any], Any], x: Any) -> Pattern:
    """Return the pattern of the Hessian of `f`, which returns one real number, at `x`: symmetric, of shape `(x.size, x.size)`.

    It is the pattern of the Jacobian of the gradient: linear terms have no entry, a product has one for each pair of factors.
    As for `jacobian_sparsity`, it holds at every point at which Python branches the same way.

    >>> import numpy as np
    >>> from dualgrad import sparse
    >>> sparse.hessian_sparsity(lambda x: x[0] * x[1] + 5 * x[2], np.ones(3)).toarray().astype(int)
    array([[0, 1, 0],
           [1, 0, 0],
           [0, 0, 0]])
    """
    return hessian_pattern("sparse.hessian_sparsity", f, x)


def jacobian_pattern(transform: str, f: Callable[[Any], Any], x: Any) -> Pattern:
    """Return `jacobian_sparsity(f, x)` for a function that users know by another name, which errors say."""
    check_callable(f, transform, f"{transform}(f, x)")
    return _detect(f, one_array(x, transform), transform)


def hessian_pattern(transform: str, f: Callable[[Any], Any], x: Any) -> Pattern:
    """Return `hessian_sparsity(f, x)` for a function that users know by another name, which errors say."""
    check_callable(f, transform, f"{transform}(f, x)")
    found = _detect(gradient_for(transform, f), one_array(x, transform), transform)
    # Rules may see one of two equal entries where the other vanishes for a reason of its own.
    rows, cols = np.concatenate([found.rows, found.cols]), np.concatenate([found.cols, found.rows])
    return Pattern(rows, cols, found.shape, found.unknown)


def _detect(f: Callable[[Any], Any], x: Value, transform: str) -> Pattern:
    level = PatternLevel(max(x.size, 1))
    try:
        y = one_result(fixed(f(PatternArray(x[()], identity(x.size), level))), transform, level)
        count = int(np.size(plain(y)))
        sets = y._sets if isinstance(y, PatternArray) and y._level is level else None
    finally:
        level.close()
    unknown = tuple(level.unknown)
    if unknown:
        warnings.warn(
            f"{transform}: nothing is known of the structure of {', '.join(unknown)}; the pattern is dense in all that it "
            "touches. It is right, but may be larger than it need be. Say structure= or PATTERN where it is registered (extend).",
            DensePatternWarning,
            stacklevel=stacklevel_of_user(),
        )
    return _pattern_of(sets, (count, x.size), unknown)


def _pattern_of(sets: IndexSets | None, shape: tuple[int, int], unknown: tuple[str, ...]) -> Pattern:
    if sets is None:
        return Pattern((), (), shape, unknown)
    return Pattern(sets.row_numbers(), sets.indices, shape, unknown)
