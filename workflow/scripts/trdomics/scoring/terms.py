"""Columns of the table of contributions, and names of terms that are not features."""

CONTRIBUTIONS = ["patient_id", "kind", "block", "feature", "value", "contribution"]
BASELINE, NOT_MEASURED, TREES, OTHERS = "baseline", "not measured", "all features", "all others"
# Kinds of blocks: a page shows the sum for layers and panels, each term for the others.
LAYER, PANEL, FACTORS, PREDICTORS, SEVERAL = "layer", "panel", "factor", "predictor", "several"
