"""The decorators: `custom_jvp` and `custom_vjp`."""

from __future__ import annotations

from collections.abc import Callable

from dualgrad._call.annotations import P, R
from dualgrad._call.arguments import check_callable
from dualgrad.transforms.custom._function import CustomFunction


def custom_jvp(f: Callable[P, R]) -> CustomFunction[P, R]:
    """Return `f` with a derivative rule to be set by `.defjvp(rule)`, `rule(primals, tangents) -> (value, tangent)`.

    The rule serves forward and reverse mode, to any order. It may be any differentiable code that is linear in the tangents.

    >>> import numpy as np
    >>> from dualgrad import custom_jvp, grad
    >>> @custom_jvp
    ... def log1pexp(x):
    ...     return np.logaddexp(0.0, x)
    >>> @log1pexp.defjvp
    ... def rule(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return log1pexp(x), t / (1 + np.exp(-x))
    >>> float(grad(log1pexp)(0.0))
    0.5
    """
    check_callable(f, "custom_jvp", "custom_jvp(f), or @custom_jvp above the function")
    return CustomFunction(f)


def custom_vjp(f: Callable[P, R]) -> CustomFunction[P, R]:
    """Return `f` with a derivative rule to be set by `.defvjp(fwd, bwd)`.

    `fwd(*args) -> (value, residuals)` runs in place of `f`; `bwd(residuals, ct) -> one cotangent per argument` (a tuple, None
    for an argument without floats). The rule serves forward and reverse mode, to any order.

    >>> import numpy as np
    >>> from dualgrad import custom_vjp, grad
    >>> @custom_vjp
    ... def clip_gradient(x):
    ...     return x
    >>> clip_gradient.defvjp(lambda x: (x, None), lambda residuals, ct: (np.clip(ct, -1, 1),))
    >>> float(grad(lambda x: 10 * clip_gradient(x))(2.0))
    1.0
    """
    check_callable(f, "custom_vjp", "custom_vjp(f), or @custom_vjp above the function")
    return CustomFunction(f, "custom_vjp")
