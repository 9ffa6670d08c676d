"""The input side: config, sample sheet, checks before any job, who has which layer."""
