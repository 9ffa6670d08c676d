"""Measures of discrimination and calibration, and the reasons where there are none.

Scikit-learn and statsmodels compute them; this module says when they mean nothing, and averages
them over the repeats of a cross-validation.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit

# statsmodels.api would import all of statsmodels, a second in every job
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools import add_constant
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

# A predicted 0 or 1 has no log odds; one in a million is beyond what any cohort here can tell.
EPSILON = 1e-6
# Probabilities are calibrated, so 0.5 is where positive becomes the likelier class.
THRESHOLD = 0.5

Floats = NDArray[np.float64]


def log_odds(probability: ArrayLike) -> Floats:
    """Return the log odds of probabilities, which are kept within 1e-6 of 0 and 1."""
    clipped = np.clip(np.asarray(probability, dtype=float), EPSILON, 1 - EPSILON)
    return np.asarray(logit(clipped), dtype=float)


def balanced_accuracy(label: Floats, probability: Floats) -> float:
    """Return the mean of sensitivity and specificity at a calibrated probability of 0.5."""
    from sklearn.metrics import balanced_accuracy_score

    return float(balanced_accuracy_score(label, probability >= THRESHOLD))


def calibration_slope(label: Floats, probability: Floats) -> float:
    """Return the slope of the logistic recalibration; 1 is ideal, below 1 too extreme.

    The model is logit P(y = 1) = a + b logit p (Cox 1958; Van Calster et al. 2019,
    doi 10.1186/s12916-019-1466-7).
    """
    design = add_constant(log_odds(probability))
    return float(GLM(label, design, family=Binomial()).fit().params[1])


def calibration_intercept(label: Floats, probability: Floats) -> float:
    """Return the calibration in the large; 0 is ideal, below 0 the risks are too high.

    The intercept of the logistic recalibration with its slope fixed at 1 (Van Calster et al.
    2019), not that of the model which :func:`calibration_slope` fits.
    """
    fit = GLM(
        label,
        np.ones_like(label),
        family=Binomial(),
        offset=log_odds(probability),
    ).fit()
    return float(fit.params[0])


def _of_sklearn(name: str) -> Callable[[Floats, Floats], float]:
    def metric(label: Floats, probability: Floats) -> float:
        # imported where it is used: scoring patients needs no scikit-learn
        from sklearn import metrics

        return float(getattr(metrics, name)(label, probability))

    return metric


METRICS: dict[str, Callable[[Floats, Floats], float]] = {
    "auroc": _of_sklearn("roc_auc_score"),
    "auprc": _of_sklearn("average_precision_score"),
    "balanced_accuracy": balanced_accuracy,
    "brier": _of_sklearn("brier_score_loss"),
    "calibration_slope": calibration_slope,
    "calibration_intercept": calibration_intercept,
}
# Only these mean something where all patients are of one class.
NEEDS_NO_CLASSES = ("brier",)


def not_computable(metric: str, label: Floats, probability: Floats) -> str:
    """Return why a metric cannot be computed from these patients, or an empty text."""
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
            return "the predictions separate the classes, so the slope has no limit"
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
        Predicted probability of the positive class; of a repeated cross-validation the pooled
        out-of-fold probabilities, one column a repeat. Each metric is computed per repeat and
        then averaged: averaging probabilities first would describe an ensemble of models that
        nobody will use.
    metrics : sequence of str
        Names out of :data:`METRICS`. Balanced accuracy cuts at a calibrated probability of 0.5.

    Returns
    -------
    DataFrame
        ``metric``, ``value`` (NaN where not computable), ``reason`` (why not; else empty).

    Raises
    ------
    ValueError
        If labels are not 0 or 1, or probabilities are missing or outside [0, 1].
    """
    truth, repeats = checked(label, probability)
    rows = []
    for metric in metrics:
        reason, values = "", []
        for column in repeats.T:
            reason = reason or not_computable(metric, truth, column)
            if not reason:
                with warnings.catch_warnings():
                    # told by `not_computable`, or a repeat short of it whose slope is still finite
                    warnings.simplefilter("ignore", PerfectSeparationWarning)
                    values.append(METRICS[metric](truth, column))
        rows.append(
            {
                "metric": metric,
                "value": np.nan if reason else float(np.mean(values)),
                "reason": reason,
            }
        )
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


def of_splits(tables: Iterable[pd.DataFrame], predictions: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join a kind of table over all splits, and say of every row which split it is from.

    Parameters
    ----------
    tables, predictions : iterable of DataFrame
        One a split, in the same order; ``split`` and ``repeat`` are taken from the predictions.

    Returns
    -------
    DataFrame
        All rows, with ``split`` and ``repeat``.
    """
    parts = [
        table.assign(split=beside["split"].iloc[0], repeat=beside["repeat"].iloc[0])
        for table, beside in zip(tables, predictions, strict=True)
    ]
    # a table without rows has columns without a type, which would spread to the others
    filled = [part for part in parts if len(part)]
    return pd.concat(filled or parts[:1], ignore_index=True)


def out_of_fold(
    predictions: pd.DataFrame, labels: pd.Series, feature_set: str
) -> tuple[Floats, Floats]:
    """Return a feature set's pooled out-of-fold predictions as labels and a matrix.

    Parameters
    ----------
    predictions : DataFrame
        Rows of all splits: ``feature_set``, ``repeat``, ``patient_id``, ``probability``.
    labels : Series
        1, 0 or missing by patient id.
    feature_set : str
        Which one.

    Returns
    -------
    label : array, shape (n_patients,)
    probability : array, shape (n_patients, n_repeats)
        Only patients with a label who were predicted in every repeat, sorted by id.
    """
    rows = predictions[predictions["feature_set"] == feature_set]
    # unlike pivot_table, pivot refuses a patient who was predicted twice
    table = rows.pivot(  # noqa: PD010
        index="patient_id", columns="repeat", values="probability"
    ).dropna()
    truth = labels.reindex(table.index)
    known = truth.notna().to_numpy()
    return truth[known].to_numpy(dtype=float), table[known].to_numpy(dtype=float)


def feature_sets(predictions: pd.DataFrame) -> dict[str, str]:
    """Return the role of every feature set, in the order in which they were written."""
    unique = predictions[["feature_set", "role"]].drop_duplicates("feature_set")
    return dict(zip(unique["feature_set"], unique["role"], strict=True))
