"""What the runs of a refit command show: other labels, other features, the same again.

A pipeline that learns from training patients only cannot know the labels of the patients that it
tests: exchange them, and its predictions for these patients stay exactly as they were. So do
predictions of a tested patient when the features of other tested patients change. Neither needs
more than one run; what it does to a pipeline that is not deterministic cannot be seen so. The
permutation null needs more runs and no determinism.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from trdomics.audit.tables import per_patient
from trdomics.evaluation.metrics import measure
from trdomics.evaluation.out_of_fold import out_of_fold

# Predictions as they are usually rounded in tables.
SAME = 1e-3
# What sums in another order may change.
EXACT = 1e-6
# One-sided p of a mean of the null above 0.5.
SHIFTED = 0.01


@dataclass(frozen=True)
class Difference:
    """Predictions of two runs compared.

    Attributes
    ----------
    n : int
        Predictions that both have.
    n_changed : int
        Those that differ by more than the tolerance.
    largest : float
        The largest difference of probabilities.
    same_folds : bool
        Whether both have the same samples in the same folds.
    """

    n: int
    n_changed: int
    largest: float
    same_folds: bool


def difference(first: pd.DataFrame, second: pd.DataFrame, tolerance: float) -> Difference:
    """Compare the predictions of two runs, sample by sample and fold by fold."""
    keys = ["sample", "repeat", "fold"]
    both = first.merge(second, on=keys, suffixes=("_1", "_2"))
    gaps = (both["probability_1"] - both["probability_2"]).abs()
    return Difference(
        len(both),
        int((gaps > tolerance).sum()),
        float(gaps.max()) if len(gaps) else np.nan,
        len(both) == len(first) == len(second),
    )


def null_distribution(
    permuted: Sequence[pd.DataFrame], true: pd.DataFrame, labels: Sequence[pd.Series]
) -> pd.DataFrame:
    """Return the AUROC of every run: ``permutation`` (0 are the true labels) and ``auroc``.

    Parameters
    ----------
    permuted : sequence of DataFrame
        Predictions of the runs with permuted labels.
    true : DataFrame
        Predictions of the run with true labels.
    labels : sequence of Series
        Labels that each run was given, those of the true run first.
    """
    aurocs = []
    for rows, given in zip([true, *permuted], labels, strict=True):
        table = per_patient(rows).assign(feature_set="")
        aurocs.append(measure("auroc", *out_of_fold(table, given, "")))
    return pd.DataFrame({"permutation": range(len(aurocs)), "auroc": aurocs})


def shift_pvalue(null: pd.Series) -> float:
    """Return the one-sided p that the mean AUROC under permuted labels is above 0.5.

    In a cross-validation without a leak it is 0.5 or a little below, as a patient who is left out
    takes its class with it (Parker, Günter & Bedo 2007, doi 10.1186/1471-2105-8-326).
    """
    if np.ptp(null) < 1e-12:
        return float(null.iloc[0] <= 0.5)
    return float(stats.ttest_1samp(null, 0.5, alternative="greater").pvalue)
