"""What is fitted: representations, classifiers, stacks, nested search, calibration."""
