"""Recalibration to another population, and external validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from trdomics.evaluation.bootstrap import MIN_RESAMPLES, performance_intervals, resample
from trdomics.evaluation.logistic_recalibration import Floats, fit_recalibration, log_odds

# Patients of the rarer class: an intercept is one parameter, a slope a second that needs more
# (about 10 events per parameter move an estimate by no more than noise; Steyerberg et al. 2004,
# doi 10.1002/sim.1844, recommend the intercept alone in small samples).
MIN_FOR_INTERCEPT, MIN_FOR_SLOPE = 10, 30
FOLDS, REPEATS = 5, 10
KINDS = ("none", "intercept", "intercept_slope")


def kind_of(label: Floats) -> tuple[str, str | None]:
    """Return the recalibration that a number of labels allows, or the reason for none."""
    known = np.asarray(label, dtype=float)
    rarer = int(min((known == 1).sum(), (known == 0).sum()))
    if rarer < MIN_FOR_INTERCEPT:
        why = f"{rarer} labelled patients in the rarer class, {MIN_FOR_INTERCEPT} are needed"
        return KINDS[0], why
    return (KINDS[2] if rarer >= MIN_FOR_SLOPE else KINDS[1]), None


def recalibration_curve(label: Floats, probability: Floats, kind: str) -> tuple[float, float, str]:
    """Return intercept and slope of logit p' = a + b logit p (Cox 1958), and the kind.

    The slope is 1 for ``intercept``. It is never below 0: recalibration does not reverse the
    ranking of the patients; if a slope would, or cannot be fitted, the kind is ``intercept``.
    """
    odds, once = log_odds(probability), np.ones((1, len(label)))
    if kind == KINDS[2] and np.ptp(odds) > 0:
        intercept, slope = fit_recalibration(odds, label, once)
        if slope[0] > 0:
            return float(intercept[0]), float(slope[0]), kind
    intercept, _ = fit_recalibration(odds, label, once, fixed_slope=True)
    return float(intercept[0]), 1.0, KINDS[1]


def recalibrate(label: ArrayLike, probability: ArrayLike, seed: int) -> tuple[Floats, dict]:
    """Recalibrate a cohort's probabilities on its labelled patients.

    Labelled patients get the mean log odds of recalibrations fitted without them (5 folds, repeated
    10 times), so that their labels are not used for their own probabilities; the others get the
    recalibration fitted on all labelled patients.

    Parameters
    ----------
    label : array, shape (n,)
        1, 0 or NaN.
    probability : array, shape (n,)
        Of the frozen model.

    Returns
    -------
    recalibrated : array, shape (n,)
        NaN if there are too few labels.
    description : dict
        ``kind`` (as fitted), ``intercept``, ``slope``, ``n_labelled``, ``reason``.
    """
    truth, given = np.asarray(label, dtype=float), np.asarray(probability, dtype=float)
    known = np.isfinite(truth)
    kind, reason = kind_of(truth[known])
    description: dict[str, Any] = {"kind": kind, "n_labelled": int(known.sum()), "reason": reason}
    if kind == KINDS[0]:
        return np.full(len(truth), np.nan), {**description, "intercept": None, "slope": None}
    intercept, slope, used = recalibration_curve(truth[known], given[known], kind)
    odds = intercept + slope * log_odds(given)
    odds[known] = _cross_fitted(truth[known], given[known], kind, seed)
    description |= {"kind": used, "intercept": intercept, "slope": slope}
    return np.asarray(expit(odds)), description


def _cross_fitted(label: Floats, probability: Floats, kind: str, seed: int) -> Floats:
    odds = np.zeros(len(label))
    for repeat in range(REPEATS):
        fold = dealt(label, FOLDS, seed + repeat)
        for number in range(FOLDS):
            seen, unseen = fold != number, fold == number
            a, b, _ = recalibration_curve(label[seen], probability[seen], kind)
            odds[unseen] += a + b * log_odds(probability[unseen])
    return odds / REPEATS


def dealt(label: Floats, n_folds: int, seed: int) -> NDArray[np.int_]:
    """Return each patient's stratified fold, shape (n,).

    The folds equal those of scikit-learn's ``StratifiedKFold``, which scoring does not import:
    sorted by class, patients are assigned to folds in turn; then each class is shuffled.
    """
    rng = np.random.RandomState(seed)
    folds = np.zeros(len(label), dtype=int)
    values, first = np.unique(label, return_index=True)
    start = 0
    for value in values[np.argsort(first)]:
        members = np.flatnonzero(label == value)
        own = np.sort((start + np.arange(len(members))) % n_folds)
        rng.shuffle(own)
        folds[members] = own
        start += len(members)
    return folds


def net_benefit_interval(
    label: Floats, probability: Floats, threshold: float, *, n_samples: int, seed: int
) -> dict[str, Any]:
    """Return the net benefit of acting at a threshold, with a 95 % bootstrap interval.

    TP / n − FP / n · t / (1 − t) (Vickers & Elkin 2006), on the same draws of patients as the
    other metrics; and ``treat_all``, that of acting on everyone.
    """
    acted = probability >= threshold
    weight = np.where(label == 1, 1.0, -threshold / (1 - threshold)) / len(label)
    value = float((weight * acted).sum())
    drawn = resample(label, n_samples, seed, fixed_classes=False) @ (weight * acted)
    enough = n_samples >= MIN_RESAMPLES
    lower, upper = np.quantile(drawn, [0.025, 0.975]) if enough else (np.nan, np.nan)
    return {
        "value": value,
        "lower": float(lower),
        "upper": float(upper),
        "threshold": threshold,
        "treat_all": float(weight.sum()),
        "reason": None if enough else "too few resamples for an interval",
    }


def validation(
    label: NDArray[Any],
    probabilities: Mapping[str, Floats],
    threshold: float,
    n_samples: int,
    seed: int,
    *,
    not_acted_on: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return external validation metrics of several versions of the probabilities.

    No design fixed the number of positives of the cohort, so patients are resampled regardless of
    class; with resampling within class, the interval of the calibration intercept would cover the
    truth half of the time (``benchmarks/scoring.py validation``).

    Recalibrated probabilities are kept fixed: the interval should cover the performance of this
    curve in other patients of the same population. Refitting it in every resample would answer
    another question: each curve fits its own resample, so calibration intercept and slope would
    hardly vary, and their intervals would seldom cover those of the curve in use (same benchmark).
    The interval does not cover the performance of another cohort's curve.

    Parameters
    ----------
    label : array, shape (n,)
        1 or 0.
    probabilities : mapping of str to array, shape (n,)
        By name, such as ``frozen`` and ``recalibrated``.
    threshold : float
        Probability at which one would act.
    not_acted_on : mapping of str to str, optional
        Versions to which the threshold does not apply, and why; they have no net benefit.

    Returns
    -------
    DataFrame
        ``version``, ``metric`` (those of the performance table, and ``net_benefit``), ``value``,
        ``lower``, ``upper``, ``reason``; ``threshold`` and ``treat_all`` of the net benefit.
    """
    parts = []
    for version, values in probabilities.items():
        table = performance_intervals(
            label, values, n_samples=n_samples, seed=seed, fixed_classes=False
        )
        parts.append(table.assign(version=version))
        row: dict[str, Any] = {"version": version, "metric": "net_benefit"}
        if version in (not_acted_on or {}):
            parts.append(pd.DataFrame([{**row, "reason": (not_acted_on or {})[version]}]))
        elif len(np.unique(label)) == 2:
            row |= net_benefit_interval(label, values, threshold, n_samples=n_samples, seed=seed)
            parts.append(pd.DataFrame([row]))
    columns = ["version", "metric", "value", "lower", "upper", "reason", "threshold", "treat_all"]
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)
