"""How functions run on batches."""
