"""Metrics of discrimination and calibration, or the reasons why they are undefined.

Every metric takes labels, shape (n_patients,), probabilities, shape (n_patients, n_repeats), and
the number of times each patient is in each resample, shape (n_samples, n_patients). It is computed
in each repeat and then averaged: averaging probabilities first would describe an ensemble of models
that is never used. It returns an array of shape (n_samples,).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trdomics.evaluation.logistic_recalibration import Floats, fit_recalibration, log_odds

# Probabilities are calibrated, so above 0.5 the positive class is more likely.
THRESHOLD = 0.5
# Probabilities that differ less are taken for the same when the slope cannot be fitted.
ALIKE = 0.01


def auroc(label: Floats, probability: Floats, counts: Floats) -> Floats:
    """AUROC: share of correctly ordered positive–negative pairs, ties counting half."""
    total = np.zeros(counts.shape[0])
    for column in probability.T:
        order = np.argsort(column, kind="stable")
        drawn, positive = counts[:, order], label[order] == 1
        last_of_ties = np.flatnonzero(np.diff(column[order], append=np.inf))
        both = np.stack([drawn * positive, drawn * ~positive])
        up_to = np.cumsum(both, axis=2)[..., last_of_ties]
        here, below = np.diff(up_to, axis=2, prepend=0.0), up_to[1]
        pairs = (here[0] * (below - 0.5 * here[1])).sum(axis=1)
        total += pairs / (up_to[0, :, -1] * up_to[1, :, -1])
    return total / probability.shape[1]


def auprc(label: Floats, probability: Floats, counts: Floats) -> Floats:
    """Average precision: precision at each distinct probability, weighted by gained recall."""
    total = np.zeros(counts.shape[0])
    for column in probability.T:
        order = np.argsort(-column, kind="stable")
        drawn = counts[:, order]
        last_of_ties = np.flatnonzero(np.diff(column[order], append=-np.inf))
        found = np.cumsum(drawn * label[order], axis=1)[:, last_of_ties]
        called = np.cumsum(drawn, axis=1)[:, last_of_ties]
        precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
        gained = np.diff(found, axis=1, prepend=0.0)
        total += (gained * precision).sum(axis=1) / found[:, -1]
    return total / probability.shape[1]


def balanced_accuracy(label: Floats, probability: Floats, counts: Floats) -> Floats:
    """Mean of sensitivity and specificity at a calibrated probability of 0.5."""
    correct = ((probability >= THRESHOLD) == (label == 1)[:, None]).mean(axis=1)
    shares = [
        counts[:, members] @ correct[members] / counts[:, members].sum(axis=1)
        for members in (label == 1, label == 0)
    ]
    return np.asarray(np.mean(shares, axis=0))


def brier(label: Floats, probability: Floats, counts: Floats) -> Floats:
    """Mean squared difference of probability and label."""
    return counts @ ((probability - label[:, None]) ** 2).mean(axis=1) / len(label)


def calibration_slope(label: Floats, probability: Floats, counts: Floats) -> Floats:
    """Slope of the logistic recalibration; 1 is ideal, below 1 the predictions are too extreme.

    Van Calster et al. 2019, doi 10.1186/s12916-019-1466-7.
    """
    odds = log_odds(probability)
    slopes = [fit_recalibration(column, label, counts)[1] for column in odds.T]
    return np.asarray(np.mean(slopes, axis=0))


def calibration_intercept(label: Floats, probability: Floats, counts: Floats) -> Floats:
    """Calibration in the large; 0 is ideal, below 0 risks are overestimated.

    The intercept of the logistic recalibration with its slope fixed at 1 (Van Calster et al.
    2019), not that of the model which :func:`calibration_slope` fits.
    """
    fits = [
        fit_recalibration(column, label, counts, fixed_slope=True)
        for column in log_odds(probability).T
    ]
    return np.asarray(np.mean([intercept for intercept, _ in fits], axis=0))


METRICS: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "auroc": auroc,
    "auprc": auprc,
    "balanced_accuracy": balanced_accuracy,
    "brier": brier,
    "calibration_slope": calibration_slope,
    "calibration_intercept": calibration_intercept,
}


def measure(metric: str, label: ArrayLike, probability: ArrayLike) -> float:
    """Return a metric without resampling; labels and probabilities as in `checked`."""
    truth, repeats = checked(label, probability)
    return float(METRICS[metric](truth, repeats, np.ones((1, truth.size)))[0])


# Only these are defined if all patients are of one class.
NEEDS_NO_CLASSES = ("brier",)


def not_computable(metric: str, label: Floats, probability: Floats) -> str:
    """Return why a metric cannot be computed from these patients, or an empty string."""
    if len(label) == 0:
        return "no labelled patient has a prediction"
    if np.unique(label).size < 2 and metric not in NEEDS_NO_CLASSES:
        return "all patients are of one class"
    if metric == "calibration_slope":
        odds = log_odds(probability)
        if np.ptp(odds) < 1e-9:
            return "all predicted probabilities are equal"
        negative, positive = odds[label == 0], odds[label == 1]
        if negative.max() <= positive.min() or positive.max() <= negative.min():
            return "the predictions separate the classes, so the slope is infinite"
    return ""


def performance(
    label: ArrayLike, probability: ArrayLike, metrics: Sequence[str] = tuple(METRICS)
) -> pd.DataFrame:
    """Compute metrics of predicted probabilities, averaged over repeats.

    Parameters
    ----------
    label : array, shape (n_patients,)
        1 for the positive class, 0 for the negative one.
    probability : array, shape (n_patients,) or (n_patients, n_repeats)
        Predicted probability of the positive class; for a repeated cross-validation the pooled
        out-of-fold probabilities, one column per repeat.
    metrics : sequence of str
        Names from :data:`METRICS`. Balanced accuracy uses the threshold 0.5.

    Returns
    -------
    DataFrame
        ``metric``, ``value`` (NaN if undefined), ``reason`` (why; otherwise empty).

    Raises
    ------
    ValueError
        If labels are not 0 or 1, or probabilities are missing or outside [0, 1].
    """
    truth, repeats = checked(label, probability)
    rows = []
    for metric in metrics:
        reasons = (not_computable(metric, truth, column) for column in repeats.T)
        reason = next(filter(None, reasons), "")
        value = np.nan if reason else measure(metric, truth, repeats)
        if not (reason or np.isfinite(value)):
            alike = np.ptp(repeats, axis=0).min() < ALIKE
            what = "hardly differ" if alike else "nearly separate the classes"
            reason = f"the predictions {what}, so the slope is too large to fit"
        rows.append({"metric": metric, "value": value, "reason": reason})
    return pd.DataFrame(rows)


def checked(label: ArrayLike, probability: ArrayLike) -> tuple[Floats, Floats]:
    """Return labels, shape (n,), and probabilities, shape (n, n_repeats), or raise ValueError."""
    truth = np.asarray(label, dtype=float)
    repeats = np.asarray(probability, dtype=float)
    repeats = repeats[:, None] if repeats.ndim == 1 else repeats
    if not np.isin(truth, (0.0, 1.0)).all():
        raise ValueError("labels must be 0 or 1")
    # written so that NaN fails too
    if not ((repeats >= 0) & (repeats <= 1)).all():
        raise ValueError("probabilities must lie in [0, 1] and none may be missing")
    return truth, repeats
