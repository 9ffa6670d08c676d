"""Normalisation and quality of one layer: frozen transforms, gene burden, outliers."""
