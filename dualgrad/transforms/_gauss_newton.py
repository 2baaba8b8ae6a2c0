"""Products with the Gauss-Newton matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dualgrad._call.arguments import check_callable
from dualgrad._call.leaves import as_primals, settle
from dualgrad.forward import jvp
from dualgrad.reverse import Recording
from dualgrad.transforms._hessian import hvp


def ggnvp(
    model: Callable[..., Any],
    loss: Callable[[Any], Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    has_aux: bool = False,
) -> Any:
    """Return `(gradient, J.T @ H @ J @ tangents)` of `loss(model(*primals))`: a product with the Gauss-Newton matrix.

    `J` is the Jacobian of `model`, `H` the Hessian of `loss`, a function of the model's output (any tree) with one real
    number as result. The matrix is the Hessian of the whole without the curvature of the model, and positive
    semidefinite where `loss` is convex. Neither matrix is formed. `primals` and `tangents` are tuples as in `jvp`; data
    goes into closures. With one primal, gradient and product are like it; with several they are tuples. With `has_aux`,
    `model` returns `(output, aux)` and the result is `(gradient, product, aux)`. `model` runs twice, `loss` once.

    Raises NotScalarError where `loss` returns anything but one real number.

    (N. Schraudolph, Fast curvature matrix-vector products for second-order gradient descent, 2002.)

    >>> import numpy as np
    >>> from dualgrad import ggnvp
    >>> x = np.array([1.0, 2.0])
    >>> ggnvp(lambda w: np.tanh(w[0] * x + w[1]), lambda y: np.sum(y**2), (np.zeros(2),), (np.array([1.0, 0.0]),))
    (array([0., 0.]), array([10.,  6.]))
    """
    check_callable(model, "ggnvp", _CALL)
    check_callable(loss, "ggnvp", _CALL, "second argument")
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError(
            f"ggnvp takes primals and tangents as tuples with one entry per argument of the model: {_CALL}."
        )
    output, pushed, *_ = jvp(model, primals, tangents, has_aux=has_aux)
    slope, bent = hvp(loss, (output,), (pushed,))
    inputs = as_primals(primals, "ggnvp")
    recording = Recording(lambda values: model(*inputs.fill(values)), inputs.values, has_aux, "ggnvp")
    cotangents = [recording.result.match((ct,), "cotangent", "output") for ct in (slope, bent)]
    found = [inputs.fill_derivatives(settle(recording.pull(ct), inputs.values, taken=ct)) for ct in cotangents]
    gradient, product = [one[0] if len(primals) == 1 else one for one in found]
    return (gradient, product, recording.aux) if has_aux else (gradient, product)


_CALL = "ggnvp(model, loss, (w,), (v,))"
