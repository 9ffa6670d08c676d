"""The content of the summary page, collected from the tables and summaries of the stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trdomics import __version__
from trdomics.classification.feature_sets import PRESENCE
from trdomics.config_types import LabelConfig, SummaryConfig
from trdomics.mechanism.words import sentences as mechanism_sentences
from trdomics.names import display_name
from trdomics.panels.words import directions, headline
from trdomics.report import words
from trdomics.report.methods import methods, without_citations
from trdomics.report.trust import trust_sentences
from trdomics.report.validation import layer_sentence, more_patients, site_rows, site_sentences

METRICS = ("auroc", "auprc", "balanced_accuracy", "brier", "calibration_slope")
ASSOCIATIONS_SHOWN = 8


def site_table(patients: pd.DataFrame, site: str | None) -> list[dict[str, Any]]:
    """Count the labelled patients of both classes at every site; empty without sites."""
    if site is None:
        return []
    labelled = patients.dropna(subset=["label"])
    counts = pd.crosstab(labelled[site].fillna("unknown"), labelled["label"])
    counts = counts.reindex(columns=[0, 1], fill_value=0)
    return [
        {
            "site": name,
            "negative": int(row[0]),
            "positive": int(row[1]),
            "share": f"{100 * row[1] / row.sum():.0f} %",
        }
        for name, row in counts.iterrows()
    ]


def cohort_sentence(patients: pd.DataFrame, layers: Sequence[str], label: LabelConfig) -> str:
    """Describe the patients."""
    n_positive = int((patients["label"] == 1).sum())
    n_negative = int((patients["label"] == 0).sum())
    unknown = len(patients) - n_positive - n_negative
    with_layers = [f"{display_name(name)} {int(patients[f'in_{name}'].sum())}" for name in layers]
    complete = int(patients[[f"in_{name}" for name in layers]].all(axis=1).sum())
    text = (
        f"{len(patients)} patients: {n_positive} {label['positive']}, {n_negative} "
        f"{label['negative']}"
    )
    if unknown:
        text += f", {unknown} without a label (scored, not used for training)"
        others = patients.loc[patients["label"].isna(), label["column"]].dropna()
        if len(others):
            counts = others.astype(str).value_counts()
            shown = [f"{value} ({count})" for value, count in counts.items()]
            text += f"; of them with another value of {label['column']}: {words.listed(shown)}"
    return f"{text}. Patients by layer: {words.listed(with_layers)}; {complete} have all layers."


def bar(row: Mapping[str, Any], low: float = 0.3, high: float = 1.0) -> dict[str, str] | None:
    """Return where an estimate and its interval are between two ends of an axis, in per cent."""
    if pd.isna(row["value"]):
        return None
    ends = [row[key] if not pd.isna(row[key]) else row["value"] for key in ("lower", "upper")]
    left, right, at = (
        100 * min(1.0, max(0.0, (value - low) / (high - low))) for value in (*ends, row["value"])
    )
    return {"left": f"{left:.1f}", "width": f"{right - left:.1f}", "at": f"{at:.1f}"}


def performance_rows(performance: pd.DataFrame, models: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows of the performance table, the selected procedure first.

    `models` describes how often each model was chosen for a feature set.
    """
    rows = []
    order = {"selected": 0, "candidate": 1, "baseline": 2, "circular": 3}
    roles = performance.drop_duplicates("feature_set").set_index("feature_set")["role"]
    for feature_set, role in sorted(roles.items(), key=lambda item: order[item[1]]):
        cells = [
            words.cell(words.metric_row(performance, str(feature_set), metric))
            for metric in METRICS
        ]
        rows.append(
            {
                "name": display_name(str(feature_set)),
                "role": role,
                "cells": cells,
                "bar": bar(words.metric_row(performance, str(feature_set), "auroc")),
                "models": models.get(str(feature_set), ""),
            }
        )
    return rows


def facts(performance: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the AUROC of the model and of its baselines, for the figure at the top."""
    shown = {
        "the model": "selected",
        "clinical data alone": "clinical",
        "confounders alone": "confounders",
        "which layers were measured": PRESENCE,
    }
    result = []
    for name, feature_set in shown.items():
        if feature_set == PRESENCE and PRESENCE not in set(performance["feature_set"]):
            continue
        row = words.metric_row(performance, feature_set, "auroc")
        limits = words.cell(row)
        known = not pd.isna(row["lower"])
        result.append(
            {
                "name": name,
                "value": words.number(row["value"]),
                "range": limits["range"] if known else limits["reason"],
                "bar": bar(row),
            }
        )
    return result


def page_context(
    config: SummaryConfig,
    patients: pd.DataFrame,
    summary: Mapping[str, Any],
    performance: pd.DataFrame,
    gains: pd.DataFrame,
    missing_layer_cost: pd.DataFrame,
) -> dict[str, Any]:
    """Collect everything that the template needs except the figures.

    Parameters
    ----------
    patients, performance, gains, missing_layer_cost : DataFrame
        As the stages wrote them.
    """
    label, layers = config["label"], config["layers"]
    sites = site_table(patients, config["site"])
    classification = summary["classification"]
    return {
        "cohort": config["cohort"],
        "positive": label["positive"],
        "negative": label["negative"],
        "layer_names": words.listed([display_name(name) for name in layers]),
        "simulated": config["simulated"],
        "reads": config["reads"],
        "version": __version__,
        "sites": sites,
        "facts": facts(performance),
        "performance": performance_rows(performance, classification["models"]),
        "left_out_sites": site_rows(summary["sites"]),
        "recovery": [
            *reads_rows(summary.get("simulated_reads", [])),
            *recovery_rows(summary.get("simulation")),
        ],
        "sentences": {
            "headline": words.headline(performance, label["positive"], label["negative"]),
            "gain_confounders": words.gain(gains, "confounders", "the confounders alone"),
            "gain_clinical": words.gain(gains, "clinical", "the clinical predictors alone"),
            "gain_presence": words.gain(
                gains, PRESENCE, "a model that knows only which layers were measured"
            )
            if PRESENCE in set(gains["baseline"])
            else "",
            "null": words.null(classification["null"], config["null_models"]),
            "cohort": cohort_sentence(patients, layers, label),
            "sites": words.sites(summary["cohort"]),
            "differential": [
                words.differential(layer, summary["differential"][layer]) for layer in layers
            ],
            "factors": words.factors(summary["integration"], layers),
            "factor_doubts": [
                f"Doubtful: {warning}." for warning in summary["integration"]["warnings"]
            ],
            "associations": associations(summary["integration"]),
            "doubts": [
                *words.quick_look(classification["n_splits"]),
                *words.doubts(performance),
            ],
            "calibration": words.prevalence(classification["prevalence"], label["positive"]),
            "limits": words.cautions(
                performance,
                n_labelled=int(patients["label"].notna().sum()),
                n_sites=summary["sites"]["n_sites"],
                n_left_out=summary["sites"]["n_left_out"],
                simulated=config["simulated"],
                confounders=config["confounders"],
            ),
            "methods": without_citations(methods(config, summary)),
            "trust": trust_sentences(summary["trust"]),
            "pharmacogenes": [text for text in summary["pharmacogenes"]["sentences"] if text],
            "panels": [
                {"name": name, "sentence": f"{headline(name, panel)} {directions(panel)}"}
                for name, panel in summary["panels"].items()
            ],
            "mechanism": mechanism_sentences(summary.get("mechanism")),
            "left_out": site_sentences(summary["sites"]),
            "missing_layer_cost": layer_sentence(missing_layer_cost),
            "more_patients": more_patients(summary["learning_curve"]),
        },
    }


def associations(integration: Mapping[str, Any]) -> list[str]:
    """State how the factors relate to the label, then to anything else."""
    label = list(integration["label_associations"])
    others = [text for text in integration["associations"] if text not in label]
    first = label or ["No factor is associated with the label."]
    return [*first, *others][:ASSOCIATIONS_SHOWN]


def reads_rows(stations: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the results of simulated reads, with the required limits and whether they were met."""
    return [
        {
            "what": f"Reads, {station['station']}: {station['measure']} "
            f"({station['limit']}, {'met' if station['met'] else 'not met'})",
            "found": f"{words.number(station['value'], 4)} ({station['found']})",
            "truth": station["planted"],
        }
        for station in stations
    ]


def recovery_rows(recovery: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Return the recovery of a simulated cohort's truth; empty for a real cohort."""
    if recovery is None or not recovery["labels_as_drawn"]:
        return []
    rows = []
    for layer, part in recovery["differential"].items():
        rows.append(
            {
                "what": f"{display_name(layer)}: false discoveries among the features called",
                "found": f"{100 * part['fdp']:.1f} %",
                "truth": f"at most {100 * part['fdr']:.0f} % expected",
            }
        )
        rows.append(
            {
                "what": f"{display_name(layer)}: planted differences found",
                "found": f"{part['n_true_discoveries']:,} ({100 * part['power']:.0f} %)",
                "truth": f"{part['n_planted']:,}",
            }
        )
    rows += [
        {
            "what": f"Planted factor “{display_name(factor['planted'])}”: best correlation with a "
            "MOFA factor",
            "found": f"{abs(factor['r']):.2f} ({display_name(factor['factor'])})",
            "truth": "1",
        }
        for factor in recovery["factors"]
    ]
    rows.append(
        {
            "what": "AUROC of the selected model, compared with that of the true risks",
            "found": words.number(recovery["auc"]["selected"]),
            "truth": words.number(recovery["auc"]["best"]),
        }
    )
    return rows + identity_rows(recovery["identity"]) + adjustment_rows(recovery["adjustment"])


def identity_rows(identity: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return which planted errors were found, and how many other patients were flagged."""
    what = {
        "exchanged": "Sample swaps: detected, and other patients flagged",
        "wrong_sex": "Wrong sex in the sheet: detected, and other patients flagged",
    }
    return [
        {
            "what": what[name],
            "found": f"not tested: {part['reason']}"
            if part["n_found"] is None
            else f"{part['n_found']}, and {part['n_false']} of "
            f"{part['n_tested'] - part['n_planted']} others",
            "truth": f"{part['n_planted']}, and 0",
        }
        for name, part in identity.items()
    ]


def adjustment_rows(adjustment: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what full adjustment removes and keeps of the unadjusted findings."""
    rows = []
    for layer, sets in adjustment["layers"].items():
        last = sets[adjustment["sets"][layer][-1]]
        for key, what in (
            ("confounded_removed", "that differ only through cells or medication, removed"),
            ("label_kept", "that differ by the label itself, kept"),
        ):
            share = last[key]
            rows.append(
                {
                    "what": f"{display_name(layer)}: features {what} by full adjustment",
                    "found": "none differed without adjustment"
                    if share is None
                    else f"{100 * share:.0f} %",
                    "truth": "100 %",
                }
            )
    return rows
