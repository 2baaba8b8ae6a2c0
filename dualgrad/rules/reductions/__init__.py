"""Sums, extremes, scans, orders and statistics along axes."""
