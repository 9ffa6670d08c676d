"""Columns of the table of contributions, and names of the terms that are no feature."""

CONTRIBUTIONS = ["patient_id", "kind", "block", "feature", "value", "contribution"]
BASELINE, NOT_MEASURED, TREES, OTHERS = "baseline", "not measured", "all features", "all others"
# Kinds of blocks: of layers and panels a page shows the sum, of the others each term.
LAYER, PANEL, FACTORS, PREDICTORS, SEVERAL = "layer", "panel", "factor", "predictor", "several"
