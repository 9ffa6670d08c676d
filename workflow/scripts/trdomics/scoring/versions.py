"""Keys of the summary for the validation of each version of the probability."""

FROZEN, MOVED, RECALIBRATED = "metrics", "metrics_at_target_prevalence", "metrics_recalibrated"
