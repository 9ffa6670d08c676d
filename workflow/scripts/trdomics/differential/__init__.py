"""Differences between the two groups, one feature at a time."""
