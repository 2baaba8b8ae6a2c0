"""What rules of linear algebra say often: transposes, Hermitian parts, diagonals of stacked matrices."""

from __future__ import annotations

import numpy as np

from dualgrad._table.space import Value, dtype_of, shape_of


def transposed(a: Value) -> Value:
    """Return the transposes of the matrices in `a`."""
    return np.swapaxes(a, -1, -2)


def adjoint(a: Value) -> Value:
    """Return the conjugate transposes of the matrices in `a`."""
    return np.conj(np.swapaxes(a, -1, -2)) if dtype_of(a).kind == "c" else np.swapaxes(a, -1, -2)


def conj(a: Value) -> Value:
    """Return the conjugate, without a copy where `a` is real."""
    return np.conj(a) if dtype_of(a).kind == "c" else a


def hermitian_part(a: Value) -> Value:
    """Return (a + a^H) / 2: the orthogonal projection to Hermitian matrices."""
    return (a + adjoint(a)) * 0.5


def of_triangle(a: Value, *, upper: bool = False) -> Value:
    """Return the Hermitian matrices of which `a` holds one triangle: what LAPACK reads, to which a diagonal is real."""
    strict = np.triu(a, 1) if upper else np.tril(a, -1)
    return strict + adjoint(strict) + _real_diagonal(a)


def onto_triangle(g: Value, *, upper: bool = False) -> Value:
    """Return the adjoint of `of_triangle`: what is said of both triangles, said of the one that is read."""
    both = g + adjoint(g)
    return (np.triu(both, 1) if upper else np.tril(both, -1)) + _real_diagonal(g)


def _real_diagonal(a: Value) -> Value:
    # Selected, not multiplied: what is not read may be anything.
    return np.where(np.eye(shape_of(a)[-1], dtype=bool), np.real(a), 0)


def diagonal(w: Value) -> Value:
    """Return diagonal matrices."""
    return w[..., None] * np.eye(shape_of(w)[-1], dtype=bool)


def inverse_where(x: Value, hidden: Value) -> Value:
    """Return 1 / x, and 0 at the places that are hidden."""
    return np.where(hidden, 0, 1 / np.where(hidden, 1, x))


def total(x: Value, y: Value) -> Value:
    """Return the sum of two derivatives, of which the first may be None."""
    return y if x is None else x + y
