"""Audit of somebody else's predictions by what this workflow demands of its own."""
