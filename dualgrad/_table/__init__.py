"""The table: what is known of each function, and the words in which it is said."""
