"""Keys of the summary under which each version of the probability is validated."""

FROZEN, MOVED, RECALIBRATED = "metrics", "metrics_at_target_prevalence", "metrics_recalibrated"
