"""Leakage-free multi-omics integration and classification of a patient cohort."""
