"""Benchmarks: dualgrad beside other systems in one run, as ratios."""
