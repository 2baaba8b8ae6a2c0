"""Products of arrays that sum over axes."""
