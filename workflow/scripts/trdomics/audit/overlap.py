"""Whom was a model tested on that it had seen: patients, copies of their features."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

# Profiles of two people are never this alike once each feature is standardised.
LEAST_CORRELATION = 0.9
# Correlations over fewer features say little; then only equal rows count.
FEW_FEATURES = 20
# Chance that a pair is called although no two rows are of one sample.
ERROR = 0.01


@dataclass(frozen=True)
class Duplicates:
    """Pairs of samples with near-identical features.

    Attributes
    ----------
    pairs : DataFrame
        ``sample``, ``other_sample``, ``correlation``, ``across_folds`` (1 if they were tested in
        different folds of a repeat, so that one was trained on where the other was tested).
    n_samples, n_features : int
        Compared ones.
    limit : float
        Correlation above which a pair is called.
    """

    pairs: pd.DataFrame
    n_samples: int
    n_features: int
    limit: float


def in_several_folds(rows: pd.DataFrame) -> pd.DataFrame:
    """Return who was tested in several folds of a repeat: ``repeat``, ``patient_id``, ``folds``.

    In a cross-validation such a patient was trained on in each of these folds' models.
    """
    grouped = rows.groupby(["repeat", "patient_id"], sort=False)["fold"]
    several = grouped.nunique().loc[lambda n: n > 1]
    folds = grouped.agg(lambda values: ", ".join(dict.fromkeys(values)))
    return folds[several.index].rename("folds").reset_index()


def trained_and_tested(rows: pd.DataFrame, training: pd.DataFrame) -> pd.DataFrame:
    """Return who was in training and in test of a fold: ``repeat``, ``fold``, ``patient_id``."""
    keys = ["repeat", "fold", "patient_id"]
    return rows[keys].drop_duplicates().merge(training[keys].drop_duplicates(), on=keys)


def untrained_folds(rows: pd.DataFrame, training: pd.DataFrame) -> int:
    """Return how many tested folds the table of training patients does not name."""
    keys = ["repeat", "fold"]
    named = pd.MultiIndex.from_frame(training[keys])
    return int((~pd.MultiIndex.from_frame(rows[keys].drop_duplicates()).isin(named)).sum())


def near_identical(rows: pd.DataFrame, features: pd.DataFrame) -> Duplicates:
    """Find samples whose features are nearly the same.

    Every feature is standardised over all samples, so that what all people share counts for
    nothing, and all rows are correlated. A pair is called if its correlation is at least 0.9 and
    beyond what the other pairs explain: Fisher's z less the median of all pairs, in units of their
    median absolute deviation, above the normal quantile that one of all pairs exceeds by chance
    with a probability of 1 % (Bonferroni).

    Parameters
    ----------
    rows : DataFrame
        ``sample``, ``repeat`` and ``fold`` of predictions, or of where a sample was trained on.
    features : DataFrame, shape (n_samples, n_features)
        Numbers, NaN where missing, indexed by sample.
    """
    known = features.loc[features.index.isin(rows["sample"])]
    values = known.loc[:, known.std(ddof=0) > 0]
    n_samples, n_features = values.shape
    first, second = np.triu_indices(n_samples, k=1)
    limit = 1.0
    if n_features >= FEW_FEATURES and len(first):
        r = _row_correlations(values)[first, second]
        z = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
        spread = stats.median_abs_deviation(z, scale="normal")
        reach = stats.norm.isf(ERROR / len(z)) * spread
        limit = max(LEAST_CORRELATION, float(np.tanh(np.median(z) + reach)))
        called = np.flatnonzero(r >= limit)
        first, second, r = first[called], second[called], r[called]
    else:
        first, second = _equal_rows(values)
        r = np.ones(len(first))
    names = known.index.to_numpy()
    pairs = pd.DataFrame({"sample": names[first], "other_sample": names[second], "correlation": r})
    where = {
        sample: set(zip(part["repeat"], part["fold"], strict=True))
        for sample, part in rows.groupby("sample")
    }
    pairs["across_folds"] = [
        int(where[a] != where[b])
        for a, b in zip(pairs["sample"], pairs["other_sample"], strict=True)
    ]
    return Duplicates(pairs, n_samples, n_features, limit)


def _row_correlations(values: pd.DataFrame) -> Floats:
    """Return correlations of rows; columns are standardised, missing values are their mean."""
    scaled = ((values - values.mean()) / values.std(ddof=0)).fillna(0).to_numpy(dtype=float)
    scaled = scaled - scaled.mean(axis=1, keepdims=True)
    scaled /= np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-12)
    return scaled @ scaled.T


def _equal_rows(values: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of rows that are equal, pair by pair."""
    alike = defaultdict(list)
    if values.shape[1]:
        for position, row in enumerate(values.to_numpy(dtype=float)):
            alike[row.tobytes()].append(position)
    pairs = [pair for same in alike.values() for pair in itertools.combinations(same, 2)]
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return first, second
