"""Columns of the table of contributions, and names of the terms that are no feature."""

CONTRIBUTIONS = ["patient_id", "block", "feature", "value", "contribution"]
BASELINE, NOT_MEASURED, TREES, OTHERS = "baseline", "not measured", "all features", "all others"
