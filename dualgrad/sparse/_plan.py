"""Plans: a pattern and its colouring, made once, and derivatives by as many passes as there are colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._call.arguments import check_callable
from dualgrad.errors import PatternError
from dualgrad.patterns.sets import IndexSets, Ints, from_pairs
from dualgrad.sparse._formats import assemble, check_format
from dualgrad.sparse._passes import Array, pull_many, push_many
from dualgrad.sparse._pattern import Pattern, hessian_pattern, jacobian_pattern, one_array
from dualgrad.sparse.colours._bidirectional import Partition, by_both, by_columns, by_rows
from dualgrad.sparse.colours._symmetric import Recovery, recovery
from dualgrad.transforms import gradient_for, value_and_grad

_PARTITIONS = {"columns": by_columns, "rows": by_rows, "both": by_both}


class JacobianPlan:
    """The Jacobian of one function, at any point of one shape: `plan(x)`. Made by `plan_jacobian`.

    `pattern` is where it can be nonzero, `passes` how many derivatives along a direction it takes.
    """

    def __init__(
        self,
        f: Callable[[Any], Any],
        shape: tuple[int, ...],
        pattern: Pattern,
        partition: str,
        format: str,
        title: str = "A JacobianPlan",
    ) -> None:
        self._f = f
        self._shape = shape
        self._title = title
        self.pattern = pattern
        self.format = format
        self._partition: Partition = _PARTITIONS[partition](_sets_of(pattern))
        self._columns = _seeds(self._partition.columns)
        self._rows = _seeds(self._partition.rows)

    @property
    def passes(self) -> int:
        """How many derivatives along a direction, forward or backward, an evaluation takes."""
        return self._partition.groups

    def __call__(self, x: Any, *, verify: bool = True, format: str | None = None) -> Any:
        """Return the Jacobian at `x`. With `verify`, one more pass along a random direction checks that the pattern holds.

        Raises PatternError where it does not: then plan again at this point.
        """
        return self.value_and_jacobian(x, verify=verify, format=format)[1]

    def value_and_jacobian(self, x: Any, *, verify: bool = True, format: str | None = None) -> tuple[Any, Any]:
        """Return `(f(x), Jacobian)`; arguments as in a call of the plan."""
        format = check_format(self.format if format is None else format, self._title)
        x = _point(x, self._shape, self._title)
        pattern, partition = self.pattern, self._partition
        by_row = partition.by_row
        data = np.zeros(pattern.nnz)
        value = None
        if len(self._columns) or not len(self._rows):
            value, pushed = push_many(self._f, x, self._columns.astype(x.dtype), self._title)
            _check_count(pattern, np.size(value), self._title)
            data = data.astype(np.result_type(value, x))
            rows, cols = pattern.rows[~by_row], pattern.cols[~by_row]
            data[~by_row] = pushed[partition.columns[cols], rows]
        if len(self._rows):
            value, pulled = pull_many(self._f, x, self._rows, self._title)
            _check_count(pattern, np.size(value), self._title)
            data = data.astype(np.result_type(value, x))
            rows, cols = pattern.rows[by_row], pattern.cols[by_row]
            data[by_row] = pulled[partition.rows[rows], cols]
        if verify:
            _verify(self._f, x, pattern, data, "Jacobian", self._title)
        # The function may return its argument itself.
        return np.array(value)[()], assemble(pattern, data, format)

    def __repr__(self) -> str:
        return f"JacobianPlan({self.pattern!r}, passes={self.passes})"


class HessianPlan:
    """The Hessian of one function, at any point of one shape: `plan(x)`. Made by `plan_hessian`.

    `pattern` is where it can be nonzero, `passes` how many products with the Hessian it takes.
    """

    def __init__(
        self,
        f: Callable[[Any], Any],
        shape: tuple[int, ...],
        pattern: Pattern,
        format: str,
        title: str = "A HessianPlan",
    ) -> None:
        self._f = f
        self._shape = shape
        self._title = title
        self.pattern = pattern
        self.format = format
        self._recovery: Recovery = recovery(_sets_of(pattern))
        self._seeds = _seeds(self._recovery.colours)

    @property
    def passes(self) -> int:
        """How many products with the Hessian an evaluation takes."""
        return len(self._seeds)

    def __call__(self, x: Any, *, verify: bool = True, format: str | None = None) -> Any:
        """Return the Hessian at `x`. With `verify`, one more pass along a random direction checks that the pattern holds.

        Raises PatternError where it does not: then plan again at this point.
        """
        format = check_format(self.format if format is None else format, self._title)
        x = _point(x, self._shape, self._title)
        gradient = gradient_for(self._title, self._f)
        _, pushed = push_many(gradient, x, self._seeds.astype(x.dtype), self._title)
        data = pushed[self._recovery.passes, self._recovery.rows] if len(self._seeds) else np.zeros(0, x.dtype)
        if verify:
            _verify(gradient, x, self.pattern, data, "Hessian", self._title)
        return assemble(self.pattern, data, format)

    def value_and_hessian(self, x: Any, *, verify: bool = True, format: str | None = None) -> tuple[Any, Any]:
        """Return `(f(x), Hessian)`; arguments as in a call of the plan."""
        value, _, found = self.value_grad_and_hessian(x, verify=verify, format=format)
        return value, found

    def value_grad_and_hessian(self, x: Any, *, verify: bool = True, format: str | None = None) -> tuple[Any, Any, Any]:
        """Return `(f(x), gradient, Hessian)`; arguments as in a call of the plan."""
        found = self(x, verify=verify, format=format)
        value, gradient = value_and_grad(self._f)(x)
        return value, gradient, found

    def __repr__(self) -> str:
        return f"HessianPlan({self.pattern!r}, passes={self.passes})"


# ---- making plans ----------------------------------------------------------------------------------


def plan_jacobian(
    f: Callable[[Any], Any], x: Any, *, partition: str = "both", pattern: Any = None, format: str = "csr"
) -> JacobianPlan:
    """Return a plan that computes the Jacobian of `f` at any point of the shape of `x`, at which the pattern is detected.

    `partition` says what is put into groups: "columns" (forward mode), "rows" (reverse mode), or "both" for whichever takes the
    fewest passes, mixed if need be. `pattern` is a pattern that you know: a `Pattern`, a dense or a sparse matrix.
    `format` is as in `jacobian`.

    >>> import numpy as np
    >>> from dualgrad import sparse
    >>> plan = sparse.plan_jacobian(lambda x: x[1:] * x[:-1], np.ones(4))
    >>> plan
    JacobianPlan(Pattern(shape=(3, 4), nnz=6), passes=2)
    >>> plan(np.array([1.0, 2.0, 3.0, 4.0])).toarray()
    array([[2., 1., 0., 0.],
           [0., 3., 2., 0.],
           [0., 0., 4., 3.]])
    """
    return jacobian_plan("sparse.plan_jacobian", f, x, partition, pattern, format, "A plan of sparse.plan_jacobian")


def plan_hessian(f: Callable[[Any], Any], x: Any, *, pattern: Any = None, format: str = "csr") -> HessianPlan:
    """Return a plan that computes the Hessian of `f` at any point of the shape of `x`, at which the pattern is detected.

    `pattern` and `format` are as in `plan_jacobian`; of a pattern that you give, both triangles count.

    >>> import numpy as np
    >>> from dualgrad import sparse
    >>> plan = sparse.plan_hessian(lambda x: np.sum(x[1:] * x[:-1] ** 2), np.ones(3))
    >>> plan.passes, plan(np.array([1.0, 2.0, 3.0])).toarray()
    (2, array([[4., 2., 0.],
           [2., 6., 4.],
           [0., 4., 0.]]))
    """
    return hessian_plan("sparse.plan_hessian", f, x, pattern, format, "A plan of sparse.plan_hessian")


def jacobian_plan(
    transform: str, f: Callable[[Any], Any], x: Any, partition: str, pattern: Any, format: str, title: str | None = None
) -> JacobianPlan:
    """Return `plan_jacobian(f, x, ...)` for a function that users know by another name, which errors say.

    Those of the plan's calls begin with `title`, where that is another.
    """
    check_callable(f, transform, f"{transform}(f, x)")
    if partition not in _PARTITIONS:
        raise ValueError(f"{transform}: partition is one of {', '.join(map(repr, _PARTITIONS))}; it is {partition!r}.")
    check_format(format, transform)
    point = one_array(x, transform)
    found = jacobian_pattern(transform, f, point) if pattern is None else _as_pattern(pattern, point.size, transform)
    return JacobianPlan(f, point.shape, found, partition, format, title or transform)


def hessian_plan(
    transform: str, f: Callable[[Any], Any], x: Any, pattern: Any, format: str, title: str | None = None
) -> HessianPlan:
    """Return `plan_hessian(f, x, ...)` for a function that users know by another name, as `jacobian_plan` does."""
    check_callable(f, transform, f"{transform}(f, x)")
    check_format(format, transform)
    point = one_array(x, transform)
    found = hessian_pattern(transform, f, point) if pattern is None else _as_pattern(pattern, point.size, transform)
    if found.shape != (point.size, point.size):
        raise ValueError(
            f"{transform}: the Hessian has shape {(point.size, point.size)}; the pattern has shape {found.shape}."
        )
    rows, cols = np.concatenate([found.rows, found.cols]), np.concatenate([found.cols, found.rows])
    return HessianPlan(f, point.shape, Pattern(rows, cols, found.shape, found.unknown), format, title or transform)


def _as_pattern(given: Any, size: int, transform: str) -> Pattern:
    if isinstance(given, Pattern):
        found = given
    elif hasattr(given, "tocoo"):
        entries = given.tocoo()
        found = Pattern(entries.row, entries.col, tuple(entries.shape))
    else:
        matrix = np.asarray(given)
        if matrix.ndim != 2:
            raise ValueError(f"{transform}: a pattern is a matrix; this one has {matrix.ndim} dimensions.")
        rows, cols = np.nonzero(matrix)
        found = Pattern(rows, cols, matrix.shape)
    if found.shape[1] != size:
        raise ValueError(
            f"{transform}: the pattern has {found.shape[1]} columns; x has {size} numbers. They must be as many."
        )
    return found


def _sets_of(pattern: Pattern) -> IndexSets:
    return from_pairs(pattern.rows, pattern.cols, pattern.shape[0], max(pattern.shape[1], 1))


def _seeds(colours: Ints) -> Array:
    """Return one row for each colour, with ones where it is; in the least of integer types, to be cast."""
    seeds = np.zeros((int(colours.max(initial=-1)) + 1, len(colours)), np.int8)
    coloured = np.flatnonzero(colours >= 0)
    seeds[colours[coloured], coloured] = 1
    return seeds


# ---- using them ------------------------------------------------------------------------------------


def _point(x: Any, shape: tuple[int, ...], title: str) -> Array:
    point: Array = one_array(x, title)
    if point.shape != shape:
        raise ValueError(
            f"{title} is for arguments of shape {shape}; this one has shape {point.shape}. Make another plan."
        )
    return point


def _check_count(pattern: Pattern, count: int, title: str) -> None:
    if count != pattern.shape[0]:
        raise PatternError(
            f"{title}: the function returned {count} numbers here, and its pattern has {pattern.shape[0]} rows. A pattern is for "
            "results of one size: make another plan."
        )


def _verify(f: Callable[[Any], Any], x: Array, pattern: Pattern, data: Array, matrix: str, title: str) -> None:
    """Compare the matrix times a random vector with the derivative along that vector."""
    # A fixed seed: the same call always gives the same answer. Numbers in [1, 2] keep every entry in play.
    v = np.random.default_rng(0).uniform(1.0, 2.0, x.size).astype(x.dtype)
    _, (expected,) = push_many(f, x, v[None, :], title)
    terms = data * v[pattern.cols]
    found = np.bincount(pattern.rows, terms, pattern.shape[0])
    scale = np.bincount(pattern.rows, np.abs(terms), pattern.shape[0]) + np.abs(expected)
    tolerance = np.sqrt(np.finfo(expected.dtype if expected.dtype.kind == "f" else float).eps)
    finite = np.isfinite(found) & np.isfinite(expected)
    wrong = finite & (np.abs(np.where(finite, found - expected, 0)) > tolerance * np.where(finite, scale, 0))
    if np.any(wrong):
        row = int(np.argmax(wrong))
        raise PatternError(
            f"{title}: the pattern of the {matrix} does not hold at this point: {int(np.sum(wrong))} of its {pattern.shape[0]} rows are "
            f"wrong, the first of them row {row}. Does the function branch on its argument, use indices computed from it, or read "
            "data that has changed? Make the plan again at this point, or use jacobian or hessian."
        )
