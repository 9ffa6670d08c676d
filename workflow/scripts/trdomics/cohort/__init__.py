"""Config, sample sheet, and which patient has which layer."""
