"""dualgrad: exact derivatives of plain NumPy code, in forward and reverse mode, to any order."""

import importlib as _importlib
from typing import TYPE_CHECKING

from dualgrad import errors, extend, rules, sparse, testing, tree
from dualgrad._call import memory as _memory
from dualgrad._call.memory import keep_memory
from dualgrad._trace.zeros import strict_nans
from dualgrad.batching import vmap
from dualgrad.forward import jvp
from dualgrad.recording import Program, record
from dualgrad.reverse import checkpoint, vjp
from dualgrad.series import taylor
from dualgrad.transforms import (
    custom_jvp,
    custom_vjp,
    derivative,
    elementwise_grad,
    ggnvp,
    grad,
    grad_named,
    hessian,
    hessian_diagonal,
    hessian_operator,
    holomorphic_grad,
    hvp,
    jacfwd,
    jacobian,
    jacobian_operator,
    jacrev,
    laplacian,
    linearize,
    multigrad,
    multigrad_dict,
    stop_gradient,
    value_and_grad,
    value_and_jacobian,
    value_grad_and_hessian,
)

if TYPE_CHECKING:
    from dualgrad import numpy as numpy

__version__ = "0.1.0"

_memory.keep_by_default()

__all__ = [
    "Program",
    "checkpoint",
    "custom_jvp",
    "custom_vjp",
    "derivative",
    "elementwise_grad",
    "errors",
    "extend",
    "ggnvp",
    "grad",
    "grad_named",
    "hessian",
    "hessian_diagonal",
    "hessian_operator",
    "holomorphic_grad",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacobian_operator",
    "jacrev",
    "jvp",
    "keep_memory",
    "laplacian",
    "linearize",
    "multigrad",
    "multigrad_dict",
    "record",
    "rules",
    "sparse",
    "stop_gradient",
    "strict_nans",
    "taylor",
    "testing",
    "tree",
    "value_and_grad",
    "value_and_jacobian",
    "value_grad_and_hessian",
    "vjp",
    "vmap",
]


def __dir__() -> list[str]:
    return sorted([*__all__, "numpy"])


if not TYPE_CHECKING:
    # A type checker would take any name for one of the module's.
    def __getattr__(name: str) -> object:
        # Few need it, and importing it takes time.
        if name == "numpy":
            return _importlib.import_module("dualgrad.numpy")
        raise AttributeError(f"module 'dualgrad' has no attribute {name!r}")


del TYPE_CHECKING
