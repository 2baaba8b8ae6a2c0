"""dualgrad: exact derivatives of plain NumPy code, in forward and reverse mode, to any order."""

from dualgrad import errors, extend, rules, sparse, testing, tree
from dualgrad._core.zeros import strict_nans
from dualgrad.batching import vmap
from dualgrad.forward import derivative, jacfwd, jvp
from dualgrad.reverse import checkpoint, jacrev, vjp
from dualgrad.transforms import (
    custom_jvp,
    custom_vjp,
    elementwise_grad,
    grad,
    grad_named,
    hessian,
    holomorphic_grad,
    hvp,
    jacobian,
    multigrad,
    multigrad_dict,
    stop_gradient,
    value_and_grad,
)

__all__ = [
    "checkpoint",
    "custom_jvp",
    "custom_vjp",
    "derivative",
    "elementwise_grad",
    "errors",
    "extend",
    "grad",
    "grad_named",
    "hessian",
    "holomorphic_grad",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "multigrad",
    "multigrad_dict",
    "rules",
    "sparse",
    "stop_gradient",
    "strict_nans",
    "testing",
    "tree",
    "value_and_grad",
    "vjp",
    "vmap",
]
