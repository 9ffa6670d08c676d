"""Interpretation of differences and factors: gene sets, targets of small RNAs, descriptions."""
