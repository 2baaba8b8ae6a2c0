"""Functions of functions, made of the pushforward and the pullback."""

from dualgrad.transforms._custom import CustomFunction, custom_jvp, custom_vjp
from dualgrad.transforms._grad import grad, value_and_grad
from dualgrad.transforms._jacobian import hessian, hvp, jacobian
from dualgrad.transforms._named import grad_named, multigrad, multigrad_dict
from dualgrad.transforms._special import elementwise_grad, holomorphic_grad
from dualgrad.transforms._stop import stop_gradient

__all__ = [
    "CustomFunction",
    "custom_jvp",
    "custom_vjp",
    "elementwise_grad",
    "grad",
    "grad_named",
    "hessian",
    "holomorphic_grad",
    "hvp",
    "jacobian",
    "multigrad",
    "multigrad_dict",
    "stop_gradient",
    "value_and_grad",
]
