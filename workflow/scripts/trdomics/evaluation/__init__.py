"""Evaluation of predictions: performance, intervals, gains, nulls, calibration, left-out sites."""
