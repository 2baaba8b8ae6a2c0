"""Forward mode: dual-number arrays, which carry a tangent beside each value."""

from dualgrad.forward._dual import DualArray, ForwardLevel
from dualgrad.forward._jacobian import columns, derivative, jacfwd
from dualgrad.forward._jvp import jvp

__all__ = ["DualArray", "ForwardLevel", "columns", "derivative", "jacfwd", "jvp"]
