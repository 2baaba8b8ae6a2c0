"""Equal eigenvalues and singular values: which are equal, and which basis of their space the vectors are.

Where values are equal, the vectors are any basis of their space, and a derivative has to choose one. A function of
values and vectors that does not depend on the choice, such as v f(w) v^H, moves there as its matrix does, by G; values
and vectors tell of G only the diagonal, in the basis at hand. Two choices make that enough:

* Forward mode takes the basis in which the tangent is diagonal within the space (degenerate perturbation theory):
  values and vectors then move smoothly along the tangent, and what the vectors do within their space does not count.
* Reverse mode takes a basis in no special position. Only if G is a multiple of the unit matrix is its diagonal constant
  there, and then it is known; where the diagonal says that G is something else, the derivative is NaN.

Where neither choice is possible, since the matrix or the tangent is differentiated itself, the derivative is NaN as
well. (There the vectors are marked as adrift: a pullback does not run where its cotangent is 0, and could not say so.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dualgrad._core.functions import overridable
from dualgrad._core.level import anywhere, is_differentiated
from dualgrad._core.space import Value, dtype_of, shape_of
from dualgrad.rules.define import handwritten
from dualgrad.rules.samples import A, case, cases


def groups(w: Value, size: int = 0) -> Value:
    """Return a number for each value, in order of size: the same for values that are equal to rounding.

    LAPACK rarely returns equal values as equal. `size` is the larger side of the matrix, where it is not their number.
    """
    n = shape_of(w)[-1]
    if n == 0:
        return np.zeros(shape_of(w), int)
    # NaN is apart from everything.
    apart = ~(np.abs(w[..., 1:] - w[..., :-1]) <= tolerance(w, size))
    first = np.zeros((*shape_of(w)[:-1], 1), int)
    return np.concatenate([first, np.cumsum(apart, axis=-1)], axis=-1)


def tolerance(w: Value, size: int = 0) -> Value:
    """Return how far apart LAPACK may put two equal values, given in order of size."""
    return max(size, shape_of(w)[-1]) * np.finfo(dtype_of(w)).eps * largest(w)[..., 0]


def largest(w: Value) -> Value:
    """Return the largest size among values given in order, with two axes of length 1 in place of theirs."""
    return np.maximum(np.abs(w[..., :1]), np.abs(w[..., -1:]))[..., None]


def pairs_within(group: Value) -> Value:
    """Tell which different places hold equal values."""
    return (group[..., None, :] == group[..., :, None]) & ~np.eye(group.shape[-1], dtype=bool)


def shared_groups(group: Value) -> Iterator[tuple[Any, slice]]:
    """Yield where groups of more than one value stand: the index of the matrix in the stack, and their places."""
    repeated = np.any(group[..., 1:] == group[..., :-1], axis=-1)
    for index in np.argwhere(repeated):
        of_matrix = group[tuple(index)]
        starts = np.flatnonzero(np.diff(of_matrix, prepend=-1))
        for start, stop in zip(starts, [*starts[1:], len(of_matrix)], strict=True):
            if stop - start > 1:
                yield tuple(index), slice(int(start), int(stop))


def shared_evenly(ct: Value, group: Value) -> Value:
    """Return the cotangents of values, where those of equal values share theirs; traced ones go their own way."""
    if is_differentiated(ct) or not anywhere(pairs_within(group)):
        return ct
    together = group[..., None, :] == group[..., :, None]
    return np.matmul(together, ct[..., None])[..., 0] / np.sum(together, axis=-1)


def no_special_basis(n: int, dtype: np.dtype[Any], start: float = 2.0) -> Value:
    """Return a unitary matrix whose numbers satisfy no simple relation: a reflection, with a phase if complex."""
    x = np.sqrt(np.arange(n) + start) + (1j * np.cos(np.arange(n) + start) if dtype.kind == "c" else 0)
    reflection = np.eye(n) - 2 * np.outer(x, np.conj(x)) / np.vdot(x, x).real
    return (reflection * np.exp(1j * start) if dtype.kind == "c" else reflection).astype(dtype)


# ---- unseen ----------------------------------------------------------------------------------------

# As a function of the cotangents or tangents it is given, a part of a derivative that the rules cannot see is NaN times
# what comes in, and 0 if nothing does. So it is linear, and its own derivatives say the same of theirs.


@overridable
def unseen(part: Value, whole: Value, where: Value) -> Value:
    """Return NaN at the places in `where` that hold more than rounding errors beside the largest of `whole`, else 0."""
    scale = np.max(np.abs(whole), axis=(-2, -1), keepdims=True, initial=0)
    rounding = 100 * max(shape_of(whole)[-2:]) * np.finfo(dtype_of(whole)).eps
    kind = np.result_type(dtype_of(part)).type
    return np.where(where & (np.abs(part) > rounding * scale), kind(np.nan), kind(0))


def _unseen_jvp(tangents: tuple[Value, ...], ans: Value, /, part: Value, whole: Value, where: Value) -> Value:
    t_part, t_whole, _ = tangents
    if t_part is None:
        return None
    return unseen(t_part, t_part if t_whole is None else t_whole, where)


def _unseen_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, part: Value, whole: Value, where: Value
) -> tuple[Value, ...]:
    return unseen(ct, ct, where), None, None


handwritten(
    unseen,
    _unseen_jvp,
    _unseen_vjp,
    keep=("where",),
    samples=cases(case(A(2, 2), A(2, 2), np.zeros((2, 2), bool))),
)

# ---- adrift ----------------------------------------------------------------------------------------


@overridable
def adrift(v: Value) -> Value:
    """Return vectors whose own derivatives are unknown: NaN, even where everything that arrives is 0."""
    return v


def _adrift_jvp(tangents: tuple[Value, ...], ans: Value, /, v: Value) -> Value:
    return tangents[0] * np.nan


def _adrift_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, v: Value) -> tuple[Value, ...]:
    return (ct * np.nan,)


handwritten(adrift, _adrift_jvp, _adrift_vjp, keep=(), samples=cases())
