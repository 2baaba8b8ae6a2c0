"""Sparse Jacobians and Hessians: their patterns, detected from the code, and their numbers, in few passes."""

from dualgrad.sparse._pattern import Pattern, hessian_sparsity, jacobian_sparsity

__all__ = ["Pattern", "hessian_sparsity", "jacobian_sparsity"]
