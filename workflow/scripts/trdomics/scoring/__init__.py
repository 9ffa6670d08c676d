"""Application of a frozen model to patients it has never seen."""
