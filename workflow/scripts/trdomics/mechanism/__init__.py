"""A mechanistic model: its statements, their certainty, and a virtual trial with patients' data."""
