"""The headline numbers of the classification."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from trdomics.classification.feature_sets import COMBINED, SELECTED
from trdomics.evaluation.importance import models_in_words
from trdomics.evaluation.metrics import THRESHOLD
from trdomics.evaluation.permutation_null import null_test


def classification_summary(
    *,
    predictions: pd.DataFrame,
    performance: pd.DataFrame,
    gains: pd.DataFrame,
    null: pd.DataFrame,
    chosen: pd.DataFrame,
    chosen_table: pd.DataFrame,
    importance: pd.DataFrame,
    target_prevalence: float,
) -> dict[str, Any]:
    """Collect the numbers for the page; the headline is the stack of the feature sets.

    Parameters
    ----------
    performance, gains, null, chosen_table, importance : DataFrame
        The result tables of this stage.
    chosen : DataFrame
        ``chosen.tsv`` of all splits.

    Returns
    -------
    dict
        ``n_patients``, ``n_positive``, ``n_repeats``, ``n_splits``; ``selected`` (metric →
        value, lower, upper, reason); ``selected_inner_auroc`` (mean of the stack in the inner
        loop, optimistic); ``baselines`` and ``circular`` (feature set → the same as
        ``selected``); ``gains`` (baseline → metric → gain, lower, upper, pvalue, n_folds);
        ``null`` (see :func:`trdomics.evaluation.permutation_null.null_test`); ``prevalence``
        (cohort, target, log_odds_shift); ``models`` (feature set → number of splits in which each
        model was chosen); ``importance_overlap`` and ``importance_top`` (of ``selected``);
        ``balanced_accuracy_threshold``.
    """
    selected = _metrics(performance, SELECTED)
    counts = performance.loc[performance["feature_set"] == SELECTED, ["n_patients", "n_positive"]]
    n_patients, n_positive = (int(value) for value in counts.iloc[0])
    share = n_positive / n_patients if n_patients else np.nan
    shift = np.log(target_prevalence / (1 - target_prevalence)) - np.log(share / (1 - share))
    used = importance[importance["feature_set"] == SELECTED]
    return {
        "n_patients": n_patients,
        "n_positive": n_positive,
        "n_repeats": predictions["repeat"].nunique(),
        "n_splits": chosen["split"].nunique(),
        "selected": selected,
        "selected_inner_auroc": chosen.loc[chosen["feature_set"] == COMBINED, "inner_auc"].mean(),
        "baselines": _by_role(performance, "baseline"),
        "circular": _by_role(performance, "circular"),
        "gains": _gains(gains),
        "null": null_test(null),
        "prevalence": {"cohort": share, "target": target_prevalence, "log_odds_shift": shift},
        "models": models_in_words(chosen_table),
        "importance_overlap": used["overlap"].iloc[0] if len(used) else None,
        "importance_top": used.head(10)[["block", "feature", "share", "top20"]].to_dict("records"),
        "balanced_accuracy_threshold": THRESHOLD,
    }


def _with_reason(row: pd.Series, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return columns of a row, with ``reason`` if one of them is missing."""
    entry: dict[str, Any] = {column: row[column] for column in columns}
    return {**entry, "reason": row["reason"]} if row["reason"] else entry


def _metrics(performance: pd.DataFrame, feature_set: str) -> dict[str, Any]:
    rows = performance[performance["feature_set"] == feature_set]
    return {
        row["metric"]: _with_reason(row, ("value", "lower", "upper")) for _, row in rows.iterrows()
    }


def _by_role(performance: pd.DataFrame, role: str) -> dict[str, Any]:
    names = performance.loc[performance["role"] == role, "feature_set"].unique()
    return {name: _metrics(performance, name) for name in names}


def _gains(gains: pd.DataFrame) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for _, row in gains[gains["feature_set"] == SELECTED].iterrows():
        entry = _with_reason(row, ("gain", "lower", "upper", "pvalue", "n_folds"))
        result.setdefault(row["baseline"], {})[row["metric"]] = entry
    return result
