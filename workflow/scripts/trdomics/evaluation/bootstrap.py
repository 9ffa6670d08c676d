"""Percentile bootstrap over patients: confidence intervals of every metric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trdomics.evaluation.logistic_recalibration import Floats
from trdomics.evaluation.metrics import METRICS, checked, performance
from trdomics.evaluation.out_of_fold import feature_sets, out_of_fold

# Percentiles of fewer resamples than this are noise.
MIN_RESAMPLES = 50
# Share of resamples without a value above which the others are not representative.
MAX_LOST = 0.05


def resample(label: Floats, n_samples: int, seed: int, *, fixed_classes: bool = True) -> Floats:
    """Draw patients with replacement, by default within each class.

    Parameters
    ----------
    seed : int
        The same seed and labels give the same draws, so feature sets are compared on the same
        resamples.
    fixed_classes : bool
        True keeps the class sizes, as fixed by a training cohort's design. False is for patients
        whose number of positives was not fixed by design, as in a scored cohort or a single site:
        patients are drawn regardless of class, and draws with only one class are repeated.

    Returns
    -------
    array, shape (n_samples, n_patients)
        Number of times each patient was drawn.
    """
    rng = np.random.default_rng(seed)
    counts = np.zeros((n_samples, len(label)))
    classes = np.unique(label)
    if not fixed_classes:
        share = np.full(len(label), 1 / len(label))
        left = np.arange(n_samples)
        while left.size:
            counts[left] = rng.multinomial(len(label), share, size=left.size)
            both = [(counts[left][:, label == value] > 0).any(axis=1) for value in classes]
            left = left[~np.all(both, axis=0)]
        return counts
    for value in classes:
        members = np.flatnonzero(label == value)
        share = np.full(members.size, 1 / members.size)
        counts[:, members] = rng.multinomial(members.size, share, size=n_samples)
    return counts


def performance_intervals(
    label: ArrayLike,
    probability: ArrayLike,
    *,
    n_samples: int,
    seed: int,
    metrics: Sequence[str] = tuple(METRICS),
    fixed_classes: bool = True,
) -> pd.DataFrame:
    """Compute all metrics with percentile bootstrap intervals.

    Patients are drawn with replacement and every repeat is recomputed on the same draw, so that
    repeats are not treated as independent patients. With resampling within class, the intervals are
    conditional on the class sizes, which is right if a design fixed them: the interval of the
    calibration intercept is valid at this prevalence and does not reflect the uncertainty of the
    prevalence. If class sizes are random, the intervals would be far too narrow (`fixed_classes`).

    The interval reflects the sampling of the evaluated patients, given the models of the folds. It
    does not reflect that other training patients would have given other models; no unbiased
    estimate of that exists (Bengio & Grandvalet 2004, JMLR 5:1089), so the interval understates the
    uncertainty of the whole procedure. Averaging over repeats removes most of the variation due to
    the assignment of folds.

    Parameters
    ----------
    probability : array, shape (n_patients,) or (n_patients, n_repeats)
        See :func:`trdomics.evaluation.metrics.performance`.
    fixed_classes : bool
        Of :func:`resample`.

    Returns
    -------
    DataFrame
        ``metric``, ``value``, ``lower``, ``upper``, ``n_patients``, ``n_positive``, ``reason`` (why
        the value or the interval is missing; otherwise empty).
    """
    truth, repeats = checked(label, probability)
    table = performance(truth, repeats, metrics)
    table["n_patients"], table["n_positive"] = truth.size, int(truth.sum())
    table[["lower", "upper"]] = np.nan
    if truth.size and n_samples >= MIN_RESAMPLES:
        counts = resample(truth, n_samples, seed, fixed_classes=fixed_classes)
        for row, metric in table.loc[table["reason"] == "", "metric"].items():
            values = METRICS[metric](truth, repeats, counts)
            finite = values[np.isfinite(values)]
            if finite.size < (1 - MAX_LOST) * n_samples:
                lost = n_samples - finite.size
                table.loc[row, "reason"] = f"not computable in {lost} of {n_samples} resamples"
            else:
                table.loc[row, ["lower", "upper"]] = np.quantile(finite, [0.025, 0.975])
    else:
        table.loc[table["reason"] == "", "reason"] = (
            f"fewer than {MIN_RESAMPLES} bootstrap resamples"
        )
    return table[["metric", "value", "lower", "upper", "n_patients", "n_positive", "reason"]]


def performance_table(
    predictions: pd.DataFrame, labels: pd.Series, *, n_samples: int, seed: int
) -> pd.DataFrame:
    """Compute the performance of every feature set.

    Parameters
    ----------
    predictions : DataFrame
        Out-of-fold predictions of all splits: ``feature_set``, ``role``, ``repeat``,
        ``patient_id``, ``probability``.

    Returns
    -------
    DataFrame
        ``feature_set``, ``role`` and the columns of :func:`performance_intervals`.
    """
    parts = []
    for feature_set, role in feature_sets(predictions).items():
        label, probability = out_of_fold(predictions, labels, feature_set)
        part = performance_intervals(label, probability, n_samples=n_samples, seed=seed)
        part.insert(0, "role", role)
        part.insert(0, "feature_set", feature_set)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
