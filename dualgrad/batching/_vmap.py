"""vmap: a function of one thing, applied to a whole batch of them in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from dualgrad import tree
from dualgrad._array.gather import gather
from dualgrad._call.annotations import AnyArray, Derived, Number, P, R
from dualgrad._call.arguments import argument_name
from dualgrad._call.leaves import owned, refuse_masked
from dualgrad._call.transformed import transformed
from dualgrad._table.space import Value, base_class, shape_of
from dualgrad._trace.level import Tracer
from dualgrad.batching._batch import BatchLevel
from dualgrad.batching._hot import batch_array


@overload
def vmap(f: np.ufunc, in_axes: Any = 0, out_axes: Any = 0, *, axis_size: int | None = None) -> Any: ...
@overload
def vmap(
    f: Callable[P, Number], in_axes: Any = 0, out_axes: Any = 0, *, axis_size: int | None = None
) -> Derived[P, AnyArray]: ...
@overload
def vmap(f: Callable[P, R], in_axes: Any = 0, out_axes: Any = 0, *, axis_size: int | None = None) -> Derived[P, R]: ...
@overload
def vmap(
    f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0, *, axis_size: int | None = None
) -> Derived[..., Any]: ...
def vmap(f: Callable[P, Any], in_axes: Any = 0, out_axes: Any = 0, *, axis_size: int | None = None) -> Callable[P, Any]:
    """Return `f` as a function of whole batches: what `np.stack([f(x) for x in xs])` computes, in one call of `f`.

    `in_axes` says along which axis of each argument its members lie: an int (negative counts from the last axis), None for an
    argument that is the same for all, or a tuple with one such entry, or a tree of them, per argument. Keyword arguments
    have their members along axis 0. `out_axes` says the same of the result. `axis_size` is the size of the batch; it
    is needed only where no argument has one.

    Inside, `f` sees one member: shapes are those of a member, and a Python branch on a batched value raises ConversionError
    (write np.where). Derivatives may be taken inside and outside. A function without a batching rule runs once per member
    and warns (`errors.BatchLoopWarning`).

    Raises ValueError where the sizes differ or an axis does not exist.

    >>> import numpy as np
    >>> from dualgrad import grad, vmap
    >>> vmap(grad(lambda x, a: np.sum(a * x**2)), in_axes=(0, None))(np.array([[1.0, 2.0], [3.0, 4.0]]), 10.0)
    array([[20., 40.],
           [60., 80.]])
    """

    @transformed(vmap, f, in_axes=in_axes, out_axes=out_axes, axis_size=axis_size)
    def batched(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        axes = _axes_of_arguments(in_axes, args)
        leaves, structure = tree.flatten((args, kwargs))
        leaves = [gather(x) if type(x) is np.ndarray and x.dtype.hasobject else x for x in leaves]
        flat_axes = [k for a, x in zip(axes, args, strict=True) for k in _spread(a, x, "in_axes")]
        flat_axes += [0] * (len(leaves) - len(flat_axes))
        size = _common_size(leaves, flat_axes, axis_size, _Names(f, args, kwargs))
        level = BatchLevel(size)
        try:
            members = [
                x if k is None else batch_array(_to_front(x, k), level) for x, k in zip(leaves, flat_axes, strict=True)
            ]
            inner_args, inner_kwargs = structure.unflatten(members)
            result = f(*inner_args, **inner_kwargs)
            found, shape = tree.flatten(result)
            found = [gather(x) if type(x) is np.ndarray and x.dtype.hasobject else x for x in found]
        finally:
            level.close()
        out = _spread(out_axes, result, "out_axes")
        return shape.unflatten([_from_front(x, k, level, leaves) for x, k in zip(found, out, strict=True)])

    return batched


def _axes_of_arguments(in_axes: Any, args: tuple[Any, ...]) -> Sequence[Any]:
    if in_axes is None or isinstance(in_axes, int):
        return [in_axes] * len(args)
    if not isinstance(in_axes, (tuple, list)) or len(in_axes) != len(args):
        raise ValueError(
            f"vmap: in_axes is an int, None, or a tuple with one entry per positional argument ({len(args)} here); "
            f"it is {in_axes!r}."
        )
    return in_axes


def _spread(axes: Any, x: Any, name: str) -> list[int | None]:
    """Return one axis per leaf of a tree, from a tree of axes that may end early."""
    if axes is None or (isinstance(axes, int) and not isinstance(axes, bool)):
        return [axes] * len(tree.leaves(x))
    if isinstance(axes, dict) and isinstance(x, dict):
        if axes.keys() != x.keys():
            raise ValueError(f"vmap: {name} has the keys {sorted(axes)} where the tree has {sorted(x)}.")
        leaves = tree.leaves({key: _Axes(_spread(axes[key], x[key], name)) for key in x})
        return [k for leaf in leaves for k in leaf.axes]
    if isinstance(axes, (tuple, list)) and isinstance(x, (tuple, list)) and len(axes) == len(x):
        return [k for a, part in zip(axes, x, strict=True) for k in _spread(a, part, name)]
    raise ValueError(
        f"vmap: {name} holds {axes!r} for a {type(x).__name__}; it is an int, None, or a container of them of the same shape."
    )


class _Axes:
    """The axes of the leaves below one key, kept together while dict keys are brought into their order."""

    __slots__ = ("axes",)

    def __init__(self, axes: list[int | None]) -> None:
        self.axes = axes


class _Names:
    """How errors name the leaves of a call, and what they advise: looked for when one is raised."""

    __slots__ = ("_args", "_f", "_kwargs")

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._f = f
        self._args = args
        self._kwargs = kwargs

    def __getitem__(self, place: int) -> str:
        found = [p for k, x in enumerate(self._args) for p in tree.flatten(x)[1].paths(argument_name(self._f, k))]
        # Paths in the dict of keywords begin with the key in brackets.
        found += [p[2:].replace("']", "", 1) for p in tree.flatten(self._kwargs)[1].paths()]
        return found[place]

    def advice(self, place: int) -> str:
        """Return what to do with a leaf that is no batch of the wanted size."""
        owners: list[Any] = [x for x in self._args for _ in tree.leaves(x)]
        if place >= len(owners):
            return (
                "Keyword arguments have their members along axis 0. If it is the same for all members, pass it by position "
                "with in_axes=None, or close over it (functools.partial)."
            )
        if type(owners[place]) in (list, tuple):
            return (
                f"A {type(owners[place]).__name__} is a container of arguments: write np.array([...]) for a batch of numbers, "
                "or pass it with in_axes=None if it is the same for all members."
            )
        return "Pass it with in_axes=None if it is the same for all members."


def _common_size(leaves: list[Any], axes: list[int | None], axis_size: int | None, names: _Names) -> int:
    """Return the size of the batch."""
    size, first = axis_size, -1
    for place, (x, k) in enumerate(zip(leaves, axes, strict=True)):
        if k is None:
            continue
        shape = shape_of(x)
        if not -len(shape) <= k < len(shape):
            raise ValueError(
                f"vmap: {names[place]} has shape {shape} ({type(x).__name__}) and no axis {k}. {names.advice(place)}"
            )
        if size is None:
            size, first = shape[k], place
        elif shape[k] != size:
            other = "axis_size" if first < 0 else names[first]
            raise ValueError(
                f"vmap: {names[place]} holds {shape[k]} members along axis {k} where {other} holds {size}. "
                f"{names.advice(place)}"
            )
    if size is None:
        raise ValueError("vmap: no argument holds a batch (every in_axes is None). Pass axis_size.")
    return size


def _to_front(x: Value, axis: int) -> Value:
    refuse_masked(x, "batched")
    if type(x) is not np.ndarray and isinstance(x, np.ndarray):
        x = base_class(x)
    return x if axis == 0 else np.moveaxis(x, axis, 0)


def _from_front(x: Any, axis: int | None, level: BatchLevel, taken: list[Any]) -> Any:
    """Return a result with its members along an axis, in memory that none of what was taken has."""
    is_batch = isinstance(x, Tracer) and level.holds(x)
    if axis is None:
        if is_batch:
            raise ValueError(
                "vmap: out_axes is None for a result that differs between the members of the batch. Give it an axis."
            )
        return x
    if not is_batch:
        if not (hasattr(x, "shape") or isinstance(x, (bool, int, float, complex))):
            return x
        # The same for all members; they get memory of their own.
        found = np.copy(np.broadcast_to(x, (level.size, *shape_of(x))))
    else:
        found = x._value
    if axis == 0:
        return owned(found, taken)
    rank = len(shape_of(x))
    if not -rank - 1 <= axis <= rank:
        raise ValueError(
            f"vmap: out_axes is {axis} for a result whose members have shape {shape_of(x)}; it is at least {-rank - 1} and at "
            f"most {rank}."
        )
    return owned(np.moveaxis(found, 0, axis), taken)
