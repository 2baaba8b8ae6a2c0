"""What is true of NumPy: the contents of the table. Importing a file here registers its records."""

from dualgrad.rules import constants, elementwise, indexing, own, reductions

__all__ = ["constants", "elementwise", "indexing", "own", "reductions"]
