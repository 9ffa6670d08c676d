"""Content of a scored cohort's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trdomics.intervals import with_interval
from trdomics.names import display_name
from trdomics.scoring.expected_loss import sentence
from trdomics.scoring.versions import FROZEN, MOVED, RECALIBRATED

METRICS = {
    "auroc": "AUROC",
    "brier": "Brier score",
    "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept",
    "net_benefit": "net benefit",
}
VERSIONS = {
    FROZEN: "as predicted (training prevalence, {training_prevalence:.2f})",
    MOVED: "at the target prevalence, {target_prevalence:.2f}",
    RECALIBRATED: "recalibrated",
}
MAX_UNLIKE = 10
# Histogram of probabilities: colours of the classes, width and height of the bars.
COLOURS = ("#D55E00", "#0072B2", "#8a97a1")
N_BINS, BAR, LEFT, TOP, BOTTOM = 20, 40, 40, 20, 170
# Of the figure of calibration: where 0 is, and the length of the axes.
ORIGIN, SIDE = (60, 380), 360


def page_context(
    cohort: str, summary: Mapping[str, Any], shift: pd.DataFrame, predictions: pd.DataFrame
) -> dict[str, Any]:
    """Return the variables of ``scoring.html.j2``.

    Parameters
    ----------
    summary : mapping
        ``scoring/summary.json``.
    shift : DataFrame
        ``scoring/shift.tsv``.
    predictions : DataFrame
        ``scoring/predictions.tsv``. The page names out-of-distribution patients, since this table
        is beside it.
    """
    found = summary["shift"] or {}
    return {
        "cohort": cohort,
        "external": summary["external"],
        "headline": _headline(summary),
        "histogram": histogram(predictions, summary) if len(predictions) else None,
        "positive": summary["positive"],
        "negative": summary["negative"],
        "label_note": summary["label_note"],
        "warning": found.get("warning"),
        "unlike": found,
        "standing_out": standing_out(predictions),
        "expected": [sentence(row) for row in summary["expected"]],
        "interval": summary["interval"],
        "recalibration": _recalibration(summary["recalibration"]),
        "versions": [title.format(**summary) for title in _versions(summary).values()],
        "labelled": _labelled(summary),
        "metrics": _metrics(summary),
        "calibration": calibration_figure(summary),
        "metrics_reason": summary.get("metrics_reason"),
        "threshold": f"{summary['threshold']:.2f}",
        "layers": [{"name": display_name(name), **row} for name, row in summary["layers"].items()],
        "names": [{"layer": layer, **row} for layer, row in summary["feature_names"].items()],
        "shift": [_row(row) for row in shift.to_dict("records")],
    }


def histogram(predictions: pd.DataFrame, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the histogram of probabilities in twentieths, by class if known.

    Returns
    -------
    dict
        ``bars`` (rectangles), ``ticks``, ``most`` (patients at the top of the axis), ``groups``
        (name, number and colour of each), ``text``.
    """
    edges = np.linspace(0, 1, N_BINS + 1)
    names = (summary["positive"], summary["negative"], "without a label")
    label, probability = predictions["label"], predictions["probability"]
    counts = np.array(
        [
            np.histogram(probability[chosen], edges)[0]
            for chosen in (label == 1, label == 0, label.isna())
        ]
    )
    most = int(counts.sum(axis=0).max())
    unit = (BOTTOM - TOP) / most
    stacked = counts.cumsum(axis=0)
    bars = [
        {
            "x": LEFT + BAR * place,
            "y": f"{BOTTOM - unit * stacked[group, place]:.1f}",
            "height": f"{unit * counts[group, place]:.1f}",
            "colour": COLOURS[group],
            "title": f"{edges[place]:.0%} to {edges[place + 1]:.0%}, {names[group]}: "
            f"{counts[group, place]}",
        }
        for group, place in np.argwhere(counts)
    ]
    quartiles = probability.quantile([0.25, 0.5, 0.75])
    low, middle, high = (f"{100 * value:.0f} %" for value in quartiles)
    sizes = counts.sum(axis=1)
    return {
        "bars": bars,
        "ticks": [
            {"x": LEFT + N_BINS * BAR * tenths // 10, "text": f"{10 * tenths} %"}
            for tenths in range(0, 11, 2)
        ],
        "most": most,
        "groups": [
            {"name": name, "n": int(n), "colour": colour}
            for name, n, colour in zip(names, sizes, COLOURS, strict=True)
            if n
        ],
        "text": f"Probability of {summary['positive']} in {len(predictions)} patients: median "
        f"{middle}, half of them between {low} and {high}.",
    }


def calibration_figure(summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the figure of observed against predicted shares; None with too few labels.

    Returns
    -------
    dict
        ``points`` (a bin's place, its interval and what it says), ``line`` (through them),
        ``ideal`` (ends of the diagonal), ``ticks`` of both axes, ``text``.
    """
    rows = summary["calibration"]
    if not rows or summary[FROZEN] is None:
        return None
    points = [
        {
            "x": f"{_right(row['predicted']):.1f}",
            "y": f"{_up(row['observed']):.1f}",
            "lower": f"{_up(row['lower']):.1f}",
            "upper": f"{_up(row['upper']):.1f}",
            "title": f"{row['n']:.0f} patients: predicted {row['predicted']:.0%}, observed "
            f"{row['observed']:.0%} ({row['lower']:.0%} to {row['upper']:.0%})",
        }
        for row in rows
    ]
    slope = _cell(summary[FROZEN].get("calibration_slope"))
    intercept = _cell(summary[FROZEN].get("calibration_intercept"))
    return {
        "points": points,
        "line": " ".join(f"{point['x']},{point['y']}" for point in points),
        "ideal": {"x": (_right(0), _right(1)), "y": (_up(0), _up(1))},
        "ticks": [
            {"x": _right(share), "y": _up(share), "text": f"{100 * share:.0f} %"}
            for share in (0.0, 0.25, 0.5, 0.75, 1.0)
        ],
        "text": f"Share of patients who are {summary['positive']}, observed against predicted, "
        f"with 95 % intervals; on the dotted line they are equal. Calibration slope {slope} "
        f"(1 is ideal), intercept {intercept} (0 is ideal).",
    }


def _right(share: float) -> float:
    return ORIGIN[0] + SIDE * share


def _up(share: float) -> float:
    return ORIGIN[1] - SIDE * share


def standing_out(predictions: pd.DataFrame) -> list[dict[str, str]]:
    """Return the most extreme out-of-distribution patients, at most ten: id, check and p."""
    unlike = predictions[predictions["outlier_vs_training"] == 1]
    most = unlike.sort_values("outlier_vs_training_p", kind="stable").head(MAX_UNLIKE)
    return [
        {
            "patient": str(row["patient_id"]),
            "check": display_name(str(row["outlier_vs_training_in"])),
            "p": format(row["outlier_vs_training_p"], ".2g"),
        }
        for row in most.to_dict("records")
    ]


def _headline(summary: Mapping[str, Any]) -> str:
    if not summary["n_scored"]:
        return f"No patient was scored: {summary['n_scored_reason']}."
    source = "another cohort" if summary["external"] else "this cohort"
    return (
        f"{summary['n_scored']} patients, {summary['n_labelled']} of them with a label, were "
        f"scored with a model of {summary['n_training']} patients of {source}; their mean "
        f"probability of {summary['positive']} is {summary['mean_probability']:.2f}."
    )


def _recalibration(found: Mapping[str, Any] | None) -> str:
    if found is None or found["kind"] == "none":
        why = (found or {}).get("reason") or "no labels"
        return f"Not recalibrated: {why}."
    slope = f" and slope {found['slope']:.2f}" if found["kind"] == "intercept_slope" else ""
    return (
        f"Recalibrated on {found['n_labelled']} labelled patients: intercept "
        f"{found['intercept']:.2f}{slope}. Each was predicted by a recalibration fitted without "
        "them."
    )


def _metrics(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    if summary["metrics"] is None:
        return []
    return [
        {
            "name": name,
            "cells": [_cell((summary[key] or {}).get(metric)) for key in _versions(summary)],
        }
        for metric, name in METRICS.items()
    ]


def _versions(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions of the probability that are shown, with their names."""
    shown = dict(VERSIONS)
    if summary["target_prevalence"] is None:
        del shown[MOVED]
    return shown


def _labelled(summary: Mapping[str, Any]) -> str:
    share = summary["n_positive"] / max(summary["n_labelled"], 1)
    return (
        f"{summary['n_positive']} of {summary['n_labelled']} labelled patients are positive "
        f"({share:.2f})."
    )


def _cell(found: Mapping[str, Any] | None) -> str:
    if not found or found.get("value") is None:
        return (found or {}).get("reason") or "not computed"
    return with_interval(found["value"], found.get("lower"), found.get("upper"))


def _row(row: Mapping[Any, Any]) -> dict[str, str]:
    def number(key: str, digits: str) -> str:
        return "" if pd.isna(row[key]) else format(row[key], digits)

    return {
        "part": str(row["part"]),
        "name": str(row["name"]),
        "n": number("n", ".0f"),
        "difference": number("mean_difference", "z.2f"),
        "p": number("p_adjusted", ".2g") or str(row["reason"]),
        "shifted": "yes" if row["shifted"] == 1 else "",
    }
