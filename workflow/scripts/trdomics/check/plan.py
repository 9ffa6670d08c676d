"""The plan of a run, in numbers and in words."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from trdomics.check.precheck import known_samples
from trdomics.check.sheet_values import id_warnings, label_warnings, value_warnings
from trdomics.classification.derived import derived_tables
from trdomics.classification.feature_sets import PRESENCE, feature_sets
from trdomics.cohort.config import from_reads, is_simulated, sheet_settings, text_columns
from trdomics.cohort.membership import (
    LeftOut,
    measured,
    memberships,
    unmatched,
    with_layers,
)
from trdomics.cohort.samples import (
    EXCLUDE,
    labels,
    quoted_ids,
    read_sheet,
    sample_names,
    sheet_notes,
)
from trdomics.cohort.site_plan import left_out_sites
from trdomics.columns import is_quantity
from trdomics.config_types import CohortConfig, LabelConfig, LayerConfig, SheetConfig
from trdomics.evaluation.metrics import measure
from trdomics.frozen_model.manifest import MANIFEST, compare_labels, read_manifest
from trdomics.inputs.maf import is_maf
from trdomics.layers.types import layer_type
from trdomics.panels.panel import panel_files

# Samples without a patient, and patients without the sample named in the sheet.
UNMATCHED = {
    LeftOut.NOT_IN_SHEET: "in the layer, not in the sheet",
    LeftOut.NOT_IN_LAYER: "named in the sheet, not in the layer",
}
# Fisher's test of a layer's patients by class.
TELLING = 0.01
# An AUROC of one predictor that is suspicious.
TOO_GOOD = 0.9


def cohort_plan(config: CohortConfig, readings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Count the patients and layers that a run would use.

    Parameters
    ----------
    config : mapping
        A resolved config without :func:`trdomics.check.precheck.problems`.
    readings : mapping of str to mapping
        Of each layer that was read: ``n_features``, ``layout`` (the upstream program, or empty)
        and ``notes`` (sentences).

    Returns
    -------
    dict
        ``cohort``; ``patients`` (in the sheet, excluded, without layers, taking part, of each
        class, unlabelled); ``sites`` (site → patients of each class); ``layers`` (name → type,
        n_patients, what was read or why that is not known); ``incomplete`` (layers that labelled
        patients lack); ``warnings`` (sentences).
    """
    settings = sheet_settings(config)
    whole = read_sheet(settings)
    sheet = whole[~whole[EXCLUDE]]
    known = {n: s for n, s in config["layers"].items() if not is_simulated(config, s["file"])}
    patient_id = config["samples"]["patient_id"]
    samples = {
        name: known_samples(config, name, sample_names(sheet, layer, patient_id).dropna())
        for name, layer in known.items()
    }
    empty = {name: reading.get("nearly_empty", []) for name, reading in readings.items()}
    has = memberships(sheet, settings, samples)
    without = 0
    if len(known) == len(config["layers"]):
        with_layers(has, settings)
        has = measured(has, sheet, settings, empty)
        profiled = has.any(axis=1)
        without = int((~profiled).sum())
        sheet, has = sheet[profiled], has[profiled]
    label = labels(sheet, config["label"])
    layers = {name: _layer(name, layer, has, readings) for name, layer in config["layers"].items()}
    return {
        "cohort": config["cohort"],
        "patients": {
            "in_sheet": len(whole),
            "excluded": int(whole[EXCLUDE].sum()),
            "without_layers": without,
            "taking_part": len(sheet),
            "positive": int((label == 1).sum()),
            "negative": int((label == 0).sum()),
            "unlabelled": int(label.isna().sum()),
        },
        "sites": _sites(sheet, label, config["samples"]["site"]),
        "layers": layers,
        "incomplete": [name for name, own in has[label.notna()].items() if not own.all()],
        "warnings": [
            *_warnings(whole, settings, samples, has, label, config),
            *presence_warnings(has, label, config["label"]),
            *circular_warnings(sheet, label, config),
            *(f"layer {n}: {note}" for n, e in layers.items() for note in e.get("notes", [])),
            *sheet_notes(settings),
            *_shared_files(config["layers"]),
            *id_warnings(whole),
            *label_warnings(sheet, config["label"]),
            *value_warnings(sheet, settings, text_columns(settings)),
        ],
    }


def _shared_files(layers: Mapping[str, LayerConfig]) -> list[str]:
    """Name matrices that are given as more than one layer."""
    files: dict[str, list[str]] = {}
    for name, layer in layers.items():
        if layer_type(layer["type"]).is_matrix and not from_reads(layer):
            files.setdefault(os.path.abspath(layer["file"]), []).append(name)
    return [
        f"layers {' and '.join(names)}: they are the same file, {layers[names[0]]['file']}"
        for names in files.values()
        if len(names) > 1
    ]


def _layer(
    name: str,
    layer: LayerConfig,
    has: pd.DataFrame,
    readings: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": layer["type"], "n_patients": None, "n_features": None}
    if name not in has:
        return {**entry, "reason": "simulated during the run"}
    entry["n_patients"] = int(has[name].sum())
    if from_reads(layer):
        return {**entry, "reason": "made from its reads during the run"}
    if name not in readings:
        return {**entry, "reason": "read when the other layers were made"}
    return {**entry, **readings[name]}


def _sites(sheet: pd.DataFrame, label: pd.Series, site: str | None) -> dict[str, dict[str, int]]:
    if site is None:
        return {}
    return {
        str(name): {
            "positive": int((label[rows.index] == 1).sum()),
            "negative": int((label[rows.index] == 0).sum()),
            "unlabelled": int(label[rows.index].isna().sum()),
        }
        for name, rows in sheet.groupby(sheet[site].fillna("not known"))
    }


def _warnings(
    whole: pd.DataFrame,
    settings: SheetConfig,
    samples: Mapping[str, list[str]],
    has: pd.DataFrame,
    label: pd.Series,
    config: CohortConfig,
) -> list[str]:
    """Return warnings about what is valid, but may be unintended."""
    message = []
    out = unmatched(whole, settings, samples)
    for (where, code), rows in out.groupby(["where", "code"], sort=False):
        if code in UNMATCHED:
            what = f"{len(rows)} {'sample' if len(rows) == 1 else 'samples'} {UNMATCHED[code]}"
            message.append(f"layer {where}: {what}: {quoted_ids(rows['id'])}")
    for name in has.columns:
        lacking = int((~has[name]).sum())
        if lacking > len(has) / 2:
            message.append(f"layer {name}: more than half of the patients lack it ({lacking})")
        layer = config["layers"][name]
        unlisted = layer["type"] == "variants" and not layer["profiled"]
        if lacking and unlisted and is_maf(layer["file"]):
            message.append(
                f"layer {name}: {lacking} patients have no row in the MAF and count as not "
                "sequenced; list all who were sequenced in a file, and name it in `profiled`"
            )
    site = config["samples"]["site"]
    for name, counts in _sites(whole.loc[label.index], label, site).items():
        if 0 in (counts["positive"], counts["negative"]):
            message.append(f"site {name}: its labelled patients are not of both classes")
    values = whole.loc[label.index]
    for column in config["clinical"]["predictors"] + config["clinical"]["confounders"]:
        if column not in values:
            # read quality, which is known only after the reads are processed
            continue
        share = values[column].isna().mean()
        if share > 0.2:
            message.append(f"column {column}: {100 * share:.0f} % of the patients have no value")
    model = config["scoring"]["model"]
    if model is not None:
        message += _model_warnings(model, config)
    elif not config["clinical"]["confounders"]:
        message.append("`clinical.confounders` is empty: there is no confounder-only baseline")
    return list(dict.fromkeys(message))


def presence_warnings(has: pd.DataFrame, label: pd.Series, names: LabelConfig) -> list[str]:
    """Name layers that were measured more often in one class than expected by chance.

    Parameters
    ----------
    has : DataFrame of bool, shape (n_patients, n_layers)
    """
    from scipy.stats import fisher_exact

    message = []
    for layer in has:
        counts = [[int((has[layer] == h)[label == c].sum()) for h in (True, False)] for c in (1, 0)]
        if fisher_exact(counts).pvalue < TELLING:
            shares = [
                f"{row[0]} of {sum(row)} {name}"
                for row, name in zip(counts, (names["positive"], names["negative"]), strict=True)
            ]
            message.append(
                f"layer {layer}: {' and '.join(shares)} have it, so being measured predicts the "
                f"label; compare with the baseline {PRESENCE}"
            )
    return message


def circular_warnings(sheet: pd.DataFrame, label: pd.Series, config: CohortConfig) -> list[str]:
    """Name the predictors that alone predict the label better than any cohort's whole data do."""
    message = []
    clinical = config["clinical"]
    # read quality is known only after the reads are processed
    for column in [name for name in clinical["predictors"] if name in sheet]:
        known = sheet.loc[label.notna(), column].dropna()
        truth = label[known.index]
        if column in clinical["circular"] or truth.nunique() < 2:
            continue
        # of a category, the share of positives among its other patients
        levels = truth.groupby(known)
        others = levels.transform("size") - 1
        risk = (
            known.astype(float)
            if is_quantity(known)
            else ((levels.transform("sum") - truth) / others.where(others > 0)).fillna(truth.mean())
        )
        area = measure("auroc", truth, risk.rank(pct=True))
        area = max(area, 1 - area) if is_quantity(known) else area
        if area > TOO_GOOD:
            message.append(
                f"column {column}: alone it predicts the label with an AUROC of {area:.2f}; list "
                "it in `clinical.circular` if it is derived from the label"
            )
    return message


def _model_warnings(model: str, config: CohortConfig) -> list[str]:
    """Return warnings about possible inconsistencies between a cohort and its frozen model."""
    manifest = read_manifest(Path(model, MANIFEST))
    note = compare_labels(config["label"], manifest)
    message = [note] if note else []
    used = list(manifest["layers"])
    known = ", ".join(used) or "none"
    message += [
        f"layer {name}: the frozen model does not use it; its layers are {known}"
        for name in config["layers"]
        if name not in used
    ]
    return message + [
        f"the frozen model's layer {name} is not in the config: patients are scored without it"
        for name in used
        if name not in config["layers"]
    ]


def plan_in_words(plan: Mapping[str, Any], config: CohortConfig) -> list[str]:
    """Return the lines that ``snakemake check`` prints."""
    count, label = plan["patients"], config["label"]
    lines = [
        f"cohort {plan['cohort']}: config, sheet and files can be used",
        f"patients: {count['taking_part']} take part of {count['in_sheet']} in the sheet "
        f"({count['excluded']} excluded, {count['without_layers']} without a layer)",
    ]
    if label["column"] is not None:
        lines.append(
            f"label {label['column']}: {count['positive']} {label['positive']}, "
            f"{count['negative']} {label['negative']}, {count['unlabelled']} without a label"
        )
    lines += [
        f"site {name}: "
        + ", ".join(f"{n} {label.get(kind, kind)}" for kind, n in counts.items() if n)
        for name, counts in plan["sites"].items()
    ]
    for name, layer in plan["layers"].items():
        patients = "" if layer["n_patients"] is None else f", {layer['n_patients']} patients"
        features = layer.get("reason") or f"{layer['n_features']:,} features"
        layout = f", read as {layer['layout']}" if layer.get("layout") else ""
        lines.append(f"layer {name}: {layer['type']}{patients}, {features}{layout}")
    lines += _models(config, plan["incomplete"])
    return lines + [f"warning: {warning}" for warning in plan["warnings"]]


def _models(config: CohortConfig, incomplete: Sequence[str]) -> list[str]:
    if config["scoring"]["model"] is not None:
        return [f"model: applied with `snakemake score`, {config['scoring']['model']}"]
    clinical = config["clinical"]
    panels = panel_files(config["panels"])
    derived = derived_tables(config)
    sets = feature_sets(config["layers"], clinical, derived, incomplete, panels)
    chosen = config["classification"]
    baselines = [each.name for each in sets if each.role == "baseline"]
    candidates = [each.name for each in sets if each.role == "candidate"]
    splits = chosen["repeats"] * chosen["folds"]
    sites = ", ".join(left_out_sites(config, read_sheet(sheet_settings(config))).values())
    return [
        f"baselines: {', '.join(baselines) or 'none'}",
        f"feature sets: {', '.join(candidates)}",
        f"models: {', '.join(chosen['models'])}",
        f"cross-validation: {splits} splits ({chosen['repeats']} × {chosen['folds']} folds), "
        f"{chosen['inner_folds']} inner folds, {chosen['permutations']} label permutations",
        f"sites left out, each once: {sites or 'none'}",
        f"MOFA: {config['integration']['factors']} factors, "
        f"{len(config['integration']['seeds'])} seeds",
    ]
