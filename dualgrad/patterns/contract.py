"""Products of arrays as sums over named indices: matmul, dot, inner, tensordot, outer, einsum and their kin.

A number of the answer depends on the numbers of an operand that it is summed over, except where the other operands are
fixed data and zero.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from dualgrad._table import versions
from dualgrad._table.space import Function, shape_of
from dualgrad.patterns.call import Call, numbers
from dualgrad.patterns.sets import IndexSets, Ints, collect, take
from dualgrad.rules.contractions.einsum import contract
from dualgrad.rules.contractions.vectors import cross_vectors

Terms = tuple[list[str], str]

# Above so many products, the zeros of fixed data are not looked at: the pattern is then larger than it need be.
_LARGEST = 20_000_000


def _rule(terms_of: Callable[[Call], Terms], flat: bool = False) -> Callable[[Call], IndexSets]:
    def rule(call: Call) -> IndexSets:
        shapes = [shape_of(x) for x in call.values]
        if flat:
            shapes = [(math.prod(shape),) for shape in shapes]
        terms, output = terms_of(call)
        sizes: dict[str, int] = {}
        for term, shape in zip(terms, shapes, strict=True):
            for letter, n in zip(term, shape, strict=True):
                sizes[letter] = max(n, sizes.get(letter, 1)) if n else 0
        if call.count == 0:
            return call.nothing()
        return call.unite([_operand(call, k, sets, terms, shapes[k], output, sizes) for k, sets, _ in call.traced()])

    return rule


def _operand(
    call: Call,
    k: int,
    sets: IndexSets,
    terms: list[str],
    shape: tuple[int, ...],
    output: str,
    sizes: dict[str, int],
) -> IndexSets:
    own = terms[k]
    mask, mask_letters = _nonzero(call, k, terms, output + own, sizes)
    if mask is None:
        return _joined(sets, own, shape, output, sizes)
    others = [x for x in dict.fromkeys(output + own) if x not in mask_letters]
    rest = math.prod([sizes[x] for x in others])
    count = int(np.count_nonzero(mask))
    if count * rest > _LARGEST:
        return _joined(sets, own, shape, output, sizes)
    grids = {x: g[:, None] for x, g in zip(mask_letters, np.nonzero(mask), strict=True)}
    grids.update({x: g.reshape(1, -1) for x, g in _full_grids(others, sizes).items()})
    ins = _places(own, shape, grids, [count, rest])
    outs = _places(output, tuple(sizes[x] for x in output), grids, [count, rest])
    return collect(take(sets, ins + 1), outs, call.count)


def _joined(sets: IndexSets, own: str, shape: tuple[int, ...], output: str, sizes: dict[str, int]) -> IndexSets:
    """Return sets joined over what is summed away, then broadcast over the indices that the operand does not have."""
    letters = list(dict.fromkeys(own))
    kept = "".join([x for x in letters if x in output])
    lengths = tuple([sizes[x] for x in kept])
    full = [sizes[x] for x in letters]
    grids = _open_grids(letters, sizes)
    joined = collect(
        take(sets, _places(own, shape, grids, full) + 1), _places(kept, lengths, grids, full), math.prod(lengths)
    )
    grids = _open_grids(output, sizes)
    return take(joined, _places(kept, lengths, grids, [sizes[x] for x in output]) + 1)


def _nonzero(call: Call, k: int, terms: list[str], wanted: str, sizes: dict[str, int]) -> tuple[Any, str]:
    """Return where the product of the other operands may be nonzero, summed over what is not wanted; None: everywhere."""
    fixed = [j for j in range(len(terms)) if j != k and not call.loose[j]]
    fixed = [j for j in fixed if not np.all(call.values[j])]
    if not fixed:
        return None, ""
    letters = "".join(dict.fromkeys(x for j in fixed for x in terms[j] if x in wanted))
    masks = [np.reshape(np.not_equal(call.values[j], 0), _lengths(call, j, terms)).astype(float) for j in fixed]
    found = np.einsum(f"{','.join(terms[j] for j in fixed)}->{letters}", *masks)
    # An axis of length 1 may have been broadcast.
    return np.broadcast_to(found > 0, tuple([sizes[x] for x in letters])), letters


def _lengths(call: Call, j: int, terms: list[str]) -> tuple[int, ...]:
    shape = shape_of(call.values[j])
    return shape if len(shape) == len(terms[j]) else (math.prod(shape),)


def _open_grids(letters: Sequence[str], sizes: dict[str, int]) -> dict[str, Ints]:
    return {x: np.arange(sizes[x]).reshape([-1 if y == x else 1 for y in letters]) for x in letters}


def _full_grids(letters: Sequence[str], sizes: dict[str, int]) -> dict[str, Ints]:
    shape = tuple(sizes[x] for x in letters)
    return {x: np.broadcast_to(grid, shape).ravel() for x, grid in _open_grids(letters, sizes).items()}


def _places(term: str, shape: tuple[int, ...], grids: dict[str, Ints], full: Sequence[int]) -> Ints:
    """Return the places, in C order and counted from 0, of the numbers of an operand at all points of a grid."""
    found: Any = np.zeros((), np.intp)
    for letter, n in zip(term, shape, strict=True):
        found = found * n + (grids[letter] if n != 1 else 0)
    return np.broadcast_to(found, tuple(full))


# ---- what each function sums over ------------------------------------------------------------------


def _letters(count: int, used: str = "") -> str:
    return "".join([x for x in string.ascii_letters if x not in used][:count])


def _ndims(call: Call) -> Iterator[int]:
    return iter([len(shape_of(x)) for x in call.values])


def _matmul(call: Call) -> Terms:
    n, m = _ndims(call)
    return _batched("ik" if n > 1 else "k", "kj" if m > 1 else "k", max(n - 2, 0), max(m - 2, 0))


def _matvec(call: Call) -> Terms:
    n, m = _ndims(call)
    return _batched("ik", "k", n - 2, m - 1)


def _vecmat(call: Call) -> Terms:
    n, m = _ndims(call)
    return _batched("k", "kj", n - 1, m - 2)


def _vecdot(call: Call) -> Terms:
    n, m = _ndims(call)
    return _batched("k", "k", n - 1, m - 1)


def _batched(left: str, right: str, n: int, m: int) -> Terms:
    """Return the letters of a product with the given cores, over stacks that are broadcast."""
    stack = _letters(max(n, m), "ikj")
    core = "".join([x for x in left + right if x != "k"])
    return [stack[len(stack) - n :] + left, stack[len(stack) - m :] + right], stack + core


def _dot(call: Call) -> Terms:
    n, m = _ndims(call)
    if n == 0 or m == 0:
        own = _letters(n + m)
        return [own[:n], own[n:]], own
    left = _letters(n)
    right = _letters(m, left)
    k = max(m - 2, 0)
    right = right[:k] + left[-1] + right[k + 1 :]
    return [left, right], left[:-1] + right[:k] + right[k + 1 :]


def _inner(call: Call) -> Terms:
    n, m = _ndims(call)
    if n == 0 or m == 0:
        own = _letters(n + m)
        return [own[:n], own[n:]], own
    left = _letters(n)
    right = _letters(m - 1, left) + left[-1]
    return [left, right], left[:-1] + right[:-1]


def _tensordot(call: Call) -> Terms:
    n, m = _ndims(call)
    axes = call.params.get("axes", 2)
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


def _outer(call: Call) -> Terms:
    return ["i", "j"], "ij"


def _vdot(call: Call) -> Terms:
    return ["k", "k"], ""


def _subscripts(call: Call) -> Terms:
    inputs, _, output = call.params["subscripts"].partition("->")
    return inputs.split(","), output


def _cross(call: Call) -> IndexSets:
    parts = []
    for _, sets, shape in call.traced():
        for shift in (1, 2):
            turned = np.broadcast_to(np.roll(numbers(shape), shift, -1), call.shape)
            parts.append(take(sets, turned))
    return call.unite(parts)


CONTRACTIONS: dict[Function, Callable[[Call], IndexSets]] = {
    np.matmul: _rule(_matmul),
    np.dot: _rule(_dot),
    np.inner: _rule(_inner),
    np.tensordot: _rule(_tensordot),
    np.outer: _rule(_outer, flat=True),
    np.vdot: _rule(_vdot, flat=True),
    np.vecdot: _rule(_vecdot),
    contract: _rule(_subscripts),
    cross_vectors: _cross,
}
if versions.matvec is not None:
    CONTRACTIONS[np.matvec] = _rule(_matvec)
    CONTRACTIONS[np.vecmat] = _rule(_vecmat)
