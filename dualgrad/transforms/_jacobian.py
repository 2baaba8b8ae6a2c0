"""Jacobians by columns, by rows, and by whichever are fewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np

from dualgrad import tree
from dualgrad._call.annotations import A, Array, Derived, Number, P, Q, R, Taking
from dualgrad._call.arguments import ArgNames, ArgNums, Chooser
from dualgrad._call.transformed import transformed
from dualgrad._table.space import shape_of
from dualgrad.batching import size_of
from dualgrad.reverse import Recording
from dualgrad.transforms._matrix import columns, rows


@overload
def jacfwd(
    f: np.ufunc,
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Any: ...
@overload
def jacfwd(
    f: Taking[P, Array, Q, Array | Number],
    argnums: None = None,
    *,
    argnames: None = None,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
) -> Derived[P, Array]: ...
@overload
def jacfwd(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
) -> Derived[P, Any]: ...
@overload
def jacfwd(
    f: Taking[P, Array, Q, tuple[Array | Number, A]],
    argnums: None = None,
    *,
    argnames: None = None,
    has_aux: Literal[True],
    chunk_size: int | None = None,
) -> Derived[P, tuple[Array, A]]: ...
@overload
def jacfwd(
    f: Callable[P, tuple[Any, A]],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: Literal[True],
    chunk_size: int | None = None,
) -> Derived[P, tuple[Any, A]]: ...
@overload
def jacfwd(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool,
    chunk_size: int | None = None,
) -> Any: ...
def jacfwd(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[P, Any]:
    """Return the function that computes the Jacobian of `f` in forward mode: best where it is tall (few inputs).

    The Jacobian of an output of shape `m` by an input of shape `n` has shape `m + n`; trees give trees of trees. `argnums`
    and `argnames` choose the arguments (the first by default); with `has_aux`, `f` returns `(value, aux)` and the
    result is `(jacobian, aux)`. `f` runs once for each batch of input numbers, `chunk_size` of them at a time (by
    default all up to 512, fewer of larger arguments), so it should do the same each time.

    >>> import numpy as np
    >>> from dualgrad import jacfwd
    >>> jacfwd(lambda b: b[0] * np.exp(b[1] * np.array([0.0, 1.0])))(np.array([2.0, 0.0]))
    array([[1., 0.],
           [1., 2.]])
    """
    choose = Chooser(f, argnums, argnames, "jacfwd")

    @transformed(jacfwd, f, argnums=argnums, argnames=argnames, has_aux=has_aux, chunk_size=chunk_size)
    def by_columns(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found, aux = columns(choose.of(args, kwargs), choose.single, has_aux, "jacfwd", chunk_size)
        return (found, aux) if has_aux else found

    return by_columns


@overload
def jacrev(
    f: np.ufunc,
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Any: ...
@overload
def jacrev(
    f: Taking[P, Array, Q, Array | Number],
    argnums: None = None,
    *,
    argnames: None = None,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
) -> Derived[P, Array]: ...
@overload
def jacrev(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
) -> Derived[P, Any]: ...
@overload
def jacrev(
    f: Taking[P, Array, Q, tuple[Array | Number, A]],
    argnums: None = None,
    *,
    argnames: None = None,
    has_aux: Literal[True],
    chunk_size: int | None = None,
) -> Derived[P, tuple[Array, A]]: ...
@overload
def jacrev(
    f: Callable[P, tuple[Any, A]],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: Literal[True],
    chunk_size: int | None = None,
) -> Derived[P, tuple[Any, A]]: ...
@overload
def jacrev(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool,
    chunk_size: int | None = None,
) -> Any: ...
def jacrev(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[P, Any]:
    """Return the function that computes the Jacobian of `f` in reverse mode: best where it is wide (few outputs).

    The Jacobian of an output of shape `m` by an input of shape `n` has shape `m + n`; trees give trees of trees. `argnums`
    and `argnames` choose the arguments (the first by default); with `has_aux`, `f` returns `(value, aux)` and the
    result is `(jacobian, aux)`. `f` runs once, and its tape is swept along all output numbers in one batch, or along
    `chunk_size` of them at a time, which bounds the memory.

    >>> import numpy as np
    >>> from dualgrad import jacrev
    >>> jacrev(lambda x: np.array([x[0] * x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.]])
    """
    choose = Chooser(f, argnums, argnames, "jacrev")

    @transformed(jacrev, f, argnums=argnums, argnames=argnames, has_aux=has_aux, chunk_size=chunk_size)
    def by_rows(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = choose.of(args, kwargs)
        recording = Recording(chosen.call, chosen.leaves.values, has_aux, "jacrev")
        found = rows(recording, chosen.leaves, choose.single, chunk_size)
        return (found, recording.aux) if has_aux else found

    return by_rows


@overload
def jacobian(
    f: np.ufunc,
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Any: ...
@overload
def jacobian(
    f: Taking[P, Array, Q, Array | Number],
    argnums: None = None,
    *,
    argnames: None = None,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
) -> Derived[P, Array]: ...
@overload
def jacobian(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
) -> Derived[P, Any]: ...
@overload
def jacobian(
    f: Taking[P, Array, Q, tuple[Array | Number, A]],
    argnums: None = None,
    *,
    argnames: None = None,
    has_aux: Literal[True],
    chunk_size: int | None = None,
) -> Derived[P, tuple[Array, A]]: ...
@overload
def jacobian(
    f: Callable[P, tuple[Any, A]],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: Literal[True],
    chunk_size: int | None = None,
) -> Derived[P, tuple[Any, A]]: ...
@overload
def jacobian(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool,
    chunk_size: int | None = None,
) -> Any: ...
def jacobian(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[P, Any]:
    """Return the function that computes the Jacobian of `f`, by rows or by columns, whichever are fewer.

    The Jacobian of an output of shape `m` by an input of shape `n` has shape `m + n`; trees give trees of trees. Arguments
    as in `jacfwd`.

    >>> import numpy as np
    >>> from dualgrad import jacobian
    >>> jacobian(lambda x: np.array([x[0] * x[1], x[0]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 0.]])
    """
    choose = Chooser(f, argnums, argnames, "jacobian")
    # The numbers of inputs at which columns were fewer in the last call: such a function is called again and again.
    tall = {0, 1}

    @transformed(jacobian, f, argnums=argnums, argnames=argnames, has_aux=has_aux, chunk_size=chunk_size)
    def either(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = choose.of(args, kwargs)
        inputs = sum(map(size_of, chosen.leaves.values))
        if inputs not in tall:
            recording = Recording(chosen.call, chosen.leaves.values, has_aux, "jacobian")
            if sum(map(size_of, recording.result.values)) <= inputs:
                found = rows(recording, chosen.leaves, choose.single, chunk_size)
                return (found, recording.aux) if has_aux else found
            tall.add(inputs)
        found, aux = columns(chosen, choose.single, has_aux, "jacobian", chunk_size)
        if inputs > 1 and sum([size_of(x) for x in tree.leaves(found) if hasattr(x, "shape")]) <= inputs**2:
            tall.discard(inputs)
        return (found, aux) if has_aux else found

    return either


def derivative(f: Callable[P, R], *, has_aux: bool = False) -> Callable[P, R]:
    """Return the function that computes df/dx of a function of one number, of any output shape, in one forward pass.

    The result has the structure and shapes of the output. Further arguments are passed on.

    >>> import numpy as np
    >>> from dualgrad import derivative
    >>> derivative(lambda t: np.array([np.cos(t), np.sin(t)]))(0.0)
    array([-0.,  1.])
    """
    choose = Chooser(f, 0, None, "derivative")

    @transformed(derivative, f, has_aux=has_aux)
    def df(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = choose.of(args, kwargs)
        values = chosen.leaves.values
        if len(values) != 1 or shape_of(values[0]) != ():
            found = [shape_of(x) for x in values]
            raise TypeError(
                f"derivative takes a function of one number; the argument {chosen.names()[0]} holds arrays of shape {found}. "
                "Use jacfwd or jacobian for arrays, jvp for a derivative along a direction."
            )
        result, aux = columns(chosen, True, has_aux, "derivative")
        return (result, aux) if has_aux else result

    return df
