"""Is it the disease? What else the label goes with, and what is left once that is adjusted for."""
