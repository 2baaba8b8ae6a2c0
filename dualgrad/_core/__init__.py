"""What all interpreters share: the table of rules, levels and traced arrays. Nothing here knows a mode."""
