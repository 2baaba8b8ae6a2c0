"""How functions without a derivative run on a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from dualgrad._table.functions import as_constant, constant_astype
from dualgrad._table.space import Function, Value, shape_of
from dualgrad._trace.batch import BATCHED_BODIES, BATCHED_CONSTANTS, NUMBERWISE, OUTLINED, flat
from dualgrad._trace.level import Tracer
from dualgrad.errors import ConversionError
from dualgrad.rules.batched.axes import moved
from dualgrad.rules.linalg.eig import eig_in_direction, is_defective
from dualgrad.rules.linalg.eigen import eigh_in_direction, fixed_eigenvalues
from dualgrad.rules.linalg.qr import complete_q
from dualgrad.rules.linalg.singular import fixed_singular_values, singular_vectors_in_direction
from dualgrad.rules.reductions.sums import tied_with
from dualgrad.rules.reductions.variance import within_rounding, without_spread

OUTLINED.update((np.zeros_like, np.ones_like, np.empty_like))
NUMBERWISE.update(
    (
        # What is constant to a batch is constant to what differentiates the batch, too: the call goes on to the levels below.
        as_constant,
        constant_astype,
        np.around,
        np.fix,
        np.iscomplex,
        np.isclose,
        np.isneginf,
        np.isposinf,
        np.isreal,
        np.round,
    )
)

# ---- along axes ------------------------------------------------------------------------------------


def _reduction(fun: Function, a: Value, axis: Any = None, *args: Any, **kwargs: Any) -> Value:
    rank = len(shape_of(a)) - 1
    return fun(a, tuple(range(1, rank + 1)) if axis is None else moved(axis, rank), *args, **kwargs)


def _place(fun: Function, a: Value, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Value:
    size, *rest = shape_of(a)
    if axis is not None:
        return fun(a, moved(axis, len(rest)), keepdims=keepdims)
    found = fun(flat(a), 1)
    return np.reshape(found, (size, *(1,) * len(rest))) if keepdims is True else found


def _order(fun: Function, a: Value, axis: Any = -1, *args: Any, **kwargs: Any) -> Value:
    if axis is None:
        return fun(flat(a), 1, *args, **kwargs)
    return fun(a, moved(axis, len(shape_of(a)) - 1), *args, **kwargs)


def _partial_order(fun: Function, a: Value, kth: Any, axis: Any = -1, *args: Any, **kwargs: Any) -> Value:
    if axis is None:
        return fun(flat(a), kth, 1, *args, **kwargs)
    return fun(a, kth, moved(axis, len(shape_of(a)) - 1), *args, **kwargs)


BATCHED_CONSTANTS.update(dict.fromkeys((np.all, np.any, np.count_nonzero), _reduction))
BATCHED_CONSTANTS.update(dict.fromkeys((np.argmax, np.argmin, np.nanargmax, np.nanargmin), _place))
BATCHED_CONSTANTS[np.argsort] = _order
BATCHED_CONSTANTS[np.argpartition] = _partial_order


_OF_STACKS = (complete_q, fixed_eigenvalues, fixed_singular_values, is_defective, np.linalg.matrix_rank)


def _of_stack(fun: Function, a: Value, *args: Any, **kwargs: Any) -> Value:
    return fun(a, *args, **kwargs)


# The edges of np.digitize broadcast against nothing; where they differ between the members, each runs alone.
BATCHED_CONSTANTS.update(dict.fromkeys((*_OF_STACKS, np.digitize), _of_stack))
# These take stacks that broadcast against each other.
NUMBERWISE.update((eig_in_direction, eigh_in_direction, singular_vectors_in_direction))

# ---- said in other functions -----------------------------------------------------------------------


def _allclose(a: Value, b: Value, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Value:
    return np.all(np.isclose(a, b, rtol, atol, equal_nan))


def _array_equal(a1: Value, a2: Value, equal_nan: bool = False) -> Any:
    if shape_of(a1) != shape_of(a2):
        return False
    same = np.equal(a1, a2)
    return np.all(same | (np.isnan(a1) & np.isnan(a2)) if equal_nan else same)


def _isin(
    element: Value, test_elements: Value, assume_unique: bool = False, invert: bool = False, **kwargs: Any
) -> Value:
    found = np.any(np.equal(element[..., None], np.ravel(test_elements)), axis=-1)
    return np.logical_not(found) if invert else found


def _searchsorted(a: Value, v: Value, side: Any = "left", sorter: Any = None) -> Value:
    # How many of the sorted numbers come before each of v.
    a = np.ravel(a) if sorter is None else np.take(a, sorter)
    before = np.less if side == "left" else np.less_equal
    v = v if isinstance(v, Tracer) else np.asarray(v)
    return np.count_nonzero(before(a, np.expand_dims(v, -1)), axis=-1)


def _depends_on_data(*args: Any, **kwargs: Any) -> NoReturn:
    raise ConversionError(
        "np.nonzero, np.argwhere, np.flatnonzero, or a boolean mask as an index, under vmap: how many numbers they find differs "
        "between the members of the batch. Write np.where(mask, x, 0) and go on with arrays of full shape."
    )


BATCHED_BODIES[np.allclose] = _allclose
BATCHED_BODIES[np.array_equal] = _array_equal
BATCHED_BODIES[np.isin] = _isin
BATCHED_BODIES[np.searchsorted] = _searchsorted
BATCHED_BODIES.update(dict.fromkeys((np.nonzero, np.argwhere, np.flatnonzero), _depends_on_data))


def _body(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return the body of one of our own functions, which runs on batches as it is."""
    body: Callable[..., Any] = fun.__wrapped__  # type: ignore[attr-defined]
    return body


for _own in (tied_with, without_spread, within_rounding):
    BATCHED_BODIES[_own] = _body(_own)
