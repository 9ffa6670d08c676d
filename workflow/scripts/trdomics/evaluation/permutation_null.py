"""The permutation null: the whole procedure with permuted labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import roc_auc_score

OBSERVED = 0


def permutation_pvalue(observed: float, null: ArrayLike) -> float:
    """Return (1 + #{null ≥ observed}) / (1 + n), which is never zero.

    Phipson & Smyth 2010 (doi 10.2202/1544-6115.1585).

    Parameters
    ----------
    observed : float
        The statistic with the true labels; large values are evidence against the null.
    null : array, shape (n_permutations,)
        The statistic with permuted labels.
    """
    values = np.asarray(null, dtype=float)
    return float((1 + np.sum(values >= observed)) / (1 + values.size))


def null_distribution(null: pd.DataFrame) -> pd.DataFrame:
    """Compute the AUROC of every permutation, and of the true labels.

    Parameters
    ----------
    null : DataFrame
        Rows of all splits: ``permutation`` (0 are the true labels), ``repeat``, ``patient_id``,
        ``label_permuted``, ``probability``. A permutation is one whole repeat of the nested
        cross-validation with the models chosen for it, usually fewer than the headline's.

    Returns
    -------
    DataFrame
        ``permutation``, ``repeat``, ``auroc`` (pooled over the folds of the repeat; NaN where
        there is one class only), ``n_patients``. The true labels have one row per repeat.
    """
    rows = []
    for (permutation, repeat), group in null.dropna().groupby(["permutation", "repeat"]):
        both = group["label_permuted"].nunique() == 2
        auroc = roc_auc_score(group["label_permuted"], group["probability"]) if both else np.nan
        rows.append((permutation, repeat, auroc, len(group)))
    return pd.DataFrame(rows, columns=["permutation", "repeat", "auroc", "n_patients"])


def null_test(distribution: pd.DataFrame) -> dict[str, float | int | str]:
    """Compare the AUROC with true labels with that with permuted labels, for the same models.

    The observed value is the mean over the repeats; each permutation is one repeat. Under the null,
    a mean over repeats has the same expectation and less variance than one repeat, so the test is
    conservative.

    `distribution` is of :func:`null_distribution`.

    Returns
    -------
    dict
        ``observed``, ``mean``, ``upper`` (95th percentile of the null), ``largest``
        (of the null), ``pvalue``, ``n_permutations``, and ``reason`` where there is no p-value.
    """
    observed = distribution.loc[distribution["permutation"] == OBSERVED, "auroc"].dropna()
    null = distribution.loc[distribution["permutation"] != OBSERVED, "auroc"].dropna()
    result: dict[str, float | int | str] = {
        "observed": float(observed.mean()) if len(observed) else np.nan,
        "mean": float(null.mean()) if len(null) else np.nan,
        "upper": float(null.quantile(0.95)) if len(null) else np.nan,
        "largest": float(null.max()) if len(null) else np.nan,
        "n_permutations": len(null),
        "pvalue": np.nan,
    }
    if not len(null):
        result["reason"] = "no permutations were requested"
    elif not len(observed):
        result["reason"] = "the true labels were not run with the models of the permutations"
    else:
        result["pvalue"] = permutation_pvalue(float(observed.mean()), null.to_numpy())
    return result
