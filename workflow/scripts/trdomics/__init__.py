"""Leakage-free multi-omics integration and classification of a patient cohort."""

__version__ = "0.1.0"
