"""Linear models of all features at once, with precision weights and moderated t-tests.

The adjustment sets are compared with limma's method (voom: Law et al. 2014, doi
10.1186/gb-2014-15-2-r29; moderation: Smyth 2004, doi 10.2202/1544-6115.1027), because there is one
fit per set. It takes one second per set, a negative binomial fit twenty. The main test of counts is
PyDESeq2's on winsorised counts, so its numbers differ. The false discovery proportion with each set
was measured in simulated cohorts (benchmarks/truth.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t
from statsmodels.nonparametric.smoothers_lowess import lowess

from trdomics.differential.moderation import moderate
from trdomics.pvalues import adjusted

Floats = NDArray[np.float64]
PER_MILLION = 1e6


@dataclass(frozen=True)
class LabelTest:
    """The label's coefficient of every feature, arrays of shape (n_features,)."""

    effect: Floats
    error: Floats
    pvalue: Floats
    padj: Floats


def log_cpm(counts: Floats, size_factors: Floats) -> tuple[Floats, Floats]:
    """Return log2 counts per million, shape as `counts`, and the effective library sizes.

    Parameters
    ----------
    counts : ndarray, shape (n_patients, n_features)
    size_factors : ndarray, shape (n_patients,)
    """
    totals = counts.sum(axis=1)
    scale = np.exp(np.mean(np.log(totals)) - np.mean(np.log(size_factors)))
    libraries = size_factors * scale
    return np.log2((counts + 0.5) / (libraries[:, None] + 1) * PER_MILLION), libraries


def voom_weights(values: Floats, libraries: Floats, matrix: Floats) -> Floats:
    """Return the precision of every value, from the mean–variance trend of residuals.

    Parameters
    ----------
    values : ndarray, shape (n_patients, n_features)
        log2 counts per million.
    libraries : ndarray, shape (n_patients,)
    matrix : ndarray, shape (n_patients, n_coefficients)
        Of full rank.
    """
    basis = np.linalg.qr(matrix)[0]
    fitted = basis @ (basis.T @ values)
    freedom = values.shape[0] - matrix.shape[1]
    spread = np.sqrt(np.sqrt(((values - fitted) ** 2).sum(axis=0) / freedom))
    per_read = np.log2(libraries + 1) - np.log2(PER_MILLION)
    abundance = values.mean(axis=0) + per_read.mean()
    smooth = lowess(spread, abundance, frac=0.5, it=3, delta=0.01 * np.ptp(abundance))
    at, first = np.unique(smooth[:, 0], return_index=True)
    trend = np.interp((fitted + per_read[:, None]).ravel(), at, smooth[first, 1])
    # a trend that the smoother takes to zero would give a feature infinite weight
    floor = max(float(np.median(spread)) * 1e-2, 1e-6)
    return np.asarray(np.maximum(trend, floor).reshape(values.shape) ** -4.0)


def label_test(values: Floats, matrix: Floats, weights: Floats) -> LabelTest:
    """Test the coefficient of column 1 of a matrix for every feature.

    Weighted least squares; residual variances are moderated by empirical Bayes, p-values are of
    the moderated t and adjusted after Benjamini and Hochberg.

    Parameters
    ----------
    values : ndarray, shape (n_patients, n_features)
    matrix : ndarray, shape (n_patients, n_coefficients)
        Of full rank.
    weights : ndarray, shape (n_patients, n_features)
        Precisions; 0 leaves a value out.
    """
    used = np.where(weights > 0, values, 0.0)
    n_coefficients = matrix.shape[1]
    # the cross products of all features in one matrix product
    upper = np.triu_indices(n_coefficients)
    pairs = (matrix[:, upper[0]] * matrix[:, upper[1]]).T @ weights
    cross = np.empty((values.shape[1], n_coefficients, n_coefficients))
    cross[:, upper[0], upper[1]] = pairs.T
    cross[:, upper[1], upper[0]] = pairs.T
    inverse = np.linalg.inv(cross) if (weights > 0).all() else _inverses(cross)
    coefficients = np.einsum("gij,jg->gi", inverse, matrix.T @ (weights * used))
    residual = used - matrix @ coefficients.T
    freedom = (weights > 0).sum(axis=0) - n_coefficients
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = (weights * residual**2).sum(axis=0) / np.maximum(freedom, 1)
    variance = np.where((freedom > 0) & (variance > 1e-20), variance, np.nan)
    moderated, total = moderate(variance, freedom)
    effect = coefficients[:, 1]
    error = np.sqrt(moderated * inverse[:, 1, 1])
    pvalue = 2 * t.sf(np.abs(effect / error), total)
    effect = np.where(np.isfinite(pvalue), effect, np.nan)
    return LabelTest(effect, error, pvalue, adjusted(pvalue))


def _inverses(cross: Floats) -> Floats:
    """Invert a stack of matrices; NaN for singular ones, as when a level has no value."""
    solvable = np.linalg.cond(cross) < 1e12
    inverse = np.full_like(cross, np.nan)
    if solvable.any():
        inverse[solvable] = np.linalg.inv(cross[solvable])
    return inverse
