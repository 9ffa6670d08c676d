"""Disclosure control: nothing that is shared counts fewer patients than a minimum."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trdomics.columns import as_text, is_quantity
from trdomics.consortium.digits import effect_step, on_grid, scale_on_grid, step_of
from trdomics.intervals import Z95

LARGEST_SHARE = 0.1  # of the patients in one bin of a curve
RATES = np.linspace(0, 1, 11)  # false positive rates of an averaged ROC curve
THRESHOLDS = np.round(np.arange(0.05, 0.96, 0.05), 2)
CATEGORY_VALUES = 10
# Over the squared error of a log odds ratio; half of the minimum number of carriers.
CARRIER_PATIENTS = 8
METRIC_DECIMALS = 3
OTHER = "other"
CARRYING = ("carriers", "others")


def coarse(count: float, minimum: int) -> int:
    """Return a number of patients, rounded down to a multiple of the minimum.

    So the difference of two published numbers never represents fewer patients than the minimum.
    """
    return int(count) // minimum * minimum


def short_share(count: float, n: int, minimum: int) -> float:
    """Return a proportion of n patients on a grid with a step of the minimum; not 0 and not 1."""
    step = float(step_of(1.0, n, minimum))
    return float(np.clip(on_grid(count / n, step), step / 2, 1 - step / 2))


def interval_error(lower: Any, upper: Any) -> Any:
    """Return the standard error behind a 95 % interval."""
    return (upper - lower) / (2 * Z95)


def rounded(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table with metrics to three decimals.

    Values between 0 and 1 do not become 0 or 1, which cannot be combined on the log-odds scale.
    """
    exact = table[list(columns)].astype(float)
    short, least = exact.round(METRIC_DECIMALS), 10**-METRIC_DECIMALS
    short = short.mask((exact < 1) & (short >= 1), 1 - least)
    return table.assign(**short.mask((exact > 0) & (short <= 0), least))


def shareable_losses(losses: Mapping[str, Any], minimum: int) -> dict[str, Any]:
    """Return the cost of missing layers, without groups below the minimum.

    The same keys: AUROCs and losses to three decimals, numbers of patients rounded down. `minimum`
    is of patients of each class who have all layers, needed to report anything about them.
    """
    n, positive = losses["n_patients"], losses["n_positive"]
    result = {**losses, "n_patients": coarse(n, minimum), "n_positive": coarse(positive, minimum)}
    if not losses["missing_layer_cost"]:
        return result
    if min(positive, n - positive) < minimum:
        reason = f"fewer than {minimum} patients of a class have all layers"
        nothing = {"n_patients": 0, "n_positive": 0, "missing_layer_cost": []}
        return {**result, **nothing, "reason": reason}
    table = pd.DataFrame(losses["missing_layer_cost"])
    table = rounded(table, ["auroc", "auroc_low", "auroc_high"])
    costs = ["loss", "loss_low", "loss_high"]
    table[costs] = table[costs].astype(float).round(METRIC_DECIMALS)
    whole = table.loc[[not missing for missing in table["layers_missing"]], "auroc"]
    if len(whole):
        # from the rounded AUROCs, so that a partner's sums agree
        table["loss"] = (whole.iloc[0] - table["auroc"]).round(METRIC_DECIMALS)
    table["n_patients"] = [coarse(count, minimum) for count in table["n_patients"]]
    return {**result, "missing_layer_cost": table.to_dict("records")}


def burden_effects(results: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Return log odds ratios and standard errors of features with enough carriers in both groups.

    Parameters
    ----------
    results : DataFrame
        Of :func:`trdomics.differential.burden.differential_carriers`.
    minimum : int
        Carriers and known non-carriers that each group must have.

    Returns
    -------
    DataFrame
        ``feature``, ``symbol``, ``effect``, ``se`` (from the profile or
        exact interval).
    """
    counts = [f"{who}_{group}" for who in CARRYING for group in ("positive", "negative")]
    enough = (results[counts] >= minimum).all(axis=1)
    error = interval_error(results["lower"], results["upper"])
    kept = results[enough & np.isfinite(results["log_odds_ratio"]) & np.isfinite(error)]
    table = kept[["feature"]].assign(symbol=kept["feature"])
    table = table.assign(effect=kept["log_odds_ratio"], se=error[kept.index])
    # few carriers dominate the error: 2 / √n with n patients, half of them carriers
    return short_effects(table, CARRIER_PATIENTS / table["se"] ** 2, minimum)


def short_effects(table: pd.DataFrame, n: Any, minimum: int) -> pd.DataFrame:
    """Return effects and standard errors with as few digits as a meta-analysis needs.

    The step of an effect follows from its rounded error, so a reader can derive it.

    Parameters
    ----------
    table : DataFrame
        ``effect`` and ``se``.
    n : int, or Series
        Number of patients of the test.
    minimum : int
        Number of patients that corresponds to the last digit of an error.
    """
    se = scale_on_grid(table["se"], step_of(table["se"], n, minimum))
    return table.assign(effect=on_grid(table["effect"], effect_step(se)), se=se)


def expression_effects(results: pd.DataFrame, n: int, minimum: int) -> pd.DataFrame:
    """Return effects and standard errors of every tested feature, but not its mean.

    Parameters
    ----------
    minimum : int
        Number of patients that corresponds to the last digit of an error.
    """
    tested = results[np.isfinite(results["log2_fold_change"]) & (results["lfc_se"] > 0)]
    table = tested[["feature", "symbol"]]
    table = table.assign(effect=tested["log2_fold_change"], se=tested["lfc_se"])
    return short_effects(table, n, minimum)


def risk_bins(label: np.ndarray, probability: np.ndarray, minimum: int) -> pd.DataFrame:
    """Bin patients by predicted risk, each bin with enough patients of both groups.

    Published curves are computed from these bins only.

    Parameters
    ----------
    label : ndarray of 0 and 1, shape (n_patients,)
    probability : ndarray, shape (n_patients,)
    minimum : int
        Minimum number of patients of each group in a bin.

    Returns
    -------
    DataFrame
        From high to low risk: ``predicted`` (mean), ``n_positive``, ``n_negative``. Empty if a
        group is smaller than the minimum.
    """
    order = np.argsort(-probability, kind="stable")
    outcome, risk = label[order].astype(int), probability[order]
    edges = [0]
    for end in range(1, len(outcome) + 1):
        inside = outcome[edges[-1] : end]
        positive = int(inside.sum())
        enough = min(positive, len(inside) - positive) >= minimum
        if enough and len(inside) >= LARGEST_SHARE * len(outcome):
            edges.append(end)
    # patients left over at the low end are added to the last bin
    edges = [*edges[:-1], len(outcome)] if len(edges) > 1 else edges
    rows = [
        {
            "predicted": round(float(risk[start:end].mean()), 3),
            "n_positive": int(outcome[start:end].sum()),
            "n_negative": int((1 - outcome[start:end]).sum()),
        }
        for start, end in itertools.pairwise(edges)
    ]
    return pd.DataFrame(rows, columns=["predicted", "n_positive", "n_negative"])


def curves(label: np.ndarray, probability: np.ndarray, minimum: int) -> dict[str, pd.DataFrame]:
    """Return calibration, ROC and decision curves from bins of patients, two decimals each.

    Like the metrics, ROC and decision curves are computed per repeat and averaged: averaging
    probabilities first would describe an ensemble. For calibration all repeats are binned together,
    as :func:`trdomics.evaluation.calibration_curve.calibration_curve` does.

    Parameters
    ----------
    label : ndarray of 0 and 1, shape (n_patients,)
    probability : ndarray, shape (n_patients, n_repeats)

    Returns
    -------
    dict of str to DataFrame
        ``calibration``, ``roc``, ``decision``; empty without two bins: a group is too small, or the
        groups are separated so well that all bins but one have too few of either.
    """
    repeats = [risk_bins(label, column, minimum) for column in probability.T]
    if not repeats or any(len(bins) < 2 for bins in repeats):
        return {}
    # a patient is in a bin at most once per repeat, so it holds enough patients
    n = probability.shape[1]
    together = risk_bins(np.repeat(label, n), probability.ravel(), minimum * n)
    total = (together["n_positive"] + together["n_negative"]).to_numpy()
    calibration = pd.DataFrame(
        {
            "predicted": together["predicted"],
            "observed": (together["n_positive"] / total).round(2),
            "n": [coarse(rows / n, minimum) for rows in total],
        }
    )
    roc = pd.DataFrame(
        {
            "false_positive_rate": RATES,
            "true_positive_rate": np.mean([_sensitivity(bins) for bins in repeats], axis=0),
        }
    )
    # from rounded rates: at a threshold of 0.95 false positives are multiplied by nineteen
    odds = THRESHOLDS / (1 - THRESHOLDS)
    positive = short_share(float(label.sum()), len(label), minimum)
    true, false = np.mean([_acted(bins) for bins in repeats], axis=0).round(2)
    decision = pd.DataFrame(
        {
            "threshold": THRESHOLDS,
            "net_benefit": positive * true - odds * (1 - positive) * false,
            "treat_all": positive - odds * (1 - positive),
        }
    )
    return {"calibration": calibration, "roc": roc.round(2), "decision": decision.round(2)}


def _sensitivity(bins: pd.DataFrame) -> np.ndarray:
    """Return the true positive rates of bins at ``RATES``, with linear interpolation."""
    positive, negative = bins["n_positive"].to_numpy(), bins["n_negative"].to_numpy()
    false = np.r_[0, negative.cumsum() / negative.sum()]
    return np.interp(RATES, false, np.r_[0, positive.cumsum() / positive.sum()])


def _acted(bins: pd.DataFrame) -> np.ndarray:
    """Return true and false positive rates at ``THRESHOLDS``, shape (2, n_thresholds)."""
    groups = bins[["n_positive", "n_negative"]].to_numpy()
    acted = bins["predicted"].to_numpy()[None, :] >= THRESHOLDS[:, None]
    return np.asarray((acted @ groups / groups.sum(axis=0)).T)


def description(sheet: pd.DataFrame, columns: Sequence[str], minimum: int) -> pd.DataFrame:
    """Describe patients by columns of the sheet: mean and SD, or proportions of categories.

    No minimum or maximum, which are one patient's values. Categories with too few patients are
    pooled with the next larger ones as ``other``.

    Returns
    -------
    DataFrame
        ``column``, ``level`` (of a category), ``mean``, ``sd``, ``share``, ``n`` (known, rounded
        down). A column known for fewer than the minimum, or with categories that cannot be pooled,
        is left out.
    """
    rows: list[dict[str, Any]] = []
    for column in columns:
        known = sheet[column].dropna()
        if len(known) < minimum:
            continue
        n = coarse(len(known), minimum)
        if is_quantity(known) and known.nunique() > CATEGORY_VALUES:
            step = step_of(known.std(), len(known), minimum)
            mean, sd = float(on_grid(known.mean(), step)), float(scale_on_grid(known.std(), step))
            rows.append({"column": column, "level": None, "mean": mean, "sd": sd, "n": n})
            continue
        shares = lumped(as_text(known), minimum)
        rows += [
            {"column": column, "level": level, "n": n}
            | {"share": short_share(count, len(known), minimum)}
            for level, count in shares.items()
        ]
    return pd.DataFrame(rows, columns=["column", "level", "mean", "sd", "share", "n"])


def lumped(values: pd.Series, minimum: int) -> dict[str, int]:
    """Return patients by category, with small categories pooled until they are large enough.

    Empty if only one category remains: its complement would be small.
    """
    counts = values.value_counts().sort_index().sort_values(kind="stable")
    small = int((counts < minimum).sum())
    if small:
        while counts.iloc[:small].sum() < minimum and small < len(counts):
            small += 1
    result = {str(level): int(n) for level, n in counts.iloc[small:].items()}
    if small and int(counts.iloc[:small].sum()) >= minimum:
        result[OTHER] = int(counts.iloc[:small].sum())
    return result if len(result) > 1 else {}
