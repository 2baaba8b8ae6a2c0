"""Gradients: derivatives of functions with one number as result, always by reverse mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np

from dualgrad._call.annotations import A, Derived, P, Q, R, Taking, Unknown, X
from dualgrad._call.arguments import ArgNames, ArgNums, Chooser, Chosen
from dualgrad._call.leaves import settle
from dualgrad._call.transformed import Run, transformed
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import plain
from dualgrad.errors import NotScalarError
from dualgrad.reverse import Recording


@overload
def value_and_grad(
    f: np.ufunc, argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool = False
) -> Any: ...
@overload
def value_and_grad(
    f: Taking[P, X, Q, R], argnums: None = None, *, argnames: None = None, has_aux: Literal[False] = False
) -> Derived[P, tuple[R, X]]: ...
@overload
def value_and_grad(
    f: Taking[P, Unknown, ..., R], argnums: None = None, *, argnames: None = None, has_aux: Literal[False] = False
) -> Derived[P, tuple[R, Any]]: ...
@overload
def value_and_grad(
    f: Callable[P, R], argnums: int, *, argnames: None = None, has_aux: Literal[False] = False
) -> Derived[P, tuple[R, Any]]: ...
@overload
def value_and_grad(
    f: Callable[P, R], argnums: Sequence[int], *, argnames: ArgNames = None, has_aux: Literal[False] = False
) -> Derived[P, tuple[R, tuple[Any, ...]]]: ...
@overload
def value_and_grad(
    f: Callable[P, R], argnums: ArgNums = None, *, argnames: str | Sequence[str], has_aux: Literal[False] = False
) -> Derived[P, tuple[R, Any]]: ...
@overload
def value_and_grad(
    f: Taking[P, X, Q, tuple[R, A]], argnums: None = None, *, argnames: None = None, has_aux: Literal[True]
) -> Derived[P, tuple[tuple[R, A], X]]: ...
@overload
def value_and_grad(
    f: Callable[P, tuple[R, A]], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: Literal[True]
) -> Derived[P, tuple[tuple[R, A], Any]]: ...
@overload
def value_and_grad(
    f: Callable[P, Any], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool
) -> Any: ...
def value_and_grad(
    f: Callable[P, Any], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool = False
) -> Callable[P, Any]:
    """Return the function that computes `(f(x), gradient of f at x)` in one run and one backward sweep.

    Arguments as in `grad`. With `has_aux`, `f` returns `(value, aux)` and the result is `((value, aux), gradient)`.

    >>> from dualgrad import value_and_grad
    >>> value, gradient = value_and_grad(lambda x: x**3)(2.0)
    >>> float(value), float(gradient)
    (8.0, 12.0)
    """
    run = gradient_of(Chooser(f, argnums, argnames, "value_and_grad"), has_aux, and_value=True)
    return transformed(value_and_grad, f, argnums=argnums, argnames=argnames, has_aux=has_aux)(run)


@overload
def grad(f: np.ufunc, argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool = False) -> Any: ...
@overload
def grad(
    f: Taking[P, X, Q, Any], argnums: None = None, *, argnames: None = None, has_aux: Literal[False] = False
) -> Derived[P, X]: ...
@overload
def grad(
    f: Taking[P, Unknown, ..., Any], argnums: None = None, *, argnames: None = None, has_aux: Literal[False] = False
) -> Derived[P, Any]: ...
@overload
def grad(
    f: Callable[P, Any], argnums: int, *, argnames: None = None, has_aux: Literal[False] = False
) -> Derived[P, Any]: ...
@overload
def grad(
    f: Callable[P, Any], argnums: Sequence[int], *, argnames: ArgNames = None, has_aux: Literal[False] = False
) -> Derived[P, tuple[Any, ...]]: ...
@overload
def grad(
    f: Callable[P, Any], argnums: ArgNums = None, *, argnames: str | Sequence[str], has_aux: Literal[False] = False
) -> Derived[P, Any]: ...
@overload
def grad(
    f: Taking[P, X, Q, tuple[Any, A]], argnums: None = None, *, argnames: None = None, has_aux: Literal[True]
) -> Derived[P, tuple[X, A]]: ...
@overload
def grad(
    f: Callable[P, tuple[Any, A]], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: Literal[True]
) -> Derived[P, tuple[Any, A]]: ...
@overload
def grad(f: Callable[P, Any], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool) -> Any: ...
def grad(
    f: Callable[P, Any], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool = False
) -> Callable[P, Any]:
    """Return the function that computes the gradient of `f`, whose result must be one real number (of any shape of size 1).

    `argnums` (an int, or a tuple for a tuple of gradients; negative counts from the last) and `argnames` choose the arguments,
    the first by default. The gradient has the structure, shapes and dtypes of the argument; leaves that are no floats get
    None. For complex arguments it is df/dx - i df/dy. With `has_aux`, `f` returns `(value, aux)` and the
    result is `(gradient, aux)`.

    Raises NotScalarError where the result is no real number of size 1.

    >>> import numpy as np
    >>> from dualgrad import grad
    >>> grad(lambda x: np.sum(np.sin(x) ** 2))(np.array([0.0, np.pi / 4]))
    array([0., 1.])
    """
    run = gradient_of(Chooser(f, argnums, argnames, "grad"), has_aux)
    return transformed(grad, f, argnums=argnums, argnames=argnames, has_aux=has_aux)(run)


def gradient_for(
    transform: str, f: Callable[..., Any], argnums: ArgNums = None, argnames: ArgNames = None, has_aux: bool = False
) -> Callable[..., Any]:
    """Return what `grad(f, ...)` does, for a transformation that users know by another name, which errors say."""
    run = gradient_of(Chooser(f, argnums, argnames, transform), has_aux)
    return lambda *args, **kwargs: run(args, kwargs)


def gradient_of(choose: Chooser, has_aux: bool, *, and_value: bool = False) -> Run:
    """Return what is done in a call of the gradient by the chosen arguments, or of it and the value."""
    of, single, transform = choose.of, choose.single, choose.transform

    def gradient(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = of(args, kwargs)
        inputs = chosen.leaves
        value, gradients, aux = gradients_at(chosen, inputs.values, has_aux, transform)
        filled = inputs.fill_derivatives(gradients)
        found = filled[0] if single else filled
        if and_value:
            return ((value, aux) if has_aux else value), found
        return (found, aux) if has_aux else found

    return gradient


def gradients_at(chosen: Chosen, values: list[Value], has_aux: bool, transform: str) -> tuple[Any, list[Value], Any]:
    """Return a chosen call's result, its gradients by the differentiable leaves at some values, and auxiliary data.

    Raises NotScalarError where the result is not one real number.
    """
    recording = Recording(chosen.call, values, has_aux, transform)
    seed = unit_cotangent(recording, transform)
    found = settle(recording.pull([seed]) if seed is not None else _nothing(values), values)
    (value,) = recording.result.fill(recording.result.values)
    return value, found, recording.aux


def _nothing(values: list[Value]) -> list[Value]:
    return [None] * len(values)


_ONE = np.float64(1.0)


def unit_cotangent(recording: Recording, transform: str, is_complex: bool = False) -> Value:
    """Return the cotangent 1 of a recorded result of one number; None for a plain Python integer, which is constant.

    Raises NotScalarError where the result is anything else.
    """
    values = recording.result.values
    if not recording.result.is_one_value:
        (found,) = recording.result.fill(recording.result.values)
        if not values and type(found) is int:
            return None
        raise NotScalarError(_not_scalar(found, transform))
    out = values[0]
    if (type(out) is np.float64 or type(out) is float) and not is_complex:
        return _ONE
    shape, dtype = shape_of(out), dtype_of(out)
    if shape != () and any(n != 1 for n in shape):
        raise NotScalarError(_not_scalar(out, transform, "complex" if is_complex else "real"))
    if dtype.kind == "c" and not is_complex:
        raise NotScalarError(
            f"{transform} needs a function with one real number as its result; it returned a complex one ({plain(out)}). "
            "Take np.real, np.imag or np.abs of it, or use holomorphic_grad for the complex derivative."
        )
    if is_complex and dtype.kind != "c":
        raise NotScalarError(
            f"{transform} needs a function with one complex number as its result; it returned a real one. Use grad."
        )
    return np.ones(shape, dtype) if shape else dtype.type(1)


def _not_scalar(found: Any, transform: str, kind: str = "real") -> str:
    shape = getattr(found, "shape", None)
    dtype = getattr(found, "dtype", None)
    if shape is not None and dtype is not None and dtype.kind in "biu":
        described = f"an array of dtype {dtype}" if shape else f"a {dtype}"
        advice = "An integer or boolean result carries no derivative; return a float."
    elif shape is not None:
        described = f"shape {shape}"
        advice = "For all outputs use jacobian; for one number, sum or index the result."
    elif found is None:
        described, advice = "None", "Does the function end without a return?"
    elif isinstance(found, (tuple, list)):
        described = f"a {type(found).__name__} of {len(found)} values"
        advice = "Use jacobian, or has_aux=True to return (value, auxiliary data)."
    else:
        described = f"a {type(found).__name__}"
        advice = "Return a float."
    return f"{transform} needs a function with one {kind} number as its result; it returned {described}. {advice}"
