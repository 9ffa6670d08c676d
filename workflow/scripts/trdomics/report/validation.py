"""Sentences on left-out sites and missing layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trdomics.layers.subsets import named
from trdomics.names import display_name
from trdomics.report.words import cell, interval, listed, number, p_value

# Cochran's test has little power with few sites.
DIFFERING = 0.1
BASELINES = {"clinical": "the clinical predictors alone", "confounders": "the confounders alone"}


def site_sentences(sites: Mapping[str, Any]) -> list[str]:
    """State the performance at new sites.

    Parameters
    ----------
    sites : mapping
        The cohort's ``sites.json``.
    """
    if sites["reason"]:
        text = [f"No site was left out of training: {sites['reason']}."]
        return [*text, *_not_left_out(sites)]
    together = sites["together"]["selected"]
    unseen, mixed = together["left_out"]["auroc"], together["mixed"]["auroc"]
    text = [
        f"Each of {sites['n_left_out']} sites was left out once and the whole procedure fitted on "
        f"the others. The AUROC over all their patients is {interval(unseen)}; with sites mixed "
        f"between training and test it is {interval(mixed)} for the same patients."
    ]
    row = sites["pooled"]["selected"]["left_out"]
    text.append(_change(row))
    if row["auroc"] is None:
        text.append(f"No mean over sites: {row['reason']}.")
    else:
        text += [_mean_site(row), _heterogeneity(row)]
    text.append(_baselines(sites["pooled"]))
    text += _calibration(sites["sites"])
    if sites["site_is_confounder"]:
        text.append(
            "The site is among the confounders: a new site is an unknown category, so its "
            "patients are predicted from the other columns."
        )
    return [*(sentence for sentence in text if sentence), *_not_left_out(sites)]


def _change(row: Mapping[str, Any]) -> str:
    limits = f"({row['change_lower']:+.2f} to {row['change_upper']:+.2f})"
    text = f"The difference over all patients is {row['change']:+.2f} {limits}"
    if row["change_upper"] < 0:
        return (
            f"{text}: performance is lower at a new site. This includes shifts in "
            "calibration between sites, which the mean over sites does not."
        )
    if row["change_lower"] > 0:
        return f"{text}: performance is not lower at a new site."
    return f"{text}: no loss is shown; the interval covers zero."


def _mean_site(row: Mapping[str, Any]) -> str:
    text = (
        f"The mean over sites, by random-effects meta-analysis, is {number(row['auroc'])} "
        f"({row['lower']:.2f} to {row['upper']:.2f})"
    )
    if row["prediction_lower"] is None:
        return f"{text}; {row['reason']}."
    return (
        f"{text}; the 95 % prediction interval for a new site is "
        f"{number(row['prediction_lower'])} to {number(row['prediction_upper'])}."
    )


def _heterogeneity(row: Mapping[str, Any]) -> str:
    measured = f"I² = {100 * row['i2']:.0f} %, {p_value(row['q_pvalue'])}"
    if row["q_pvalue"] < DIFFERING:
        return f"There is evidence of heterogeneity between sites ({measured})."
    return f"There is no evidence of heterogeneity between sites ({measured})."


def _baselines(pooled: Mapping[str, Any]) -> str:
    """State the performance of the baselines at left-out sites."""
    shown = [
        f"{number(pooled[name]['left_out']['auroc'])} for {words}"
        for name, words in BASELINES.items()
        if name in pooled and pooled[name]["left_out"]["auroc"] is not None
    ]
    return f"Baselines, mean over left-out sites: {listed(shown)}." if shown else ""


def _calibration(sites: list[dict[str, Any]]) -> list[str]:
    """State how much calibration in the large varies between sites."""
    known = [
        site["calibration_intercept"]["value"]
        for site in sites
        if site["calibration_intercept"]["value"] is not None
    ]
    if not known:
        return []
    off = [
        str(site["site"])
        for site in sites
        if site["calibration_intercept"]["lower"] is not None
        and not site["calibration_intercept"]["lower"]
        <= 0
        <= site["calibration_intercept"]["upper"]
    ]
    text = (
        f"Calibration intercepts of the sites range from {min(known):+.2f} to {max(known):+.2f} "
        "(0 is ideal; below 0, risks are overestimated)"
    )
    if not off:
        return [f"{text}; no interval excludes 0."]
    return [
        f"{text}; the 95 % interval excludes 0 at {listed(off)}, which happens by chance at one "
        "site in twenty. A site that clearly excludes 0 needs its own recalibration."
    ]


def _not_left_out(sites: Mapping[str, Any]) -> list[str]:
    """Name the sites that were not left out, and why."""
    return [
        f"Not left out: {row['site'] or 'patients without a site'} "
        f"(labelled patients: {row['n_patients']}): {row['reason']}."
        for row in sites["not_left_out"]
    ]


def site_rows(sites: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the left-out sites, each metric with its interval."""
    shown = ("auroc", "calibration_intercept", "calibration_slope", "brier")
    return [
        {
            "site": site["site"],
            "n": site["n_patients"],
            "positive": site["n_positive"],
            "cells": [cell(site[metric]) for metric in shown],
        }
        for site in sites["sites"]
    ]


def layer_sentence(missing_layer_cost: pd.DataFrame) -> str:
    """State which single layer the prediction depends on most.

    Parameters
    ----------
    missing_layer_cost : DataFrame
        ``missing_layer_cost.tsv`` of the classification stage.
    """
    single = missing_layer_cost[missing_layer_cost["n_missing"] == 1].dropna(subset=["loss"])
    if single.empty:
        why = "too few labelled patients have all layers, or there is only one layer"
        return f"The cost of a missing layer is unknown: {why}."
    text: list[str] = []
    without: dict[str, list[str]] = {}
    for _, row in single.sort_values("loss", ascending=False, kind="stable").iterrows():
        limits = ""
        name = " and ".join(map(display_name, named(row["layers_missing"])))
        if pd.isna(row["loss_low"]):
            without.setdefault(str(row["reason"]), []).append(name)
        else:
            limits = f" ({-row['loss_high']:+z.2f} to {-row['loss_low']:+z.2f})"
        text.append(f"{-row['loss']:+z.2f}{limits} without {name}")
    reasons = [f" No interval without {listed(names)}: {why}." for why, names in without.items()]
    return (
        f"In {single['n_patients'].iloc[0]:.0f} labelled patients with all layers, predicted as if "
        f"one were missing, the AUROC changes by {listed(text)}.{''.join(reasons)}"
    )


def more_patients(learning: Mapping[str, Any]) -> str:
    """State the expected performance with more patients.

    Parameters
    ----------
    learning : mapping
        The cohort's ``learning_curve.json``.
    """
    if learning["now"] is None:
        text = f"The benefit of more patients is unknown: {learning['reason']}."
    else:
        text = (
            f"With {learning['more']['n_more']} more patients like these, the expected AUROC is "
            f"{interval(learning['more'], 'auroc')}; trained on all {learning['n_patients']} of "
            f"today, {interval(learning['now'], 'auroc')}."
        )
    settles = learning["settles"]
    gain = f"a gain of {settles['gain']:g} in AUROC over the clinical predictors"
    if settles["n_patients"] is None:
        needed = f"The number of patients needed to detect {gain}"
        return f"{text} {needed} is unknown: {settles['reason']}."
    return (
        f"{text} To detect {gain} (power {100 * settles['power']:.0f} %, two-sided test at 5 %), "
        f"about {settles['n_patients']:,} patients are needed."
    )
