"""Colourings: which columns or rows can be computed in one pass."""
