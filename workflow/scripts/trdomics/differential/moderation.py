"""Empirical Bayes moderation of variances (limma: Smyth 2004, doi 10.2202/1544-6115.1027)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, polygamma

Floats = NDArray[np.float64]


def moderate(variance: Floats, freedom: NDArray[np.integer]) -> tuple[Floats, Floats]:
    """Shrink residual variances to their common value (Smyth 2004, section 6.2).

    Parameters
    ----------
    variance : ndarray, shape (n_features,)
        NaN if missing.
    freedom : ndarray, shape (n_features,)
        Residual degrees of freedom.

    Returns
    -------
    moderated : ndarray, shape (n_features,)
    total : ndarray, shape (n_features,)
        Degrees of freedom of the moderated t.
    """
    known = np.isfinite(variance)
    if known.sum() < 3:
        return variance, freedom.astype(float)
    prior, common = variance_prior(variance[known], freedom[known])
    residual = float(freedom[known].sum())
    if np.isinf(prior):
        # the variances differ no more than by chance: a common variance
        return np.where(known, common, np.nan), np.full(len(variance), residual)
    moderated = (prior * common + freedom * variance) / (prior + freedom)
    return moderated, np.minimum(prior + freedom, residual)


def variance_prior(variance: Floats, freedom: Floats | NDArray[np.integer]) -> tuple[float, float]:
    """Return degrees of freedom and location of the prior of variances (Smyth 2004, section 6.2).

    From the moments of the logarithms of `variance`, which must be positive. The degrees of freedom
    are infinite if the variances differ no more than by chance.
    """
    half = freedom / 2
    # one nearly constant feature would dominate the variance of the logarithms; limma's floor
    variance = np.maximum(variance, 1e-5 * np.median(variance))
    logs = np.log(variance) - digamma(half) + np.log(half)
    mean, excess = float(np.mean(logs)), float(np.var(logs, ddof=1) - np.mean(polygamma(1, half)))
    if excess <= 0:
        return np.inf, float(np.exp(mean))
    prior = inverse_trigamma(excess)
    return 2 * prior, float(np.exp(mean + digamma(prior) - np.log(prior)))


def inverse_trigamma(value: float) -> float:
    """Return y with trigamma(y) = value > 0, by Newton's method (Smyth 2004, appendix)."""
    if value > 1e7:
        return float(1 / np.sqrt(value))
    if value < 1e-6:
        return 1 / value
    y = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, y))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, y))
        y += step
        if abs(step) < 1e-10 * y:
            break
    return y
