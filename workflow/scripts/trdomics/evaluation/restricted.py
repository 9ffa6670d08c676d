"""The selected model's performance without some patients, from existing predictions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from trdomics.classification.feature_sets import SELECTED
from trdomics.evaluation.bootstrap import performance_intervals
from trdomics.evaluation.out_of_fold import out_of_fold

METRIC = "auroc"


def auroc_without(
    predictions: pd.DataFrame,
    labels: pd.Series,
    left_out: Collection[str],
    *,
    n_samples: int,
    seed: int,
) -> dict[str, Any]:
    """Measure the selected model's AUROC in all patients and without some.

    The models were trained on all patients: this shows the effect of the excluded patients on the
    measured performance, not the performance of a model fitted without them.

    Parameters
    ----------
    predictions : DataFrame
        Out-of-fold predictions, as ``classification/predictions.tsv`` has them.

    Returns
    -------
    dict
        ``n_left_out`` (of the patients with predictions), and ``all`` and ``without``: ``value``,
        ``lower``, ``upper``, ``n_patients``, ``reason``.
    """
    selected = predictions[predictions["feature_set"] == SELECTED]
    kept = selected[~selected["patient_id"].isin(left_out)]
    found = {}
    for name, rows in (("all", selected), ("without", kept)):
        label, probability = out_of_fold(rows, labels, SELECTED)
        table = performance_intervals(
            label, probability, n_samples=n_samples, seed=seed, metrics=[METRIC]
        )
        found[name] = table.drop(columns=["metric", "n_positive"]).iloc[0].to_dict()
    n_left_out = selected["patient_id"].nunique() - kept["patient_id"].nunique()
    return {"n_left_out": n_left_out, **found}
