"""The audited model beside what confounders, and the site alone, predict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from trdomics.audit.claim import CONFOUNDERS, MODEL, SITE
from trdomics.audit.tables import Predictions, per_patient
from trdomics.classification.feature_sets import BASELINE, CANDIDATE
from trdomics.config_types import AuditConfig
from trdomics.confounding.predictability import FOLDS, out_of_fold_probability
from trdomics.evaluation.bootstrap import performance_intervals, resample
from trdomics.evaluation.metrics import auroc, measure
from trdomics.evaluation.out_of_fold import out_of_fold

SITE_METRICS = ("auroc", "brier", "calibration_slope", "calibration_intercept")
# A site with fewer patients of a class is left out of what is said of sites.
MIN_SITE_CLASS = 5
COLUMNS = ["site", "metric", "value", "lower", "upper", "n_patients", "n_positive", "reason"]


@dataclass(frozen=True)
class Compared:
    """Predictions of the model and of its baselines.

    Attributes
    ----------
    predictions : DataFrame
        ``feature_set``, ``role``, ``repeat``, ``fold``, ``patient_id``, ``probability``: what
        :func:`trdomics.evaluation.bootstrap.performance_table` and
        :func:`trdomics.evaluation.paired_gains.gains_table` take.
    drawn_folds : bool
        Whether folds were drawn for the baselines, since the predictions have no use for theirs.
    reasons : dict of str to str
        Baseline -> why there is none.
    """

    predictions: pd.DataFrame
    drawn_folds: bool
    reasons: dict[str, str]


def compare(predictions: Predictions, audit: AuditConfig) -> Compared:
    """Predict the label from confounders and from the site, in the folds of the audited model.

    Ridge logistic regression; imputation, scaling and encoding are learned in the other folds.
    Where the predictions have one fold only, as those of a single test set, five are drawn.

    Parameters
    ----------
    predictions : Predictions
    """
    model = per_patient(predictions.rows)
    labels, sheet = predictions.labels, predictions.sheet
    drawn = not _have_folds(model, labels)
    if drawn:
        model = _with_drawn_folds(model, labels, audit["seed"])
    parts = [model.assign(feature_set=MODEL, role=CANDIDATE)]
    reasons = {}
    wanted = {CONFOUNDERS: audit["confounders"], SITE: [audit["site"]] if audit["site"] else []}
    for name, columns in wanted.items():
        if not columns:
            reasons[name] = f"audit.{name} names no column"
        elif labels.value_counts().min() < FOLDS:
            reasons[name] = f"fewer than {FOLDS} patients in a group"
        else:
            baseline = _baseline(model, labels, sheet[list(columns)], audit["categorical"])
            parts.append(baseline.assign(feature_set=name, role=BASELINE))
    return Compared(pd.concat(parts, ignore_index=True), drawn, reasons)


def _have_folds(model: pd.DataFrame, labels: pd.Series) -> bool:
    """Return whether each repeat has folds, each with both classes in the others."""
    truth = model["patient_id"].map(labels)
    for _, rows in model.groupby("repeat"):
        others = [truth[rows.index[rows["fold"] != fold]].nunique() for fold in set(rows["fold"])]
        if min(others) < 2:
            return False
    return True


def _with_drawn_folds(model: pd.DataFrame, labels: pd.Series, seed: int) -> pd.DataFrame:
    parts = []
    for _, rows in model.groupby("repeat", sort=False):
        truth = rows["patient_id"].map(labels)
        if truth.value_counts().min() < FOLDS:
            return model
        fold = np.empty(len(rows), dtype=object)
        splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**31)
        for number, (_, test) in enumerate(splitter.split(rows, truth), start=1):
            fold[test] = str(number)
        parts.append(rows.assign(fold=fold))
    return pd.concat(parts, ignore_index=True)


def _baseline(
    model: pd.DataFrame, labels: pd.Series, sheet: pd.DataFrame, categorical: list[str]
) -> pd.DataFrame:
    parts = []
    for _, rows in model.groupby("repeat", sort=False):
        here = sheet.loc[rows["patient_id"]]
        label = labels.loc[here.index].to_numpy(dtype=np.int64)
        fold = rows["fold"].to_numpy()
        splits: list[tuple[NDArray[Any], NDArray[Any]]] = [
            (np.flatnonzero(fold != each), np.flatnonzero(fold == each))
            for each in dict.fromkeys(fold)
        ]
        probability = out_of_fold_probability(here, label, categorical, splits)
        parts.append(rows.assign(probability=probability))
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class WithinSites:
    """The model among patients of one site.

    Attributes
    ----------
    sites : DataFrame
        ``site`` and the columns of
        :func:`trdomics.evaluation.bootstrap.performance_intervals`. Of sites with fewer than five
        patients of a class one row, with the reason.
    auroc : dict
        ``value``, ``lower``, ``upper``, ``n_sites`` and ``reason`` (why there is none): the share
        of pairs of a positive and a negative patient *of the same site* that are in order.
    """

    sites: pd.DataFrame
    auroc: dict[str, Any]


def within_sites(
    predictions: Predictions, site: str | None, *, n_samples: int, seed: int
) -> WithinSites:
    """Measure the model among the patients of each site.

    A model that predicts a patient's site alone has an AUROC of 0.5 within sites, whatever it has
    over all patients.

    Parameters
    ----------
    predictions : Predictions
    site : str or None
        Column of the sheet.
    n_samples, seed : int
        Of the bootstrap. Intervals of a site are of its patients regardless of class, that of all
        sites of patients within site and class.
    """
    if site is None:
        return WithinSites(pd.DataFrame(columns=COLUMNS), _none("audit.site names no column"))
    rows = per_patient(predictions.rows).assign(feature_set=MODEL)
    parts, pairs, drawn, seen = [], [], [], []
    for number, (name, members) in enumerate(predictions.sheet.groupby(site)):
        labels = predictions.labels[members.index]
        here = rows[rows["patient_id"].isin(members.index)]
        label, probability = out_of_fold(here, labels, MODEL)
        n_positive = int(label.sum())
        if min(n_positive, len(label) - n_positive) < MIN_SITE_CLASS:
            reason = f"fewer than {MIN_SITE_CLASS} patients of a class"
            counts = {"n_patients": len(label), "n_positive": n_positive}
            part = pd.DataFrame([{"metric": "auroc", **counts, "reason": reason}])
        else:
            part = performance_intervals(
                label,
                probability,
                n_samples=n_samples,
                seed=seed,
                metrics=SITE_METRICS,
                fixed_classes=False,
            )
            pairs.append(n_positive * (len(label) - n_positive))
            drawn.append(auroc(label, probability, resample(label, n_samples, seed + number)))
            seen.append(measure("auroc", label, probability))
        parts.append(part.assign(site=name).reindex(columns=COLUMNS))
    sites = pd.concat(parts, ignore_index=True).astype({"value": float})
    if not pairs:
        return WithinSites(sites, _none(f"no site has {MIN_SITE_CLASS} patients of each class"))
    lower, upper = np.quantile(np.average(drawn, axis=0, weights=pairs), [0.025, 0.975])
    value = float(np.average(seen, weights=pairs))
    together = {"value": value, "lower": float(lower), "upper": float(upper), "reason": ""}
    return WithinSites(sites, {**together, "n_sites": len(pairs)})


def _none(reason: str) -> dict[str, Any]:
    return {"value": np.nan, "lower": np.nan, "upper": np.nan, "n_sites": 0, "reason": reason}
