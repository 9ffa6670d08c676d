"""The simulated cohort: patients, planted truth, raw files, and what was recovered of it."""
