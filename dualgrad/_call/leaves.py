"""The leaves of a function's arguments and results that can be differentiated, and the way back to the trees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dualgrad import tree
from dualgrad._array.gather import gather
from dualgrad._table import foreign
from dualgrad._table.copies import copy_in_layout
from dualgrad._table.foreign import is_foreign
from dualgrad._table.space import Value, base_class, dtype_of, is_inexact, shape_of, zeros_of
from dualgrad._trace.ended import Ended
from dualgrad._trace.level import Level, Tracer
from dualgrad.errors import ConversionError

_, _LONE = tree.flatten((0.0,))
_FIRST = [0]


class Leaves:
    """Trees taken apart: `values` are the leaves that are float or complex, everything else passes through."""

    __slots__ = ("_leaves", "_places", "structure", "values")

    values: list[Value]

    def __init__(self, trees: Sequence[Any]) -> None:
        if len(trees) == 1:
            (x,) = trees
            if _is_lone(x):
                self._leaves = self.values = [x]
                self._places = _FIRST
                self.structure = _LONE
                return
        leaves, self.structure = tree.flatten(tuple(trees))
        leaves = [gather(x) if type(x) is np.ndarray and x.dtype.hasobject else x for x in leaves]
        self._leaves = leaves
        self._places = [k for k, x in enumerate(leaves) if is_differentiable(x)]
        for k in self._places:
            # A memory map, for example: rules are written for NumPy's own class.
            if type(x := leaves[k]) is not np.ndarray and isinstance(x, np.ndarray):
                leaves[k] = base_class(x)
        self.values = [leaves[k] for k in self._places]

    @property
    def leaves(self) -> list[Any]:
        """All leaves, those that pass through among them."""
        return self._leaves

    def kept(self, keep: Callable[[Any], Any]) -> Leaves:
        """Return the same with `keep` of what passes through; the values may still change."""
        if len(self._leaves) == len(self.values):
            return self
        found: Leaves = object.__new__(Leaves)
        found.structure, found.values, found._places = self.structure, self.values, self._places
        places = set(self._places)
        found._leaves = [x if k in places else keep(x) for k, x in enumerate(self._leaves)]
        return found

    @property
    def is_one_value(self) -> bool:
        """Whether there was one tree, and it was a single differentiable leaf."""
        return self.structure is _LONE or (bool(self.values) and self.structure == _LONE)

    def fill(self, values: Sequence[Value]) -> tuple[Any, ...]:
        """Return the trees with other values at the differentiable leaves."""
        return self._fill(self._leaves, values)

    def fill_derivatives(self, values: Sequence[Value]) -> tuple[Any, ...]:
        """Return the trees with derivatives at the differentiable leaves and None at the others."""
        return self._fill([None] * len(self._leaves), values)

    def _fill(self, template: list[Any], values: Sequence[Value]) -> tuple[Any, ...]:
        if self.structure is _LONE:
            return tuple(values)
        leaves = list(template)
        for k, x in zip(self._places, values, strict=True):
            leaves[k] = x
        filled: tuple[Any, ...] = self.structure.unflatten(leaves)
        return filled

    def paths(self, names: Sequence[str]) -> list[str]:
        """Return how errors name each differentiable leaf: `params['w'][0]`."""
        found = self.structure.paths()
        return [_rename(found[k], names) for k in self._places]

    def match(self, other: Any, what: str, of: str) -> list[Value]:
        """Return the derivatives that `other`, shaped as these trees, holds for `values`; None stands for zero."""
        leaves = tree.match(self.structure, other, name=what, expected_name=of, allow_none=True)
        paths = self.structure.paths(of)
        found = []
        for k, x in zip(self._places, self.values, strict=True):
            found.append(None if leaves[k] is None else conform(leaves[k], x, paths[k].replace(of, what, 1), paths[k]))
        return found


def _is_lone(x: Any) -> bool:
    """Tell whether a tree is one float or float array: the commonest by far."""
    kind = type(x)
    if kind is np.ndarray:
        return x.dtype.kind in "fc"
    return kind is float or kind is np.float64 or (isinstance(x, Tracer) and is_inexact(x))


def _rename(path: str, names: Sequence[str]) -> str:
    position, _, rest = path[1:].partition("]")
    return names[int(position)] + rest


def results(returned: Any, level: Level | None = None) -> Leaves:
    """Return the leaves of what a differentiated function returned; raises where a derivative would be lost in it."""
    if level is not None and level.was_pickled:
        raise ConversionError(
            "A function that runs later, or elsewhere, closes over a value being differentiated (dask: x.map_blocks(lambda b: b * w), "
            "apply_gufunc, reduction), and its derivative would be lost. Use NumPy's functions and operators on the whole arrays; "
            "if the value should count as constant, use stop_gradient(x)."
        )
    found = Leaves([returned])
    for x in found.values:
        if isinstance(x, Tracer) and isinstance(x._level, Ended):
            x._level.apply()
    if not found.values:
        for x in tree.leaves(returned):
            if not (x is None or isinstance(x, (int, str, bytes, np.generic)) or type(x) is np.ndarray):
                raise TypeError(
                    f"The differentiated function returned a {type(x).__name__}, in which dualgrad cannot look for values to "
                    "differentiate. Return arrays, or tuples, lists, dicts or dataclasses of them, or register the class with "
                    "dualgrad.tree.register."
                )
    return found


def with_floats(result: Leaves) -> Leaves:
    """Return a result that holds no float at all, only integers, as one of floats: it is constant, not without a derivative."""
    if result.values:
        return result
    (returned,) = result.fill(())
    return Leaves([tree.map(_as_float, returned)])


def _as_float(x: Any) -> Any:
    if isinstance(x, (int, np.integer, np.bool_)):
        return np.float64(x)
    return x.astype(float) if type(x) is np.ndarray and x.dtype.kind in "iub" else x


def release(level: Level, result: Any) -> Any:
    """Return a tree with the values of a level's tracers in their place; for what leaves a transformation undifferentiated."""
    if result is None:
        return None

    def released(x: Any) -> Any:
        if _holds_objects(x) and any(isinstance(e, Tracer) for e in x.ravel().tolist()):
            # Element by element, and then gathered by the levels further out: this one is over.
            values = np.empty(x.size, object)
            for k, e in enumerate(x.ravel().tolist()):
                values[k] = released(e)
            return gather(values.reshape(x.shape))
        return x._value if isinstance(x, Tracer) and x._level is level else x

    return tree.map(released, result)


def refuse_masked(x: Any, done: str) -> None:
    """Raise TypeError for a masked array or a matrix."""
    if isinstance(x, (np.ma.MaskedArray, np.matrix)):
        raise TypeError(
            f"A {type(x).__name__} cannot be {done}: its "
            f"{'mask' if isinstance(x, np.ma.MaskedArray) else 'own rules of multiplication'} would be lost. "
            "Pass np.asarray(x), and select with np.where(mask, ..., ...)."
        )


def is_differentiable(x: Any) -> bool:
    """Tell whether a leaf is a float or complex number or array that a tracer can stand for."""
    if isinstance(x, (float, complex, np.inexact)):
        return True
    if not is_inexact(x):
        return False
    if isinstance(x, Tracer):
        return True
    refuse_masked(x, "differentiated")
    if not hasattr(type(x), "__array_function__"):
        raise TypeError(_NO_ARRAY.format(_full_name(x)))
    return True


_NO_ARRAY = (
    "A {} does not speak NumPy's protocols (NEP 18) and cannot be differentiated. Pass x.to_numpy() or np.asarray(x)."
)


def _full_name(x: Any) -> str:
    return f"{type(x).__module__}.{type(x).__name__}"


def as_argument(x: Any, name_of_argument: Callable[[Any], str], key: Any) -> Any:
    """Return an argument ready to be differentiated: a lone integer counts as a float.

    Raises TypeError where nothing in the argument can be differentiated.
    """
    kind = type(x)
    if kind is float or kind is np.float64:
        return x
    if kind is np.ndarray or isinstance(x, Tracer):
        dtype = x.dtype
        if dtype.kind in "fcO":
            return x
        if x.shape == () and dtype.kind in "iu":
            return x.astype(float)[()]
        name = name_of_argument(key)
        hint = f" Write {name}.astype(float)." if dtype.kind in "iub" else ""
        raise TypeError(f"The argument {name} is an array of dtype {dtype} and cannot be differentiated.{hint}")
    if isinstance(x, (int, np.integer)) and not isinstance(x, bool):
        return float(x)
    leaves, _ = tree.flatten(x)
    if not any(is_differentiable(leaf) or _holds_objects(leaf) for leaf in leaves):
        if hasattr(x, "to_numpy"):
            raise TypeError(_NO_ARRAY.format(_full_name(x)))
        described = (
            type(x).__name__ if len(leaves) == 1 and leaves[0] is x else f"{type(x).__name__} without any float in it"
        )
        raise TypeError(
            f"The argument {name_of_argument(key)} is a {described} and cannot be differentiated. "
            f"Choose another argument with argnums or argnames, or pass floats.{_hint_to_register(leaves)}"
        )
    return x


def _hint_to_register(leaves: Sequence[Any]) -> str:
    """Return what to do where a leaf is of a class that dualgrad does not look into, else nothing."""
    for x in leaves:
        kind = type(x)
        if kind.__module__ not in ("builtins", "numpy") and not callable(x):
            return (
                f" A {kind.__name__} is a single leaf; if it holds floats, register the class with dualgrad.tree.register, or "
                "make it a dataclass."
            )
    return ""


def as_primals(primals: Sequence[Any], transform: str) -> Leaves:
    """Return the leaves of the primals of `jvp` or `vjp`; TypeError where nothing can be differentiated."""
    found = []
    for k, x in enumerate(primals):
        if (type(x) is np.ndarray or isinstance(x, Tracer)) and dtype_of(x).kind in "iu":
            x = as_argument(x, "primals[{}]".format, k)
        found.append(float(x) if isinstance(x, (int, np.integer)) and not isinstance(x, bool) else x)
    leaves = Leaves(found)
    if not leaves.values:
        raise TypeError(
            f"{transform} got nothing to differentiate: no primal holds a float. Pass floats."
            f"{_hint_to_register(tree.leaves(tuple(found)))}"
        )
    return leaves


def _holds_objects(x: Any) -> bool:
    return type(x) is np.ndarray and x.dtype.hasobject


def conform(given: Any, x: Value, name: str, of: str) -> Value:
    """Return a tangent or cotangent that a user gave for the value `x`, in its space; raises where it is of another."""
    if isinstance(given, (list, tuple)):
        raise TypeError(f"{name} is a {type(given).__name__} where {of} is an array.")
    if isinstance(given, (bool, int, np.integer)):
        given = float(given)
    shape, dtype = shape_of(x), dtype_of(x)
    if shape_of(given) != shape:
        raise ValueError(f"{name} has shape {shape_of(given)} where {of} has shape {shape}; they must be equal.")
    found = dtype_of(given)
    if found.kind not in "fciub":
        raise TypeError(f"{name} has dtype {found}; a float was expected.")
    if found.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{name} is complex where {of} is real. Pass its real part.")
    if found != dtype:
        given = given.astype(dtype) if hasattr(given, "astype") else dtype.type(given)
    elif isinstance(given, (float, complex)):
        given = dtype.type(given)
    return base_class(given) if type(given) is not np.ndarray and isinstance(given, np.ndarray) else given


def in_own_memory(x: Value) -> Value:
    """Return a value that a transformation starts from: the function may write to the array it came from, after its use."""
    return copy_in_layout(x) if type(x) is np.ndarray else x


def owned(x: Value, taken: Sequence[Any]) -> Value:
    """Return a result as a user gets it: a plain array in C order, sharing memory with nothing, least of all with the arguments."""
    if type(x) is np.ndarray and (x.base is not None or not x.flags.c_contiguous or any([x is y for y in taken])):
        return np.array(x, order="C")
    return x


def settle(derivatives: Sequence[Value], values: Sequence[Value], taken: Sequence[Value] = ()) -> list[Value]:
    """Return derivatives as a user gets them: zeros for None, arrays for arrays, writable, sharing memory with nothing."""
    if len(values) == 1 and not taken:
        g = derivatives[0]
        # The commonest case by far: one argument, and a fresh array or number for it.
        if type(g) is np.float64 is type(values[0]) or (
            type(g) is np.ndarray is type(values[0])
            and g is not values[0]
            and g.base is None
            and g.flags.writeable
            and g.dtype is values[0].dtype
        ):
            return [g]
    seen = {id(x) for x in (*values, *taken)}
    settled = []
    for g, x in zip(derivatives, values, strict=True):
        if g is None:
            g = zeros_of(x)
        if not isinstance(g, Tracer):
            if isinstance(x, np.ndarray):
                if is_foreign(g):
                    # The data was another library's, and has not been computed yet.
                    settled.append(g)
                    continue
                if type(g) is not np.ndarray or g.base is not None or not g.flags.writeable or id(g) in seen:
                    g = np.array(g)
                if g.dtype is not x.dtype and g.dtype.kind == x.dtype.kind:
                    # NumPy computes in the byte order of the machine.
                    g = g.astype(x.dtype)
                seen.add(id(g))
            elif type(g) is np.ndarray and shape_of(x) == ():
                g = g[()]
            elif is_foreign(x):
                g = foreign.settled(g, foreign.plain(x))
                g = g.copy() if id(g) in seen else g
                seen.add(id(g))
        settled.append(g)
    return settled
