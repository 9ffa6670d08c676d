"""Sharing a cohort's results without patient-level data, and combining those of several cohorts."""
