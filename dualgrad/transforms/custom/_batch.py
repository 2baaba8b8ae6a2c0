"""Custom functions under `vmap`: one derived function of the whole batch, with the rules of its members.

The derived function is a custom function again. So the rules stay in force for whatever differentiates outside of the `vmap`,
and a `vmap` further out derives once more. It takes and returns plain stacks, the members along axis 0; each time one of
its rules runs, the rule sees one member, as any function under `vmap` does. What cannot run on the batch (SciPy, Python branches)
runs once per member.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from dualgrad import tree
from dualgrad._array.gather import gather
from dualgrad._call.callers import stacklevel_of_user
from dualgrad._call.leaves import is_differentiable
from dualgrad._table.space import dtype_of, shape_of, zeros_of
from dualgrad._trace.level import Level, Tracer, deepest
from dualgrad.batching import BatchLevel, batch_array
from dualgrad.errors import BatchLoopWarning, LeakedValueError, RuleError, TreeError

Rule = Callable[..., Any]


class Stack:
    """The members of a batch along axis 0, where a leaf is no float, and where residuals hold a batch.

    `owner` is whose batch it is; under nested `vmap`s, the members of one may be a stack of the other.
    """

    __slots__ = ("members", "owner")

    def __init__(self, members: Any, owner: BatchedRules) -> None:
        self.members = members
        self.owner = owner


class Apart:
    """A residual of each member, where they make no stack: objects, or arrays of different shapes.

    `owner` is whose batch it is: a level while a rule runs, and `BatchedRules` in between, as for a `Stack`.
    """

    __slots__ = ("members", "owner")

    def __init__(self, members: list[Any], owner: BatchLevel | BatchedRules) -> None:
        self.members = members
        self.owner = owner

    def map(self, f: Callable[[Any], Any], owner: BatchLevel | BatchedRules | None = None) -> Apart:
        """Return the same with `f` of each leaf of the members."""
        return Apart([tree.map(f, x) for x in self.members], self.owner if owner is None else owner)


def fixed(x: Any, keep: Callable[[Any], Any]) -> Any:
    """Return `keep` of a leaf of arguments or residuals, and of the members of a batch; what knows how to copy itself does."""
    if type(x) is Stack:
        return Stack(fixed(x.members, keep), x.owner)
    if type(x) is Apart:
        return x.map(lambda leaf: fixed(leaf, keep))
    if hasattr(x, "dtype") and hasattr(x, "copy") and not hasattr(type(x), "__array_function__"):
        # A sparse matrix, for example.
        return x.copy()
    return keep(x)


class BatchedRules:
    """Makes the rules of a batch from those of a member, for one call: which leaves of the arguments hold a batch."""

    __slots__ = ("_batched", "_level", "_structure", "_title", "arguments")

    def __init__(self, args: tuple[Any, ...], level: BatchLevel, title: str) -> None:
        leaves, self._structure = tree.flatten(args)
        self._batched = [isinstance(x, Tracer) and level.holds(x) for x in leaves]
        self._level = level
        self._title = title
        self.arguments = self._structure.unflatten(
            [x._value if b else x for x, b in zip(leaves, self._batched, strict=True)]
        )

    def function(self, f: Rule) -> Rule:
        """Return `f` of a batch."""

        @functools.wraps(f)
        def batched(*args: Any) -> Any:
            return tree.map(self._as_value, self._run(f, self._marked(args), ("value",)))

        return batched

    def jvp(self, rule: Rule) -> Rule:
        """Return the rule `(primals, tangents) -> (value, tangent)` of a batch."""

        def batched(primals: Any, tangents: Any) -> Any:
            return tree.map(
                self._as_value, self._run(rule, (self._marked(primals), self._marked(tangents)), ("value", "tangent"))
            )

        return batched

    def fwd(self, rule: Rule) -> Rule:
        """Return the rule `args -> (value, residuals)` of a batch; residuals that are no batch stay as they are."""

        def batched(*args: Any) -> Any:
            pair = self._run(rule, self._marked(args), ("value", "residuals"))
            if not (isinstance(pair, tuple) and len(pair) == 2):
                return pair
            return tree.map(self._as_value, pair[0]), pair[1]

        return batched

    def bwd(self, rule: Rule) -> Rule:
        """Return the rule `(residuals, ct) -> cotangents` of a batch."""

        def batched(residuals: Any, ct: Any) -> Any:
            found = self._run(
                rule, (residuals, tree.map(lambda x: None if x is None else Stack(x, self), ct)), ("tangent",)
            )
            try:
                leaves = tree.match(
                    self._structure, tuple(found), name="cotangents", expected_name="arguments", allow_none=True
                )
            except (TreeError, TypeError):
                # The count or the structure is wrong, and whoever called says so.
                return found
            return self._structure.unflatten(list(map(self._pulled, leaves, self._batched)))

        return batched

    def transpose(self, rule: Rule) -> Rule:
        """Return the transpose `(wanted, args, ct) -> cotangents` of a batch."""

        def batched(wanted: tuple[bool, ...], args: Any, ct: Any) -> Any:
            return self.bwd(functools.partial(rule, wanted))(self._marked(args), ct)

        return batched

    def wrapped(self, result: Any) -> Any:
        """Return the result of the derived function as the batches that the code under `vmap` works with."""
        return tree.map(
            lambda x: batch_array(x, self._level) if is_differentiable(x) else self._entered(x, self._level), result
        )

    def _marked(self, trees: Any) -> Any:
        """Mark the leaves of arguments, or of their tangents, that hold a batch."""
        leaves = tree.match(self._structure, trees, name="tangents", expected_name="arguments", allow_none=True)
        marked = [Stack(x, self) if b and x is not None else x for x, b in zip(leaves, self._batched, strict=True)]
        return self._structure.unflatten(marked)

    def _run(self, f: Rule, args: tuple[Any, ...], roles: tuple[str, ...]) -> Any:
        """Run `f` on members, where `args` holds stacks; return what it returns, with stacks in the place of batches."""
        level = BatchLevel(self._level.size)
        try:
            entered = tree.map(lambda x: self._entered(x, level), args)
            result = on_batch(f, entered, self._title, roles, level, apart=holds_apart(entered))
            return tree.map(lambda x: self._left(x, level), result)
        finally:
            level.close()

    def _entered(self, x: Any, level: BatchLevel) -> Any:
        if type(x) is Apart:
            return x.map(lambda leaf: self._entered(leaf, level), level if x.owner is self else None)
        if type(x) is not Stack:
            return x
        return batch_array(x.members, level) if x.owner is self else Stack(self._entered(x.members, level), x.owner)

    def _left(self, x: Any, level: BatchLevel) -> Any:
        if type(x) is Stack:
            return Stack(self._left(x.members, level), x.owner)
        if type(x) is Apart:
            return x.map(lambda leaf: self._left(leaf, level), self if x.owner is level else None)
        if type(x) is np.ndarray and x.dtype.hasobject:
            x = gather(x)
        is_batch = isinstance(x, Tracer) and level.holds(x)
        value = x = x._value if is_batch else x
        while isinstance(value, Tracer):
            if value._level is self._level:
                raise _closure(self._title)
            value = value._value
        return Stack(x, self) if is_batch else x

    def _as_value(self, x: Any) -> Any:
        """Return a leaf of a value or tangent; floats are arrays with all members, so that the two have one shape."""
        members = x.members if type(x) is Stack and x.owner is self else x
        if not is_differentiable(members):
            return x
        return members if members is not x else np.broadcast_to(x, (self._level.size, *shape_of(x)))

    def _pulled(self, ct: Any, batched: bool) -> Any:
        """Return the cotangent of a leaf; where all members share the argument, it is the sum of theirs."""
        if ct is None:
            return None
        if type(ct) is Stack:
            return ct.members if batched else np.sum(ct.members, axis=0)
        size = self._level.size
        return np.broadcast_to(ct, (size, *shape_of(ct))) if batched else ct * dtype_of(ct).type(size)


# ---- once per member -----------------------------------------------------------------------------

_IS_LOOPING: ContextVar[bool] = ContextVar("_IS_LOOPING", default=False)
"""Whether a function runs once per member already: what it calls need not warn again."""


def on_batch(
    f: Rule,
    trees: tuple[Any, ...],
    title: str,
    roles: tuple[str, ...],
    level: BatchLevel | None = None,
    *,
    apart: bool = False,
) -> Any:
    """Return `f(*trees)`; where it raises on a batch, run it on each member and stack, and warn.

    Whatever it raises may come of the batch, for foreign code has its own errors for what it does not know; if the run on a
    member raises too, that error is the user's. `roles` says what `f` returns: "value", "tangent" or "residuals", two of them for
    a pair. `apart` tells that residuals of members are apart, on which `f` cannot run at once.
    """
    failed: Exception | None = None
    if not apart:
        try:
            return f(*trees)
        except (RuleError, LeakedValueError):
            raise
        except Exception as error:
            found = level or _deepest(trees)
            if not isinstance(found, BatchLevel) or not found.size:
                raise
            failed, level = error, found
    # Not in the except clause: an error of the user's does not come out as one that followed from another.
    return _on_members(f, trees, title, roles, level or _deepest(trees), failed)


def holds_apart(trees: Any) -> bool:
    """Tell whether residuals of a batch that is running are apart."""
    return any(type(x) is Apart and isinstance(x.owner, BatchLevel) for x in tree.leaves(trees))


def holds_batch(trees: Any) -> bool:
    """Tell whether there is a batch below what is being differentiated in trees."""
    leaves = tree.leaves(trees)
    if isinstance(deepest(leaves), BatchLevel):
        return False
    for x in leaves:
        while isinstance(x, Tracer):
            if isinstance(x._level, BatchLevel):
                return True
            x = x._value
    return False


def _deepest(trees: Any) -> Level | None:
    """Return the deepest level that has a part in trees, residuals of members among them."""
    leaves = tree.leaves(trees)
    found = deepest(leaves)
    for x in leaves:
        if type(x) is Apart and isinstance(x.owner, BatchLevel) and (found is None or x.owner.depth > found.depth):
            found = x.owner
    return found


def _on_members(
    f: Rule, trees: tuple[Any, ...], title: str, roles: tuple[str, ...], level: Any, failed: Exception | None
) -> Any:
    if not isinstance(level, BatchLevel):
        raise RuleError(
            f"The residuals of {title} are objects, or have different shapes, under vmap; its rule bwd cannot be differentiated "
            "by its cotangent there. Return arrays of one shape as residuals."
        )
    answers = []
    token = _IS_LOOPING.set(True)
    try:
        for i in range(level.size):
            members = tree.map(lambda x, i=i: _member(x, level, i), trees)
            answers.append(on_batch(f, members, title, roles, apart=holds_apart(members)))
    finally:
        _IS_LOOPING.reset(token)
    if failed is not None and not _IS_LOOPING.get():
        _warn(title, failed)
    if len(roles) == 1:
        return _together(answers, level, title, roles[0])
    if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in answers):
        # Whoever called says what is wrong.
        return answers[0]
    value, other = zip(*answers, strict=True)
    if roles[1] == "tangent" and not any(_holds(x, level) for x in tree.leaves(trees[0])):
        # Only the tangents are a batch, and all members have one value.
        return value[0], _together(other, level, title, roles[1])
    return _together(value, level, title, roles[0]), _together(other, level, title, roles[1])


def _member(x: Any, level: BatchLevel, i: int) -> Any:
    """Return a member, in memory of its own: foreign code may write to it."""
    if type(x) is Stack:
        return Stack(_member(x.members, level, i), x.owner)
    if type(x) is Apart:
        return x.members[i] if x.owner is level else x.map(lambda leaf: _member(leaf, level, i))
    if not level.holds(x):
        return x
    found = x._value[i]
    return found.copy() if type(found) is np.ndarray else found


def _holds(x: Any, level: BatchLevel) -> bool:
    return _holds(x.members, level) if type(x) is Stack else level.holds(x)


def _together(answers: Sequence[Any], level: BatchLevel, title: str, role: str) -> Any:
    """Return the answers of the members as one tree of batches."""
    flat = [tree.flatten(x) for x in answers]
    structure = flat[0][1]
    if any(other != structure for _, other in flat):
        if role == "residuals":
            return Apart(list(answers), level)
        raise TreeError(f"{title}, run once per member of a batch, returned containers of different structure.")
    columns = zip(*[leaves for leaves, _ in flat], strict=True)
    return structure.unflatten([_joined(column, level, title, role) for column in columns])


def _joined(column: Sequence[Any], level: BatchLevel, title: str, role: str) -> Any:
    first = column[0]
    if all(type(x) is type(first) and x == first if type(x) in _PLAIN else x is first for x in column) and not hasattr(
        first, "dtype"
    ):
        return first
    if type(first) is Stack:
        return Stack(_joined([x.members for x in column], level, title, role), first.owner)
    column = [gather(x) if type(x) is np.ndarray and x.dtype.hasobject else x for x in column]
    if role == "tangent":
        like = next(x for x in column if x is not None)
        column = [zeros_of(like) if x is None else x for x in column]
    if not all(map(_is_array, column)) or len({shape_of(x) for x in column}) > 1:
        if role == "residuals":
            return Apart(column, level)
        shapes = sorted({str(shape_of(x)) if _is_array(x) else type(x).__name__ for x in column})
        raise ValueError(
            f"{title}, run once per member of a batch, returned what cannot be stacked: {', '.join(shapes)}. Return numbers, or "
            "arrays of one shape."
        )
    for x in column:
        while isinstance(x, Tracer):
            if x._level is level:
                raise _closure(title)
            x = x._value
    return batch_array(np.stack(column), level)


_PLAIN = (bool, int, str, bytes, type(None))


def _is_array(x: Any) -> bool:
    if type(x) is np.ndarray and x.dtype.hasobject:
        return False
    return hasattr(x, "dtype") or isinstance(x, (bool, int, float, complex))


def _closure(title: str) -> RuleError:
    return RuleError(
        f"{title} reads a batched value that is not among its arguments. Under vmap, a function with custom rules cannot do that where it runs "
        "once per member, nor where the value is in an object or a global. Pass it as an argument."
    )


def _warn(title: str, failed: Exception) -> None:
    warnings.warn(
        f"vmap runs {title}, or a rule of it, once per member of the batch: on the whole batch it raises {type(failed).__name__}. "
        "The result is right, and slow.",
        BatchLoopWarning,
        stacklevel=stacklevel_of_user(),
    )
