"""Sparse derivatives at one point: the pattern, a plan, and its numbers in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dualgrad.sparse._plan import hessian_plan, jacobian_plan


def jacobian(
    f: Callable[[Any], Any], x: Any, *, partition: str = "both", pattern: Any = None, format: str = "csr"
) -> Any:
    """Return the Jacobian of `f` at `x` as a sparse array of shape `(f(x).size, x.size)`.

    `f` takes one real array of any shape and returns one; both are counted in C order. `format` is "csr", "csc", "coo" (SciPy's
    sparse arrays), or "triplet" (a named tuple `rows, cols, data, shape`, without SciPy). `partition` and `pattern` are as in
    `plan_jacobian`, which is cheaper where the Jacobian is wanted at many points. A pattern that you give is verified.

    >>> import numpy as np
    >>> from dualgrad import sparse
    >>> sparse.jacobian(lambda x: np.diff(x**2), np.array([1.0, 2.0, 3.0])).toarray()
    array([[-2.,  4.,  0.],
           [ 0., -4.,  6.]])
    """
    plan = jacobian_plan("sparse.jacobian", f, x, partition, pattern, format)
    return plan(x, verify=pattern is not None)


def value_and_jacobian(
    f: Callable[[Any], Any], x: Any, *, partition: str = "both", pattern: Any = None, format: str = "csr"
) -> tuple[Any, Any]:
    """Return `(f(x), Jacobian)`; arguments as in `jacobian`.

    >>> import numpy as np
    >>> from dualgrad import sparse
    >>> value, found = sparse.value_and_jacobian(np.sin, np.zeros(2))
    >>> value, found.toarray()
    (array([0., 0.]), array([[1., 0.],
           [0., 1.]]))
    """
    plan = jacobian_plan("sparse.value_and_jacobian", f, x, partition, pattern, format)
    return plan.value_and_jacobian(x, verify=pattern is not None)


def hessian(f: Callable[[Any], Any], x: Any, *, pattern: Any = None, format: str = "csr") -> Any:
    """Return the Hessian of `f`, which returns one real number, at `x` as a sparse array of shape `(x.size, x.size)`.

    Arguments as in `jacobian`; `plan_hessian` is cheaper where the Hessian is wanted at many points.

    >>> import numpy as np
    >>> from dualgrad import sparse
    >>> sparse.hessian(lambda x: x[0] ** 2 * x[1], np.array([1.0, 3.0])).toarray()
    array([[6., 2.],
           [2., 0.]])
    """
    return hessian_plan("sparse.hessian", f, x, pattern, format)(x, verify=pattern is not None)


def value_and_hessian(f: Callable[[Any], Any], x: Any, *, pattern: Any = None, format: str = "csr") -> tuple[Any, Any]:
    """Return `(f(x), Hessian)`; arguments as in `hessian`.

    >>> import numpy as np
    >>> from dualgrad import sparse
    >>> value, found = sparse.value_and_hessian(lambda x: np.sum(x**3), np.array([1.0, 2.0]))
    >>> float(value), found.toarray()
    (9.0, array([[ 6.,  0.],
           [ 0., 12.]]))
    """
    return hessian_plan("sparse.value_and_hessian", f, x, pattern, format).value_and_hessian(
        x, verify=pattern is not None
    )


def value_grad_and_hessian(
    f: Callable[[Any], Any], x: Any, *, pattern: Any = None, format: str = "csr"
) -> tuple[Any, Any, Any]:
    """Return `(f(x), gradient, Hessian)`, all that a Newton step needs; arguments as in `hessian`.

    >>> import numpy as np
    >>> from dualgrad import sparse
    >>> value, gradient, found = sparse.value_grad_and_hessian(lambda x: np.sum(x**3), np.array([1.0, 2.0]))
    >>> gradient, found.diagonal()
    (array([ 3., 12.]), array([ 6., 12.]))
    """
    plan = hessian_plan("sparse.value_grad_and_hessian", f, x, pattern, format)
    return plan.value_grad_and_hessian(x, verify=pattern is not None)
