"""P-values adjusted for the number of tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control


def adjusted(pvalue: ArrayLike) -> NDArray[np.float64]:
    """Return Benjamini and Hochberg's adjusted p-values, NaN for missing p-values."""
    values = np.asarray(pvalue, dtype=float)
    result, known = np.full_like(values, np.nan), np.isfinite(values)
    if known.any():
        result[known] = false_discovery_control(values[known])
    return result
