"""Rules whose patterns are exact: products with fixed zeros, products of two parts of the argument, matrices, scans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import jacobian, sparse
from dualgrad.patterns import contract as _contract

RNG = np.random.default_rng(0)
S = np.array([[1.0, 0.0, 0.0, 2.0], [0.0, 0.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
STACK = RNG.random((2, 3, 4)) * (RNG.random((2, 3, 4)) < 0.4)
V = np.array([1.0, 0.0, 2.0])

WITH_ZEROS: dict[str, Callable[[Any], Any]] = {
    "matmul left": lambda x: S @ x.reshape(4, 3),
    "matmul right": lambda x: x.reshape(4, 3) @ S,
    "matmul vector": lambda x: S @ x[:4],
    "matmul row": lambda x: x[:3] @ S,
    "matmul stack": lambda x: STACK @ x.reshape(4, 3),
    "matmul of a stack": lambda x: S @ x.reshape(1, 4, 3),
    "matmul broadcast stack": lambda x: x.reshape(2, 2, 3) @ STACK[:1],
    "dot": lambda x: np.dot(S, x[:4]),
    "dot scalar": lambda x: np.dot(x[0], S),
    "dot stack": lambda x: np.dot(x.reshape(4, 3), STACK),
    "inner": lambda x: np.inner(S, x.reshape(3, 4)),
    "inner vectors": lambda x: np.inner(x[:3], V),
    "tensordot": lambda x: np.tensordot(x.reshape(3, 4), STACK, axes=((0, 1), (1, 2))),
    "tensordot one": lambda x: np.tensordot(S, x.reshape(4, 3), axes=1),
    "tensordot pair": lambda x: np.tensordot(x.reshape(4, 3), S, axes=(1, 0)),
    "outer": lambda x: np.outer(x, V),
    "outer left": lambda x: np.outer(S, x),
    "vdot": lambda x: np.vdot(S, x.reshape(3, 4)),
    "vecdot": lambda x: np.vecdot(S, x[:4]),
    "kron": lambda x: np.kron(V, x),
    "einsum": lambda x: np.einsum("ij,jk->ik", S, x.reshape(4, 3)),
    "einsum summed": lambda x: np.einsum("ij,jk->k", S, x.reshape(4, 3)),
    "einsum three": lambda x: np.einsum("ij,jk,i->ik", S, x.reshape(4, 3), V),
    "einsum diagonal": lambda x: np.einsum("ii,i->i", x[:9].reshape(3, 3), V),
    "einsum stretched": lambda x: np.einsum("ij,ij->ij", S, x[:4].reshape(1, 4)),
    "einsum stretched data": lambda x: np.einsum("ij,ij->i", x.reshape(3, 4), S[:1]),
    "product": lambda x: x.reshape(3, 4) * S,
    "product broadcast": lambda x: V[:, None] * x[:4],
    "diagonal": lambda x: np.diag(x[:3]) @ V + np.trace(x[3:].reshape(3, 3)),
}

# NumPy has these two since 2.2.
if hasattr(np, "matvec"):
    WITH_ZEROS["matvec"] = lambda x: np.matvec(S, x.reshape(3, 4))
    WITH_ZEROS["vecmat"] = lambda x: np.vecmat(x.reshape(4, 3), S)

PRODUCTS: dict[str, Callable[[Any], Any]] = {
    "matmul": lambda x: x[:6].reshape(2, 3) @ x[6:].reshape(3, 2),
    "matmul stacks": lambda x: x[:4].reshape(2, 1, 2) @ x[4:].reshape(2, 2, 2),
    "matmul vectors": lambda x: x[:6] @ x[6:],
    "dot": lambda x: np.dot(x[:2], x[2:].reshape(5, 2, 1)),
    "inner": lambda x: np.inner(x[:4].reshape(2, 2), x[4:].reshape(2, 2, 2)),
    "tensordot": lambda x: np.tensordot(x[:6].reshape(2, 3), x[6:].reshape(3, 2), axes=((0, 1), (1, 0))),
    "tensordot none": lambda x: np.tensordot(x[:6], x[6:], axes=0),
    "outer": lambda x: np.outer(x[:6], x[6:]),
    "vecdot": lambda x: np.vecdot(x[:6].reshape(2, 3), x[6:9]),
    "cross": lambda x: np.cross(x[:6].reshape(2, 3), x[6:9]),
    "einsum": lambda x: np.einsum("ij,jk,k->i", x[:4].reshape(2, 2), x[4:8].reshape(2, 2), x[8:10]),
    "einsum repeated": lambda x: np.einsum("iji->j", x.reshape(2, 3, 2)),
    "solve": lambda x: np.linalg.solve(x[:8].reshape(2, 2, 2) + 3 * np.eye(2), x[8:].reshape(2, 2, 1)),
    "solve fixed": lambda x: np.linalg.solve(np.array([[2.0, 1.0], [1.0, 3.0]]), x.reshape(2, 6)),
    "inverse": lambda x: np.linalg.inv(x.reshape(3, 2, 2) + 3 * np.eye(2)),
    "determinant": lambda x: np.linalg.det(x.reshape(3, 2, 2)),
    "norm": lambda x: np.linalg.norm(x.reshape(3, 4), axis=1),
    "norm of matrices": lambda x: np.linalg.norm(x.reshape(3, 2, 2), axis=(1, 2), keepdims=True),
    "variance": lambda x: np.var(x.reshape(3, 4), axis=0, keepdims=True),
    "running sum": lambda x: np.cumsum(x.reshape(3, 4), axis=0),
    "running product": lambda x: np.cumprod(x),
    "differences": lambda x: np.diff(x.reshape(3, 4), n=2, axis=1),
    "counts": lambda x: np.bincount(np.arange(12) % 5, x, 7),
    "repeats": lambda x: np.repeat(x.reshape(3, 4), [2, 0, 1], axis=0),
    "tiles": lambda x: np.tile(x[:3], (2, 2)),
}


def differs(f: Callable[[Any], Any]) -> Any:
    """Return where the pattern and the nonzeros of the Jacobian at a generic point differ."""
    x = np.random.default_rng(1).uniform(0.5, 1.5, 12)
    pattern = sparse.jacobian_sparsity(f, x)
    return np.argwhere(pattern.toarray() != (np.asarray(jacobian(f)(x)).reshape(-1, 12) != 0))


@pytest.mark.parametrize("name", WITH_ZEROS)
def test_zeros_of_fixed_data_are_zeros(name: str) -> None:
    assert differs(WITH_ZEROS[name]).size == 0


@pytest.mark.parametrize("name", PRODUCTS)
def test_patterns_are_no_larger_than_the_jacobian_at_a_generic_point(name: str) -> None:
    assert differs(PRODUCTS[name]).size == 0


def test_large_products_ignore_fixed_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_contract, "_LARGEST", 2)

    pattern = sparse.jacobian_sparsity(lambda x: S @ x, np.ones(4))

    assert pattern.toarray().all()
