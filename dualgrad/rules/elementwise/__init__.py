"""Functions that act on each number apart: ufuncs and their kin."""
