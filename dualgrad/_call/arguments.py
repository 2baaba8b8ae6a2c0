"""Which arguments of a call are differentiated: `argnums` and `argnames`, however they were passed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeAlias

from dualgrad._call.leaves import Leaves, as_argument

P = ParamSpec("P")

ArgNums: TypeAlias = int | Sequence[int] | None
ArgNames: TypeAlias = str | Sequence[str] | None


def check_callable(f: Any, transform: str, call: str, role: str = "first argument") -> None:
    """Raise TypeError for what is no function; `call` is what to write instead."""
    if not callable(f):
        raise TypeError(
            f"{transform} takes a function as its {role}; it got a {type(f).__name__}, which cannot be called. "
            f"Write {call}."
        )


_ONLY = [0]


class Chooser:
    """The chosen arguments of one function, found in each call of it."""

    __slots__ = ("_argnames", "_argnums", "_f", "_simple", "single", "transform")

    def __init__(self, f: Callable[..., Any], argnums: ArgNums, argnames: ArgNames, transform: str) -> None:
        check_callable(f, transform, f"{transform}(f)(x)")
        if argnums is None and argnames is None:
            argnums = 0
        self._f = f
        self.transform = transform
        self._argnums = _as_tuple(argnums, int, "argnums", transform)
        self._argnames = _as_tuple(argnames, str, "argnames", transform)
        self.single = (isinstance(argnums, int) and argnames is None) or (argnums is None and isinstance(argnames, str))
        self._simple = self.single and bool(self._argnums) and self._argnums[0] >= 0

    def of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Chosen:
        """Return the chosen arguments of a call."""
        if self._simple and self._argnums[0] < len(args):
            return Chosen(self._f, [self._argnums[0]], list(args), kwargs)
        keys: list[int | str] = []
        kwargs = dict(kwargs)
        for number in self._argnums:
            keys.append(self._position(number, args, kwargs))
        for name in self._argnames:
            keys.append(self._place(name, args, kwargs))
        if len(set(keys)) != len(keys):
            raise ValueError(
                f"{self.transform} was told to differentiate {_title(self._f)} twice by the same argument."
            )
        return Chosen(self._f, keys, list(args), kwargs)

    def _position(self, number: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | str:
        if -len(args) <= number < len(args):
            return number % len(args)
        names = _positional_names(self._f)
        if 0 <= number < len(names):
            return self._place(names[number], args, kwargs)
        raise TypeError(
            f"{self.transform} was told to differentiate argument {number} of {_title(self._f)}, "
            f"which was called with {len(args)} positional arguments."
        )

    def _place(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | str:
        if name in kwargs:
            return name
        names = _positional_names(self._f)
        if name in names and names.index(name) < len(args):
            return names.index(name)
        parameter = _parameters(self._f).get(name)
        if parameter is not None and parameter.default is not parameter.empty:
            kwargs[name] = parameter.default
            return name
        known = ", ".join(_parameters(self._f)) or "unknown"
        raise TypeError(
            f"{self.transform} was told to differentiate {_title(self._f)} by its argument {name!r}, "
            f"which the call does not give. The parameters are: {known}."
        )


class Chosen:
    """One call: its chosen arguments taken apart into leaves, and the function of those leaves alone."""

    __slots__ = ("_args", "_f", "_keys", "_kwargs", "leaves")

    def __init__(self, f: Callable[..., Any], keys: list[int | str], args: list[Any], kwargs: dict[str, Any]) -> None:
        self._f = f
        self._keys = keys
        self._args = args
        self._kwargs = kwargs
        found = []
        for key in keys:
            x = args[key] if type(key) is int else kwargs[key]  # type: ignore[index]
            found.append(x if type(x) is float else as_argument(x, self.name, key))
        self.leaves = Leaves(found)

    def name(self, key: int | str) -> str:
        """Return how errors name an argument."""
        if isinstance(key, str):
            return key
        return argument_name(self._f, key)

    def names(self) -> list[str]:
        """Return how errors name the chosen arguments."""
        return [self.name(key) for key in self._keys]

    def call(self, values: Sequence[Any]) -> Any:
        """Call the function with other values at the differentiable leaves of the chosen arguments."""
        if len(self._args) == 1 and self._keys == _ONLY and not self._kwargs:
            return self._f(*self.leaves.fill(values))
        args = list(self._args)
        kwargs = dict(self._kwargs)
        for key, argument in zip(self._keys, self.leaves.fill(values), strict=True):
            if isinstance(key, int):
                args[key] = argument
            else:
                kwargs[key] = argument
        return self._f(*args, **kwargs)


def split_aux(result: Any, has_aux: bool, transform: str) -> tuple[Any, Any]:
    """Return a function's result as (value, auxiliary data)."""
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TypeError(f"{transform} with has_aux=True needs a function that returns a pair (value, auxiliary data).")
    return result


def _as_tuple(given: Any, kind: type, name: str, transform: str) -> tuple[Any, ...]:
    if given is None:
        return ()
    found = (given,) if isinstance(given, kind) or not isinstance(given, (tuple, list, range)) else tuple(given)
    if not all(isinstance(x, kind) and not isinstance(x, bool) for x in found):
        article = "an" if kind is int else "a"
        raise TypeError(
            f"{transform}: {name} is {article} {kind.__name__}, or a tuple of them; it is a {type(given).__name__} here. "
            f"To differentiate f at x, write {transform}(f)(x)."
        )
    return found


def argument_name(f: Callable[..., Any], position: int) -> str:
    """Return how errors name a positional argument."""
    names = _positional_names(f)
    return names[position] if position < len(names) else f"argument {position}"


def _title(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", repr(f))


def _parameters(f: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        return {}


def _positional_names(f: Callable[..., Any]) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [name for name, p in _parameters(f).items() if p.kind in kinds]
