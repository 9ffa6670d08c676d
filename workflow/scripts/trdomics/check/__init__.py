"""Checks before any job starts: what would be run, and what prevents it."""
