"""Functions that have no derivative, or none that makes sense."""
