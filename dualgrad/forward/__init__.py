"""Forward mode: dual-number arrays, which carry a tangent beside each value."""

from dualgrad.forward._dual import ForwardLevel
from dualgrad.forward._hot import DualArray
from dualgrad.forward._jvp import jvp, push

__all__ = ["DualArray", "ForwardLevel", "jvp", "push"]
