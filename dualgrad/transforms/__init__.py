"""Functions of functions, made of the pushforward and the pullback."""

from dualgrad.transforms._gauss_newton import ggnvp
from dualgrad.transforms._grad import grad, gradient_for, value_and_grad
from dualgrad.transforms._hessian import hessian, hvp
from dualgrad.transforms._jacobian import derivative, jacfwd, jacobian, jacrev
from dualgrad.transforms._laplacian import hessian_diagonal, laplacian
from dualgrad.transforms._linearize import linearize
from dualgrad.transforms._named import grad_named, multigrad, multigrad_dict
from dualgrad.transforms._operators import hessian_operator, jacobian_operator
from dualgrad.transforms._special import elementwise_grad, holomorphic_grad
from dualgrad.transforms._stop import stop_gradient
from dualgrad.transforms._together import value_and_jacobian, value_grad_and_hessian
from dualgrad.transforms.custom import CustomFunction, custom_jvp, custom_vjp

__all__ = [
    "CustomFunction",
    "custom_jvp",
    "custom_vjp",
    "derivative",
    "elementwise_grad",
    "ggnvp",
    "grad",
    "grad_named",
    "gradient_for",
    "hessian",
    "hessian_diagonal",
    "hessian_operator",
    "holomorphic_grad",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacobian_operator",
    "jacrev",
    "laplacian",
    "linearize",
    "multigrad",
    "multigrad_dict",
    "stop_gradient",
    "value_and_grad",
    "value_and_jacobian",
    "value_grad_and_hessian",
]
