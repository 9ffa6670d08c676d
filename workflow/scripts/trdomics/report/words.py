"""Sentences that say what the numbers say, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

# Believable predictions of treatment response stay well below; past this, look for a leak.
SUSPICIOUS_AUROC = 0.9
# Two repeats of five folds; one division of the patients decides too much.
FEW_SPLITS = 10
# A calibration slope outside is worth a warning even where its interval holds 1 or is not known.
SLOPES = (0.7, 1.4)
# Of fewer tries the 95th percentile is no more than the largest.
FEW_TRIES = 20


def number(value: float | None, digits: int = 2) -> str:
    """Format a number, or say that there is none."""
    return "not available" if value is None or pd.isna(value) else f"{value:.{digits}f}"


def interval(row: Mapping[str, Any], value: str = "value", digits: int = 2) -> str:
    """Format an estimate with its 95 % interval."""
    if pd.isna(row[value]):
        return f"not available ({row.get('reason') or 'no reason given'})"
    if pd.isna(row["lower"]) or pd.isna(row["upper"]):
        reason = row.get("reason") or "no reason given"
        return f"{row[value]:.{digits}f} (no interval: {reason})"
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
    if pd.isna(row["lower"]):
        return f"The gain over {described} is {interval(row, 'gain')}."
    told = f"{interval(row, 'gain')}, {p_value(row['pvalue'])}"
    if row["lower"] > 0:
        return f"It gains AUROC over {described}: {told}."
    if row["upper"] < 0:
        return f"It is worse than {described}: {told}."
    return f"It is not shown to gain anything over {described}: {told}; the interval covers zero."


def null(test: Mapping[str, Any], models: Sequence[str]) -> str:
    """Set the result against the models of shuffled labels.

    Parameters
    ----------
    test : mapping
        Of :func:`trdomics.evaluation.permutation_null.null_test`.
    models : sequence of str
        The kinds of models that the permutations were restricted to.
    """
    if not test["n_permutations"]:
        return f"There is no label-permutation null: {test['reason']}."
    kinds = listed([model.replace("_", " ") for model in models])
    n = test["n_permutations"]
    told = (
        f"With the labels shuffled {'once' if n == 1 else f'{n} times'}, the same procedure, "
        f"restricted to {kinds} models, reached {number(test['mean'])}"
    )
    if n >= FEW_TRIES:
        told += f" on average and stayed below {number(test['upper'])} in 95 % of the tries"
    elif n > 1:
        told += f" on average, and {number(test['largest'])} in the largest of {n} tries"
    if test["pvalue"] is None:
        return f"{told}; the comparison is not available: {test['reason']}."
    smallest = 1 / (1 + n)
    floor = ", the smallest that so few tries can give" if test["pvalue"] <= smallest else ""
    observed = f"{number(test['observed'])} ({p_value(test['pvalue'])}{floor})"
    return f"{told}; the true labels gave {observed}."


def prevalence(shares: Mapping[str, float], positive: str) -> str:
    """Say where probabilities are moved to for use, or that they stay."""
    here, there = (f"{100 * shares[key]:.0f} %" for key in ("cohort", "target"))
    if here == there:
        return (
            f"Where the model is used {there} are expected to be {positive}, as in the cohort, so "
            "that probabilities stay as they are."
        )
    return (
        f"Where the model is used, probabilities are moved from the cohort's {here} {positive} to "
        f"{there}."
    )


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


def tested(layer: str, summary: Mapping[str, Any]) -> str:
    """Name a layer's test and its design, for the methods."""
    if "dispersion_trend" in summary:
        capped = summary["winsorise"]
        how = f", counts winsorised at their {100 * capped:g}th percentile" if capped else ""
        return f"{layer}, Wald tests of PyDESeq2 ({summary['design']}{how})"
    if "min_carriers" in summary:
        return f"{layer}, {summary['method']} tests of carriers by gene ({summary['design']})"
    return f"{layer}, t-tests of least squares ({summary['design']})"


def sites(cohort: Mapping[str, Any]) -> str:
    """Say how closely label and site go together."""
    if cohort["site_cramers_v"] is None:
        return f"Labelled patients by site; {cohort['site_cramers_v_reason']}."
    return (
        f"Labelled patients by site. Cramér's V of label and site is "
        f"{number(cohort['site_cramers_v'])} ({p_value(cohort['site_pvalue'])}); 0 is no relation."
    )


def factors(summary: Mapping[str, Any], layers: Iterable[str]) -> str:
    """Say what MOFA found and how firmly; the layers' order is that of the config."""
    shares = summary["variance_explained"]
    explained = listed(
        [f"{100 * shares[layer]:.0f} % of {layer}" for layer in layers if layer in shares]
    )
    told = (
        f"MOFA summarises the layers of {summary['n_patients']} patients in "
        f"{summary['n_factors']} factors, which explain {explained} (of layers of zeros and ones: "
        "of the variance of MOFA's pseudo-data)."
    )
    if summary["stable_factors"] is not None:
        told += (
            f" {summary['stable_factors']} of them are found again from every other of the "
            f"{summary['n_seeds']} random starts."
        )
    return told


def quick_look(n_splits: int) -> list[str]:
    """Say that so few splits are no result; nothing where there are enough."""
    if n_splits >= FEW_SPLITS:
        return []
    return [
        f"The patients were divided {n_splits} times only: this is a quick look, not a result. "
        "Raise `classification.repeats` and `folds` for one."
    ]


def doubts(performance: pd.DataFrame) -> list[str]:
    """Say what makes the headline hard to believe: too good an AUROC, risks that are off.

    Parameters
    ----------
    performance : DataFrame
        ``performance.tsv`` of the classification stage.
    """
    told = []
    auroc = metric_row(performance, "selected", "auroc")
    if not pd.isna(auroc["value"]) and auroc["value"] > SUSPICIOUS_AUROC:
        told.append(
            f"An AUROC of {auroc['value']:.2f} is more than clinical predictions commonly reach: "
            "audit it for leakage and confounding before believing it."
        )
    slope = metric_row(performance, "selected", "calibration_slope")
    value, lower, upper = (slope[key] for key in ("value", "lower", "upper"))
    if pd.isna(value):
        return told
    excludes = not pd.isna(lower) and not pd.isna(upper) and not lower <= 1 <= upper
    if excludes or not SLOPES[0] <= value <= SLOPES[1]:
        off = (
            "too extreme: high risks come out too high, low ones too low"
            if value < 1
            else "too timid: high risks come out too low, low ones too high"
        )
        limits = f"{lower:.2f} to {upper:.2f}" if not pd.isna(lower) else "no interval"
        seem = "are" if excludes else "seem"
        told.append(
            f"The predicted probabilities {seem} {off} (calibration slope {value:.2f}, {limits}; 1 "
            "is right). Do not read them as risks before they are recalibrated."
        )
    return told


def cautions(
    performance: pd.DataFrame,
    n_labelled: int,
    n_sites: int,
    simulated: bool,
    confounders: Sequence[str] = (),
    n_left_out: int = 0,
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
    confounders : sequence of str
        Columns that the config names as confounders.
    n_left_out : int
        Sites that were left out of training once.
    """
    limits = []
    if simulated:
        limits.append(
            "These patients are simulated. The page shows that the workflow recovers what was "
            "planted; it says nothing about any disease. The planted factors have no chance "
            "correlation with the label, which real ones have, so that the share of false "
            "discoveries is a best case."
        )
    auroc = metric_row(performance, "selected", "auroc")
    if not pd.isna(auroc["value"]) and not pd.isna(auroc["lower"]):
        limits.append(
            f"{n_labelled} labelled patients leave the AUROC uncertain by at least "
            f"±{(auroc['upper'] - auroc['lower']) / 2:.2f}: the interval covers whom the models "
            "were tried on, not whom they were trained on."
        )
    limits += doubts(performance)
    circular = performance[performance["role"] == "circular"]
    if not circular.empty:
        limits.append(
            "Circular predictors encode the label; the model that uses them is drawn hollow, for "
            "comparison, and could never be selected."
        )
    if n_sites > 1:
        told = (
            f"The {n_sites} sites are mixed in training and test: the figures of the prediction "
            "hold for new patients of these sites, not for a new site"
        )
        elsewhere = f"; for that see the {n_left_out} left-out sites" if n_left_out else ""
        limits.append(f"{told}{elsewhere}.")
    limits.append("The model has not been tried on another cohort here; it is not for use in care.")
    differing = "What differs between the groups need not be the condition itself: "
    if confounders:
        names = listed([name.replace("_", " ") for name in confounders])
        limits.append(
            f"{differing}{names} may differ as well; the confounder-only model measures how far "
            "they alone tell the groups apart."
        )
    else:
        limits.append(f"{differing}the config names no confounders, so none were looked at.")
    return limits
