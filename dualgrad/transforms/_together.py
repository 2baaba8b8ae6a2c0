"""Value and derivatives in one call, sharing the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dualgrad._call.arguments import ArgNames, ArgNums, Chooser, P
from dualgrad._call.leaves import Leaves, settle
from dualgrad._call.transformed import transformed
from dualgrad._table.space import Value
from dualgrad.batching import size_of
from dualgrad.forward import push
from dualgrad.reverse import Recording
from dualgrad.transforms._grad import gradients_at
from dualgrad.transforms._linearize import transposed
from dualgrad.transforms._matrix import columns_by, rows


def value_and_jacobian(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[P, Any]:
    """Return the function that computes `(f(x), Jacobian of f at x)` in one run of `f`.

    Arguments and Jacobian as in `jacobian`. With `has_aux`, `f` returns `(value, aux)` and the result is
    `((value, aux), jacobian)`.

    >>> import numpy as np
    >>> from dualgrad import value_and_jacobian
    >>> value_and_jacobian(lambda x: np.array([x[0] * x[1], x[0]]))(np.array([2.0, 3.0]))
    (array([6., 2.]), array([[3., 2.],
           [1., 0.]]))
    """
    choose = Chooser(f, argnums, argnames, "value_and_jacobian")

    @transformed(value_and_jacobian, f, argnums=argnums, argnames=argnames, has_aux=has_aux, chunk_size=chunk_size)
    def value_and_matrix(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = choose.of(args, kwargs)
        inputs = chosen.leaves
        recording = Recording(chosen.call, inputs.values, has_aux, "value_and_jacobian")
        result = recording.result
        if sum(map(size_of, result.values)) <= max(1, sum(map(size_of, inputs.values))):
            found = rows(recording, inputs, choose.single, chunk_size)
        else:
            linear = transposed(recording)
            found = columns_by(lambda units: (result, linear.pull(units), None), inputs, choose.single, chunk_size)[1]
        (value,) = result.fill(result.values)
        return ((value, recording.aux), found) if has_aux else (value, found)

    return value_and_matrix


def value_grad_and_hessian(
    f: Callable[P, Any],
    argnums: ArgNums = None,
    *,
    argnames: ArgNames = None,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[P, Any]:
    """Return the function that computes `(f(x), gradient, Hessian)` of `f`, whose result must be one real number.

    All three come of one pass, forward mode over reverse mode, which runs `f` once, or once for each `chunk_size` of the
    input numbers. Gradient as in `grad`, Hessian as in `hessian`. With `has_aux`, `f` returns `(value, aux)` and the result
    is `((value, aux), gradient, hessian)`.

    Raises NotScalarError where the result is no real number of size 1.

    >>> import numpy as np
    >>> from dualgrad import value_grad_and_hessian
    >>> value, gradient, matrix = value_grad_and_hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    >>> float(value), gradient
    (3.0, array([6., 1.]))
    >>> matrix
    array([[6., 2.],
           [2., 0.]])
    """
    choose = Chooser(f, argnums, argnames, "value_grad_and_hessian")

    @transformed(value_grad_and_hessian, f, argnums=argnums, argnames=argnames, has_aux=has_aux, chunk_size=chunk_size)
    def all_three(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = choose.of(args, kwargs)
        inputs = chosen.leaves

        def gradient(values: list[Value]) -> Any:
            value, found, aux = gradients_at(chosen, values, has_aux, "value_grad_and_hessian")
            filled = inputs.fill_derivatives(found)
            return (filled[0] if choose.single else filled), (value, aux)

        def along(units: list[Value]) -> tuple[Leaves, list[Value], Any]:
            return push(gradient, inputs.values, units, True, "value_grad_and_hessian")

        result, found, (value, aux) = columns_by(along, inputs, choose.single, chunk_size)
        (slope,) = result.fill(settle(result.values, inputs.values))
        return ((value, aux) if has_aux else value), slope, found

    return all_three
