"""Gradients by argument names, and by all arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from dualgrad import tree
from dualgrad._call.arguments import Chooser, P, check_callable
from dualgrad._call.leaves import is_differentiable
from dualgrad._call.transformed import transformed
from dualgrad.transforms._grad import gradient_for, gradient_of


def grad_named(f: Callable[P, Any], argname: str, *, has_aux: bool = False) -> Callable[P, Any]:
    """Return the function that computes the gradient of `f` by the argument of this name.

    The argument may be passed by position, by keyword, or be left to its default.

    >>> from dualgrad import grad_named
    >>> float(grad_named(lambda x, scale=3.0: scale * x, "scale")(2.0))
    2.0
    """
    check_callable(f, "grad_named", 'grad_named(f, "x")(x)')
    if not isinstance(argname, str):
        raise TypeError(f"grad_named takes the name of one argument; it got {argname!r}. For numbers use grad.")
    return transformed(grad_named, f, argname=argname, has_aux=has_aux)(
        gradient_of(Chooser(f, None, argname, "grad_named"), has_aux)
    )


def multigrad(f: Callable[P, Any], argnums: Sequence[int] = (0,), *, has_aux: bool = False) -> Callable[P, Any]:
    """Return the function that computes the gradients of `f` by several arguments: a tuple in the order of `argnums`.

    >>> from dualgrad import multigrad
    >>> [float(g) for g in multigrad(lambda x, y: x * y, (1, 0))(2.0, 5.0)]
    [2.0, 5.0]
    """
    check_callable(f, "multigrad", "multigrad(f, (0, 1))(x, y)")
    chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    return transformed(multigrad, f, argnums=chosen, has_aux=has_aux)(
        gradient_of(Chooser(f, chosen, None, "multigrad"), has_aux)
    )


def multigrad_dict(f: Callable[P, Any], *, has_aux: bool = False) -> Callable[P, Any]:
    """Return the function that computes the gradients of `f` by all of its arguments: `{name: gradient}`.

    Keyword-only arguments and defaults are among them; `*args` gives a tuple under its name, `**kwargs` a dict. An argument
    without floats gets None.

    >>> from dualgrad import multigrad_dict
    >>> {k: float(g) for k, g in multigrad_dict(lambda x, *, scale=3.0: scale * x)(2.0).items()}
    {'x': 3.0, 'scale': 2.0}
    """
    check_callable(f, "multigrad_dict", "multigrad_dict(f)(x)")
    signature = inspect.signature(f)

    def by_name(arguments: dict[str, Any], others: dict[str, Any]) -> Any:
        bound = signature.bind_partial()
        bound.arguments.update({name: {**arguments, **others}[name] for name in signature.parameters})
        return f(*bound.args, **bound.kwargs)

    differentiate = gradient_for("multigrad_dict", by_name, has_aux=has_aux)

    @transformed(multigrad_dict, f, has_aux=has_aux)
    def gradients(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = {name: _ints_as_floats(x, signature.parameters[name]) for name, x in bound.arguments.items()}
        chosen = {name: x for name, x in arguments.items() if any(map(is_differentiable, tree.leaves(x)))}
        others = {name: x for name, x in arguments.items() if name not in chosen}
        result = differentiate(chosen, others)
        found, aux = result if has_aux else (result, None)
        ordered = {name: found.get(name) for name in arguments}
        return (ordered, aux) if has_aux else ordered

    return gradients


def _ints_as_floats(x: Any, parameter: inspect.Parameter) -> Any:
    """Return an argument, or what `*args` or `**kwargs` holds, with each lone integer as a float."""
    if parameter.kind is parameter.VAR_POSITIONAL:
        return tuple([float(y) if type(y) is int else y for y in x])
    if parameter.kind is parameter.VAR_KEYWORD:
        return {name: float(y) if type(y) is int else y for name, y in x.items()}
    return float(x) if type(x) is int else x
