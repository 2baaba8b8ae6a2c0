"""Equal eigenvalues and singular values: which are equal, and which basis of their space the vectors are.

Where values are equal, the vectors are any basis of their space, and a derivative has to choose one. A function of
values and vectors that does not depend on the choice, such as v f(w) v^H, moves there as its matrix does, by G; values
and vectors tell of G only the diagonal, in the basis at hand. Two choices make that enough:

* Forward mode takes the basis in which the tangent is diagonal within the space (degenerate perturbation theory):
  values and vectors then move smoothly along the tangent, and what the vectors do within their space does not count.
* Reverse mode takes a basis in no special position. The cotangents of the values are the diagonal of G. Those of the
  vectors, n = v^H vbar, hold more: if the values came in by one function f, v f(w) v^H with any cotangent, then n = 2 f P
  and G = f' P with the same Hermitian P. So G = c n with a c that the diagonals of n and G tell, and a function of the values
  alone adds a multiple of the unit matrix. Whether there was one f is seen by the diagonals fitting each other (see `cotangent_within`).
  If G is a multiple of the unit matrix its diagonal is constant. Where neither is so, the derivative is NaN.

Where neither choice is possible, since the matrix or the tangent is differentiated itself, the derivative is NaN as
well. (There the vectors are marked, `with_nan_derivatives`: a pullback does not run where its cotangent is 0, and could not say so.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dualgrad._table.functions import overridable
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._table.structure import Numberwise, OfMatrices
from dualgrad._trace.level import anywhere, is_differentiated
from dualgrad.rules.matrices import hermitian_part
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import handwritten


def groups(w: Value, size: int = 0) -> Value:
    """Return a number for each value, in order of size: the same for values that are equal to rounding.

    LAPACK rarely returns equal values as equal. `size` is the larger side of the matrix, where it is not their number.
    """
    n = shape_of(w)[-1]
    if n == 0:
        return np.zeros(shape_of(w), int)
    # NaN is apart from everything. The matrix was rounded too, before LAPACK had it.
    apart = ~(np.abs(w[..., 1:] - w[..., :-1]) <= 10 * tolerance(w, size))
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


def level_out(w: Value, places: Any) -> None:
    """Replace values that are equal to rounding by their mean, in place: so a function of them has one value there."""
    w[places] = w[places][0] + np.mean(w[places] - w[places][0])


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


# ---- nan_where_lost --------------------------------------------------------------------------------

# As a function of the cotangents or tangents it is given, a part of a derivative that the rules cannot see is NaN times
# what comes in, and 0 if nothing does. So it is linear, and its own derivatives say the same of theirs.


@overridable
def nan_where_lost(part: Value, whole: Value, where: Value) -> Value:
    """Return NaN at the places in `where` that hold more than rounding errors beside the largest of `whole`, else 0."""
    scale = np.max(np.abs(whole), axis=(-2, -1), keepdims=True, initial=0)
    rounding = 100 * max(shape_of(whole)[-2:]) * np.finfo(dtype_of(whole)).eps
    kind = np.result_type(dtype_of(part)).type
    return np.where(where & (np.abs(part) > rounding * scale), kind(np.nan), kind(0))


def _nan_where_lost_jvp(tangents: tuple[Value, ...], ans: Value, /, part: Value, whole: Value, where: Value) -> Value:
    t_part, t_whole, _ = tangents
    if t_part is None:
        return None
    return nan_where_lost(t_part, t_part if t_whole is None else t_whole, where)


def _nan_where_lost_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, part: Value, whole: Value, where: Value
) -> tuple[Value, ...]:
    return nan_where_lost(ct, ct, where), None, None


handwritten(
    nan_where_lost,
    _nan_where_lost_jvp,
    _nan_where_lost_vjp,
    keep=("where",),
    structure=Numberwise(),
    samples=cases(case(A(2, 2), A(2, 2), np.zeros((2, 2), bool))),
)


def uneven(values: Value, same: Value) -> Value:
    """Return NaN between equal values whose cotangents, on a diagonal, are not equal, else 0."""
    x = np.diagonal(values, axis1=-2, axis2=-1)
    return nan_where_lost(x[..., None, :] - x[..., :, None], values, same)


# ---- cotangent_within ------------------------------------------------------------------------------

# Each of k equal values gives one number of n and one of G. In no special position, two Hermitian matrices that are
# independent, traces aside, have diagonals that are independent, traces aside, but for k = 2, where only one number is left
# of each. So k > 2 numbers fit G = c n + d only where it is true. Two fit G = c n, if that is asked of the traces too: of
# matrices without trace they would always fit. (Two functions, such as f(a)[0, 1] + g(a)[0, 0] - g(a)[1, 1] at the unit
# matrix, then look like one.)


@overridable
def cotangent_within(turns: Value, values: Value, same: Value) -> Value:
    """Return the cotangent of the matrix between equal values in their vectors' basis, NaN where it is not known, else 0.

    `turns` are the cotangents of the vectors in their own basis, `values` those of the values on a diagonal.
    """
    hermitian = hermitian_part(turns)
    together = same | np.eye(same.shape[-1], dtype=bool)
    count = np.sum(together, axis=-1)

    def mean(y: Value) -> Value:
        return np.matmul(together, y[..., None])[..., 0] / count

    # In units of its own group's largest, for squares of it.
    height = np.max(np.where(together, np.max(np.abs(turns * together), axis=-1, initial=0)[..., None, :], 0), axis=-1)
    height = np.where(height == 0, 1, height)
    x = np.diagonal(values, axis1=-2, axis2=-1)
    s = np.real(np.diagonal(hermitian, axis1=-2, axis2=-1)) / height
    beyond = np.where(same, np.abs(hermitian), 0) / height[..., None]
    skew = np.max(np.where(same, np.abs(turns - hermitian), 0), axis=-1) / height
    free = count > 2
    s_mean = mean(s)
    s_left, x_left = s - np.where(free, s_mean, 0), x - np.where(free, mean(x), 0)
    power = mean(s_left**2)
    ratio = mean(x_left * s_left) / np.where(power == 0, 1, power)
    # What is small leaves few digits in the ratio. What is diagonal in this basis was made of single vectors.
    eps = np.finfo(values.dtype).eps
    clear = (mean((s - s_mean) ** 2) > eps**0.5) & (mean(np.sum(beyond**2, axis=-1)) > eps**0.5)
    clear &= free | (np.abs(s_mean) > eps**0.25)
    # Where turns are small beside the values, what is not Hermitian has passed for rounding so far.
    error = mean(np.abs(x_left - ratio * s_left) + np.abs(ratio) * skew)
    scale = np.maximum(np.max(np.abs(x), axis=-1, keepdims=True), np.abs(ratio))
    fits = clear & (error <= 100 * same.shape[-1] * eps * scale)
    found = np.where(fits[..., None], hermitian / height[..., None] * ratio[..., None], uneven(values, same))
    return np.where(same, found, 0).astype(turns.dtype)


def _cotangent_within_jvp(
    tangents: tuple[Value, ...], ans: Value, /, turns: Value, values: Value, same: Value
) -> Value:
    t_turns, t_values, _ = tangents
    if t_turns is None and t_values is None:
        return None
    t_turns = turns * 0 if t_turns is None else t_turns
    return cotangent_within(t_turns, values * 0 if t_values is None else t_values, same)


def _cotangent_within_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, turns: Value, values: Value, same: Value
) -> tuple[Value, ...]:
    lost = nan_where_lost(ct, ct, same)
    return lost, np.real(lost), None


handwritten(
    cotangent_within,
    _cotangent_within_jvp,
    _cotangent_within_vjp,
    keep=("same",),
    structure=OfMatrices(many=True),
    samples=cases(case(A(2, 2), np.eye(2), np.zeros((2, 2), bool))),
)

# ---- with_nan_derivatives --------------------------------------------------------------------------


@overridable
def with_nan_derivatives(v: Value) -> Value:
    """Return vectors whose own derivatives are unknown: NaN, even where everything that arrives is 0."""
    return v


def _with_nan_derivatives_jvp(tangents: tuple[Value, ...], ans: Value, /, v: Value) -> Value:
    return tangents[0] * np.nan


def _with_nan_derivatives_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, v: Value) -> tuple[Value, ...]:
    return (ct * np.nan,)


handwritten(
    with_nan_derivatives,
    _with_nan_derivatives_jvp,
    _with_nan_derivatives_vjp,
    keep=(),
    structure=Numberwise(),
    samples=cases(),
)
