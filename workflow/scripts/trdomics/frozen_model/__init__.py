"""A fitted model as arrays and a manifest: written, read, checked, and used to predict."""
