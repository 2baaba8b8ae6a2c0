"""Sparse Jacobians and Hessians: where they can be nonzero, found from the code, and their numbers in few passes.

>>> import numpy as np
>>> from dualgrad import sparse
>>> plan = sparse.plan_jacobian(lambda x: np.roll(x, 1) * np.roll(x, -1), np.ones(1000))
>>> plan.pattern.nnz, plan.passes, plan(np.arange(1000.0)).shape
(2000, 2, (1000, 1000))
"""

from dualgrad.sparse._derivatives import (
    hessian,
    jacobian,
    value_and_hessian,
    value_and_jacobian,
    value_grad_and_hessian,
)
from dualgrad.sparse._formats import Triplet
from dualgrad.sparse._pattern import Pattern, hessian_sparsity, jacobian_sparsity
from dualgrad.sparse._plan import HessianPlan, JacobianPlan, plan_hessian, plan_jacobian

__all__ = [
    "HessianPlan",
    "JacobianPlan",
    "Pattern",
    "Triplet",
    "hessian",
    "hessian_sparsity",
    "jacobian",
    "jacobian_sparsity",
    "plan_hessian",
    "plan_jacobian",
    "value_and_hessian",
    "value_and_jacobian",
    "value_grad_and_hessian",
]
