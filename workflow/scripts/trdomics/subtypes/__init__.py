"""Molecular subtypes: are the patients several groups on the factors, or one cloud?"""
