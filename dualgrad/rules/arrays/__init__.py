"""Functions that make arrays and change their shape."""
