"""Molecular subtypes: groups of patients on the factors, if they are not one cloud."""
