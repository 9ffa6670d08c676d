"""What would be run, and what stands in the way, before any job starts."""
