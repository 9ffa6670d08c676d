"""Were the right samples measured: sex, the same patient across layers, quality per sample."""
