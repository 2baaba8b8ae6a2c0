"""Jacobians and Hessians as SciPy's linear operators: products with a matrix that nobody forms."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._call.arguments import check_callable
from dualgrad._call.leaves import Leaves, as_argument
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import Tracer, deepest
from dualgrad.batching import members_by_default, size_of, vmap
from dualgrad.reverse import Recording
from dualgrad.transforms._grad import gradient_for
from dualgrad.transforms._linearize import transposed


def jacobian_operator(f: Callable[[Any], Any], x: Any, *, chunk_size: int | None = None) -> Any:
    """Return the Jacobian of `f` at `x` as a `scipy.sparse.linalg.LinearOperator` of shape `(f(x).size, x.size)`.

    `f` takes one real array (of any shape) and returns one; both are counted in C order. `f` runs once, here. Each product
    costs one backward sweep; those with a matrix (`matmat`, `rmatmat`) take all its columns in one batch, or `chunk_size` at a
    time.

    Raises ImportError without SciPy (`pip install dualgrad[scipy]`), TypeError where argument or result is not one real array.

    >>> import numpy as np
    >>> from dualgrad import jacobian_operator
    >>> operator = jacobian_operator(lambda x: x[1:] * x[:-1], np.array([1.0, 2.0, 3.0]))
    >>> operator.shape, operator @ np.ones(3), operator.T @ np.ones(2)
    ((2, 3), array([3., 5.]), array([2., 4., 2.]))
    """
    check_callable(f, "jacobian_operator", "jacobian_operator(f, x)")
    linalg = _scipy_linalg("jacobian_operator")
    point = _point(x, "jacobian_operator")
    recording = Recording(lambda values: f(values[0]), [point])
    y = _one_array(recording.result, "jacobian_operator")
    linear = transposed(recording)
    linear.own()
    recording.own()
    forward = _Product(linear, point, y, chunk_size)
    backward = _Product(recording, y, point, chunk_size)
    return linalg.LinearOperator(
        (size_of(y), size_of(point)),
        matvec=forward.vector,
        rmatvec=backward.vector,
        matmat=forward.matrix,
        rmatmat=backward.matrix,
        dtype=np.result_type(dtype_of(point), dtype_of(y)),
    )


def hessian_operator(f: Callable[[Any], Any], x: Any, *, chunk_size: int | None = None) -> Any:
    """Return the Hessian of `f` at `x` as a `scipy.sparse.linalg.LinearOperator` of shape `(x.size, x.size)`.

    `f` takes one real array (of any shape, counted in C order) and returns one real number. `f` runs once, here. Each product
    costs one sweep over the recorded gradient; `matmat` takes all columns in one batch, or `chunk_size` at a time.

    Raises ImportError without SciPy (`pip install dualgrad[scipy]`), NotScalarError where the result is no real number of
    size 1, TypeError where the argument is not one real array.

    >>> import numpy as np
    >>> from dualgrad import hessian_operator
    >>> hessian_operator(lambda x: x[0] ** 2 * x[1], np.array([1.0, 3.0])) @ np.array([1.0, 0.0])
    array([6., 2.])
    """
    check_callable(f, "hessian_operator", "hessian_operator(f, x)")
    linalg = _scipy_linalg("hessian_operator")
    point = _point(x, "hessian_operator")
    gradient = gradient_for("hessian_operator", f)
    recording = Recording(lambda values: gradient(values[0]), [point])
    if recording.result.values and isinstance(recording.result.values[0], Tracer):
        raise TypeError(_TRACED.format("hessian_operator"))
    recording.own()
    # The matrix is symmetric: the pullback of the gradient is its pushforward.
    product = _Product(recording, point, point, chunk_size)
    return linalg.LinearOperator(
        (size_of(point), size_of(point)),
        matvec=product.vector,
        rmatvec=product.vector,
        matmat=product.matrix,
        rmatmat=product.matrix,
        dtype=dtype_of(point),
    )


class _Product:
    """The pullback of a recording as a product with flat vectors, from numbers like `start` to numbers like `stop`."""

    __slots__ = ("_chunk_size", "_recording", "_start", "_stop")

    def __init__(self, recording: Recording, start: Value, stop: Value, chunk_size: int | None) -> None:
        if chunk_size is None:
            chunk_size = members_by_default(max(size_of(start), size_of(stop)))
        elif chunk_size < 1:
            raise ValueError(f"chunk_size is a positive integer, or None to choose one; it is {chunk_size!r}.")
        self._recording = recording
        self._start = start
        self._stop = stop
        self._chunk_size = chunk_size

    def vector(self, v: Any) -> Any:
        """Return the product with a vector, of shape (n,) or (n, 1)."""
        return self._real(np.reshape(v, -1)) if v.dtype.kind != "c" else self.vector(v.real) + 1j * self.vector(v.imag)

    def matrix(self, v: Any) -> Any:
        """Return the product with a matrix of shape (n, k)."""
        if v.dtype.kind == "c":
            return self.matrix(v.real) + 1j * self.matrix(v.imag)
        step = self._chunk_size
        parts = [vmap(self._real, 1, 1)(v[:, k : k + step]) for k in range(0, v.shape[1], step)]
        return np.concatenate(parts, axis=1) if parts else np.zeros((size_of(self._stop), 0), dtype_of(self._stop))

    def _real(self, v: Value) -> Value:
        v = np.reshape(v, shape_of(self._start))
        (found,) = self._recording.pull([v.astype(dtype_of(self._start))])
        # A copy: what comes back may be a view of what was given.
        return np.zeros(size_of(self._stop), dtype_of(self._stop)) if found is None else np.copy(np.reshape(found, -1))


_TRACED = "{0} makes an operator on plain numbers, and was called on values being differentiated. Use jvp, vjp or hvp."


def _point(x: Any, transform: str) -> Value:
    point = as_argument(np.asarray(x, float) if isinstance(x, (list, tuple)) else x, lambda key: "x", 0)
    if isinstance(point, Tracer):
        raise TypeError(_TRACED.format(transform))
    leaves = Leaves([point])
    if not leaves.is_one_value or dtype_of(point).kind == "c":
        found = "complex" if leaves.is_one_value else f"a {type(x).__name__}"
        raise TypeError(f"{transform} takes one real array; x is {found}. Join parts with np.concatenate.")
    return leaves.values[0]


def _one_array(result: Leaves, transform: str) -> Value:
    if deepest(result.values) is not None:
        raise TypeError(_TRACED.format(transform))
    if not result.is_one_value or dtype_of(result.values[0]).kind == "c":
        (found,) = result.fill(result.values)
        described = "complex numbers" if result.is_one_value else f"a {type(found).__name__}"
        raise TypeError(
            f"{transform} needs a function that returns one real array; it returned {described}. Join parts with np.concatenate."
        )
    return result.values[0]


def _scipy_linalg(transform: str) -> Any:
    try:
        return importlib.import_module("scipy.sparse.linalg")
    except ImportError as error:
        raise ImportError(
            f"{transform} returns a LinearOperator of SciPy's: install dualgrad[scipy], or use jvp, vjp or hvp, which need "
            "nothing."
        ) from error
