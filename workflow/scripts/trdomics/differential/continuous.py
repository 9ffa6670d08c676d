"""Differential test of a continuous layer by least squares per feature."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t
from threadpoolctl import threadpool_limits

from trdomics.differential.design import Design
from trdomics.differential.moderation import moderate
from trdomics.pvalues import adjusted

COLUMNS = ["feature", "base_mean", "log2_fold_change", "lfc_se", "stat", "pvalue", "padj"]
COLUMNS += ["n_patients", "reason"]
CONSTANT, TOO_FEW, MISSING = "no variation", "too few values", "missing values"


def differential_continuous(
    values: pd.DataFrame, design: Design, *, log2: bool, max_missing: float, moderated: bool = True
) -> pd.DataFrame:
    """Test every feature of a continuous layer for the contrast of a design.

    Least squares; residual variances are moderated by empirical Bayes and tested by the moderated
    t, as in the adjustment sets. Patients who lack a feature are left out of its fit.

    Parameters
    ----------
    values : DataFrame, shape (n_patients, n_features)
        Patients outside the design are not used. NaN is missing.
    log2 : bool
        Whether values are taken as log2(x + 1).
    max_missing : float
        Features missing in a larger share of the patients are not tested.
    moderated : bool
        False for the ordinary t, as for a few scores without a common variance.

    Returns
    -------
    DataFrame
        One row per feature, with the columns ``COLUMNS``: ``base_mean`` is the mean and
        ``log2_fold_change`` the adjusted difference between the groups, in the values' units
        (log2 units if `log2`). ``reason`` explains missing numbers.
    """
    outcome = values.loc[design.matrix.index].to_numpy(float)
    if log2:
        outcome = np.log2(outcome + 1)
    present = np.isfinite(outcome)
    n_patients = present.sum(axis=0)
    effect, variance, spread = np.full((3, outcome.shape[1]), np.nan)
    freedom = np.zeros(outcome.shape[1], dtype=int)
    reason = np.full(outcome.shape[1], None, dtype=object)
    reason[1 - present.mean(axis=0) > max_missing] = MISSING

    # features missing in the same patients share one decomposition
    with threadpool_limits(limits=1):
        for features in _same_pattern(present):
            open_ = features[[reason[feature] is None for feature in features]]
            if len(open_):
                rows = present[:, open_[0]]
                matrix = design.matrix.to_numpy()[rows]
                freedom[open_] = len(matrix) - matrix.shape[1]
                (effect[open_], variance[open_], spread[open_]), reason[open_] = least_squares(
                    matrix, outcome[np.ix_(rows, open_)], design.contrast_vector
                )

    total_freedom = freedom.astype(float)
    if moderated:
        variance, total_freedom = moderate(variance, freedom)
    error = np.sqrt(variance * spread)
    results = pd.DataFrame(
        {
            "log2_fold_change": effect,
            "lfc_se": error,
            "stat": effect / error,
            "pvalue": 2 * t.sf(np.abs(effect / error), total_freedom),
        },
        index=values.columns,
    )
    with np.errstate(invalid="ignore"):
        total = np.where(present, outcome, 0).sum(axis=0)
        results["base_mean"] = np.where(n_patients > 0, total / np.maximum(n_patients, 1), np.nan)
    results["padj"] = adjusted(results["pvalue"])
    results["n_patients"] = n_patients
    results["reason"] = reason
    return results.rename_axis("feature").reset_index()[COLUMNS]


def _same_pattern(present: np.ndarray) -> list[np.ndarray]:
    """Group features by their pattern of missing patients."""
    _, group = np.unique(np.packbits(present, axis=0), axis=1, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group.ravel()[order])) + 1)


def least_squares(
    matrix: np.ndarray, outcome: np.ndarray, contrast: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return effect, residual variance and variance factor (3, n_features), and reasons.

    Parameters
    ----------
    matrix : ndarray, shape (n_patients, n_coefficients)
    outcome : ndarray, shape (n_patients, n_features)
    contrast : ndarray, shape (n_coefficients,)
        Weights of the coefficients.
    """
    n_features = outcome.shape[1]
    freedom = len(matrix) - matrix.shape[1]
    nothing = np.full((3, n_features), np.nan)
    if freedom < 1 or np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        return nothing, np.full(n_features, TOO_FEW, dtype=object)
    coefficients = np.linalg.lstsq(matrix, outcome, rcond=None)[0]
    variance = ((outcome - matrix @ coefficients) ** 2).sum(axis=0) / freedom
    spread = contrast @ np.linalg.inv(matrix.T @ matrix) @ contrast
    constant = variance <= 1e-20 * np.maximum((outcome**2).mean(axis=0), 1e-300)
    found = np.array([contrast @ coefficients, variance, np.full(n_features, spread)])
    found[:, constant] = np.nan
    reasons = np.full(n_features, None, dtype=object)
    reasons[constant] = CONSTANT
    return found, reasons
