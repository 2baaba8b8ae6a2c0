"""Sets: np.unique and its relatives, unions, intersections, differences.

The members of a set are entries of the arrays that it was made of, so they are gathered from there; of entries that are equal the
first one stands for all. Which entries they are, how many, and where each one went, is constant.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facets import BATCH_BODY
from dualgrad._table.functions import overridable
from dualgrad._table.space import Function, Value
from dualgrad.errors import ConversionError
from dualgrad.rules.samples import A, SpacedA, case, cases
from dualgrad.rules.words import composite, constant


@overridable
def set_answer(ar1: Value, ar2: Value, *, fun: Function, params: dict[str, Any]) -> Any:
    """Return what a function of sets answers for plain arrays; `ar2` is None where it takes one."""
    return fun(ar1, **params) if ar2 is None else fun(ar1, ar2, **params)


@overridable
def first_places(pool: Value, members: Value) -> Value:
    """Return where each member of a set is found first in a vector that holds all of them."""
    order = np.argsort(pool, stable=True)
    return order[np.searchsorted(pool, members, sorter=order)]


def _depends_on_data(*args: Any, **kwargs: Any) -> NoReturn:
    raise ConversionError(
        "np.unique, or another function of sets, under vmap: how many members the sets have differs between the members of the "
        "batch. Go on with arrays of full shape: np.sort, and np.diff to find equal neighbours."
    )


constant(set_answer, first_places, says=(BATCH_BODY(_depends_on_data),))


def _gathered(pool: Value, members: Value) -> Value:
    return pool[first_places(pool, members)]


# ---- unique ----------------------------------------------------------------------------------------


def _unique(
    ar: Value,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    **sorted: Any,
) -> Any:
    ar = as_operand(ar)
    params = {"axis": axis, "equal_nan": equal_nan, **sorted}
    extra = {"return_index": return_index, "return_inverse": return_inverse, "return_counts": return_counts}
    found = set_answer(ar, None, fun=np.unique, params={**params, **extra})
    alone = not isinstance(found, tuple)
    if axis is None:
        values = _gathered(np.ravel(ar), found if alone else found[0])
    else:
        _, places = set_answer(ar, None, fun=np.unique, params={**params, "return_index": True})
        values = np.take(ar, places, axis=axis)
    return values if alone else (values, *found[1:])


composite(
    np.unique,
    _unique,
    samples=cases(
        case(SpacedA(5)),
        case(SpacedA(2, 3)),
        case(SpacedA(5), True, True, True),
        case(SpacedA(2, 3), return_counts=True),
        case(SpacedA(3, 2), axis=0),
        case(SpacedA(2, 3), return_index=True, return_inverse=True, axis=1),
        case(SpacedA(4), equal_nan=False),
        case(A(3, is_complex=True)),
        case(A(0)),
    ),
)


def _unique_values(x: Value, /) -> Value:
    x = as_operand(x)
    return _gathered(np.ravel(x), set_answer(x, None, fun=np.unique_values, params={}))


def _with_values(fun: Function, x: Value) -> Any:
    """Return a named tuple of NumPy's, with values that are gathered."""
    x = as_operand(x)
    found = set_answer(x, None, fun=fun, params={})
    return found._replace(values=_gathered(np.ravel(x), found.values))


def _unique_all(x: Value, /) -> Any:
    return _with_values(np.unique_all, x)


def _unique_counts(x: Value, /) -> Any:
    return _with_values(np.unique_counts, x)


def _unique_inverse(x: Value, /) -> Any:
    return _with_values(np.unique_inverse, x)


_UNIQUE = cases(case(SpacedA(5)), case(SpacedA(2, 3)), case(A(3, is_complex=True)), case(A(0)))

# From NumPy 2.3 on these come in no order, which differences of longer arrays would notice.
composite(
    np.unique_values, _unique_values, samples=cases(case(A(1)), case(A()), case(A(1, 1, is_complex=True)), case(A(0)))
)
composite(np.unique_all, _unique_all, samples=_UNIQUE)
composite(np.unique_counts, _unique_counts, samples=_UNIQUE)
composite(np.unique_inverse, _unique_inverse, samples=_UNIQUE)

# ---- two sets --------------------------------------------------------------------------------------


def _both(ar1: Value, ar2: Value) -> tuple[Value, Value, Value]:
    """Return both arrays, and all their entries as one vector."""
    ar1, ar2 = as_operand(ar1), as_operand(ar2)
    return ar1, ar2, np.concatenate((ar1, ar2), axis=None)


def _union1d(ar1: Value, ar2: Value) -> Value:
    ar1, ar2, pool = _both(ar1, ar2)
    return _gathered(pool, set_answer(ar1, ar2, fun=np.union1d, params={}))


def _intersect1d(ar1: Value, ar2: Value, assume_unique: bool = False, return_indices: bool = False) -> Any:
    ar1, ar2, pool = _both(ar1, ar2)
    params = {"assume_unique": assume_unique, "return_indices": return_indices}
    found = set_answer(ar1, ar2, fun=np.intersect1d, params=params)
    if return_indices:
        return _gathered(pool, found[0]), *found[1:]
    return _gathered(pool, found)


def _setdiff1d(ar1: Value, ar2: Value, assume_unique: bool = False) -> Value:
    ar1, ar2, _ = _both(ar1, ar2)
    found = set_answer(ar1, ar2, fun=np.setdiff1d, params={"assume_unique": assume_unique})
    return _gathered(np.ravel(ar1), found)


def _setxor1d(ar1: Value, ar2: Value, assume_unique: bool = False) -> Value:
    ar1, ar2, pool = _both(ar1, ar2)
    found = set_answer(ar1, ar2, fun=np.setxor1d, params={"assume_unique": assume_unique})
    return _gathered(pool, found)


_APART = np.array([7, 9, 8])

composite(
    np.union1d,
    _union1d,
    samples=cases(case(SpacedA(4), _APART), case(SpacedA(2, 2), np.array([[7, 8]])), case(A(0), A(2))),
)
composite(
    np.intersect1d,
    _intersect1d,
    samples=cases(
        case(SpacedA(4), _APART),
        case(SpacedA(2, 2), _APART, True),
        case(SpacedA(4), _APART, assume_unique=True, return_indices=True),
    ),
)
composite(
    np.setdiff1d, _setdiff1d, samples=cases(case(SpacedA(4), _APART), case(SpacedA(2, 2), _APART, assume_unique=True))
)
composite(np.setxor1d, _setxor1d, samples=cases(case(SpacedA(4), _APART), case(SpacedA(4), _APART, assume_unique=True)))
