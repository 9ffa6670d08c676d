"""A mechanistic model: what it shows, how sure that is, and what patients' data would change."""
