"""Out-of-distribution checks: whether patients resemble the training patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from trdomics.classification.feature_blocks import Floats
from trdomics.frozen_model.training_reference import (
    DISTANCE,
    check_scores,
    chosen_views,
    patient_levels,
    squares_of_scores,
)
from trdomics.layers.subsets import subset_name
from trdomics.tables import CLINICAL, LayerTables

# Share of patients from the training population who are flagged, and the probability that such a
# cohort is flagged, over all rows together.
PATIENT_LEVEL, COHORT_LEVEL = 0.01, 0.05
# Real data have heavier tails than the normal distribution assumed by the limits: 5 % of unseen
# patients with ovarian cancer were flagged. Twice as many indicate a shift.
TOLERATED = 0.1
# Counts in tenths need about five patients in each.
MIN_FOR_TENTHS = 50
FEW_FOLDS = "the model describes fewer than two groups of unseen training patients"
SHIFT = ["part", "name", "n", "n_training", "mean_difference", "ks", "p", "p_adjusted", "shifted"]
PATIENTS = ["patient_id", "outlier_vs_training", "outlier_vs_training_p", "outlier_vs_training_in"]
PATIENTS += ["factor_distance", "factor_distance_limit"]


def assess(frozen: Any, tables: LayerTables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare patients with a frozen model's summaries of the training patients.

    Parameters
    ----------
    tables : LayerTables
        Raw layers that may be used, and the sheet.

    Returns
    -------
    patients : DataFrame
        ``patient_id``, ``outlier_vs_training`` (1 if the patient is beyond the limit of 99 % of
        unseen training patients; missing without a layer that could be checked),
        ``outlier_vs_training_p`` (of all checks of the patient together, by Bonferroni),
        ``outlier_vs_training_in`` (the check with the smallest p), ``factor_distance``
        (Mahalanobis) and ``factor_distance_limit`` (99 % of unseen training patients with the same
        layers lie within).
    shift : DataFrame
        One row per comparison: ``part`` (``factor``, ``layer``, ``clinical``,
        ``patients``), ``name``, ``n``, ``n_training``, ``mean_difference`` (in training standard
        deviations), ``ks`` (largest difference of the distributions at the training deciles),
        ``p``, ``p_adjusted`` (Holm, over all rows), ``shifted`` (1 if below 5 %), ``reason`` if it
        could not be tested.
    """
    reference, representation = frozen.reference, frozen.representation
    checks, scores = _checks(frozen, tables)
    patients = _patients(tables, checks)
    rows = []
    for (part, name), (values, training) in scores.items():
        row = compare(values, training)
        row |= _against_folds(row, values, training)
        rows.append({"part": part, "name": name, **row})
    for layer, values in patient_levels(representation, tables).items():
        if layer in reference.levels_:
            training = reference.levels_[layer]
            row = compare(values, training)
            row |= _against_folds(row, values, training)
            rows.append({"part": "layer", "name": f"{layer}: level", **row})
    if CLINICAL in representation.column_blocks_:
        block = representation.column_blocks_[CLINICAL].transform(tables[CLINICAL])
        for name, training in reference.clinical_.items():
            row = compare(block[name].to_numpy(dtype=float), training)
            rows.append({"part": "clinical", "name": name, **row})
    rows.append({"part": "patients", "name": "unlike training", **_too_many(patients)})
    return patients, _adjusted(pd.DataFrame(rows))


def compare(values: Floats, training: Mapping[str, Any]) -> dict[str, Any]:
    """Compare values with a summary of training values: their mean, and their distribution.

    Means by Welch's t test from summaries; if the summary has deciles, distributions by the number
    of values in each tenth of the training values, with a χ² test that includes the uncertainty of
    the training deciles. The p-value is the smaller of the two, doubled.

    Parameters
    ----------
    values : array, shape (n,)
        NaN are left out. If they are already standardised, `training` has mean 0 and sd 1.
    training : mapping
        ``n``, ``mean``, ``sd``, and possibly ``deciles``.

    Returns
    -------
    dict
        ``n``, ``n_training``, ``mean_difference``, ``ks``, ``p``, ``reason``.
    """
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    n, n_training, sd = len(known), training["n"], training["sd"]
    row = {"n": n, "n_training": n_training, "mean_difference": np.nan, "ks": np.nan, "p": np.nan}
    if not n or not sd > 0:
        why = "no patient has it" if not n else "constant in training"
        return {**row, "reason": why}
    row["mean_difference"] = (known.mean() - training["mean"]) / sd
    if n < 3 or known.std() == 0:
        z = row["mean_difference"] / np.sqrt(1 / n + 1 / n_training)
        ps = [2 * stats.t.sf(abs(z), n_training - 1)]
    else:
        here, there = (known.mean(), known.std(ddof=1), n), (training["mean"], sd, n_training)
        ps = [stats.ttest_ind_from_stats(*here, *there, equal_var=False).pvalue]
    edges = np.asarray(training.get("deciles", np.nan))
    if edges.ndim and np.all(np.diff(edges) > 0):
        below = np.searchsorted(np.sort(known), edges, side="right") / n
        row["ks"] = float(np.abs(below - np.arange(1, 10) / 10).max())
        if n >= MIN_FOR_TENTHS:
            counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=10)
            statistic = ((counts - n / 10) ** 2 / (n / 10)).sum() / (1 + n / n_training)
            ps.append(stats.chi2.sf(statistic, 9))
    return {**row, "p": min(1.0, len(ps) * min(ps)), "reason": None}


def held_out_p(values: Floats, training: Mapping[str, Any]) -> float:
    """Test a mean against those of out-of-fold patients, with one model per fold.

    The frozen model is one more such model, so the variance of the fold means estimates its
    deviation: a t test with one degree of freedom less than folds; NaN if a shared model describes
    fewer than two.
    """
    means = np.asarray(training["fold_means"])
    if len(means) < 2:
        return np.nan
    between = means.var(ddof=1) * (1 + 1 / len(means))
    error = np.sqrt(training["sd"] ** 2 / len(values) + between)
    difference = abs(float(np.mean(values)) - means.mean())
    return float(2 * stats.t.sf(difference / error, len(means) - 1))


def _against_folds(
    row: Mapping[str, Any], values: Floats, training: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the p-value of a comparison with out-of-fold training patients, or why there is none.

    Factors have no out-of-fold values.
    """
    if row["reason"] is not None or "fold_means" not in training:
        return {}
    p = held_out_p(values[np.isfinite(values)], training)
    return {"p": p, "reason": FEW_FOLDS if np.isnan(p) else None}


def _checks(
    frozen: Any, tables: LayerTables
) -> tuple[dict[str, pd.DataFrame], dict[tuple[str, str], tuple[Floats, dict[str, Any]]]]:
    """Return each patient's checks, and scores of the cohort by what is compared.

    Patients are compared with training patients with the same views; standardised by them, all can
    be combined in one row.
    """
    representation, patterns = frozen.representation, frozen.reference.patterns_
    checks: dict[str, pd.DataFrame] = {}
    pooled: dict[tuple[str, str], list[tuple[Floats, dict[str, Any]]]] = {}
    if representation.mofa_ is None:
        return checks, {}
    views = representation.views(tables)
    usable = [view for view in representation.mofa_.feature_names_ if view in views]
    has = pd.DataFrame({view: views.profiled(view) for view in usable}, index=tables.patients)
    for _, members in has.groupby(usable, sort=True) if usable else []:
        names = tuple(view for view in usable if members[view].iloc[0])
        training = patterns.get(subset_name(names)) if names else None
        if training is None:
            continue
        some = chosen_views(views.select(members.index), names)
        mofa, n_factors = representation.mofa_, len(training["mean"])
        values = check_scores(
            mofa, some, training["mean"], training["precision"], training["errors"]
        )
        factors = mofa.transform(some)
        for name, summary in training["factors"].items():
            pooled.setdefault(("factor", name), []).append((factors[name].to_numpy(), summary))
        for check, found in values.items():
            summary = training["held_out"][check]
            spread = summary["sd"] * np.sqrt(1 + 1 / summary["n"])
            table = pd.DataFrame({"score": found}, some.patients)
            table["p"] = stats.t.sf((found - summary["mean"]) / spread, summary["n"] - 1)
            if check == DISTANCE:
                limit = summary["mean"] + spread * stats.t.isf(PATIENT_LEVEL, summary["n"] - 1)
                table["value"] = np.sqrt(squares_of_scores(found, n_factors))
                table["limit"] = np.sqrt(squares_of_scores(limit, n_factors))
            checks[check] = pd.concat([checks[check], table]) if check in checks else table
            part = "factor" if check == DISTANCE else "layer"
            name = "distance" if check == DISTANCE else f"{check}: reproduction error"
            pooled.setdefault((part, name), []).append((found, summary))
    return checks, {key: _pooled(groups) for key, groups in pooled.items()}


def _pooled(groups: list[tuple[Floats, dict[str, Any]]]) -> tuple[Floats, dict[str, Any]]:
    """Pool groups with separate summaries; the folds are those of the largest."""
    if len(groups) == 1:
        return groups[0]
    largest = max(groups, key=lambda group: len(group[0]))[1]
    values = [(found - s["mean"]) / s["sd"] for found, s in groups]
    centred: dict[str, Any] = {"n": largest["n"], "mean": 0.0, "sd": 1.0}
    if "fold_means" in largest:
        means = np.asarray(largest["fold_means"])
        centred["fold_means"] = (means - largest["mean"]) / largest["sd"]
    return np.concatenate(values), centred


def _patients(tables: LayerTables, checks: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    p = pd.DataFrame({name: table["p"] for name, table in checks.items()}, index=tables.patients)
    distance = checks.get(DISTANCE, pd.DataFrame(columns=["value", "limit"], dtype=float))
    together = (p.min(axis=1) * p.notna().sum(axis=1)).clip(upper=1.0).astype(float)
    known = together.notna()
    placed = distance[["value", "limit"]].reindex(tables.patients).to_numpy(dtype=float)
    worst = pd.Series(None, index=tables.patients, dtype=object)
    if known.any():
        worst = p[known].idxmin(axis=1).astype(object).reindex(tables.patients)
    return pd.DataFrame(
        {
            "patient_id": tables.patients,
            "outlier_vs_training": (together < PATIENT_LEVEL).astype(float).where(known).to_numpy(),
            "outlier_vs_training_p": together.to_numpy(),
            "outlier_vs_training_in": worst.to_numpy(),
            "factor_distance": placed[:, 0],
            "factor_distance_limit": placed[:, 1],
        }
    )[PATIENTS]


def _too_many(patients: pd.DataFrame) -> dict[str, Any]:
    """Test whether more patients are flagged than expected in the training population."""
    known = patients["outlier_vs_training"].dropna()
    row: dict[str, Any] = {"n": len(known), "n_training": np.nan, "mean_difference": np.nan}
    row |= {"ks": np.nan, "p": np.nan, "reason": "no patient could be checked"}
    if known.empty:
        return row
    p = stats.binomtest(int(known.sum()), len(known), TOLERATED, alternative="greater").pvalue
    return row | {"p": p, "reason": None}


def _adjusted(table: pd.DataFrame) -> pd.DataFrame:
    table["p_adjusted"] = np.nan
    tested = table["p"].notna()
    if tested.any():
        table.loc[tested, "p_adjusted"] = multipletests(table.loc[tested, "p"], method="holm")[1]
    table["shifted"] = (table["p_adjusted"] < COHORT_LEVEL).astype(float).where(tested)
    return table[[*SHIFT, "reason"]]


def shift_summary(patients: pd.DataFrame, shift: pd.DataFrame) -> dict[str, Any]:
    """Return the headline: ``warning`` (or null), ``shifted``, ``n_unlike``, ``n_checked``."""
    shifted = shift.loc[shift["shifted"] == 1]
    names = [f"{row['part']} {row['name']}" for row in shifted.to_dict("records")]
    unlike = patients["outlier_vs_training"]
    warning = None
    if names:
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        warning = (
            f"these patients are out-of-distribution ({shown}): the model's "
            "probabilities may not hold for them"
        )
    return {
        "warning": warning,
        "shifted": names,
        "n_unlike": int(unlike.sum()),
        "n_checked": int(unlike.count()),
        "n_compared": int(shift["p"].notna().sum()),
    }
