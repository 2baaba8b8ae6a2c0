"""Functions whose derivatives their author gives."""

from dualgrad.transforms.custom._decorators import custom_jvp, custom_vjp
from dualgrad.transforms.custom._function import CustomFunction

__all__ = ["CustomFunction", "custom_jvp", "custom_vjp"]
