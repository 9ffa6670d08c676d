"""Performance at left-out sites, compared with the cross-validation, which mixes sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trdomics.classification.feature_sets import BASELINE, SELECTED
from trdomics.evaluation.bootstrap import performance_intervals, resample
from trdomics.evaluation.metrics import auroc
from trdomics.evaluation.out_of_fold import feature_sets, out_of_fold
from trdomics.evaluation.pooling import HETEROGENEITY, KEYS, pooled_auroc

LEFT_OUT, MIXED = "left_out", "mixed"
ALL = "all"
METRICS = ("auroc", "brier", "calibration_slope", "calibration_intercept")
COLUMNS = ["split", "site", "feature_set", "role", "validation", "metric", "value", "lower"]
COLUMNS += ["upper", "n_patients", "n_positive", "reason"]
POOLED = ["feature_set", "role", "validation", "n_sites", *KEYS, *HETEROGENEITY]
POOLED += ["change", "change_lower", "change_upper", "reason"]


def compared(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions of the selected procedure and the baselines."""
    return predictions[predictions["role"].isin([SELECTED, BASELINE])]


def site_performance(
    left_out: pd.DataFrame,
    mixed: pd.DataFrame,
    labels: pd.Series,
    plan: pd.DataFrame,
    *,
    n_samples: int,
    seed: int,
) -> pd.DataFrame:
    """Evaluate every site's patients, predicted without their site and with sites mixed.

    Parameters
    ----------
    left_out : DataFrame
        Predictions of the splits that leave a site out, with ``split``.
    mixed : DataFrame
        Out-of-fold predictions of the cross-validation.
    plan : DataFrame
        Of :func:`trdomics.cohort.site_plan.site_plan`.

    Returns
    -------
    DataFrame
        ``split``, ``site``, ``feature_set``, ``role``, ``validation`` (``left_out``, or ``mixed``
        for the same patients in the cross-validation), ``metric``, ``value``, ``lower``, ``upper``,
        ``n_patients``, ``n_positive``, ``reason``. Rows of the split ``all`` are of all sites'
        predictions put together. A site that was not left out has one row with the reason.

    Notes
    -----
    The cohort's design fixed the class sizes, and intervals of all sites together are conditional
    on them. The class sizes of a single site are random, so a site's intervals are not conditional:
    otherwise far too many sites would seem to need their own calibration.
    """
    left_out, mixed = compared(left_out), compared(mixed)
    parts = []
    splits = [*plan.loc[plan["reason"] == "", "split"], ALL]
    for split in splits if len(left_out) else []:
        here = left_out if split == ALL else left_out[left_out["split"] == split]
        same = mixed[mixed["patient_id"].isin(here["patient_id"])]
        site = None if split == ALL else plan.set_index("split")["site"][split]
        for feature_set, role in feature_sets(left_out).items():
            for validation, predictions in ((LEFT_OUT, here), (MIXED, same)):
                label, probability = out_of_fold(predictions, labels, feature_set)
                options = {"metrics": METRICS, "fixed_classes": split == ALL}
                part = performance_intervals(
                    label, probability, n_samples=n_samples, seed=seed, **options
                )
                where = {"split": split, "site": site, "feature_set": feature_set, "role": role}
                parts.append(part.assign(**where, validation=validation))
    why = plan[plan["reason"] != ""].assign(validation=LEFT_OUT, metric="auroc")
    parts.append(why.assign(feature_set=SELECTED, role=SELECTED).reindex(columns=COLUMNS))
    filled = [part for part in parts if len(part)]
    return pd.concat(filled or parts, ignore_index=True)[COLUMNS]


def pooled_performance(
    performance: pd.DataFrame,
    left_out: pd.DataFrame,
    mixed: pd.DataFrame,
    labels: pd.Series,
    *,
    n_samples: int,
    seed: int,
) -> pd.DataFrame:
    """Combine the sites' AUROCs by random effects, and compare left-out with mixed sites.

    `performance` is of :func:`site_performance`, the other arguments are those of it.

    Returns
    -------
    DataFrame
        ``feature_set``, ``role``, ``validation``, the result of
        :func:`trdomics.evaluation.pooling.pooled_auroc`, and ``change``: the AUROC of all
        predictions of left-out sites minus that of the same patients with sites mixed, with
        ``change_lower`` and ``change_upper`` (95 %, bootstrap over patients, paired). The sites'
        models share training patients, so the intervals are slightly too narrow.
    """
    aurocs = performance[(performance["metric"] == "auroc") & (performance["split"] != ALL)]
    aurocs = aurocs[aurocs["value"].notna()]
    rows = []
    for (feature_set, role, validation), part in aurocs.groupby(
        ["feature_set", "role", "validation"], sort=False
    ):
        negative = part["n_patients"] - part["n_positive"]
        pooled = pooled_auroc(part["value"], part["n_positive"], negative)
        row = {"feature_set": feature_set, "role": role, "validation": validation, **pooled}
        if validation == LEFT_OUT:
            row |= _change(left_out, mixed, labels, str(feature_set), n_samples, seed)
        rows.append(row)
    return pd.DataFrame(rows, columns=POOLED)


def _change(
    left_out: pd.DataFrame,
    mixed: pd.DataFrame,
    labels: pd.Series,
    feature_set: str,
    n_samples: int,
    seed: int,
) -> dict[str, float]:
    """Return the paired difference of the AUROCs with its interval."""
    same = mixed[mixed["patient_id"].isin(left_out["patient_id"])]
    label, unseen = out_of_fold(left_out, labels, feature_set)
    _, seen = out_of_fold(same, labels, feature_set)
    everyone = np.ones((1, len(label)))
    drawn = resample(label, n_samples, seed)
    differences = auroc(label, unseen, drawn) - auroc(label, seen, drawn)
    lower, upper = np.quantile(differences, [0.025, 0.975])
    change = auroc(label, unseen, everyone) - auroc(label, seen, everyone)
    return {"change": float(change[0]), "change_lower": lower, "change_upper": upper}


def sites_summary(
    performance: pd.DataFrame,
    pooled: pd.DataFrame,
    plan: pd.DataFrame,
    *,
    column: str | None,
    wanted: bool,
    confounders: list[str],
) -> dict[str, Any]:
    """Collect what the page shows.

    `column` is the sheet's column of sites, `wanted` whether the config asks to leave them out.

    Returns
    -------
    dict
        ``n_sites``, ``n_left_out``, ``reason`` (why none was; otherwise empty), ``not_left_out``
        (site, numbers, reason), ``sites`` (of the selected procedure: ``site``, ``n_patients``,
        ``n_positive``, and value, lower, upper, reason by metric), ``together`` (feature set →
        validation → metric → the same), ``pooled`` (feature set → validation → row),
        ``site_is_confounder``.
    """
    named = plan[plan["site"].notna()]
    n_left_out = int((plan["reason"] == "").sum())
    reason = ""
    if column is None:
        reason = "the config names no column of sites"
    elif not wanted:
        reason = "leaving sites out is switched off in the config"
    elif len(named) < 2:
        reason = "there is one site only" if len(named) else "no labelled patient has a site"
    elif not n_left_out:
        reason = "no site can be left out"
    ours = performance[performance["validation"] == LEFT_OUT]
    known = ours[ours["split"].isin(plan.loc[plan["reason"] == "", "split"])]
    selected = known[known["feature_set"] == SELECTED]
    return {
        "n_sites": len(named),
        "n_left_out": 0 if reason else n_left_out,
        "reason": reason,
        "not_left_out": plan.loc[
            plan["reason"] != "", ["site", "n_patients", "n_positive", "reason"]
        ].to_dict("records"),
        "sites": [
            {
                "site": part["site"].iloc[0],
                "n_patients": part["n_patients"].iloc[0],
                "n_positive": part["n_positive"].iloc[0],
                **_by_metric(part),
            }
            for _, part in selected.groupby("split", sort=False)
        ],
        "together": _nested(performance[performance["split"] == ALL]),
        "pooled": {
            feature_set: {
                row["validation"]: row.drop(["feature_set", "role", "validation"]).to_dict()
                for _, row in part.iterrows()
            }
            for feature_set, part in pooled.groupby("feature_set", sort=False)
        },
        "site_is_confounder": column in confounders,
    }


def _nested(performance: pd.DataFrame) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for (feature_set, validation), part in performance.groupby(
        ["feature_set", "validation"], sort=False
    ):
        result.setdefault(str(feature_set), {})[str(validation)] = _by_metric(part)
    return result


def _by_metric(performance: pd.DataFrame) -> Mapping[str, Any]:
    columns = ["value", "lower", "upper", "reason"]
    return {row["metric"]: row[columns].to_dict() for _, row in performance.iterrows()}
