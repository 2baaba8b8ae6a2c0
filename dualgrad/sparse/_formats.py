"""What a sparse derivative is returned as: SciPy's sparse arrays, or plain triplets."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import numpy as np

from dualgrad.sparse._pattern import Pattern

FORMATS = ("csr", "csc", "coo", "triplet")


class Triplet(NamedTuple):
    """A sparse matrix without SciPy: `data[k]` stands at `(rows[k], cols[k])`, sorted by rows."""

    rows: np.ndarray[Any, np.dtype[np.intp]]
    cols: np.ndarray[Any, np.dtype[np.intp]]
    data: np.ndarray[Any, Any]
    shape: tuple[int, int]

    def toarray(self) -> np.ndarray[Any, Any]:
        """Return the matrix as a dense array."""
        found = np.zeros(self.shape, self.data.dtype)
        found[self.rows, self.cols] = self.data
        return found


def check_format(format: str, title: str) -> str:
    """Return a format; ValueError where it is not one, ImportError where it needs SciPy and that is absent."""
    if format not in FORMATS:
        raise ValueError(f"{title}: format is one of {', '.join(map(repr, FORMATS))}; it is {format!r}.")
    if format != "triplet":
        _scipy_sparse(title)
    return format


def assemble(pattern: Pattern, data: np.ndarray[Any, Any], format: str) -> Any:
    """Return the matrix with the given numbers at the places of a pattern; it shares memory with nothing."""
    if format == "triplet":
        return Triplet(pattern.rows.copy(), pattern.cols.copy(), data, pattern.shape)
    sparse = _scipy_sparse("A sparse array")
    if data.dtype == np.float16:
        # SciPy makes such arrays and can then do nothing with them.
        data = data.astype(np.float32)
    if format == "coo":
        return sparse.coo_array((data, (pattern.rows.copy(), pattern.cols.copy())), shape=pattern.shape)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(pattern.rows, minlength=pattern.shape[0]))])
    found = sparse.csr_array((data, pattern.cols.copy(), indptr), shape=pattern.shape)
    return found if format == "csr" else found.tocsc()


def _scipy_sparse(title: str) -> Any:
    try:
        return importlib.import_module("scipy.sparse")
    except ImportError as error:
        raise ImportError(
            f"{title}: sparse arrays are SciPy's. Install dualgrad[scipy], or ask for format='triplet', which needs nothing."
        ) from error
