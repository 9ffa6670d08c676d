"""Hypotheses named as lists of genes, miRNAs and variants: what a cohort says of each."""
