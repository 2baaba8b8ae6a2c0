"""What each product sums over: the letters of the axes of its operands and of its answer, as einsum would have them."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from dualgrad._table.structure import Terms

Shapes: TypeAlias = Sequence[tuple[int, ...]]


def _letters(count: int, used: str = "") -> str:
    return "".join([x for x in string.ascii_letters if x not in used][:count])


def matmul_terms(shapes: Shapes, params: dict[str, Any]) -> Terms:
    """Return the letters of matmul."""
    n, m = map(len, shapes)
    return _batched("ik" if n > 1 else "k", "kj" if m > 1 else "k", max(n - 2, 0), max(m - 2, 0))


def matvec_terms(shapes: Shapes, params: dict[str, Any]) -> Terms:
    """Return the letters of matvec."""
    n, m = map(len, shapes)
    return _batched("ik", "k", n - 2, m - 1)


def vecmat_terms(shapes: Shapes, params: dict[str, Any]) -> Terms:
    """Return the letters of vecmat."""
    n, m = map(len, shapes)
    return _batched("k", "kj", n - 1, m - 2)


def vecdot_terms(shapes: Shapes, params: dict[str, Any]) -> Terms:
    """Return the letters of vecdot."""
    n, m = map(len, shapes)
    return _batched("k", "k", n - 1, m - 1)


def _batched(left: str, right: str, n: int, m: int) -> Terms:
    """Return the letters of a product with the given cores, over stacks that are broadcast."""
    stack = _letters(max(n, m), "ikj")
    core = "".join([x for x in left + right if x != "k"])
    return [stack[len(stack) - n :] + left, stack[len(stack) - m :] + right], stack + core


def dot_terms(shapes: Shapes, params: dict[str, Any]) -> Terms:
    """Return the letters of dot."""
    n, m = map(len, shapes)
    if n == 0 or m == 0:
        own = _letters(n + m)
        return [own[:n], own[n:]], own
    left = _letters(n)
    right = _letters(m, left)
    k = max(m - 2, 0)
    right = right[:k] + left[-1] + right[k + 1 :]
    return [left, right], left[:-1] + right[:k] + right[k + 1 :]


def inner_terms(shapes: Shapes, params: dict[str, Any]) -> Terms:
    """Return the letters of inner."""
    n, m = map(len, shapes)
    if n == 0 or m == 0:
        own = _letters(n + m)
        return [own[:n], own[n:]], own
    left = _letters(n)
    right = _letters(m - 1, left) + left[-1]
    return [left, right], left[:-1] + right[:-1]


def tensordot_terms(shapes: Shapes, params: dict[str, Any]) -> Terms:
    """Return the letters of tensordot, whose `axes` are a parameter."""
    n, m = map(len, shapes)
    axes = params.get("axes", 2)
    if isinstance(axes, (int, np.integer)):
        pairs = list(zip(range(n - axes, n), range(axes), strict=True))
    else:
        lists = [[int(k) for k in ([part] if isinstance(part, (int, np.integer)) else part)] for part in axes]
        pairs = [(i % n, j % m) for i, j in zip(*lists, strict=True)]
    left = _letters(n)
    right = list(_letters(m, left))
    for i, j in pairs:
        right[j] = left[i]
    summed = {left[i] for i, _ in pairs}
    return [left, "".join(right)], "".join([x for x in [*left, *right] if x not in summed])


def outer_terms(shapes: Shapes, params: dict[str, Any]) -> Terms:
    """Return the letters of outer, of flat operands."""
    return ["i", "j"], "ij"


def vdot_terms(shapes: Shapes, params: dict[str, Any]) -> Terms:
    """Return the letters of vdot, of flat operands."""
    return ["k", "k"], ""


def subscripts_terms(shapes: Shapes, params: dict[str, Any]) -> Terms:
    """Return the letters of a product that says them itself, in `subscripts`."""
    inputs, _, output = params["subscripts"].partition("->")
    return inputs.split(","), output
