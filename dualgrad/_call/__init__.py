"""One call of a transformation: its arguments, its results, and the user's line."""
