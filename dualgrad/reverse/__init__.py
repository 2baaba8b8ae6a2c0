"""Reverse mode: a tape that records what was done, and a sweep that sends cotangents back over it."""

from dualgrad.reverse._checkpoint import checkpoint
from dualgrad.reverse._hot import TapeArray
from dualgrad.reverse._tape import Tape
from dualgrad.reverse._vjp import Recording, vjp

__all__ = ["Recording", "Tape", "TapeArray", "checkpoint", "vjp"]
