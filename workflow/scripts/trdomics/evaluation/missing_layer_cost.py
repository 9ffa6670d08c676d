"""The cost of missing layers: patients with all layers, predicted as if some were missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trdomics.classification.feature_sets import SELECTED
from trdomics.evaluation.bootstrap import performance_intervals
from trdomics.evaluation.out_of_fold import out_of_fold
from trdomics.evaluation.paired_gains import corrected_resampled_t, fold_differences
from trdomics.layers.subsets import NOTHING, named
from trdomics.partner_json import format_of
from trdomics.schema import load_schema

# With 2 or 3 degrees of freedom the t interval is useless: its factor is 4.3 and 3.2.
MIN_FOLDS = 5


def missing_layer_cost_table(
    predictions: pd.DataFrame, labels: pd.Series, *, n_samples: int, seed: int
) -> pd.DataFrame:
    """Measure the AUROC without layers, and the loss compared with all layers.

    Parameters
    ----------
    predictions : DataFrame
        Of :func:`trdomics.classification.missing_layers.predict_without_layers`, of all splits.

    Returns
    -------
    DataFrame
        ``layers_missing``, ``n_missing``, ``auroc``, ``auroc_low``, ``auroc_high``, ``loss``
        (``auroc`` with all layers minus that without these; positive is worse), ``loss_low``,
        ``loss_high`` (never beyond an AUROC of 0 or 1), ``pvalue`` (both of
        :func:`trdomics.evaluation.paired_gains.corrected_resampled_t`; none below
        ``MIN_FOLDS`` folds), ``n_patients``, ``n_positive`` (with all layers), ``n_folds``,
        ``reason``.
    """
    columns = ["layers_missing", "n_missing", "auroc", "auroc_low", "auroc_high", "loss"]
    columns += ["loss_low", "loss_high", "pvalue", "n_patients", "n_positive", "n_folds", "reason"]
    rows = predictions[predictions["patient_id"].map(labels).notna()]
    names = list(dict.fromkeys(rows["layers_missing"]))
    wide = rows.pivot(  # noqa: PD010 (pivot refuses a patient who was predicted twice)
        index=["repeat", "fold", "patient_id"], columns="layers_missing", values="probability"
    )
    truth = labels.reindex(wide.index.get_level_values("patient_id")).to_numpy(dtype=float)
    whole = np.nan
    table = []
    for name in names:
        part = rows[rows["layers_missing"] == name].assign(feature_set=SELECTED)
        label, probability = out_of_fold(part, labels, SELECTED)
        auroc = performance_intervals(
            label, probability, n_samples=n_samples, seed=seed, metrics=["auroc"]
        ).iloc[0]
        row = {
            "layers_missing": name,
            "n_missing": len(named(name)),
            "auroc": auroc["value"],
            "auroc_low": auroc["lower"],
            "auroc_high": auroc["upper"],
            "n_patients": auroc["n_patients"],
            "n_positive": auroc["n_positive"],
        }
        if name == NOTHING:
            whole = auroc["value"]
        table.append(row | _loss(wide, truth, name, whole, auroc))
    return pd.DataFrame(table, columns=columns)


def _loss(
    wide: pd.DataFrame, truth: Any, name: str, whole: float, auroc: pd.Series
) -> dict[str, Any]:
    """Return the paired loss of a set of missing layers, and why it has no interval.

    The loss is that of the AUROCs reported beside it, which pool the patients of a repeat. Its
    interval comes from the folds: their differences, shifted so that the loss is their mean.
    """
    reason = str(auroc["reason"])
    if name == NOTHING:
        n_folds = wide.groupby(level=["repeat", "fold"]).ngroups
        zero: dict[str, Any] = dict.fromkeys(("loss", "loss_low", "loss_high"), 0.0)
        return {**zero, "pvalue": np.nan, "n_folds": n_folds, "reason": reason}
    pair = pd.DataFrame({"all": wide[NOTHING], "fewer": wide[name]})
    differences, ratio = fold_differences(pair, truth, "auroc")
    loss = whole - auroc["value"]
    reason = reason or _no_interval(differences)
    test = dict.fromkeys(("lower", "upper", "pvalue"), np.nan)
    if not reason:
        test = corrected_resampled_t(differences - differences.mean() + loss, ratio)
    return {
        "loss": loss,
        # the AUROC without layers is between 0 and 1
        "loss_low": float(np.clip(test["lower"], whole - 1, whole)),
        "loss_high": float(np.clip(test["upper"], whole - 1, whole)),
        "pvalue": test["pvalue"],
        "n_folds": differences.size,
        "reason": reason,
    }


def _no_interval(differences: Any) -> str:
    """Return why the folds' differences give no interval of their mean, or an empty text."""
    if differences.size == 0:
        return "no fold has test patients of both classes"
    if np.abs(differences).max() < 1e-12:
        return "no chosen model ranks patients by these layers"
    if differences.size < MIN_FOLDS:
        return f"{differences.size} splits, {MIN_FOLDS} needed"
    if np.ptp(differences) < 1e-12:
        return "no variation between splits"
    return ""


def missing_layer_cost_summary(
    table: pd.DataFrame, layers: Sequence[str], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the summary stored beside the frozen model, for scoring patients without some layers.

    `table` is of :func:`missing_layer_cost_table`; the checksum in `manifest` (``model.json``)
    tells which model the numbers belong to.

    Returns
    -------
    dict
        ``format``, ``sha256``, ``layers``, ``n_patients``, ``n_positive``, ``reason`` (why there
        are no losses; else empty), ``missing_layer_cost``: a list of ``layers_missing`` (list of
        names), ``auroc``, ``auroc_low``, ``auroc_high``, ``loss``, ``loss_low``, ``loss_high``,
        ``n_patients``, ``reason``.
    """
    reason = ""
    if table.empty:
        reason = "no labelled patient has all layers"
    elif len(layers) < 2:
        reason = "there is one layer only"
    shown = ["auroc", "auroc_low", "auroc_high", "loss", "loss_low", "loss_high", "n_patients"]
    rows = [
        {"layers_missing": named(row["layers_missing"]), **row[shown].to_dict()}
        | {"reason": row["reason"]}
        for _, row in table.iterrows()
    ]
    counts = {key: int(table[key].iloc[0]) if rows else 0 for key in ("n_patients", "n_positive")}
    return {
        "format": format_of(load_schema("missing_layer_cost")),
        "sha256": manifest["sha256"],
        "layers": list(layers),
        **counts,
        "reason": reason,
        "missing_layer_cost": rows,
    }
