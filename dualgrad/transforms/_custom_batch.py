"""Custom functions under `vmap`: one derived function of the whole batch, with the rules of its members.

The derived function is a custom function again. So the rules stay in force for whatever differentiates outside of the `vmap`,
and a `vmap` further out derives once more. It takes and returns plain stacks, the members along axis 0; each time one of
its rules runs, the rule sees one member, as any function under `vmap` does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad import tree
from dualgrad._core.gather import gather
from dualgrad._core.leaves import is_differentiable
from dualgrad._core.level import Tracer
from dualgrad._core.space import dtype_of, shape_of
from dualgrad.batching import BatchLevel, batch_array
from dualgrad.errors import RuleError, TreeError

Rule = Callable[..., Any]


class Stack:
    """The members of a batch along axis 0, where a leaf is no float, and where residuals hold a batch.

    `owner` is whose batch it is; under nested `vmap`s, the members of one may be a stack of the other.
    """

    __slots__ = ("members", "owner")

    def __init__(self, members: Any, owner: BatchedRules) -> None:
        self.members = members
        self.owner = owner


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
            return tree.map(self._as_value, self._run(f, self._marked(args)))

        return batched

    def jvp(self, rule: Rule) -> Rule:
        """Return the rule `(primals, tangents) -> (value, tangent)` of a batch."""

        def batched(primals: Any, tangents: Any) -> Any:
            return tree.map(self._as_value, self._run(rule, (self._marked(primals), self._marked(tangents))))

        return batched

    def fwd(self, rule: Rule) -> Rule:
        """Return the rule `args -> (value, residuals)` of a batch; residuals that are no batch stay as they are."""

        def batched(*args: Any) -> Any:
            pair = self._run(rule, self._marked(args))
            if not (isinstance(pair, tuple) and len(pair) == 2):
                return pair
            return tree.map(self._as_value, pair[0]), pair[1]

        return batched

    def bwd(self, rule: Rule) -> Rule:
        """Return the rule `(residuals, ct) -> cotangents` of a batch."""

        def batched(residuals: Any, ct: Any) -> Any:
            found = self._run(rule, (residuals, tree.map(lambda x: None if x is None else Stack(x, self), ct)))
            try:
                leaves = tree.match(
                    self._structure, tuple(found), name="cotangents", expected_name="arguments", allow_none=True
                )
            except (TreeError, TypeError):
                # The count or the structure is wrong, and whoever called says so.
                return found
            return self._structure.unflatten(list(map(self._pulled, leaves, self._batched)))

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

    def _run(self, f: Rule, args: tuple[Any, ...]) -> Any:
        """Run `f` on members, where `args` holds stacks; return what it returns, with stacks in the place of batches."""
        level = BatchLevel(self._level.size)
        try:
            result = f(*tree.map(lambda x: self._entered(x, level), args))
            return tree.map(lambda x: self._left(x, level), result)
        finally:
            level.close()

    def _entered(self, x: Any, level: BatchLevel) -> Any:
        if type(x) is not Stack:
            return x
        return batch_array(x.members, level) if x.owner is self else Stack(self._entered(x.members, level), x.owner)

    def _left(self, x: Any, level: BatchLevel) -> Any:
        if type(x) is Stack:
            return Stack(self._left(x.members, level), x.owner)
        if type(x) is np.ndarray and x.dtype.hasobject:
            x = gather(x)
        is_batch = isinstance(x, Tracer) and level.holds(x)
        value = x = x._value if is_batch else x
        while isinstance(value, Tracer):
            if value._level is self._level:
                raise RuleError(
                    f"{self._title} reads a batched value that is not among its arguments (a closure or a global), which a "
                    "function with custom rules cannot do under vmap. Pass it as an argument."
                )
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
