"""Identity checks: sex, sample swaps between layers, quality per sample."""
