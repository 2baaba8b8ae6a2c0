"""Traced arrays: what operators, methods and calls of NumPy mean, and who shares memory with whom."""
