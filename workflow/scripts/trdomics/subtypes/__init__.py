"""Molecular subtypes: clusters of patients on the factors, if there are any."""
