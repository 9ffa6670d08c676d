"""Confounding: associations of the label, and what remains after adjustment for them."""
