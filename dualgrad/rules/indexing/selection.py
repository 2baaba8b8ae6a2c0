"""Choosing numbers by a condition: where, select, clip, choose, compress, extract, nan_to_num."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dualgrad._array.gather import as_data, as_operand
from dualgrad._table import versions
from dualgrad._table.facets import PATTERN, THIN, said
from dualgrad._table.facts import ARRAY, Facts
from dualgrad._table.functions import as_constant, astype
from dualgrad._table.record import Primitive, Pull, Word, register
from dualgrad._table.signature import Normaliser
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import anywhere
from dualgrad.batching import thin_functions as thin
from dualgrad.errors import NoRuleError
from dualgrad.rules.indexing._patterns import where_pattern
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, elementwise, select_positions

# ---- where -----------------------------------------------------------------------------------------

# The lane that was not selected gets an exact 0, whatever the cotangent holds: never 0 * inf.


class _WhereNormaliser(Normaliser):
    """Hands `np.where(condition)`, which is another function, to the desugaring body."""

    __slots__ = ()

    def __call__(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Value, ...], dict[str, Any], dict[str, Any]]:
        if len(args) == 1 and not kwargs:
            return args, {}, {"condition": args[0]}
        return super().__call__(args, kwargs)


def _where_indices(condition: Value) -> Any:
    return np.nonzero(as_constant(condition))


def _where_jvp(tangents: tuple[Value, ...], ans: Value, /, condition: Value, x: Value, y: Value) -> Value:
    _, tx, ty = tangents
    if tx is None and ty is None:
        return None
    return np.where(condition, 0 if tx is None else tx, 0 if ty is None else ty)


def _where_x(t: Value, condition: Value) -> Value:
    return np.where(condition, t, 0)


def _where_y(t: Value, condition: Value) -> Value:
    return np.where(condition, 0, t)


def _where_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, condition: Value, x: Value, y: Value
) -> tuple[Value, ...]:
    _, want_x, want_y = wanted
    return None, _where_x(ct, condition) if want_x else None, _where_y(ct, condition) if want_y else None


_MASK = np.array([[True, False, True], [False, False, True]])

register(
    Primitive(
        key=np.where,
        word=Word.ELEMENTWISE,
        fun=np.where,
        jvp=_where_jvp,
        vjp=_where_vjp,
        samples=cases(
            case(_MASK, A(2, 3), A(2, 3)),
            case(_MASK, A(3), A(2, 1)),
            case(_MASK[0], A(), A(2, 3)),
            case(True, A(3), 0.0),
            case(False, A(), A()),
            case(_MASK, np.arange(3), A(2, 3)),
            case(_MASK, A(2, 3, is_complex=True), A(2, 3)),
            case(_MASK[:, :0], A(0), A()),
        ),
        normalise=_WhereNormaliser("numpy.where", ("condition", "x", "y"), ("condition", "x", "y"), (), {}),
        operate=np.where,
        pulls=(None, Pull(_where_x, select_positions((1,))), Pull(_where_y, select_positions((1,)))),
        desugar=_where_indices,
        says=said((PATTERN(where_pattern), THIN(thin.where))),
        facts=Facts(is_array=True, linear=True),
    )
)

# ---- select, choose --------------------------------------------------------------------------------


def _result_dtype(choices: Sequence[Value]) -> np.dtype[Any]:
    """Return the common dtype of choices, in which Python numbers are weak."""
    return np.result_type(*[x if type(x) in (int, float, complex) else dtype_of(x) for x in choices])


def _select(condlist: Sequence[Value], choicelist: Sequence[Value], default: Value = 0) -> Value:
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if len(condlist) == 0:
        raise ValueError("select with an empty condition list is not possible")
    conditions = [as_operand(condition) for condition in condlist]
    for k, condition in enumerate(conditions):
        if dtype_of(condition).kind != "b":
            raise TypeError(f"invalid entry {k} in condlist: should be boolean ndarray")
    choices = [as_operand(x) for x in choicelist]
    dtype = _result_dtype([*choices, as_operand(default)])
    found = _in_dtype(as_operand(default), dtype)
    # From the last to the first: the first condition that holds has the last word.
    for condition, x in zip(reversed(conditions), reversed(choices), strict=True):
        found = np.where(condition, _in_dtype(x, dtype), found)
    return found


def _in_dtype(x: Value, dtype: np.dtype[Any]) -> Value:
    return x if dtype_of(x) == dtype else astype(x, dtype)


composite(
    np.select,
    _select,
    samples=cases(
        case([_MASK, ~_MASK], [A(2, 3), A(3)]),
        case([_MASK, _MASK[0]], [A(2, 3), A(2, 1)], A()),
        case([_MASK], [A()], default=A(2, 1)),
        case([True, False], [A(), A()], 3),
        case([_MASK, _MASK], [A(2, 3, is_complex=True), A(3)]),
        case([_MASK[:, 1:]], [2.5], A(2)),
    ),
    facts=ARRAY,
)


def _choose(a: Value, choices: Any, out: None = None, mode: str = "raise") -> Value:
    index = as_data(a)
    if index.dtype.kind not in "iub":
        raise TypeError(f"numpy.choose takes integers as its first argument; they are of dtype {index.dtype} here.")
    values = [as_operand(x) for x in choices]
    index = _chosen(index, len(values), mode)
    dtype = np.result_type(*[dtype_of(x) for x in values])
    found = dtype.type(0)
    for k, x in enumerate(values):
        found = np.where(index == k, _in_dtype(x, dtype), found)
    return found


def _chosen(index: Value, count: int, mode: str) -> Value:
    """Return indices below `count`, by the rule of a mode."""
    if mode == "wrap":
        return index % count
    if mode == "clip":
        return np.clip(index, 0, count - 1)
    if mode != "raise":
        raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got {mode!r})")
    if index.size and anywhere((index < 0) | (index >= count)):
        raise ValueError("invalid entry in choice array")
    return index


composite(
    np.choose,
    _choose,
    samples=cases(
        case(np.array([0, 2, 1, 1]), [A(4), A(4), A(4)]),
        case(np.array([[0, 1, 1], [1, 0, 0]]), (A(3), A())),
        case(np.array([-1, 5, 1]), [A(3), A(3)], mode="wrap"),
        case(np.array([-1, 5, 1]), [A(3), A(3)], None, "clip"),
        case(np.array([1, 0]), A(2, 2)),
        case(np.array([0, 0]), [A()]),
        case(1, [A(), A()]),
        case(np.array([True, False]), [A(2), A(2, 2, is_complex=True)]),
    ),
)

# ---- clip ------------------------------------------------------------------------------------------

# clip is min(max(a, a_min), a_max). At a bound the number itself is taken to have passed: derivative 1 to `a`, 0 to the
# bound (an optimiser that stands on a bound then still sees which way is in). Where a_min > a_max the result is a_max.


class _ClipNormaliser(Normaliser):
    """Takes the bounds under both their names: a_min and a_max, or (from NumPy 2.1 on) min and max."""

    __slots__ = ()

    def __call__(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Value, ...], dict[str, Any], dict[str, Any]]:
        if len(args) == 3 and not kwargs:
            return args, {}, {}
        bound = {name: value for name, value in self.bind(args, kwargs).items() if value is not np._NoValue}
        if "a" not in bound:
            raise TypeError("clip() misses its argument 'a'.")
        short = {"min", "max"} & bound.keys()
        long = {"a_min", "a_max"} & bound.keys()
        if short and long:
            raise ValueError(
                "Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is forbidden."
            )
        if len(long) == 1:
            raise TypeError(f"clip() misses its argument {({'a_min', 'a_max'} - long).pop()!r}; it may be None.")
        lower, upper = ("min", "max") if short else ("a_min", "a_max")
        operands = bound.pop("a"), bound.pop(lower, None), bound.pop(upper, None)
        return operands, {}, {name: value for name, value in bound.items() if value is not None}


def _below(a: Value, a_min: Value, a_max: Value) -> Value:
    if a_min is None:
        return False
    return a < a_min if a_max is None else (a < a_min) & (a_min <= a_max)


def _above(a: Value, a_min: Value, a_max: Value) -> Value:
    if a_max is None:
        return False
    return a > a_max if a_min is None else (a > a_max) | (a_min > a_max)


def _clip_a(t: Value, a: Value, a_min: Value, a_max: Value) -> Value:
    return np.where(_below(a, a_min, a_max) | _above(a, a_min, a_max), 0, t)


def _clip_min(t: Value, a: Value, a_min: Value, a_max: Value) -> Value:
    return np.where(_below(a, a_min, a_max), t, 0)


def _clip_max(t: Value, a: Value, a_min: Value, a_max: Value) -> Value:
    return np.where(_above(a, a_min, a_max), t, 0)


elementwise(
    np.clip,
    _clip_a,
    _clip_min,
    _clip_max,
    operands=("a", "a_min", "a_max", "out"),
    normaliser=_ClipNormaliser,
    same_space=False,
    samples=cases(
        case(A(3, 4), -1.0, 1),
        case(A(3, 4), A(4, low=-2.0, high=-0.5), A(3, 1, low=0.5, high=2.0)),
        case(A(3, 4), None, A(4)),
        case(A(3, 4), A(), None),
        case(A(3, 4), a_min=A(3, 1), a_max=A(4)),
        case(A(3, 4), A(4, low=1.0, high=2.0), A(3, 1, low=-2.0, high=-1.0)),
        case(A(), A(), 1.0),
        case(A(0), A(), 1.0),
        case(np.arange(4), A(4, low=0.2, high=0.8), 1.5),
    ),
)

# The method of a plain array, array.clip(lower, upper), calls a ufunc that NumPy names in no public place.
if versions.clip is not None:
    elementwise(
        versions.clip,
        _clip_a,
        _clip_min,
        _clip_max,
        operands=("a", "a_min", "a_max"),
        same_space=False,
        samples=cases(
            case(A(3, 4), -1.0, 1.0),
            case(A(3, 4), A(4, low=-2.0, high=-0.5), A(3, 1, low=0.5, high=2.0)),
            case(np.array([0, 0, 1, 1]), A(4, low=0.2, high=1.4), 1.5),
        ),
    )

# ---- compress, extract -----------------------------------------------------------------------------


def _compress(condition: Value, a: Value, axis: int | None = None, out: None = None) -> Value:
    a = as_operand(a)
    if axis is None:
        a, axis = np.ravel(a), 0
    mask = as_data(condition)
    if mask.ndim != 1:
        raise ValueError("condition must be a 1-d array")
    axis = range(len(shape_of(a)))[axis]
    return a[(*[slice(None)] * axis, np.nonzero(mask)[0])]


composite(
    np.compress,
    _compress,
    samples=cases(
        case([True, False, True], A(4)),
        case(np.array([0, 1, 0]), A(2, 3)),
        case([True, False], A(3, 2), axis=-1),
        case([False, True], A(3, 2), 0),
    ),
)


def _extract(condition: Value, arr: Value) -> Value:
    mask = as_data(condition)
    return np.ravel(as_operand(arr))[np.nonzero(mask.ravel())[0]]


composite(np.extract, _extract, samples=cases(case(_MASK, A(2, 3)), case(_MASK[0], A(3)), case(False, A(2))))

# ---- nan_to_num ------------------------------------------------------------------------------------


def _nan_to_num(x: Value, copy: bool = True, nan: Value = 0.0, posinf: Value = None, neginf: Value = None) -> Value:
    if not copy:
        raise NoRuleError(
            "numpy.nan_to_num(x, copy=False) writes into a value being differentiated. "
            "Write x = np.nan_to_num(x), without copy=."
        )
    x = as_operand(x)
    dtype = dtype_of(x)
    if dtype.kind not in "fc":
        return x
    largest = np.finfo(dtype).max
    posinf = largest if posinf is None else as_operand(posinf)
    neginf = -largest if neginf is None else as_operand(neginf)
    nan = as_operand(nan)
    if dtype.kind != "c":
        return _replace(x, nan, posinf, neginf, dtype)
    if not np.all(np.isfinite(posinf) & np.isfinite(neginf) & np.isfinite(nan)):
        raise NoRuleError(
            "numpy.nan_to_num of a complex value being differentiated takes finite replacements only. "
            "Replace in np.real(x) and np.imag(x)."
        )
    part = largest.dtype
    real, imag = [_replace(y, nan, posinf, neginf, part) for y in (np.real(x), np.imag(x))]
    return real + imag * 1j


def _replace(x: Value, nan: Value, posinf: Value, neginf: Value, dtype: np.dtype[Any]) -> Value:
    found: Value = np.where(np.isnan(x), _in_dtype(nan, dtype), x)
    found = np.where(x == np.inf, _in_dtype(posinf, dtype), found)
    return np.where(x == -np.inf, _in_dtype(neginf, dtype), found)


_SPOILT = np.array([1.5, np.nan, np.inf, -np.inf])

composite(
    np.nan_to_num,
    _nan_to_num,
    samples=cases(
        case(A(2, 3)),
        case(A()),
        case(A(3), True, 1, 2, -2),
        case(_SPOILT, nan=np.arange(4), posinf=2, neginf=-2),
        case(_SPOILT),
        case(A(2, is_complex=True), copy=True, nan=2),
        case(A(0)),
    ),
)
