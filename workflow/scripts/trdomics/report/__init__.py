"""The report stage: one page and one JSON file with the same numbers."""
