"""Application of a frozen model to unseen patients."""
