"""Leakage-free prediction: representations, nested search, frozen models, their measures."""
