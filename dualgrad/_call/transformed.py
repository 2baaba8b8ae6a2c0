"""What transformations return: functions made of a function, which know of what they are made and how.

A closure would do for calling them. But it prints as a function of no name that a reader knows, and cannot be pickled. These are
pickled as what made them: the transformation, the function, and the options.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeAlias

from dualgrad._call.arguments import argument_name, check_callable
from dualgrad._call.callers import is_pickled_by_value

P = ParamSpec("P")

Run: TypeAlias = Callable[[tuple[Any, ...], dict[str, Any]], Any]
"""What is done in a call, of its positional arguments and its keyword arguments."""

_COPIED = tuple([name for name in functools.WRAPPER_ASSIGNMENTS if name != "__doc__"])
_SAID_ANEW = ("__module__", "__name__", "__qualname__", "__doc__")


class _Documentation:
    """The docstring: that of the class, and of an instance what it says of itself when asked."""

    def __init__(self, of_class: str | None) -> None:
        self._of_class = of_class

    def __get__(self, instance: Any, owner: type | None = None) -> str | None:
        return self._of_class if instance is None else instance._documentation()


class Transformed(Generic[P]):
    """A function made of a function by a transformation; it has the name and signature of that function."""

    __slots__ = ("__dict__", "__weakref__", "__wrapped__", "_options", "_run", "_transform")
    __doc__ = _Documentation(__doc__)
    __name__: str
    __qualname__: str
    __wrapped__: Callable[P, Any]
    _options: dict[str, Any]
    _run: Run
    _transform: Callable[..., Any]

    def __init__(self, transform: Callable[..., Any], f: Callable[P, Any], options: dict[str, Any], run: Run) -> None:
        self._transform = transform
        self._options = options
        self._run = run
        functools.update_wrapper(self, f, assigned=_COPIED, updated=())
        if "__name__" not in self.__dict__:
            self.__name__ = self.__qualname__ = transform.__name__

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        return self._run(args, kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else BoundTransformed(self, instance)

    def __getattr__(self, name: str) -> Any:
        # What somebody has written on the function is on this one too. Protocols of objects are not: this is a function.
        if name in Transformed.__slots__ or (name.startswith("__") and name != "__isabstractmethod__"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.__wrapped__, name)

    def __repr__(self) -> str:
        return f"<{self._text()}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        # One that stands under its name in a module, as decorated ones do, is pickled as functions are. The function that it was
        # made of has no name any more. In a script, which other machines do not have, cloudpickle needs that function itself.
        if self._is_global() and not (self.__module__ == "__main__" and is_pickled_by_value()):
            return self.__qualname__
        # The function may hold this one (an object, of its method): so it is part of the state, which comes last.
        return _blank, (), (self._transform, self.__wrapped__, self._options, self._own())

    def __setstate__(self, state: tuple[Callable[..., Any], Callable[P, Any], dict[str, Any], dict[str, Any]]) -> None:
        transform, f, options, own = state
        made = transform(f, **options)
        Transformed.__init__(self, transform, f, made._options, made._run)
        self.__dict__.update(own)

    def _is_global(self) -> bool:
        found: Any = sys.modules.get(self.__module__)
        for name in self.__qualname__.split("."):
            found = getattr(found, name, None)
        return found is self

    def _own(self) -> dict[str, Any]:
        """Return the attributes that somebody has set."""
        f = self.__wrapped__
        attributes = vars(self).items()
        return {k: x for k, x in attributes if k not in _COPIED or (k in _SAID_ANEW and x is not getattr(f, k, None))}

    def _text(self) -> str:
        f, options = self.__wrapped__, dict(self._options)
        by = _names(f, options)
        defaults = inspect.signature(self._transform).parameters
        others = [f", {k}={x!r}" for k, x in options.items() if repr(x) != repr(defaults[k].default)]
        return f"{self._transform.__name__} of {_title(f)}{f' by {by}' if by else ''}{''.join(others)}"

    def _documentation(self) -> str:
        f = self.__wrapped__
        of_f = None if isinstance(f, functools.partial) else inspect.getdoc(f)
        return f"{self._text()}, a function made by dualgrad.{f'{_BLANK_LINE}{of_f}' if of_f else ''}"


_BLANK_LINE = "\n\n"
_CHOOSE = {"argnums", "argnames", "argname"}


class BoundTransformed:
    """A method: a function made by a transformation, with the object as its first argument.

    One of Python's would be pickled by the name of the function, which is that of another method where a class says
    `slope = grad(loss)`.
    """

    __slots__ = ("__func__", "__self__", "__weakref__")
    __doc__ = _Documentation(__doc__)
    __func__: Callable[..., Any]
    __self__: Any

    def __init__(self, function: Callable[..., Any], instance: Any) -> None:
        self.__func__ = function
        self.__self__ = instance

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.__func__(self.__self__, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name in BoundTransformed.__slots__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.__func__, name)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(MethodType(self.__func__, self.__self__))

    def __eq__(self, other: object) -> bool:
        if type(other) is not BoundTransformed:
            return NotImplemented
        return self.__func__ is other.__func__ and self.__self__ is other.__self__

    def __hash__(self) -> int:
        return hash((id(self.__func__), id(self.__self__)))

    def __repr__(self) -> str:
        return f"<bound {repr(self.__func__)[1:-1]}, of {_title(self.__self__)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return BoundTransformed, (self.__func__, self.__self__)

    def _documentation(self) -> str | None:
        return self.__func__.__doc__


def transformed(transform: Callable[..., Any], f: Callable[P, Any], **options: Any) -> Callable[[Run], Transformed[P]]:
    """Return a decorator: of what is done in a call, it makes what `transform(f, **options)` returns."""
    check_callable(f, transform.__name__, f"{transform.__name__}(f)(x)")

    def decorate(run: Run) -> Transformed[P]:
        return Transformed(transform, f, options, run)

    return decorate


def _blank() -> Transformed[Any]:
    return Transformed.__new__(Transformed)


def _title(f: Any) -> str:
    """Return how a function is called, with its module; other things by their class."""
    if isinstance(f, (Transformed, BoundTransformed)):
        return repr(f)
    if isinstance(f, functools.partial):
        return f"a partial of {_title(f.func)}"
    name = getattr(f, "__qualname__", None) or getattr(f, "__name__", None)
    if not isinstance(name, str):
        return f"a {_title(type(f))}"
    module = getattr(f, "__module__", None)
    return name if module in (None, "builtins") else f"{module}.{name}"


def _names(f: Callable[..., Any], options: dict[str, Any]) -> str:
    """Take the options that choose arguments out of all options, and return the names of what they choose."""
    if not _CHOOSE & options.keys():
        return ""
    numbers, *given = [options.pop(name, None) for name in ("argnums", "argnames", "argname")]
    names = [name for one in given if one is not None for name in ([one] if isinstance(one, str) else one)]
    if numbers is None and not names:
        # The first, if its name is known.
        first = argument_name(f, 0)
        return "" if " " in first else first
    numbers = () if numbers is None else [numbers] if isinstance(numbers, int) else numbers
    return " and ".join([*[argument_name(f, k) if k >= 0 else f"argument {k}" for k in numbers], *names])
