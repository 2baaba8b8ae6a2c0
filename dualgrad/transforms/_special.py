"""Gradients of functions with a special structure, which is checked and not believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np

from dualgrad._call.annotations import A, Derived, P, Q, Taking, Unknown, X
from dualgrad._call.arguments import ArgNames, ArgNums, Chooser
from dualgrad._call.leaves import settle
from dualgrad._call.transformed import transformed
from dualgrad._table.space import Value, dtype_of, shape_of
from dualgrad._trace.level import anywhere
from dualgrad.reverse import Recording
from dualgrad.transforms._grad import unit_cotangent
from dualgrad.transforms._matrix import is_holomorphic, pulled


@overload
def elementwise_grad(
    f: np.ufunc, argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool = False
) -> Any: ...
@overload
def elementwise_grad(
    f: Taking[P, X, Q, Any], argnums: None = None, *, argnames: None = None, has_aux: Literal[False] = False
) -> Derived[P, X]: ...
@overload
def elementwise_grad(
    f: Taking[P, Unknown, ..., Any], argnums: None = None, *, argnames: None = None, has_aux: Literal[False] = False
) -> Derived[P, Any]: ...
@overload
def elementwise_grad(
    f: Callable[P, Any], argnums: int, *, argnames: None = None, has_aux: Literal[False] = False
) -> Derived[P, Any]: ...
@overload
def elementwise_grad(
    f: Callable[P, Any], argnums: Sequence[int], *, argnames: ArgNames = None, has_aux: Literal[False] = False
) -> Derived[P, tuple[Any, ...]]: ...
@overload
def elementwise_grad(
    f: Callable[P, Any], argnums: ArgNums = None, *, argnames: str | Sequence[str], has_aux: Literal[False] = False
) -> Derived[P, Any]: ...
@overload
def elementwise_grad(
    f: Taking[P, X, Q, tuple[Any, A]], argnums: None = None, *, argnames: None = None, has_aux: Literal[True]
) -> Derived[P, tuple[X, A]]: ...
@overload
def elementwise_grad(
    f: Callable[P, tuple[Any, A]], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: Literal[True]
) -> Derived[P, tuple[Any, A]]: ...
@overload
def elementwise_grad(
    f: Callable[P, Any], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool
) -> Any: ...
def elementwise_grad(
    f: Callable[P, Any], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool = False
) -> Callable[P, Any]:
    """Return the function that computes df_i/dx_i of a function that acts on each number apart: the Jacobian's diagonal.

    The result has the shape of the argument, which must be the shape of the output. That the Jacobian is diagonal is
    checked with a second sweep along a random direction; TypeError where it is not. A complex result has a complex
    derivative, by a complex argument where the Cauchy-Riemann equations hold; TypeError where they do not.

    >>> import numpy as np
    >>> from dualgrad import elementwise_grad
    >>> elementwise_grad(np.tanh)(np.array([0.0, 20.0]))
    array([1.0000000e+00, 1.6993417e-17])
    """
    choose = Chooser(f, argnums, argnames, "elementwise_grad")

    @transformed(elementwise_grad, f, argnums=argnums, argnames=argnames, has_aux=has_aux)
    def diagonal(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = choose.of(args, kwargs)
        recording = Recording(chosen.call, chosen.leaves.values, has_aux, "elementwise_grad")
        _check_shapes(recording, chosen.leaves.values)
        ones = [np.ones(shape_of(y), dtype_of(y))[()] for y in recording.result.values]
        found = settle(pulled(recording, ones), chosen.leaves.values)
        _check_diagonal(recording, found)
        filled = chosen.leaves.fill_derivatives(found)
        result = filled[0] if choose.single else filled
        return (result, recording.aux) if has_aux else result

    return diagonal


def _check_shapes(recording: Recording, inputs: list[Value]) -> None:
    shapes = {shape_of(y) for y in recording.result.values}
    if len(recording.result.values) != 1:
        raise TypeError(
            f"elementwise_grad needs a function that returns one float array; it returned {len(recording.result.values)}. "
            "Use jacobian."
        )
    for x in inputs:
        if shape_of(x) not in shapes:
            raise TypeError(
                f"elementwise_grad needs a function whose result has the shape of its argument; the argument has shape "
                f"{shape_of(x)}, the result {shapes.pop()}. Its Jacobian is not diagonal: use jacobian."
            )


def _check_diagonal(recording: Recording, diagonals: list[Value]) -> None:
    (y,) = recording.result.values
    # A fixed seed: the same call always gives the same answer. Weights in [1, 2] keep every row in play.
    weights = np.random.default_rng(0).uniform(1.0, 2.0, shape_of(y)).astype(dtype_of(y))[()]
    for moved, diagonal in zip(pulled(recording, [weights]), diagonals, strict=True):
        if moved is None:
            continue
        expected = diagonal * weights
        difference = np.abs(expected - moved)
        finite = np.isfinite(expected) & np.isfinite(moved)
        scale = np.max(np.where(finite, np.abs(expected), 0.0), initial=0.0)
        eps = np.finfo(dtype_of(moved)).eps
        if anywhere(finite & (difference > 1e3 * eps * np.abs(expected) + 10 * eps * scale)):
            raise TypeError(
                "elementwise_grad needs a function that acts on each number apart; in this one an output depends on more "
                "than its own input (the Jacobian is not diagonal). Use jacobian, or grad of the sum."
            )


@overload
def holomorphic_grad(
    f: np.ufunc, argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool = False
) -> Any: ...
@overload
def holomorphic_grad(
    f: Taking[P, X, Q, Any], argnums: None = None, *, argnames: None = None, has_aux: Literal[False] = False
) -> Derived[P, X]: ...
@overload
def holomorphic_grad(
    f: Taking[P, Unknown, ..., Any], argnums: None = None, *, argnames: None = None, has_aux: Literal[False] = False
) -> Derived[P, Any]: ...
@overload
def holomorphic_grad(
    f: Callable[P, Any], argnums: int, *, argnames: None = None, has_aux: Literal[False] = False
) -> Derived[P, Any]: ...
@overload
def holomorphic_grad(
    f: Callable[P, Any], argnums: Sequence[int], *, argnames: ArgNames = None, has_aux: Literal[False] = False
) -> Derived[P, tuple[Any, ...]]: ...
@overload
def holomorphic_grad(
    f: Callable[P, Any], argnums: ArgNums = None, *, argnames: str | Sequence[str], has_aux: Literal[False] = False
) -> Derived[P, Any]: ...
@overload
def holomorphic_grad(
    f: Taking[P, X, Q, tuple[Any, A]], argnums: None = None, *, argnames: None = None, has_aux: Literal[True]
) -> Derived[P, tuple[X, A]]: ...
@overload
def holomorphic_grad(
    f: Callable[P, tuple[Any, A]], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: Literal[True]
) -> Derived[P, tuple[Any, A]]: ...
@overload
def holomorphic_grad(
    f: Callable[P, Any], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool
) -> Any: ...
def holomorphic_grad(
    f: Callable[P, Any], argnums: ArgNums = None, *, argnames: ArgNames = None, has_aux: bool = False
) -> Callable[P, Any]:
    """Return the function that computes the complex derivative df/dz of a holomorphic function with one number as result.

    Argument and result are complex. That the Cauchy-Riemann equations hold is checked with a second sweep; TypeError
    where they do not.

    >>> from dualgrad import holomorphic_grad
    >>> complex(holomorphic_grad(lambda z: z**2)(1.0 + 2.0j))
    (2+4j)
    """
    choose = Chooser(f, argnums, argnames, "holomorphic_grad")

    @transformed(holomorphic_grad, f, argnums=argnums, argnames=argnames, has_aux=has_aux)
    def gradient(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = choose.of(args, kwargs)
        for x in chosen.leaves.values:
            if dtype_of(x).kind != "c":
                raise TypeError(
                    f"holomorphic_grad needs complex arguments; it got dtype {dtype_of(x)}. Use grad, or pass x + 0j."
                )
        recording = Recording(chosen.call, chosen.leaves.values, has_aux, "holomorphic_grad")
        one = unit_cotangent(recording, "holomorphic_grad", is_complex=True)
        found = recording.pull([one])
        for g, turned in zip(found, recording.pull([one * 1j]), strict=True):
            if g is not None and not is_holomorphic(turned, 1j * g):
                raise TypeError(
                    "holomorphic_grad needs a function that satisfies the Cauchy-Riemann equations; this one does not "
                    "(does it use conj, abs, real or imag?). Use grad of a real-valued function instead."
                )
        filled = chosen.leaves.fill_derivatives(settle(found, chosen.leaves.values))
        result = filled[0] if choose.single else filled
        return (result, recording.aux) if has_aux else result

    return gradient
