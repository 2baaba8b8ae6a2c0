"""`vmap`: axes of every kind, nesting, integers and masks, and what cannot be batched."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import dualgrad.numpy as dnp
from dualgrad import errors, extend, grad, vmap
from dualgrad._table.record import RECORDS
from dualgrad.errors import BatchLoopWarning, ConversionError, LeakedValueError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 3))
Y = RNG.standard_normal((4, 3))
INDICES = np.array([2, 0, 1, 1])
J = np.array([[0, 2], [1, 1], [2, 0], [0, 0]])
M = np.array([[True, False, True], [False, False, False], [True, True, True], [False, True, False]])
TABLE = RNG.standard_normal((3, 5))


SIN: Any = np.sin


def members(f: Callable[..., Any], *batches: Any) -> Any:
    """Return what vmap is defined to be: one call for each member, stacked."""
    return np.stack([f(*[x[k] for x in batches]) for k in range(len(batches[0]))])


def same(found: Any, expected: Any) -> None:
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found, expected, rtol=1e-13)


# ---- axes ------------------------------------------------------------------------------------------


def weighted(x: Any, y: Any) -> Any:
    return np.outer(np.sin(x), y)


@pytest.mark.parametrize(
    ("in_axes", "x", "y"),
    [
        (0, X, Y),
        ((0, 0), X, Y),
        ([0, 0], X, Y),
        (1, X.T, Y.T),
        (-1, X.T, Y.T),
        ((0, 1), X, Y.T),
        ((-2, -1), X, Y.T),
    ],
)
def test_in_axes_say_where_the_members_lie(in_axes: Any, x: Any, y: Any) -> None:
    same(vmap(weighted, in_axes)(x, y), members(weighted, X, Y))


@pytest.mark.parametrize(("out_axes", "place"), [(0, 0), (1, 1), (2, 2), (-1, 2), (-3, 0)])
def test_out_axes_say_where_the_results_go(out_axes: int, place: int) -> None:
    same(vmap(weighted, out_axes=out_axes)(X, Y), np.moveaxis(members(weighted, X, Y), 0, place))


def test_none_is_an_argument_that_all_share() -> None:
    same(vmap(weighted, (0, None))(X, Y[0]), members(lambda x: weighted(x, Y[0]), X))
    same(vmap(weighted, (None, -1))(X[0], Y.T), members(lambda y: weighted(X[0], y), Y))


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass
class Line:
    slope: Any
    shift: Any


def test_axes_of_trees_may_end_early() -> None:
    f = lambda p, y: p["a"][0] * p["b"] + p["a"][1] * y
    p = {"a": (X, 2.0), "b": Y.T}

    found = vmap(f, ({"a": (0, None), "b": 1}, 0))(p, Y)
    same(found, X * Y + 2.0 * Y)
    same(vmap(f, ({"b": 1, "a": (0, None)}, None))(p, Y[0]), X * Y + 2.0 * Y[0])
    same(vmap(lambda p: p["a"][0] * p["b"], ({"a": 0, "b": None},))({"a": [X], "b": Y[0]}), X * Y[0])
    same(vmap(lambda p: p.first + p.second, (Pair(0, 1),))(Pair(X, Y.T)), X + Y)
    same(vmap(lambda p: p.first + p.second, ((0, None),))(Pair(X, 1.0)), X + 1.0)


def test_a_dataclass_takes_one_axis() -> None:
    same(vmap(lambda p, x: p.slope * x + p.shift)(Line(X, Y), X), X * X + Y)


def test_trees_come_out_with_their_own_axes() -> None:
    f = lambda x: {"sum": np.sum(x), "rows": (np.outer(x, x), [x]), "n": "name"}

    found = vmap(f, out_axes={"sum": 0, "rows": (2, [1]), "n": None})(X)

    same(found["sum"], X.sum(axis=1))
    same(found["rows"][0], np.moveaxis(members(lambda x: np.outer(x, x), X), 0, 2))
    same(found["rows"][1][0], X.T)
    assert found["n"] == "name"


def test_keyword_arguments_have_their_members_along_axis_0() -> None:
    f = lambda x, *, scale: x * scale

    same(vmap(f)(X, scale=np.arange(4.0)), X * np.arange(4.0)[:, None])


def test_results_that_are_the_same_for_all_are_repeated_and_writable() -> None:
    found = vmap(lambda x: (TABLE[0], 2.0, 3))(X)

    same(found[0], np.stack([TABLE[0]] * 4))
    same(found[1], np.full(4, 2.0))
    same(found[2], np.full(4, 3))
    found[0][0] = 5.0
    assert not np.any(TABLE == 5.0)


def test_out_axes_none_is_for_results_that_all_share() -> None:
    assert vmap(lambda x: (x, 7), out_axes=(0, None))(X)[1] == 7
    with pytest.raises(ValueError, match="out_axes is None"):
        vmap(lambda x: x, out_axes=None)(X)


def test_axis_size_is_needed_only_without_a_batch() -> None:
    same(vmap(lambda x: x * 2, None, axis_size=3)(1.5), np.full(3, 3.0))
    same(vmap(lambda: 1.5, axis_size=3)(), np.full(3, 1.5))
    same(vmap(SIN, axis_size=4)(X), np.sin(X))
    with pytest.raises(ValueError, match="Pass axis_size"):
        vmap(lambda x: x, None)(1.0)
    with pytest.raises(ValueError, match=r"holds 4 members along axis 0 where axis_size holds 5"):
        vmap(SIN, axis_size=5)(X)


@pytest.mark.parametrize(
    ("in_axes", "args", "message"),
    [
        (0, (X, Y[:3]), "holds 3 members along axis 0 where"),
        (0, (X, 2.0), r"has shape \(\) \(float\) and no axis 0.*in_axes=None"),
        (2, (X, X), "no axis 2"),
        (-3, (X, X), "no axis -3"),
        ((0,), (X, X), r"one entry per positional argument \(2 here\)"),
        ("rows", (X, X), "in_axes is an int"),
        ((0, "rows"), (X, X), "in_axes holds 'rows'"),
        ((0, True), (X, X), "in_axes holds True"),
        ((0, (0, 0)), (X, X), "of the same shape"),
        (({"a": 0}, 0), ({"b": X}, X), r"keys \['a'\] where the tree has \['b'\]"),
        (0, (X, "text"), "in_axes=None"),
    ],
)
def test_axes_that_do_not_fit_raise(in_axes: Any, args: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vmap(lambda x, y: x, in_axes)(*args)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((X, 2.0), {}, r"vmap: y has shape \(\) \(float\) and no axis 0\. Pass it with in_axes=None"),
        ((X, {"a": 2.0}), {}, r"vmap: y\['a'\] has shape"),
        ((X, X, X, 2.0), {}, "vmap: argument 3 has shape"),
        ((X, Y[:3]), {}, r"y holds 3 members along axis 0 where x holds \d+\. Pass it with in_axes=None"),
        (
            (X,),
            {"k": 2.0},
            r"vmap: k has shape .* by position with in_axes=None, or close over it \(functools\.partial\)",
        ),
        ((X,), {"k": {"a": 2.0}}, r"vmap: k\['a'\] has shape .*functools\.partial"),
        ((X,), {"k": Y[:3]}, r"vmap: k holds 3 members .* where x holds .*functools\.partial"),
        (([1.0, 2.0],), {}, r"vmap: x\[0\] has shape \(\) .*write np\.array\(\[\.\.\.\]\) for a batch of numbers"),
        ((X, (1.0, 2.0)), {}, r"vmap: y\[0\] has shape .*A tuple is a container.* in_axes=None"),
    ],
)
def test_what_is_no_batch_is_named_with_what_to_write(args: Any, kwargs: Any, message: str) -> None:
    def f(x: Any, y: Any = 1.0, *more: Any, k: Any = 1.0) -> Any:
        return x

    with pytest.raises(ValueError, match=message):
        vmap(f)(*args, **kwargs)


@pytest.mark.parametrize("out_axes", [2, -3])
def test_an_output_axis_that_does_not_exist_is_named(out_axes: int) -> None:
    with pytest.raises(ValueError, match=rf"out_axes is {out_axes} for a result .* shape \(3,\)"):
        vmap(SIN, out_axes=out_axes)(X)
    with pytest.raises(ValueError, match=rf"out_axes is {out_axes} for a result .* shape \(5,\)"):
        vmap(lambda x: TABLE[0], out_axes=out_axes)(X)


def test_output_axes_of_another_shape_raise() -> None:
    with pytest.raises(ValueError, match="out_axes"):
        vmap(lambda x: (x, x), out_axes=(0, 0, 0))(X)


def test_the_name_and_the_signature_stay() -> None:
    assert vmap(weighted).__name__ == "weighted"
    with pytest.raises(TypeError, match="vmap takes a function"):
        vmap(3)  # type: ignore[call-overload]


# ---- sizes and nesting -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1])
def test_batches_of_no_and_of_one_member(size: int) -> None:
    x = X[:size]

    same(
        vmap(lambda x: np.sin(x) @ np.outer(x, x))(x),
        np.array([np.sin(y) @ np.outer(y, y) for y in x]).reshape(size, 3),
    )
    same(vmap(lambda x: np.sum(x))(x), x.sum(axis=1))
    same(vmap(np.sort)(x), np.sort(x))
    same(vmap(lambda x, i: x[i])(x, INDICES[:size]), x[np.arange(size), INDICES[:size]])


def test_members_of_no_numbers() -> None:
    same(vmap(np.sum)(np.zeros((4, 0))), np.zeros(4))
    same(vmap(lambda x: x * 2)(np.zeros((4, 0, 3))), np.zeros((4, 0, 3)))


def test_nested_vmaps_are_all_pairs() -> None:
    f: Any = lambda x, y: np.sin(x @ y) * x[0]
    all_pairs = vmap(vmap(f, (None, 0)), (0, None))

    same(all_pairs(X, Y), np.array([[f(x, y) for y in Y] for x in X]))


def test_three_vmaps_of_indexing_and_products() -> None:
    a = RNG.standard_normal((2, 4, 3))
    f: Any = lambda m, v, i: (m.T @ m)[i] * v

    found = vmap(vmap(vmap(f, (None, 0, None)), (None, None, 0)), (0, None, None))(a, X, INDICES)

    expected = [[[f(m, v, i) for v in X] for i in INDICES] for m in a]
    same(found, np.array(expected))


def test_what_is_closed_over_belongs_to_the_outer_batch() -> None:
    same(vmap(lambda x: vmap(lambda y: x * y)(Y))(X), X[:, None] * Y)
    same(vmap(lambda x: vmap(lambda y: np.dot(x, y))(Y) + x[0])(X), X @ Y.T + X[:, :1])


def test_a_plain_function_inside_sees_one_member() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append((x.shape, x.ndim, x.size, len(x), x.dtype, np.shape(x), np.ndim(x)))
        return x

    vmap(f)(X)

    assert seen == [((3,), 1, 3, 3, np.float64, (3,), 1)]


# ---- integers and masks ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda i: i // 2 + i % 2 - (i << 1),
        lambda i: i / 2,
        lambda i: i**2,
        lambda i: -i,
        lambda i: (i ^ 1) & 3 | 4,
        lambda i: divmod(i, 2)[1],
        lambda i: np.where(i > 1, i, 0),
        lambda i: i.astype(float),
        lambda i: np.stack([i, i + 1]),
        lambda i: np.arange(3) == i,
        lambda i: (np.arange(3) == i) @ TABLE,
        lambda i: np.choose(i, [10, 20, 30]),
        lambda i: np.choose(i, TABLE[:, :3]),
        lambda i: np.choose(i + 3, [10.0, 20.0], mode="wrap"),
        lambda i: np.select([i > 1, i > 0], [1.0, 2.0], 3.0),
        lambda i: 2.0**i * TABLE[0],
    ],
)
def test_integers_are_batched_as_floats_are(f: Any) -> None:
    same(vmap(f)(INDICES), members(f, INDICES))


@pytest.mark.parametrize(
    "f",
    [
        np.sum,
        np.max,
        np.cumsum,
        np.sort,
        np.argsort,
        np.mean,
        np.prod,
        lambda j: j @ j,
        lambda j: np.bincount(j, minlength=3),
        lambda j: np.bincount(j, [0.5, 2.0], minlength=4),
        lambda j: np.eye(3)[1] * j[0],
        lambda j: np.concatenate([j, j * 2]),
        lambda j: np.isin(j, [1, 2]),
        lambda j: np.searchsorted(np.arange(3), j),
    ],
)
def test_arrays_of_integers_are_batched(f: Any) -> None:
    same(vmap(f)(J), members(f, J))


@pytest.mark.parametrize(
    "f",
    [
        np.sum,
        np.any,
        np.all,
        np.count_nonzero,
        np.argmax,
        lambda m: ~m & (m | False),
        lambda m: np.logical_and(m, np.logical_not(m[0])),
        lambda m: np.where(m, 1.0, TABLE[0, :3]),
        lambda m: m * 2.5,
        lambda m: m.any() & m.all(),
        lambda m: np.sum(TABLE[0, :3], where=m),
        lambda m: np.mean(np.where(m, 1.0, 0.0)),
    ],
)
def test_masks_are_batched(f: Any) -> None:
    same(vmap(f)(M), members(f, M))


def test_bins_need_a_common_length() -> None:
    with pytest.raises(ConversionError, match="minlength=3"):
        vmap(np.bincount)(J)
    same(vmap(lambda j, w: np.bincount(j, w, 3))(J, Y[:, :2]), members(lambda j, w: np.bincount(j, w, 3), J, Y[:, :2]))


# ---- indexing --------------------------------------------------------------------------------------

INDEXED = {
    "[i]": lambda a, i: a[i],
    "[-i]": lambda a, i: a[-i],
    "[..., i]": lambda a, i: a[..., i],
    "[None, i]": lambda a, i: a[None, i],
    "[:, i]": lambda a, i: a[:, i],
    "[i, 1:]": lambda a, i: a[i, 1:],
    "[i, i]": lambda a, i: a[i, i],
    "[i, None]": lambda a, i: a[i, None],
    "[0, i]": lambda a, i: a[0, i],
    "[[0, 1], i]": lambda a, i: a[np.array([0, 1]), i],
    "[:, [[0], [2]], i]": lambda a, i: np.stack([a, 2 * a])[:, np.array([[0], [2]]), i],
    "[i, :, i]": lambda a, i: (a[:, :, None] * a[0])[i, :, i],
    "[:, i, [1, 2]]": lambda a, i: (a[:, :, None] * a[0])[:, i, [1, 2]],
    "[stack]": lambda a, i: a[np.stack([i, 0 * i])],
    "take": lambda a, i: np.take(a, i, axis=1),
    "take, flat": lambda a, i: np.take(a, i),
    "take, wrap": lambda a, i: np.take(a, i + 7, mode="wrap"),
    "take_along_axis": lambda a, i: np.take_along_axis(a, np.broadcast_to(i, (3, 1)), 1),
    "plain mask": lambda a, i: a[np.array([True, False, True])] * i,
    "argsort": lambda a, i: a[np.argsort(a[i])],
    "argmax": lambda a, i: a[np.argmax(a[:, i])],
}
each_index = pytest.mark.parametrize("f", INDEXED.values(), ids=INDEXED)
SQUARES = RNG.standard_normal((4, 3, 3))


@each_index
def test_indices_that_differ_between_members(f: Any) -> None:
    same(vmap(f)(SQUARES, INDICES), members(f, SQUARES, INDICES))
    same(vmap(f, (0, None))(SQUARES, 2), members(lambda a: f(a, 2), SQUARES))


@each_index
def test_indices_of_indices_under_two_vmaps(f: Any) -> None:
    found = vmap(vmap(f, (None, 0)), (0, None))(SQUARES, INDICES)

    same(found, np.array([[f(a, i) for i in INDICES] for a in SQUARES]))


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_plain_arrays_are_looked_up_with_take(axis: int | None) -> None:
    same(vmap(lambda i: dnp.take(TABLE, i, axis))(INDICES), members(lambda i: np.take(TABLE, i, axis), INDICES))
    same(vmap(lambda j: dnp.take(TABLE, j, axis))(J), members(lambda j: np.take(TABLE, j, axis), J))
    assert dnp.take([1, 2, 3], 1) == 2


def test_plain_arrays_are_looked_up_along_an_axis() -> None:
    f = lambda j: np.take_along_axis(TABLE[0], j, 0)

    same(vmap(f)(J), members(f, J))


@pytest.mark.parametrize(
    "f",
    [
        lambda i: TABLE[i],
        lambda i: TABLE[i, 0],
        lambda i: TABLE[:, i],
        lambda i: TABLE[..., i, None],
        lambda i: np.take(TABLE, i, axis=0),
        lambda i: TABLE.take(i),
    ],
)
@pytest.mark.parametrize("batch", [INDICES, J], ids=["numbers", "arrays"])
def test_a_plain_array_cannot_be_asked_and_the_error_says_take(f: Any, batch: Any) -> None:
    with pytest.raises(ConversionError, match=r"dualgrad\.numpy\.take\(plain, i, axis=0\)"):
        vmap(f)(batch)


def test_a_list_cannot_be_looked_up() -> None:
    with pytest.raises(TypeError, match="index of a list"):
        vmap(lambda i: [1.0, 2.0, 3.0][i])(INDICES)


def test_masks_that_differ_between_members_cannot_select() -> None:
    for f in (lambda m: TABLE[0, :3][m], lambda m: (m * 1.0)[m], lambda m: np.compress(m, m * 1.0)):
        with pytest.raises(ConversionError, match=r"np\.where\(mask"):
            vmap(f)(M)
    with pytest.raises(ConversionError, match=r"np\.where"):
        vmap(np.nonzero)(X)


# ---- what a member cannot do -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x[0] > 0 else -x,
        lambda x: x if np.all(x > 0) else -x,
        lambda x: (x[0] > 0) and (x[1] > 0),
        lambda x: not x[0],
        lambda x: max(x[0], x[1]),
        lambda x: 1.0 in x,
        lambda x: abs(x[0]) if x[0] else x[1],
        lambda x: [y for y in x if y > 0],
    ],
)
def test_python_branches_say_what_to_write(f: Any) -> None:
    with pytest.raises(ConversionError, match=r"Write np\.where\(condition, a, b\)"):
        vmap(f)(X)


def test_a_branch_on_what_all_share_is_taken() -> None:
    same(vmap(lambda x, flag: x if flag else -x, (0, None))(X, False), -X)
    same(vmap(lambda x: x if x.shape[0] == 3 and x.dtype == float else -x)(X), X)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: float(x[0]),
        lambda x: int(x[0]),
        lambda x: x[0].item(),
        lambda x: math.sin(x[0]),
        lambda x: complex(x[0]),
    ],
)
def test_plain_numbers_are_not_to_be_had(f: Any) -> None:
    with pytest.raises(ConversionError, match=r"one plain number.*under vmap"):
        vmap(f)(X)


@pytest.mark.parametrize("f", [lambda i: list(range(i)), lambda i: X[i:]])
def test_lengths_that_differ_raise(f: Any) -> None:
    with pytest.raises(TypeError, match="batched value cannot be a length"):
        vmap(f)(INDICES)


def test_a_plain_buffer_takes_no_batch() -> None:
    def f(x: Any) -> Any:
        buffer = np.zeros(3)
        buffer[0] = x[0]
        return buffer

    with pytest.raises((ValueError, TypeError)) as caught:
        vmap(f)(X)

    assert isinstance(caught.value.__cause__ or caught.value, ConversionError)


# ---- arrays of numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.array([x[0] * x[1], np.sin(x[2])]),
        lambda x: np.array([x[0], 1.0, 2]),
        lambda x: np.array([[x[0], 1.0], [2.0, x[1]]]) @ x[:2],
        lambda x: np.array([x, 2 * x]),
        lambda x: np.asarray(x) * 2,
        lambda x: np.sqrt(np.array([x[0] ** 2, x[1] ** 2])),
        lambda x: np.array([y**2 for y in x]),
        lambda x: dnp.array([x[0], 1.0], dtype=float),
        lambda x: {"a": np.array([x[0], 1.0])}["a"],
    ],
)
def test_arrays_are_made_of_batched_numbers(f: Any) -> None:
    same(vmap(f)(X), members(f, X))


def test_arrays_of_what_cannot_be_gathered_say_stack() -> None:
    with pytest.raises(ConversionError, match=r"np\.stack"):
        vmap(lambda i: np.array([i, i + 1]))(INDICES)
    with pytest.raises(ConversionError, match=r"np\.stack"):
        vmap(lambda z: np.array([z[0], z[1]]))(1j * X)
    same(vmap(lambda i: np.stack([i, i + 1]))(INDICES), np.stack([INDICES, INDICES + 1], axis=1))


def test_an_object_array_of_batches_is_an_argument() -> None:
    def outer(x: Any) -> Any:
        return vmap(lambda y: y * 2)(np.array([x[0], x[1]]))

    same(vmap(outer)(X), 2 * X[:, :2])


# ---- in place --------------------------------------------------------------------------------------


def test_in_place_arithmetic_leaves_the_argument_alone() -> None:
    def f(x: Any) -> Any:
        y = x * 1
        y += 1
        y *= x
        x += 5
        return y

    before = X.copy()

    same(vmap(f)(X), (X + 1) * X)
    np.testing.assert_array_equal(X, before)


def test_assignment_leaves_the_argument_alone() -> None:
    def f(x: Any, i: Any) -> Any:
        y = np.zeros_like(x)
        y[1:] = x[:-1] ** 2
        y[i] += 1.0
        x[0] = 5.0
        return y * x

    before = X.copy()

    same(vmap(f)(X, INDICES), members(lambda x, i: f(x.copy(), i), X, INDICES))
    np.testing.assert_array_equal(X, before)


# ---- loops, leaks, exceptions, threads -------------------------------------------------------------


@pytest.fixture
def reversed_cumsum() -> Iterator[Any]:
    @extend.overridable
    def fun(x: Any) -> Any:
        return np.cumsum(x[::-1])[::-1]

    extend.linear(fun, lambda ct, x: np.cumsum(ct), samples=extend.cases(extend.case(extend.A(3))))
    yield fun
    del RECORDS[fun]


def test_a_function_without_a_batching_rule_loops_and_warns(reversed_cumsum: Any) -> None:
    with pytest.warns(BatchLoopWarning, match="fun once per member"):
        found = vmap(reversed_cumsum)(X)

    same(found, members(reversed_cumsum, X))


def test_a_constant_function_without_a_batching_rule_loops_and_warns() -> None:
    with pytest.warns(BatchLoopWarning, match="numpy.lexsort"):
        same(vmap(lambda x, y: np.lexsort((x, y)))(X, Y), members(lambda x, y: np.lexsort((x, y)), X, Y))


def test_an_empty_batch_of_a_function_that_loops_says_so(reversed_cumsum: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BatchLoopWarning)
        with pytest.raises(ValueError, match="empty batch"):
            vmap(reversed_cumsum)(X[:0])
        with pytest.raises(ValueError, match="empty batch"):
            vmap(lambda x: np.lexsort((x, x)))(X[:0])


def test_a_function_without_a_rule_is_named() -> None:
    @extend.overridable
    def nobody_knows(x: Any) -> Any:
        return x

    with pytest.raises(errors.NoRuleError, match=r"nobody_knows has no derivative rule .*a batch, under vmap"):
        vmap(nobody_knows)(M)


def test_values_do_not_outlive_the_call() -> None:
    kept = []

    vmap(lambda x: kept.append(x))(X)

    with pytest.raises(LeakedValueError, match="vmap"):
        kept[0] + 1


def test_an_exception_passes_and_leaves_nothing_behind() -> None:
    kept = []

    def f(x: Any) -> Any:
        kept.append(x)
        raise ZeroDivisionError("of the user's")

    with pytest.raises(ZeroDivisionError, match="of the user's"):
        vmap(f)(X)
    with pytest.raises(LeakedValueError):
        kept[0] * 2
    same(vmap(SIN)(X), np.sin(X))


def test_threads_do_not_meet() -> None:
    found: dict[int, Any] = {}

    def work(k: int) -> None:
        found[k] = vmap(lambda x: vmap(lambda y: np.sin(x @ y) + k)(Y))(X)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for k in range(8):
        same(found[k], np.sin(X @ Y.T) + k)


def test_float32_and_complex_stay() -> None:
    assert vmap(lambda x: np.sin(x) * 2.0)(X.astype(np.float32)).dtype == np.float32
    same(vmap(lambda z: np.abs(z) * np.exp(z))(X * 1j), np.abs(X) * np.exp(X * 1j))


def test_text_is_that_of_the_whole_batch() -> None:
    seen = []
    vmap(lambda x: seen.append(f"{x}"))(X)

    assert seen == [str(X)]


@pytest.mark.filterwarnings("ignore::dualgrad.errors.BatchLoopWarning")
@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_digitize_does_not_broadcast_against_its_edges(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, *shape))
    edges = np.sort(rng.normal(size=(3, 4)), axis=1)

    def f(x: Any, edges: Any) -> Any:
        return x * np.digitize(x, edges)

    np.testing.assert_array_equal(vmap(f, in_axes=(0, None))(x, edges[0]), f(x, edges[0]))
    both = np.stack([f(x[i], edges[i]) for i in range(3)])
    np.testing.assert_array_equal(vmap(f)(x, edges), both)
    one = np.stack([f(x[0], edges[i]) for i in range(3)])
    np.testing.assert_array_equal(vmap(f, in_axes=(None, 0))(x[0], edges), one)
    np.testing.assert_array_equal(vmap(grad(lambda x, e: np.sum(f(x, e)), 1))(x, edges), 0 * edges)
