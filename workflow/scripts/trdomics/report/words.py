"""Sentences that state exactly what the numbers show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from trdomics.classification.feature_sets import PRESENCE
from trdomics.names import display_name, p_value

# Plausible predictions of treatment response are well below; above this, look for leakage.
SUSPICIOUS_AUROC = 0.9
# Two repeats of five folds: with fewer, results depend too much on one partition.
FEW_SPLITS = 10
CHANCE = 0.5
# Names listed in a note on the reading of a file.
NAMES = re.compile(r" \((?:file: |list: |such as |[^()`]*`)[^()]*\)")
# A slope outside this range causes a warning even if its interval covers 1 or is unknown.
SLOPES = (0.7, 1.4)
# With fewer permutations the 95th percentile is the largest value.
FEW_PERMUTATIONS = 20


def number(value: float | None, digits: int = 2) -> str:
    """Format a number, or say that there is none."""
    return "not available" if value is None or pd.isna(value) else f"{value:z.{digits}f}"


def interval(row: Mapping[str, Any], value: str = "value", digits: int = 2) -> str:
    """Format an estimate with its 95 % interval."""
    if pd.isna(row[value]):
        return f"not available ({row.get('reason') or 'no reason given'})"
    if pd.isna(row["lower"]) or pd.isna(row["upper"]):
        reason = row.get("reason") or "no reason given"
        return f"{row[value]:z.{digits}f} (no interval: {reason})"
    return f"{row[value]:z.{digits}f} ({row['lower']:z.{digits}f} to {row['upper']:z.{digits}f})"


def cell(row: Mapping[str, Any]) -> dict[str, str]:
    """Format an estimate for a table: the value, its interval below it, why one is missing."""
    if pd.isna(row["value"]):
        return {"value": "none", "range": "", "reason": str(row.get("reason") or "not computed")}
    value = f"{row['value']:z.2f}"
    if pd.isna(row["lower"]) or pd.isna(row["upper"]):
        return {"value": value, "range": "no interval", "reason": str(row.get("reason") or "")}
    limits = f"{row['lower']:z.2f} to {row['upper']:z.2f}"
    return {"value": value, "range": limits, "reason": ""}


def listed(items: Sequence[str]) -> str:
    """Join names as in a sentence."""
    items = list(items)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def metric_row(performance: pd.DataFrame, feature_set: str, metric: str) -> dict[str, Any]:
    """Return one row of ``performance.tsv`` as a dict; all missing if absent."""
    rows = performance[
        (performance["feature_set"] == feature_set) & (performance["metric"] == metric)
    ]
    if rows.empty:
        return {"value": None, "lower": None, "upper": None, "reason": "not computed"}
    return {str(key): value for key, value in rows.iloc[0].items()}


def several(n: int, what: str) -> str:
    """Return a number and what it counts."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def headline(performance: pd.DataFrame, positive: str, negative: str) -> str:
    """State how well the selected model discriminates, compared with clinical data."""
    auroc = metric_row(performance, "selected", "auroc")
    clinical = metric_row(performance, "clinical", "auroc")["value"]
    if auroc["value"] is None or pd.isna(auroc["value"]):
        return f"How well the model discriminates is unknown: {auroc['reason']}."
    text = (
        f"In {100 * auroc['value']:.0f} of 100 pairs of a {positive} and a {negative} patient, "
        f"the model ranks the {positive} patient higher. Chance would be 50."
    )
    if clinical is not None and not pd.isna(clinical):
        text += f" Clinical data alone reach {100 * clinical:.0f}."
    return f"{text} The model had seen none of these patients. AUROC: {interval(auroc)}."


def gain(gains: pd.DataFrame, baseline: str, described: str) -> str:
    """State whether the selected model beats a baseline, by its paired interval."""
    rows = gains[
        (gains["feature_set"] == "selected")
        & (gains["baseline"] == baseline)
        & (gains["metric"] == "auroc")
    ]
    if rows.empty:
        return f"No gain over {described} is computed: the config names none."
    if pd.isna(rows.iloc[0]["gain"]):
        return f"The gain over {described} could not be computed."
    row = {str(key): value for key, value in rows.iloc[0].items()}
    if pd.isna(row["lower"]):
        return f"The gain over {described} is {interval(row, 'gain')}."
    if row["lower"] <= 0 <= row["upper"]:
        text = f"{interval(row, 'gain')}, {p_value(row['pvalue'])}"
        return f"No gain over {described} is shown: {text}; the interval covers zero."
    does, sign = ("gains", 100) if row["gain"] > 0 else ("loses", -100)
    lower, upper = sorted((sign * row["lower"], sign * row["upper"]))
    return (
        f"Compared with {described}, it {does} {sign * row['gain']:.0f} of 100 pairs "
        f"({lower:.0f} to {upper:.0f}, {p_value(row['pvalue'])})."
    )


def null(test: Mapping[str, Any], models: Sequence[str]) -> str:
    """Compare the result with the label permutations.

    Parameters
    ----------
    test : mapping
        Of :func:`trdomics.evaluation.permutation_null.null_test`.
    models : sequence of str
        The kinds of models that the permutations were restricted to.
    """
    if not test["n_permutations"]:
        return f"There is no label-permutation null: {test['reason']}."
    kinds = listed([display_name(model) for model in models])
    n = test["n_permutations"]
    text = (
        f"With the labels permuted {'once' if n == 1 else f'{n} times'}, the same procedure with "
        f"{kinds} models reached an AUROC of {number(test['mean'])}"
    )
    if n >= FEW_PERMUTATIONS:
        text += f" on average and stayed below {number(test['upper'])} in 95 % of the permutations"
    elif n > 1:
        text += f" on average, and {number(test['largest'])} in the largest of {n}"
    if test["pvalue"] is None:
        return f"{text}. The comparison is not available: {test['reason']}."
    smallest = 1 / (1 + n)
    floor = ", the smallest possible with so few permutations" if test["pvalue"] <= smallest else ""
    observed = f"{number(test['observed'])} ({p_value(test['pvalue'])}{floor})"
    return f"{text}. The true labels gave {observed}."


def prevalence(shares: Mapping[str, float], positive: str) -> str:
    """State the prevalence to which the probabilities are shifted, if any."""
    here, there = (f"{100 * shares[key]:.0f} %" for key in ("cohort", "target"))
    if here == there:
        return (
            f"{there} of patients are expected to be {positive} where the model is used, as in the "
            "cohort, so probabilities are unchanged."
        )
    return (
        f"For use, probabilities are shifted from the cohort's prevalence of {here} {positive} to "
        f"{there}."
    )


def differential(layer: str, summary: Mapping[str, Any]) -> str:
    """Count the features that differ in a layer."""
    positive, negative = summary["contrast"][1:]
    if not summary["n_tested"]:
        return f"{display_name(layer)}: no feature could be tested."
    text = (
        f"{display_name(layer)}: {summary['n_significant']:,} of {summary['n_tested']:,} features "
        f"tested ({100 * summary['share_tested']:.1f} %) differ at a false discovery rate of "
        f"{100 * summary['fdr']:g} %, {summary['n_up']:,} higher and {summary['n_down']:,} lower "
        f"in {positive} than in {negative} ({summary['n_patients']} patients)."
    )
    keys = ("left_out_warning", "refused_warning", "winsorise_warning")
    warnings = [summary.get(key) for key in keys]
    return " ".join(
        [text, *(f"{warning[0].upper()}{warning[1:]}." for warning in warnings if warning)]
    )


def read_as(layer: str, notes: Iterable[str]) -> list[str]:
    """State what was dropped or changed when a layer was read, without the names of samples."""
    return [f"{display_name(layer)}: {NAMES.sub('', note)}." for note in notes]


def tested(layer: str, summary: Mapping[str, Any]) -> str:
    """Name a layer's test and its design, for the methods."""
    name = display_name(layer)
    if "dispersion_trend" in summary:
        capped = summary["winsorise"]
        how = f", counts winsorised at their {100 * capped:g}th percentile" if capped else ""
        if summary["deges"]:
            n_features = summary["n_size_factor_features"]
            how += f", size factors from the {n_features:,} features that differ least (DEGES)"
        return f"{name}, Wald tests of PyDESeq2 ({summary['design']}{how})"
    if "min_carriers" in summary:
        return f"{name}, {summary['method']} tests of carriers by gene ({summary['design']})"
    return f"{name}, moderated t-tests of linear models ({summary['design']})"


def sites(cohort: Mapping[str, Any]) -> str:
    """State how strongly label and site are associated."""
    if cohort["site_cramers_v"] is None:
        return f"Labelled patients by site; {cohort['site_cramers_v_reason']}."
    return (
        f"Labelled patients by site. Cramér's V of label and site is "
        f"{number(cohort['site_cramers_v'])} ({p_value(cohort['site_pvalue'])}); 0 means no "
        "association."
    )


def factors(summary: Mapping[str, Any], layers: Iterable[str]) -> str:
    """State what MOFA found and how stable it is; layers are in the order of the config."""
    shares = summary["variance_explained"]
    explained = listed(
        [
            f"{100 * shares[layer]:.0f} % of {display_name(layer)}"
            for layer in layers
            if layer in shares
        ]
    )
    explain = "explains" if summary["n_factors"] == 1 else "explain"
    text = (
        f"MOFA summarises the layers of {summary['n_patients']} patients in "
        f"{several(summary['n_factors'], 'factor')}, which {explain} {explained} (for binary "
        "layers, of the variance of MOFA's pseudo-data)."
    )
    if summary["stable_factors"] is not None:
        others = summary["n_seeds"] - 1
        found = "the other start" if others == 1 else f"each of the other {others} starts"
        text += f" {summary['stable_factors']} of them are also found from {found}."
    return text


def quick_look(n_splits: int) -> list[str]:
    """Warn if there are too few splits for a result."""
    if n_splits >= FEW_SPLITS:
        return []
    return [
        f"Only {n_splits} splits were run: this is a quick test, not a result. Increase "
        "classification.repeats and folds for a result."
    ]


def doubts(performance: pd.DataFrame) -> list[str]:
    """State doubts about the headline.

    An implausible AUROC, a label predicted by the pattern of layers, miscalibrated risks.

    Parameters
    ----------
    performance : DataFrame
        ``performance.tsv`` of the classification stage.
    """
    text = []
    auroc = metric_row(performance, "selected", "auroc")
    if not pd.isna(auroc["value"]) and auroc["value"] > SUSPICIOUS_AUROC:
        text.append(
            f"An AUROC of {auroc['value']:.2f} is higher than clinical predictions usually "
            "reach: check for leakage and confounding before believing it."
        )
    presence = metric_row(performance, PRESENCE, "auroc")
    if not pd.isna(presence["lower"]) and presence["lower"] > CHANCE:
        text.append(
            "The pattern of measured layers alone predicts the label, with an AUROC of "
            f"{interval(presence)}: models of several layers can use it, so their performance "
            "may not be due to biology. Measure the same layers in both groups."
        )
    slope = metric_row(performance, "selected", "calibration_slope")
    value, lower, upper = (slope[key] for key in ("value", "lower", "upper"))
    if pd.isna(value):
        return text
    excludes = not pd.isna(lower) and not pd.isna(upper) and not lower <= 1 <= upper
    if excludes or not SLOPES[0] <= value <= SLOPES[1]:
        off = (
            "too extreme: high risks are overestimated, low ones underestimated"
            if value < 1
            else "not extreme enough: high risks are underestimated, low ones overestimated"
        )
        limits = f"{lower:.2f} to {upper:.2f}" if not pd.isna(lower) else "no interval"
        seem = "are" if excludes else "seem"
        text.append(
            f"The predicted probabilities {seem} {off} (calibration slope {value:.2f}, {limits}; 1 "
            "is ideal). Do not read them as risks before recalibration."
        )
    return text


def cautions(
    performance: pd.DataFrame,
    n_labelled: int,
    n_sites: int,
    simulated: bool,
    confounders: Sequence[str] = (),
    n_left_out: int = 0,
) -> list[str]:
    """List the limitations of the result, from the result itself.

    Parameters
    ----------
    performance : DataFrame
        ``performance.tsv`` of the classification stage.
    n_sites : int
        Recruiting sites; 0 if the sheet names none.
    n_left_out : int
        Sites that were left out of training once.
    """
    limits = []
    if simulated:
        limits.append(
            "These patients are simulated. The page shows that the workflow recovers what was "
            "planted; it says nothing about any disease. Planted factors do not correlate with the "
            "label by chance, as real ones do, so the false discovery rate is a best case."
        )
    auroc = metric_row(performance, "selected", "auroc")
    if not pd.isna(auroc["value"]) and not pd.isna(auroc["lower"]):
        limits.append(
            f"{n_labelled} labelled patients leave the AUROC uncertain by at least "
            f"±{(auroc['upper'] - auroc['lower']) / 2:.2f}: the interval reflects which patients "
            "were evaluated, not which patients the models were trained on."
        )
    limits += doubts(performance)
    circular = performance[performance["role"] == "circular"]
    if not circular.empty:
        limits.append(
            "Circular predictors encode the label. The model that uses them is shown for "
            "comparison (hollow) and cannot be selected."
        )
    if n_sites > 1:
        text = (
            f"The {n_sites} sites are mixed in training and test: performance refers to new "
            "patients of these sites, not to a new site"
        )
        elsewhere = f" (see the {n_left_out} left-out sites)" if n_left_out else ""
        limits.append(f"{text}{elsewhere}.")
    limits.append("The model has not been validated in another cohort. It is not for clinical use.")
    differing = "Molecular differences between the groups need not be due to the condition: "
    if confounders:
        names = listed([display_name(name) for name in confounders])
        limits.append(
            f"{differing}{names} may differ too. The confounder-only model shows how well these "
            "alone discriminate."
        )
    else:
        limits.append(f"{differing}the config names no confounders, so none were examined.")
    return limits
