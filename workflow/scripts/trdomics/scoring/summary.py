"""The headline numbers of a scored cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trdomics.evaluation.calibration_curve import calibration_curve
from trdomics.evaluation.metrics import METRICS
from trdomics.scoring.external_validation import validation
from trdomics.scoring.versions import FROZEN, MOVED, RECALIBRATED

INTERVAL = (
    "95 % nominal (87 to 91 % in simulations with given features and 120 or 200 patients): "
    "the probability that a model trained in the same way on as many other patients of the "
    "training population would give, with all layers measured. It does not cover other "
    "populations, the learning of the representation (normalisation, feature filters, factors, "
    "covariates regressed out) or the choice of feature set and parameters; all of these are "
    "held fixed"
)
VERSIONS = {
    FROZEN: "probability",
    MOVED: "probability_at_target_prevalence",
    RECALIBRATED: "probability_recalibrated",
}
# What is said of the features of a layer.
FOUND = ("n_expected", "n_missing", "n_superfluous", "present")
# Bins of a calibration curve, and the labelled patients that one needs.
MOST_BINS, PER_BIN = 8, 10
NO_TARGET = "the config gives no target prevalence"
NOT_ACTED_ON = "the threshold applies to the probability at the target prevalence"


def decision_threshold(
    asked: float | None, target_prevalence: float | None, description: Mapping[str, Any]
) -> float:
    """Return the decision threshold: as configured, or the target prevalence."""
    if asked is not None:
        return asked
    return float(description["prevalence"] if target_prevalence is None else target_prevalence)


def validation_metrics(
    predictions: pd.DataFrame,
    threshold: float,
    target_prevalence: float | None,
    *,
    n_samples: int,
    seed: int,
) -> dict[str, dict[str, Any] | None]:
    """Return the metrics of labelled patients for each version of their probability.

    With a target prevalence, decisions use the probability shifted to it. At the same threshold,
    the probability at the training prevalence would look worse, or better, than the one in use, so
    it has no net benefit then.

    Parameters
    ----------
    predictions : DataFrame
        Of :func:`trdomics.scoring.cohort.score_cohort`.
    threshold : float
        Of :func:`decision_threshold`.
    target_prevalence : float or None
        Prevalence where the model is used; without it no version is at the target prevalence.

    Returns
    -------
    dict
        ``metrics`` (probability as predicted), ``metrics_at_target_prevalence`` and
        ``metrics_recalibrated``: metric → ``value``, ``lower``, ``upper``, ``reason`` (of
        ``net_benefit`` also ``threshold`` and ``treat_all``), or None.
    """
    labelled = predictions.dropna(subset=["label"])
    known = {
        key: labelled[column].to_numpy(dtype=float)
        for key, column in VERSIONS.items()
        if len(labelled) and labelled[column].notna().all()
    }
    not_acted_on = {FROZEN: NOT_ACTED_ON}
    if target_prevalence is None:
        known.pop(MOVED, None)
        not_acted_on = {}
    result: dict[str, dict[str, Any] | None] = dict.fromkeys(VERSIONS)
    if not known:
        return result
    label = labelled["label"].to_numpy(dtype=float)
    table = validation(
        label, known, threshold, n_samples=n_samples, seed=seed, not_acted_on=not_acted_on
    )
    for key in known:
        rows = table[table["version"] == key].set_index("metric")
        result[key] = {
            metric: rows.loc[metric].drop("version").dropna().to_dict()
            | {"reason": rows.loc[metric, "reason"]}
            for metric in [*METRICS, "net_benefit"]
            if metric in rows.index
        }
    return result


def calibration_rows(predictions: pd.DataFrame) -> list[dict[str, float]]:
    """Return the calibration curve of the patients with a label, at the training prevalence.

    Parameters
    ----------
    predictions : DataFrame
        ``label`` and ``probability``.

    Returns
    -------
    list of dict
        ``n``, ``predicted``, ``observed``, ``lower``, ``upper`` of each of up to eight bins, see
        :func:`trdomics.evaluation.calibration_curve.calibration_curve`; empty where there are
        fewer than two bins of ten patients.
    """
    labelled = predictions.dropna(subset=["label"])
    n_bins = min(MOST_BINS, len(labelled) // PER_BIN)
    if n_bins < 2:
        return []
    curve = calibration_curve(labelled["label"], labelled["probability"], n_bins)
    rows = curve.drop(columns="bin").to_dict("records")
    return [{str(key): float(value) for key, value in row.items()} for row in rows]


def scoring_summary(
    predictions: pd.DataFrame,
    features: pd.DataFrame,
    description: Mapping[str, Any],
    *,
    external: bool,
    target_prevalence: float | None,
    threshold: float | None,
    n_samples: int,
    seed: int,
    shift: Mapping[str, Any] | None = None,
    expected: Sequence[Mapping[str, Any]] = (),
    recalibration: Mapping[str, Any] | None = None,
    feature_names: Mapping[str, Any] | None = None,
    label_note: str | None = None,
) -> dict[str, Any]:
    """Collect the headline numbers, with validation metrics if labels are known.

    Parameters
    ----------
    predictions, features, description
        Of :func:`trdomics.scoring.apply.score`, ``compare_features`` and the manifest.
    external : bool
        Whether the model comes from another cohort.
    target_prevalence, threshold : float or None
        Prevalence where the model is used, and the decision threshold.
    shift, expected, recalibration, feature_names
        Results about these.
    label_note : str, optional
        A warning if the cohort names its classes differently from the model.

    Returns
    -------
    dict
        ``external``, ``positive`` and ``negative`` (the model's classes: probabilities are of the
        former), ``label_note``, ``n_scored``, ``n_scored_reason`` (if no patient was),
        ``n_labelled``, ``n_positive``, ``mean_probability``,
        ``mean_probability_at_target_prevalence``,
        ``training_prevalence``, ``target_prevalence``, ``feature_set``, ``model``,
        ``n_training``, ``layers`` (layer → n_expected, n_missing, n_superfluous, present),
        ``interval`` (what it covers), ``threshold``, ``shift``, ``expected``, ``recalibration``,
        ``feature_names``, ``calibration`` (of :func:`calibration_rows`), and ``metrics``,
        ``metrics_at_target_prevalence`` and ``metrics_recalibrated`` of
        :func:`validation_metrics` with their ``…_reason``.
    """
    labelled = predictions["label"].notna().sum()
    at = decision_threshold(threshold, target_prevalence, description)
    moved = predictions["probability_at_target_prevalence"]
    summary: dict[str, Any] = {
        "external": external,
        "positive": description["label"]["positive"],
        "negative": description["label"]["negative"],
        "label_note": label_note,
        "n_scored": len(predictions),
        "n_labelled": int(labelled),
        "n_positive": int((predictions["label"] == 1).sum()),
        "mean_probability": predictions["probability"].mean(),
        "mean_probability_at_target_prevalence": moved.mean(),
        "training_prevalence": description["prevalence"],
        "target_prevalence": target_prevalence,
        "feature_set": description["feature_set"],
        "model": description["model"],
        "n_training": description["n_training"],
        "layers": features.set_index("layer")[list(FOUND)].to_dict("index"),
        "interval": INTERVAL,
        "threshold": at,
        "shift": shift,
        "expected": list(expected),
        "recalibration": recalibration,
        "feature_names": feature_names or {},
        "calibration": calibration_rows(predictions),
        **validation_metrics(predictions, at, target_prevalence, n_samples=n_samples, seed=seed),
    }
    if predictions.empty:
        summary["n_scored_reason"] = (
            "every patient of the cohort has a label and was used for training"
        )
        summary["metrics_reason"] = summary["mean_probability_reason"] = "no patient was scored"
    elif not labelled:
        summary["metrics_reason"] = "no scored patient has a label"
    nothing = summary.get(f"{FROZEN}_reason")
    if summary[MOVED] is None:
        summary[f"{MOVED}_reason"] = nothing or NO_TARGET
    if summary[RECALIBRATED] is None:
        summary[f"{RECALIBRATED}_reason"] = nothing or (recalibration or {}).get("reason")
    return summary
