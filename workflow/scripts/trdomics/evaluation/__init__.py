"""Tables in, numbers out: performance, intervals, gains, nulls, calibration, left-out sites."""
