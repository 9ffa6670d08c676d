"""Readers of raw layer files: matrices, VCF, MAF."""
