"""Solving, inverses, determinants and products of many matrices.

Norms are in norms.py, eigenvalues and singular values in eigen.py. Sources: M. B. Giles, "Collected matrix derivative
results for forward and reverse mode AD" (2008); Magnus & Neudecker, "Matrix Differential Calculus". Their cotangents are
the conjugates of ours where matrices are complex: ours pair with tangents without conjugation.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facets import BATCH, PATTERN
from dualgrad._table.facts import AS_BODY
from dualgrad._table.functions import overridable
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._table.structure import OfMatrices
from dualgrad._trace.level import anywhere, is_differentiated
from dualgrad.rules.linalg import _batched
from dualgrad.rules.linalg._patterns import slogdet_pattern, solve_pattern
from dualgrad.rules.matrices import adjoint, conj, transposed
from dualgrad.rules.samples import A, SymmetricA, case, cases
from dualgrad.rules.words import composite, handwritten

# ---- solve -----------------------------------------------------------------------------------------

# a x = b moves as  a dx = db - da x.  The operand b is a vector only if it has one axis (NumPy 2), so everything below
# solves for columns.


def _solve_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value, b: Value) -> Value:
    ta, tb = tangents
    is_vector = len(shape_of(b)) == 1
    right: Value = None if tb is None else tb[:, None] if is_vector else tb
    if ta is not None:
        moved = np.matmul(ta, ans[..., None] if is_vector else ans)
        right = -moved if right is None else right - moved
    found = np.linalg.solve(a, right)
    return found[..., 0] if is_vector else found


def _solve_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value, b: Value) -> tuple[Value, ...]:
    is_vector = len(shape_of(b)) == 1
    columns = np.linalg.solve(transposed(a), ct[..., None] if is_vector else ct)
    x = ans[..., None] if is_vector else ans
    ga = -np.matmul(columns, transposed(x)) if wanted[0] else None
    if not wanted[1]:
        return ga, None
    return ga, columns[..., 0] if is_vector else columns


handwritten(
    np.linalg.solve,
    _solve_jvp,
    _solve_vjp,
    keep=("ans", "a"),
    says=(BATCH(_batched.solve), PATTERN(solve_pattern)),
    samples=cases(
        case(SymmetricA(3, 3), A(3)),
        case(SymmetricA(2, 2), A(2, 4)),
        case(SymmetricA(2, 3, 3), A(3)),
        case(SymmetricA(2, 3, 3), A(2, 3, 2)),
        case(SymmetricA(3, 3), A(2, 3, 1)),
        case(SymmetricA(2, 1, 3, 3), A(3, 3, 2)),
        case(SymmetricA(2, 2, is_complex=True), A(2)),
        case(SymmetricA(2, 2), A(2, 2, is_complex=True)),
        case(np.eye(3) + np.arange(9.0).reshape(3, 3) % 2, A(3)),
        case(A(0, 0), A(0)),
        case(SymmetricA(2, 2), A(2, 0)),
    ),
)

# ---- inv -------------------------------------------------------------------------------------------


def _inv_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value) -> Value:
    return -np.matmul(np.matmul(ans, tangents[0]), ans)


def _inv_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    turned = transposed(ans)
    return (-np.matmul(np.matmul(turned, ct), turned),)


handwritten(
    np.linalg.inv,
    _inv_jvp,
    _inv_vjp,
    keep=("ans",),
    structure=OfMatrices(),
    samples=cases(
        case(SymmetricA(3, 3)),
        case(SymmetricA(2, 2, 2)),
        case(SymmetricA(2, 2, is_complex=True)),
        case(A(1, 1, low=0.5)),
        case(A(0, 0)),
    ),
)

# ---- det -------------------------------------------------------------------------------------------

# The derivative of the determinant is the matrix of cofactors, which is finite and smooth at singular matrices too, where
# det(a) inv(a)^T is not. Cofactors are multiplicative, cof(XY) = cof(X) cof(Y), and cof(U) = det(U) conj(U) for
# unitary U; so with a = U S W the cofactors are det(U) det(W) conj(U) cof(S) conj(W), and cof(S) is the diagonal of the
# products of all singular values but one. In the same frame, with X = U^H t W^H, the cofactors of a move by those of S,
# where P_ij is the product of all singular values but the i-th and j-th, and P_ii = 0:
#     D cof(S)[X] = diag(P diag(X)) - P * X^T.
# It is the second derivative of det, a symmetric form: its own transpose.


def _before(s: Value) -> Value:
    """Return, for each number of a row, the product of those before it: without divisions, so zeros do no harm."""
    return np.multiply.accumulate(np.concatenate([np.ones_like(s[..., :1]), s[..., :-1]], axis=-1), axis=-1)


def _after(s: Value) -> Value:
    """Return, for each number of a row, the product of those after it."""
    return _before(s[..., ::-1])[..., ::-1]


def _svd(a: Value) -> tuple[Value, Value, Value]:
    """Return the singular value decomposition, with NaN for the values where a matrix is not finite: LAPACK refuses it."""
    finite = np.all(np.isfinite(a), axis=(-2, -1), keepdims=True)
    if not anywhere(~finite):
        return np.linalg.svd(a)
    u, s, w = np.linalg.svd(np.where(finite, a, 0))
    return u, np.where(finite[..., 0], s, np.nan), w


@overridable
def cofactors(a: Value) -> Value:
    """Return the cofactor matrix, det(a) inv(a)^T where that exists."""
    u, s, w = _svd(a)
    scale = (np.linalg.det(u) * np.linalg.det(w))[..., None]
    others = _before(s) * _after(s)
    return np.matmul(conj(u) * (scale * others)[..., None, :], conj(w))


@overridable
def moved_cofactors(a: Value, t: Value) -> Value:
    """Return the derivative of the cofactors of `a` along `t`; a function of its own only because others override it."""
    return _moved_cofactors(a, t)


def _moved_cofactors(a: Value, t: Value) -> Value:
    if is_differentiated(a):
        # Third derivatives: a regular matrix is asked for, and inv says so.
        b = transposed(np.linalg.inv(a))
        along = np.add.reduce(b * t, axis=(-2, -1))
        turned = np.matmul(np.matmul(b, transposed(t)), b)
        return np.linalg.det(a)[..., None, None] * (along[..., None, None] * b - turned)
    u, s, w = _svd(a)
    n = s.shape[-1]
    unit = np.eye(n, dtype=bool)
    # Row i of `between` holds the products of the singular values after the i-th and before the j-th.
    between = _before(np.where(np.tri(n, dtype=bool), 1, s[..., None, :]))
    pairs = np.triu(_before(s)[..., :, None] * between * _after(s)[..., None, :], 1)
    pairs = pairs + transposed(pairs)
    pairs = pairs * (np.linalg.det(u) * np.linalg.det(w))[..., None, None]
    x = np.matmul(np.matmul(adjoint(u), t), adjoint(w))
    diagonal = np.add.reduce(pairs * np.add.reduce(x * unit, axis=-1)[..., None, :], axis=-1)
    return np.matmul(np.matmul(conj(u), diagonal[..., None] * unit - pairs * transposed(x)), conj(w))


def _cofactors_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value) -> Value:
    return moved_cofactors(a, tangents[0])


def _cofactors_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    return (moved_cofactors(a, ct),)


handwritten(
    cofactors,
    _cofactors_jvp,
    _cofactors_vjp,
    keep=("a",),
    structure=OfMatrices(),
    samples=cases(case(A(3, 3)), case(A(2, 2, 2)), case(A(3, 3, is_complex=True)), case(A(1, 1))),
)
composite(
    moved_cofactors,
    _moved_cofactors,
    samples=cases(case(SymmetricA(3, 3), A(3, 3)), case(SymmetricA(2, 2, is_complex=True), A(2, 2, is_complex=True))),
)


def _det_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value) -> Value:
    return np.add.reduce(cofactors(a) * tangents[0], axis=(-2, -1))


def _det_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    return (cofactors(a) * (ct[..., None, None] if shape_of(ct) else ct),)


handwritten(
    np.linalg.det,
    _det_jvp,
    _det_vjp,
    keep=("a",),
    structure=OfMatrices(),
    samples=cases(
        case(A(3, 3)), case(A(2, 2, 2)), case(A(2, 2, is_complex=True)), case(A(1, 1)), case(A(4, 4)), case(A(0, 0))
    ),
)

# ---- slogdet ---------------------------------------------------------------------------------------

# With z = tr(inv(a) da), which is d log det: the logarithm of the absolute value moves by Re z, the sign by sign i Im z.
# At a singular matrix the logarithm is -inf, and moves as log does at 0: by the cofactors / 0.


def _cofactors_over_det(a: Value, singular: Value) -> Value:
    if not anywhere(singular):
        return transposed(np.linalg.inv(a))
    singular = singular[..., None, None]
    regular = np.where(singular, np.eye(shape_of(a)[-1], dtype=dtype_of(a)), a)
    return np.where(singular, cofactors(a) / 0.0, transposed(np.linalg.inv(regular)))


def _slogdet_jvp(tangents: tuple[Value, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    (t,) = tangents
    singular = ans[0] == 0
    with np.errstate(all="ignore"):
        z: Value = np.add.reduce(_cofactors_over_det(a, singular) * t, axis=(-2, -1))
        if anywhere(singular):
            moves = np.any(t != 0, axis=(-2, -1))
            z = np.where(singular, np.where(moves, np.add.reduce(cofactors(a) * t, axis=(-2, -1)) / 0.0, 0), z)[()]
    if dtype_of(a).kind != "c":
        return None, z
    return ans[0] * (1j * np.imag(z)), np.real(z)


def _slogdet_vjp(ct: Value, wanted: tuple[bool, ...], ans: Value, /, a: Value) -> tuple[Value, ...]:
    of_sign, total = ct
    if of_sign is not None and dtype_of(a).kind == "c":
        turn = -1j * np.real(1j * of_sign * ans[0])
        total = turn if total is None else total + turn
    if total is None:
        return (None,)
    return (_cofactors_over_det(a, ans[0] == 0) * (total[..., None, None] if shape_of(total) else total),)


handwritten(
    np.linalg.slogdet,
    _slogdet_jvp,
    _slogdet_vjp,
    keep=("ans", "a"),
    outputs=2,
    structure=OfMatrices(),
    says=(PATTERN(slogdet_pattern),),
    samples=cases(
        case(SymmetricA(3, 3)), case(SymmetricA(2, 2, 2)), case(SymmetricA(2, 2, is_complex=True)), case(A(0, 0))
    ),
)

# ---- matrix_power, multi_dot -----------------------------------------------------------------------


def _matrix_power(a: Value, n: Any) -> Value:
    a = as_operand(a)
    shape = shape_of(a)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    n = operator.index(n)
    if n == 0:
        return np.copy(np.broadcast_to(np.eye(shape[-1], dtype=dtype_of(a)), shape))
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 1:
        return a
    if n == 3:
        return np.matmul(np.matmul(a, a), a)
    power, found = a, None
    while True:
        n, odd = divmod(n, 2)
        if odd:
            found = power if found is None else np.matmul(found, power)
        if n == 0:
            return found
        power = np.matmul(power, power)


composite(
    np.linalg.matrix_power,
    _matrix_power,
    samples=cases(
        *[case(A(3, 3), n) for n in (0, 1, 2, 3, 5, 6)],
        case(SymmetricA(2, 2), -2),
        case(SymmetricA(2, 2), -1),
        case(A(2, 2, 2, is_complex=True), 3),
    ),
    facts=AS_BODY,
)


def _multi_dot(arrays: Sequence[Value], *, out: None = None) -> Value:
    operands = [as_operand(x) for x in arrays]
    if len(operands) < 2:
        raise ValueError("Expecting at least two arrays.")
    is_row, is_column = len(shape_of(operands[0])) == 1, len(shape_of(operands[-1])) == 1
    if is_row:
        operands[0] = operands[0][None, :]
    if is_column:
        operands[-1] = operands[-1][:, None]
    if any(len(shape_of(x)) != 2 for x in operands):
        raise np.linalg.LinAlgError("multi_dot takes matrices; only the first and the last may be vectors.")
    found = _chain(operands, _best_splits([shape_of(x) for x in operands]), 0, len(operands) - 1)
    if is_row:
        found = found[0]
    return found[..., 0] if is_column else found


def _best_splits(shapes: Sequence[tuple[int, ...]]) -> dict[tuple[int, int], int]:
    """Return where to split each part of a chain of matrices for the fewest multiplications."""
    sizes = [shapes[0][0], *[shape[1] for shape in shapes]]
    cost: dict[tuple[int, int], int] = {(i, i): 0 for i in range(len(shapes))}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, len(shapes)):
        for i in range(len(shapes) - length):
            j = i + length
            prices = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            split[i, j] = min(prices, key=prices.__getitem__)
            cost[i, j] = prices[split[i, j]]
    return split


def _chain(operands: Sequence[Value], split: dict[tuple[int, int], int], i: int, j: int) -> Value:
    if i == j:
        return operands[i]
    k = split[i, j]
    return np.matmul(_chain(operands, split, i, k), _chain(operands, split, k + 1, j))


composite(
    np.linalg.multi_dot,
    _multi_dot,
    samples=cases(
        case([A(2, 3), A(3, 4), A(4, 2), A(2, 5)]),
        case([A(3), A(3, 4), A(4)]),
        case([A(3), A(3)]),
        case([A(2, 3, is_complex=True), A(3)]),
    ),
)
