"""Sentences on sites that the model had never seen, and on layers that a patient lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trdomics.layers.subsets import named
from trdomics.report.words import cell, interval, listed, number, p_value

# Cochran's test has little power with few sites.
DIFFERING = 0.1
BASELINES = {"clinical": "the clinical predictors alone", "confounders": "the confounders alone"}


def site_sentences(sites: Mapping[str, Any]) -> list[str]:
    """Say whether the model holds at a site that it has never seen.

    Parameters
    ----------
    sites : mapping
        The cohort's ``sites.json``.
    """
    if sites["reason"]:
        told = [f"No site was left out of training: {sites['reason']}."]
        return [*told, *_not_left_out(sites)]
    together = sites["together"]["selected"]
    unseen, mixed = together["left_out"]["auroc"], together["mixed"]["auroc"]
    told = [
        f"Each of {sites['n_left_out']} sites was left out once, and the whole procedure fitted on "
        f"the others. For all their patients together the AUROC is {interval(unseen)}; with sites "
        f"mixed in training and test it is {interval(mixed)} for the same patients."
    ]
    row = sites["pooled"]["selected"]["left_out"]
    told.append(_change(row))
    if row["auroc"] is None:
        told.append(f"No mean over sites: {row['reason']}.")
    else:
        told += [_mean_site(row), _heterogeneity(row)]
    told.append(_baselines(sites["pooled"]))
    told += _calibration(sites["sites"])
    if sites["site_is_confounder"]:
        told.append(
            "The site is among the confounders: a site that a model has not seen is no category "
            "of its own, so that its patients are predicted by the other columns."
        )
    return [*(sentence for sentence in told if sentence), *_not_left_out(sites)]


def _change(row: Mapping[str, Any]) -> str:
    limits = f"({row['change_lower']:+.2f} to {row['change_upper']:+.2f})"
    told = f"Over all patients in one the difference is {row['change']:+.2f} {limits}"
    if row["change_upper"] < 0:
        return (
            f"{told}: the model loses at a site that it has never seen. This counts a shift in "
            "calibration from site to site as lost AUROC, which the mean site below does not."
        )
    if row["change_lower"] > 0:
        return f"{told}: the model does not lose at a site that it has never seen."
    return f"{told}: it is not shown to lose anything; the interval covers zero."


def _mean_site(row: Mapping[str, Any]) -> str:
    told = (
        f"For the mean site, by a random-effects meta-analysis, it is {number(row['auroc'])} "
        f"({row['lower']:.2f} to {row['upper']:.2f})"
    )
    if row["prediction_lower"] is None:
        return f"{told}; {row['reason']}."
    return (
        f"{told}; at another site one between {number(row['prediction_lower'])} and "
        f"{number(row['prediction_upper'])} is to be expected (95 % prediction interval)."
    )


def _heterogeneity(row: Mapping[str, Any]) -> str:
    measured = f"I² = {100 * row['i2']:.0f} %, {p_value(row['q_pvalue'])}"
    if row["q_pvalue"] < DIFFERING:
        return f"The sites differ by more than chance ({measured})."
    return f"The sites are not shown to differ by more than chance ({measured})."


def _baselines(pooled: Mapping[str, Any]) -> str:
    """Say what the baselines reach at left-out sites."""
    shown = [
        f"{number(pooled[name]['left_out']['auroc'])} for {words}"
        for name, words in BASELINES.items()
        if name in pooled and pooled[name]["left_out"]["auroc"] is not None
    ]
    return f"Baselines at the mean left-out site: {listed(shown)}." if shown else ""


def _calibration(sites: list[dict[str, Any]]) -> list[str]:
    """Say how far the calibration in the large goes apart between sites."""
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
    told = (
        f"Calibration intercepts of the sites go from {min(known):+.2f} to {max(known):+.2f} (0 is "
        "right, below 0 the risks are too high)"
    )
    if not off:
        return [f"{told}; none differs from 0 by more than chance."]
    return [
        f"{told}; the 95 % interval leaves 0 out at {listed(off)}, as by chance at one site in "
        "twenty: where it does so clearly, risks need a calibration of the site's own."
    ]


def _not_left_out(sites: Mapping[str, Any]) -> list[str]:
    """Name the sites that were not left out, and why."""
    return [
        f"Not left out: {row['site'] or 'patients without a site'} "
        f"(labelled patients: {row['n_patients']}): {row['reason']}."
        for row in sites["not_left_out"]
    ]


def site_rows(sites: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Lay out the sites that were left out; each metric with its interval."""
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
    """Say which single layer the prediction misses most, for patients who have all.

    Parameters
    ----------
    missing_layer_cost : DataFrame
        ``missing_layer_cost.tsv`` of the classification stage.
    """
    single = missing_layer_cost[missing_layer_cost["n_missing"] == 1].dropna(subset=["loss"])
    if single.empty:
        why = "too few labelled patients have all layers, or there is only one layer"
        return f"What a missing layer costs is not known: {why}."
    told: list[str] = []
    without: dict[str, list[str]] = {}
    for _, row in single.sort_values("loss", ascending=False, kind="stable").iterrows():
        limits = ""
        name = " and ".join(named(row["layers_missing"])).replace("_", " ")
        if pd.isna(row["loss_low"]):
            without.setdefault(str(row["reason"]), []).append(name)
        else:
            limits = f" ({-row['loss_high']:+z.2f} to {-row['loss_low']:+z.2f})"
        told.append(f"{-row['loss']:+z.2f}{limits} without {name}")
    reasons = [f" No interval without {listed(names)}: {why}." for why, names in without.items()]
    return (
        f"Of {single['n_patients'].iloc[0]:.0f} labelled patients with all layers, predicted as if "
        f"they lacked one, the AUROC changes by {listed(told)}.{''.join(reasons)}"
    )
