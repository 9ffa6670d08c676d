"""Sharing a cohort's results without its patients, and combining those of several."""
