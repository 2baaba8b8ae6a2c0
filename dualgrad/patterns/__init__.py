"""Which inputs each number of an answer depends on, as sets: what patterns are made of."""
