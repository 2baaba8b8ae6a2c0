"""Recording: what a function did, as rows that can be read, drawn and run again. A second way to run code, and the ground for others."""

from dualgrad.recording._program import Program
from dualgrad.recording._record import record
from dualgrad.recording._rows import Data, Guard, Ref, Row

__all__ = ["Data", "Guard", "Program", "Ref", "Row", "record"]
