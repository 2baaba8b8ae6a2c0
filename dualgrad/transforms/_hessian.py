"""Hessians, and their products with vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np

from dualgrad._call.annotations import A, Array, Derived, Number, P, Q, Taking, Ts, X, Y
from dualgrad._call.arguments import ArgNames, ArgNums, Chooser, check_callable
from dualgrad._call.leaves import Leaves
from dualgrad._call.transformed import transformed
from dualgrad._table.space import Value
from dualgrad.forward import jvp, push
from dualgrad.reverse import Recording
from dualgrad.transforms._grad import gradient_for
from dualgrad.transforms._matrix import columns_by, rows


@overload
def hessian(
    f: np.ufunc,
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Any: ...
@overload
def hessian(
    f: Taking[P, Array, Q, Number],
    argnums: None = None,
    *,
    argnames: None = None,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
) -> Derived[P, Array]: ...
@overload
def hessian(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
) -> Derived[P, Any]: ...
@overload
def hessian(
    f: Taking[P, Array, Q, tuple[Number, A]],
    argnums: None = None,
    *,
    argnames: None = None,
    has_aux: Literal[True],
    chunk_size: int | None = None,
) -> Derived[P, tuple[Array, A]]: ...
@overload
def hessian(
    f: Callable[P, tuple[Any, A]],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: Literal[True],
    chunk_size: int | None = None,
) -> Derived[P, tuple[Any, A]]: ...
@overload
def hessian(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool,
    chunk_size: int | None = None,
) -> Any: ...
def hessian(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[P, Any]:
    """Return the function that computes the Hessian of `f`: forward mode over reverse mode.

    Of one number by an argument of shape `n` it has shape `n + n`; for several arguments, or trees, a tree of trees. With
    `has_aux`, `f` returns `(value, aux)` and the result is `(hessian, aux)`. `chunk_size` as in `jacfwd`.

    >>> import numpy as np
    >>> from dualgrad import hessian
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    choose = Chooser(f, argnums, argnames, "hessian")

    @transformed(hessian, f, argnums=argnums, argnames=argnames, has_aux=has_aux, chunk_size=chunk_size)
    def second(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = choose.of(args, kwargs)

        def first(values: list[Value]) -> Any:
            recording = Recording(chosen.call, values, has_aux, "hessian")
            found = rows(recording, chosen.leaves, choose.single)
            return (found, recording.aux) if has_aux else found

        def along(units: list[Value]) -> tuple[Leaves, list[Value], Any]:
            return push(first, chosen.leaves.values, units, has_aux, "hessian")

        _, found, aux = columns_by(along, chosen.leaves, choose.single, chunk_size)
        return (found, aux) if has_aux else found

    return second


@overload
def hvp(
    f: Callable[..., Any],
    primals: tuple[X],
    tangents: Sequence[Any],
    *,
    argnums: None = None,
    argnames: None = None,
    has_aux: Literal[False] = False,
) -> tuple[X, X]: ...
@overload
def hvp(
    f: Callable[..., Any],
    primals: tuple[X, Y, *Ts],
    tangents: Sequence[Any],
    *,
    argnums: None = None,
    argnames: None = None,
    has_aux: Literal[False] = False,
) -> tuple[tuple[X, Y, *Ts], tuple[X, Y, *Ts]]: ...
@overload
def hvp(
    f: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    argnums: ArgNums = None,
    argnames: ArgNames = None,
    has_aux: Literal[False] = False,
) -> tuple[Any, Any]: ...
@overload
def hvp(
    f: Callable[..., tuple[Any, A]],
    primals: tuple[X],
    tangents: Sequence[Any],
    *,
    argnums: None = None,
    argnames: None = None,
    has_aux: Literal[True],
) -> tuple[X, X, A]: ...
@overload
def hvp(
    f: Callable[..., tuple[Any, A]],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    argnums: ArgNums = None,
    argnames: ArgNames = None,
    has_aux: Literal[True],
) -> tuple[Any, Any, A]: ...
@overload
def hvp(
    f: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    argnums: ArgNums = None,
    argnames: ArgNames = None,
    has_aux: bool,
) -> Any: ...
def hvp(
    f: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    argnums: ArgNums = None,
    argnames: ArgNames = None,
    has_aux: bool = False,
) -> Any:
    """Return `(gradient, H @ tangents)` of a function with one number as result, without forming the Hessian `H`.

    `primals` and `tangents` are tuples as in `jvp`. With one primal, gradient and product are like it; with several they
    are tuples with one entry per primal, unless `argnums` or `argnames` choose. With `has_aux` the result is
    `(gradient, product, aux)`.

    >>> import numpy as np
    >>> from dualgrad import hvp
    >>> hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    (array([ 3., 12.]), array([6., 0.]))
    """
    check_callable(f, "hvp", "hvp(f, (x,), (v,))")
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError("hvp takes primals and tangents as tuples with one entry per argument: hvp(f, (x,), (v,)).")
    if argnums is None and argnames is None and len(primals) > 1:
        argnums = tuple(range(len(primals)))
    return jvp(gradient_for("hvp", f, argnums, argnames, has_aux), primals, tangents, has_aux=has_aux)
