"""Sentences that say what the numbers say, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

# Published models of treatment resistance reach 0.70-0.78 (see README); past this, look for a leak.
SUSPICIOUS_AUROC = 0.9


def number(value: float | None, digits: int = 2) -> str:
    """Format a number, or say that there is none."""
    return "not available" if value is None or pd.isna(value) else f"{value:.{digits}f}"


def interval(row: Mapping[str, Any], value: str = "value", digits: int = 2) -> str:
    """Format an estimate with its 95 % interval."""
    if pd.isna(row[value]):
        return f"not available ({row.get('reason') or 'no reason given'})"
    if pd.isna(row["lower"]) or pd.isna(row["upper"]):
        return f"{row[value]:.{digits}f} (no interval: {row.get('reason') or 'no reason given'})"
    return f"{row[value]:.{digits}f} ({row['lower']:.{digits}f} to {row['upper']:.{digits}f})"


def cell(row: Mapping[str, Any], digits: int = 2) -> dict[str, str]:
    """Format an estimate for a table: the value, its interval below it, why one is missing."""
    if pd.isna(row["value"]):
        return {"value": "none", "range": "", "reason": str(row.get("reason") or "not computed")}
    value = f"{row['value']:.{digits}f}"
    if pd.isna(row["lower"]) or pd.isna(row["upper"]):
        return {"value": value, "range": "no interval", "reason": str(row.get("reason") or "")}
    limits = f"{row['lower']:.{digits}f} to {row['upper']:.{digits}f}"
    return {"value": value, "range": limits, "reason": ""}


def p_value(value: float | None) -> str:
    """Format a p-value; small ones as a bound."""
    if value is None or pd.isna(value):
        return "p not available"
    return "p < 0.001" if value < 0.001 else f"p = {value:.{3 if value < 0.1 else 2}f}"


def listed(items: Sequence[str]) -> str:
    """Join names as a sentence does."""
    items = list(items)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def metric_row(performance: pd.DataFrame, feature_set: str, metric: str) -> dict[str, Any]:
    """Return one row of ``performance.tsv`` as a dict; all missing where it is not there."""
    rows = performance[
        (performance["feature_set"] == feature_set) & (performance["metric"] == metric)
    ]
    if rows.empty:
        return {"value": None, "lower": None, "upper": None, "reason": "not computed"}
    return {str(key): value for key, value in rows.iloc[0].items()}


def headline(performance: pd.DataFrame, positive: str, negative: str) -> str:
    """Say how well the selected model tells the classes apart."""
    auroc = metric_row(performance, "selected", "auroc")
    return (
        f"For patients it had not seen, the model ranks a {positive} patient above a {negative} "
        f"patient with an AUROC of {interval(auroc)}; 0.5 is guessing, 1 is perfect."
    )


def gain(gains: pd.DataFrame, baseline: str, described: str) -> str:
    """Say whether the selected model beats a baseline, by its paired interval."""
    rows = gains[
        (gains["feature_set"] == "selected")
        & (gains["baseline"] == baseline)
        & (gains["metric"] == "auroc")
    ]
    if rows.empty or pd.isna(rows.iloc[0]["gain"]):
        return f"The gain over {described} could not be computed."
    row = {str(key): value for key, value in rows.iloc[0].items()}
    told = f"{interval(row, 'gain')}, {p_value(row['pvalue'])}"
    if row["lower"] > 0:
        return f"It gains AUROC over {described}: {told}."
    if row["upper"] < 0:
        return f"It is worse than {described}: {told}."
    return f"It is not shown to gain anything over {described}: {told}; the interval covers zero."


def null(test: Mapping[str, Any]) -> str:
    """Set the result against the models of shuffled labels."""
    if not test["n_permutations"]:
        return f"There is no label-permutation null: {test['reason']}."
    told = (
        f"With the labels shuffled {test['n_permutations']} times, the same procedure reached "
        f"{number(test['mean'])} on average and stayed below {number(test['upper'])} in 95 % of "
        "the tries"
    )
    if test["pvalue"] is None:
        return f"{told}; the comparison is not available: {test['reason']}."
    return f"{told}; the true labels gave {number(test['observed'])} ({p_value(test['pvalue'])})."


def differential(layer: str, summary: Mapping[str, Any]) -> str:
    """Count what differs in a layer."""
    positive, negative = summary["contrast"][1:]
    if not summary["n_tested"]:
        return f"{layer}: no feature could be tested."
    told = (
        f"{layer}: {summary['n_significant']:,} of {summary['n_tested']:,} features tested "
        f"({100 * summary['share_tested']:.1f} %) differ at a false discovery rate of "
        f"{100 * summary['fdr']:g} %, {summary['n_up']:,} higher and {summary['n_down']:,} lower "
        f"in {positive} than in {negative} ({summary['n_patients']} patients)."
    )
    return f"{told} {summary['left_out_warning']}." if summary.get("left_out_warning") else told


def sites(cohort: Mapping[str, Any]) -> str:
    """Say how closely label and site go together."""
    if cohort["site_cramers_v"] is None:
        return f"Labelled patients by site; {cohort['site_cramers_v_reason']}."
    return (
        f"Labelled patients by site. Cramér's V of label and site is "
        f"{number(cohort['site_cramers_v'])} ({p_value(cohort['site_pvalue'])}); 0 is no relation."
    )


def factors(summary: Mapping[str, Any]) -> str:
    """Say what MOFA found and how firmly."""
    explained = listed(
        [f"{100 * share:.0f} % of {view}" for view, share in summary["variance_explained"].items()]
    )
    told = (
        f"MOFA summarises the layers of {summary['n_patients']} patients in "
        f"{summary['n_factors']} factors, which explain {explained}."
    )
    if summary["stable_factors"] is not None:
        told += (
            f" {summary['stable_factors']} of them are found again from every other of the "
            f"{summary['n_seeds']} random starts."
        )
    return told


def cautions(
    performance: pd.DataFrame,
    n_labelled: int,
    n_sites: int,
    simulated: bool,
    scored_elsewhere: bool = False,
) -> list[str]:
    """List what limits the result, from the result itself.

    Parameters
    ----------
    performance : DataFrame
        ``performance.tsv`` of the classification stage.
    n_labelled : int
        Patients with a label.
    n_sites : int
        Recruiting sites; 0 where the sheet names none.
    simulated : bool
        Whether the cohort is simulated.
    scored_elsewhere : bool
        Whether the frozen model has been validated in another cohort.
    """
    limits = []
    if simulated:
        limits.append(
            "These patients are simulated. The page shows that the workflow recovers what was "
            "planted; it says nothing about depression."
        )
    auroc = metric_row(performance, "selected", "auroc")
    if not pd.isna(auroc["value"]):
        limits.append(
            f"{n_labelled} labelled patients leave the AUROC uncertain by "
            f"±{(auroc['upper'] - auroc['lower']) / 2:.2f}."
        )
    if not pd.isna(auroc["value"]) and auroc["value"] > SUSPICIOUS_AUROC:
        limits.append(
            f"An AUROC of {auroc['value']:.2f} is above what published models reach: audit it for "
            "leakage and confounding before believing it."
        )
    circular = performance[performance["role"] == "circular"]
    if not circular.empty:
        limits.append(
            "Circular predictors encode the label; the model that uses them is drawn hollow, for "
            "comparison, and could never be selected."
        )
    if n_sites > 1:
        limits.append(
            f"The {n_sites} sites are mixed in training and test: the figures hold for new "
            "patients of these sites, not for a new site."
        )
    if not scored_elsewhere:
        limits.append("The model has not been tried on another cohort; it is not for use in care.")
    limits.append(
        "What differs between the groups need not be the disease: medication, blood-cell "
        "fractions, RNA quality and site differ as well, which the confounder-only model measures."
    )
    return limits
