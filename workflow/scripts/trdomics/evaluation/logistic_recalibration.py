"""Logistic recalibration: logit P(y = 1) = a + b logit p (Cox 1958)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

# A predicted 0 or 1 has infinite log odds; no cohort here can resolve one in a million.
EPSILON = 1e-6
MAX_ITERATIONS = 30

Floats = NDArray[np.float64]


def log_odds(probability: ArrayLike) -> Floats:
    """Return the log odds of probabilities, which are kept within 1e-6 of 0 and 1."""
    clipped = np.clip(np.asarray(probability, dtype=float), EPSILON, 1 - EPSILON)
    return np.asarray(logit(clipped), dtype=float)


def fit_recalibration(
    odds: Floats, label: Floats, counts: Floats, *, fixed_slope: bool = False
) -> tuple[Floats, Floats]:
    """Fit a logistic recalibration to each of many resamples at once, by Newton's method.

    Statsmodels fits them one by one, which would take minutes for 1,000 resamples of a dozen
    feature sets.

    Parameters
    ----------
    odds : array, shape (n_patients,)
        Log odds to recalibrate.
    counts : array, shape (n_samples, n_patients)
        Number of times each patient is in each resample.
    fixed_slope : bool
        Fit the intercept only, the slope fixed at 1.

    Returns
    -------
    intercept, slope : array, shape (n_samples,)
        NaN if the iteration does not converge, as with separation.
    """
    n_samples = counts.shape[0]
    intercept, slope = np.zeros(n_samples), np.ones(n_samples)
    active = np.arange(n_samples)
    for _ in range(MAX_ITERATIONS):
        drawn = counts[active]
        fitted = expit(intercept[active, None] + slope[active, None] * odds)
        residual = drawn * (label - fitted)
        information = drawn * fitted * (1 - fitted)
        g0, h00 = residual.sum(axis=1), information.sum(axis=1)
        if fixed_slope:
            step0, step1 = g0 / np.maximum(h00, 1e-12), np.zeros(active.size)
        else:
            g1, h01, h11 = residual @ odds, information @ odds, information @ odds**2
            determinant = np.maximum(h00 * h11 - h01**2, 1e-12)
            step0 = (h11 * g0 - h01 * g1) / determinant
            step1 = (h00 * g1 - h01 * g0) / determinant
        # a full step may overshoot if the start is far away
        intercept[active] += np.clip(step0, -2, 2)
        slope[active] += np.clip(step1, -2, 2)
        active = active[np.maximum(np.abs(step0), np.abs(step1)) > 1e-8]
        if active.size == 0:
            break
    intercept[active] = slope[active] = np.nan
    return intercept, slope
