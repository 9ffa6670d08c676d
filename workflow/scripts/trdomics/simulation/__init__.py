"""The simulated cohort: patients, planted truth, raw files, and recovery."""
