"""Cotangents that wait until all of their kind are there, because one pass over many costs less than many passes.

A loop over `x[i]` scatters one number at a time; the products `h @ w` of a recurrent network each contribute an outer
product as large as `w`. Gathered, the first is one pass over `x` and the second one product of matrices.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.record import Primitive
from dualgrad._table.space import Value


class Pending:
    """What waits for the cotangent of one value."""

    __slots__ = ("_products", "_rows", "_scatters")

    def __init__(self) -> None:
        self._scatters: list[tuple[Primitive, Value, tuple[Any, ...], dict[str, Any]]] = []
        self._products: list[tuple[Value, Value]] = []
        self._rows = 0

    def scatter(self, record: Primitive, ct: Value, kept: tuple[Any, ...], params: dict[str, Any]) -> None:
        """Wait with the cotangent of an item."""
        self._scatters.append((record, ct, kept, params))

    def product(self, a: Value, ct: Value) -> bool:
        """Wait with a^T ct; tell whether so much waits that it takes the memory of several results."""
        self._products.append((a, ct))
        k, n = a.shape[-1], ct.shape[-1]
        self._rows += a.size // max(1, k)
        return bool(self._rows * (k + n) > 4 * k * n)

    def total(self) -> Value:
        """Return the sum of all that waited, and wait for nothing any more."""
        total = self._product_of_all()
        if self._scatters:
            record = self._scatters[0][0]
            cotangents, kept, params = zip(*[entry[1:] for entry in self._scatters], strict=True)
            gathered = record.gather(cotangents, kept, params)  # type: ignore[misc]
            total = gathered if total is None else total + gathered
            self._scatters = []
        return total

    def _product_of_all(self) -> Value:
        if not self._products:
            return None
        left = [a if a.ndim == 2 else a[None] for a, _ in self._products]
        right = [ct if ct.ndim == 2 else ct[None] for _, ct in self._products]
        self._products, self._rows = [], 0
        if len(left) == 1:
            return left[0].T @ right[0]
        return np.concatenate(left).T @ np.concatenate(right)


def can_wait(a: Value, ct: Value, b: Any) -> bool:
    """Tell whether a^T ct is a product of plain matrices or vectors of one dtype, with the shape of a matrix `b`."""
    return (
        type(a) is np.ndarray is type(ct)
        and len(b.shape) == 2
        and a.ndim <= 2
        and a.dtype == ct.dtype == b.dtype
        and b.shape[0] > 0
    )
