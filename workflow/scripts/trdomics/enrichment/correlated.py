"""A test of gene sets that allows for correlated genes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t


def residuals(values: pd.DataFrame, design: pd.DataFrame) -> pd.DataFrame:
    """Return each column's residuals from a design, scaled to length 1.

    Parameters
    ----------
    values : DataFrame, shape (n_patients, n_features)
        May have more patients than the design. No missing values.
    design : DataFrame, shape (n, n_coefficients)

    Returns
    -------
    DataFrame, shape (n, n_features)
        Inner products of columns are partial correlations; a column fully explained by the design
        is zero.
    """
    outcome = values.loc[design.index].to_numpy(float)
    basis = np.linalg.qr(design.to_numpy(float))[0]
    left = outcome - basis @ (basis.T @ outcome)
    length = np.linalg.norm(left, axis=0)
    zero = length <= 1e-8 * np.linalg.norm(outcome, axis=0)
    return pd.DataFrame(
        left * (~zero / np.where(zero, 1.0, length)), index=design.index, columns=values.columns
    )


def set_correlation(unit: np.ndarray) -> float:
    """Return the mean correlation among columns of length 1."""
    size = unit.shape[1]
    if size < 2:
        return 0.0
    return float((np.square(unit.sum(axis=1)).sum() - np.square(unit).sum()) / (size * (size - 1)))


def correlated_test(
    stat: np.ndarray, inside: np.ndarray, correlation: float, freedom: float
) -> float:
    """Return the p-value of a competitive test that allows for correlated genes.

    The mean statistic of a set compared with that of all other genes, with its variance inflated by
    1 + (m − 1)ρ (camera: Wu & Smyth 2012, doi 10.1093/nar/gks461). A negative ρ counts as 0.

    Parameters
    ----------
    stat : ndarray, shape (n_genes,)
        z or t statistics.
    inside : ndarray of bool, shape (n_genes,)
        Members of the set.
    correlation : float
        Mean residual correlation ρ among the set's genes.
    freedom : float
        Residual degrees of freedom that ρ was estimated with.
    """
    n_genes, size = len(stat), int(inside.sum())
    others = n_genes - size
    if size < 1 or others < 2:
        return float("nan")
    delta = stat[inside].mean() - stat[~inside].mean()
    within = np.square(stat[inside] - stat[inside].mean()).sum()
    between = np.square(stat[~inside] - stat[~inside].mean()).sum()
    variance = (within + between) / (n_genes - 2)
    inflation = 1 + (size - 1) * max(correlation, 0.0)
    score = delta / np.sqrt(variance * (inflation / size + 1 / others))
    return float(2 * t.sf(abs(score), min(freedom, n_genes - 2)))
