"""Reading and writing at places of an array."""
