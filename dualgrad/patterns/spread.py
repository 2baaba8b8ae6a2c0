"""How each primitive spreads its operands' sets: by its word, and for some functions by a rule of their own.

An elementwise answer depends on what its operands depend on; a structural function is run on the places of its operand and
says itself where each number comes from. A function that is linear with fixed data has a matrix, whose nonzeros are read off,
for the common ones directly, else from unit vectors. Zeros of fixed data count as zeros.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._table.record import Word
from dualgrad._table.space import Function, dtype_of, shape_of
from dualgrad.patterns.call import Call, joined_along, numbers, stretched
from dualgrad.patterns.contract import CONTRACTIONS
from dualgrad.patterns.places import PLACES, rearranged
from dualgrad.patterns.probe import probe
from dualgrad.patterns.sets import IndexSets, take, unite
from dualgrad.rules.axes import reduced_axes
from dualgrad.rules.linalg.degenerate import adrift, told, unseen
from dualgrad.rules.linalg.eigen import eigenvalues, eigh_moved
from dualgrad.rules.linalg.pinv import pinv_of_hermitian
from dualgrad.rules.linalg.qr import reduced_qr
from dualgrad.rules.linalg.singular import singular_values, singular_vectors
from dualgrad.rules.linalg.systems import cofactors
from dualgrad.rules.reductions.products import recurrence
from dualgrad.rules.reductions.sorting import arranged, put_back

Rule = Callable[[Call], "IndexSets | list[IndexSets | None] | None"]


def spread(call: Call) -> list[IndexSets | None] | None:
    """Return the sets of each answer of a primitive (None: all empty), or None where no rule says them."""
    rule = RULES.get(call.record.key) or WORDS.get(call.record.word)
    found = None if rule is None else rule(call)
    return [found] if isinstance(found, IndexSets) else found


# ---- elementwise -----------------------------------------------------------------------------------


def _elementwise(call: Call) -> IndexSets:
    pulls = call.record.pulls
    moving = [x for x in call.traced() if pulls is None or (x[0] < len(pulls) and pulls[x[0]] is not None)]
    return call.unite([stretched(sets, shape, call.shape) for _, sets, shape in moving])


def _selected(call: Call, sets: IndexSets, shape: tuple[int, ...], mask: Any) -> IndexSets:
    """Return the sets of a broadcast operand, empty where a mask is False."""
    return take(sets, np.where(np.broadcast_to(mask, call.shape), np.broadcast_to(numbers(shape), call.shape), 0))


def _multiply(call: Call) -> IndexSets:
    parts = []
    for k, sets, shape in call.traced():
        other = call.values[1 - k]
        if call.loose[1 - k] or np.all(other):
            parts.append(stretched(sets, shape, call.shape))
        else:
            parts.append(_selected(call, sets, shape, np.not_equal(other, 0)))
    return call.unite(parts)


def _power(call: Call) -> IndexSets:
    sets = call.sets[0]
    if sets is None or call.loose[1]:
        return _elementwise(call)
    return _selected(call, sets, shape_of(call.values[0]), np.not_equal(call.values[1], 0))


def _where(call: Call) -> IndexSets:
    if call.loose[0]:
        return _elementwise(call)
    condition = np.asarray(call.values[0], bool)
    masks = (None, condition, ~condition)
    return call.unite([_selected(call, sets, shape, masks[k]) for k, sets, shape in call.traced() if k > 0])


def _imag(call: Call) -> IndexSets:
    return _elementwise(call) if dtype_of(call.values[0]).kind == "c" else call.nothing()


def _parts(*moving: bool) -> Rule:
    """Return the rule of an elementwise function with several answers, of which some have a derivative."""

    def rule(call: Call) -> list[IndexSets | None]:
        shape = shape_of(call.ans[0])
        one = Call(call.record, call.values, call.sets, call.loose, call.params, call.ans[0], call.width)
        found = one.unite([stretched(sets, own, shape) for _, sets, own in one.traced()])
        return [found if moves else None for moves in moving]

    return rule


# ---- along axes ------------------------------------------------------------------------------------


def _reduction(call: Call) -> IndexSets | None:
    """Reductions by `axis=` and `keepdims=`: every number depends on all that it was made of."""
    ((_, sets, shape),) = call.traced()
    axes = reduced_axes(len(shape), call.params.get("axis"))
    return joined_along(sets, shape, axes, shape_of(call.ans), kept=-1 if call.params.get("keepdims") else 0)


def _dense_along(call: Call) -> IndexSets:
    """Sorting and its kin: every number depends on all of its line, of the first operand only."""
    sets, shape = call.sets[0], shape_of(call.values[0])
    if sets is None:
        return call.nothing()
    axis = call.params.get("axis", -1)
    if axis is None:
        return joined_along(sets, shape, range(len(shape)), call.shape)
    return joined_along(sets, shape, (operator.index(axis) % max(len(shape), 1),), call.shape, kept=-1)


def _permuted(call: Call) -> IndexSets | list[IndexSets | None] | None:
    """Return the sets of what is brought into the order of another array, which may be fixed."""
    return _dense_along(call) if call.loose[1] else probe(call)


def _prefix(call: Call) -> IndexSets:
    """Scans: every number depends on its predecessors along the axis."""
    axis = call.params.get("axis")
    axis = 0 if axis is None or not call.shape else operator.index(axis) % len(call.shape)
    found = call.unite([sets for _, sets, _ in call.traced()])
    places = numbers(call.shape)
    before = (slice(None),) * axis
    step = 1
    # Doubling: after each round a set holds those of twice as many predecessors.
    while call.shape and step < call.shape[axis]:
        moved = np.zeros_like(places)
        moved[(*before, slice(step, None))] = places[(*before, slice(None, -step))]
        found = call.unite([found, take(found, moved)])
        step *= 2
    return found


def _diff(call: Call) -> IndexSets:
    ((_, sets, shape),) = call.traced()
    axis = call.params.get("axis", -1) % len(shape)
    before = (slice(None),) * axis
    places = numbers(shape)
    for _ in range(call.params.get("n", 1)):
        left, right = places[(*before, slice(None, -1))], places[(*before, slice(1, None))]
        sets = unite([take(sets, left), take(sets, right)], left.size, call.width)
        places = numbers(left.shape)
    return sets


# ---- matrices --------------------------------------------------------------------------------------


def _stacked(call: Call) -> list[IndexSets | None]:
    """Functions of one matrix, or of a stack of them: every answer depends on the whole of its own matrix."""
    ((_, sets, shape),) = call.traced()
    answers = call.ans if isinstance(call.ans, tuple) else (call.ans,)
    axes = (len(shape) - 2, len(shape) - 1)
    return [joined_along(sets, shape, axes, shape_of(a), kept=len(shape_of(a)) - len(shape) + 2) for a in answers]


def _told(call: Call) -> IndexSets:
    """Every number depends on the whole of its matrix in all operands, of as many axes."""
    parts = [
        joined_along(sets, shape, (len(shape) - 2, len(shape) - 1), call.shape, kept=2)
        for _, sets, shape in call.traced()
    ]
    return call.unite(parts)


def _slogdet(call: Call) -> list[IndexSets | None]:
    sign, logarithm = _stacked(call)
    return [sign if dtype_of(call.values[0]).kind == "c" else None, logarithm]


def _solve(call: Call) -> IndexSets:
    is_vector = len(shape_of(call.values[1])) == 1
    parts = []
    for k, sets, shape in call.traced():
        n = len(shape)
        if k == 0:
            parts.append(joined_along(sets, shape, (n - 2, n - 1), call.shape, kept=1 if is_vector else 2))
        else:
            parts.append(joined_along(sets, shape, (0 if is_vector else n - 2,), call.shape, kept=-1))
    return call.unite(parts)


# ---- the table -------------------------------------------------------------------------------------

WORDS: dict[Word, Rule] = {
    Word.ELEMENTWISE: _elementwise,
    Word.STRUCTURAL: rearranged,
    Word.LINEAR: probe,
    Word.BILINEAR: probe,
}

RULES: dict[Function, Rule] = {
    **PLACES,
    **CONTRACTIONS,
    np.multiply: _multiply,
    np.power: _power,
    np.float_power: _power,
    np.where: _where,
    np.imag: _imag,
    np.modf: _parts(True, False),
    np.frexp: _parts(True, False),
    np.divmod: _parts(False, True),
    **dict.fromkeys((np.sum, np.mean, np.prod, np.max, np.amax, np.min, np.amin, np.var, np.std), _reduction),
    np.linalg.norm: _reduction,
    **dict.fromkeys((np.sort, np.partition), _dense_along),
    **dict.fromkeys((arranged, put_back), _permuted),
    **dict.fromkeys((np.cumsum, np.cumprod, recurrence), _prefix),
    np.diff: _diff,
    **dict.fromkeys((np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.eigh, np.linalg.pinv), _stacked),
    **dict.fromkeys(
        (
            np.linalg.eig,
            np.linalg.eigvals,
            eigenvalues,
            eigh_moved,
            singular_values,
            singular_vectors,
            reduced_qr,
            cofactors,
            pinv_of_hermitian,
        ),
        _stacked,
    ),
    np.linalg.slogdet: _slogdet,
    **dict.fromkeys((adrift, unseen), _elementwise),
    told: _told,
    np.linalg.solve: _solve,
}
