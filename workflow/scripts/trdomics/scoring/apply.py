"""Probabilities for patients whom a frozen model has not seen, and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trdomics.classification.calibration import shift_prevalence
from trdomics.classification.intervals import performance_intervals
from trdomics.classification.metrics import METRICS
from trdomics.classification.representation import CLINICAL
from trdomics.classification.search import RiskModel
from trdomics.errors import InputError
from trdomics.tables import LayerTables

# Names shown of a long list of missing features.
SHOWN = 20
PREDICTIONS = [
    "patient_id",
    "label",
    "probability",
    "probability_at_target_prevalence",
    "layers_used",
    "n_layers_used",
    "missing_features_share",
]


def check_layers(
    tables: LayerTables, types: Mapping[str, str], description: Mapping[str, Any]
) -> None:
    """Check that a cohort has what a model can use, of the type that it was trained on.

    Parameters
    ----------
    tables : LayerTables
        The cohort.
    types : mapping of str to str
        The cohort's layers and their types.
    description : mapping
        The model's manifest.
    """
    for layer, needed in description["layers"].items():
        if layer in types and types[layer] != needed["type"]:
            raise InputError(
                f"layer {layer}",
                f"is of type {types[layer]}, the model was trained on {needed['type']}",
                f"give `layers.{layer}` the type of the training cohort, or another name",
            )
    known = [layer for layer in description["layers"] if layer in tables]
    columns = [c for c in description["predictors"] if c in tables[CLINICAL].columns]
    if not known and not columns:
        needed = [*description["layers"], *description["predictors"]]
        raise InputError(
            "config",
            f"the cohort has nothing that the model uses ({', '.join(needed[:8])})",
            "name layers and columns as in the training cohort",
        )


def compare_features(model: RiskModel, tables: LayerTables, max_missing: float) -> pd.DataFrame:
    """Compare a cohort's features with those that a model needs.

    Parameters
    ----------
    model : RiskModel
    tables : LayerTables
        Raw layers, and the sheet as "clinical".
    max_missing : float
        Share of a layer's features that may be missing.

    Returns
    -------
    DataFrame
        ``layer`` (the sheet is "clinical"), ``n_expected``, ``n_missing``, ``n_superfluous``,
        ``share_missing``, ``missing`` (the first 20 names), ``present`` (1 if the cohort has the
        layer), ``refused`` (1 if too much is missing of a layer that it has).
    """
    rows = []
    for layer, normaliser in model.representation.normalisers_.items():
        expected = [str(name) for name in normaliser.get_feature_names_out()]
        there = layer in tables and not tables[layer].empty
        missing = normaliser.missing_features(tables[layer]) if there else expected
        found = feature_names(tables[layer]) if there else set()
        rows.append((layer, expected, missing, len(found - set(expected)), there))
    columns = model.representation.sheet_columns()
    if columns:
        sheet = tables[CLINICAL]
        missing = [c for c in columns if c not in sheet or sheet[c].isna().all()]
        rows.append((CLINICAL, columns, missing, len(set(sheet.columns) - set(columns)), True))
    table = pd.DataFrame(
        [
            {
                "layer": layer,
                "n_expected": len(expected),
                "n_missing": len(missing),
                "n_superfluous": superfluous,
                "share_missing": len(missing) / len(expected),
                "missing": ", ".join(missing[:SHOWN]) + (", …" if len(missing) > SHOWN else ""),
                "present": int(there),
            }
            for layer, expected, missing, superfluous, there in rows
        ]
    )
    too_much = table["share_missing"] > max_missing
    # a sheet without some predictors is worth a lot still; what it lacks is told
    table["refused"] = (too_much & (table["present"] == 1) & (table["layer"] != CLINICAL)).astype(
        int
    )
    return table


def feature_names(table: pd.DataFrame) -> set[str]:
    """Return the features of a raw layer; of variants their genes."""
    columns = table.columns
    if isinstance(columns, pd.MultiIndex):
        return {str(gene) for gene in columns.get_level_values("gene") if gene}
    return set(map(str, columns))


def refuse(features: pd.DataFrame, max_missing: float) -> None:
    """Raise InputError if a layer lacks more features than allowed."""
    refused = features[features["refused"] == 1]
    if len(refused):
        row = refused.iloc[0]
        raise InputError(
            f"layer {row['layer']}",
            f"{row['n_missing']} of the {row['n_expected']} features that the model needs are "
            f"missing ({row['share_missing']:.0%}; {row['missing']}), more than "
            f"`scoring.max_missing_features` ({max_missing:.0%})",
            "name the features as in the training cohort, or leave the layer out of the config",
        )


def score(
    model: RiskModel,
    description: Mapping[str, Any],
    tables: LayerTables,
    labels: pd.Series,
    features: pd.DataFrame,
    target_prevalence: float | None,
) -> pd.DataFrame:
    """Predict patients.

    Parameters
    ----------
    model, description
        A frozen model and its manifest.
    tables : LayerTables
        The patients to score.
    labels : Series
        1, 0 or missing, by patient id.
    features : DataFrame
        Of :func:`compare_features`.
    target_prevalence : float or None
        Where the model is used; None leaves probabilities at the training prevalence.

    Returns
    -------
    DataFrame
        ``patient_id``, ``label``, ``probability`` (at the training prevalence),
        ``probability_at_target_prevalence``, ``layers_used`` (those the patient has),
        ``n_layers_used``, ``missing_features_share`` (share of all that the model looks for, in
        layers and sheet, which is not known of this patient).
    """
    if not len(tables):
        return pd.DataFrame(columns=PREDICTIONS)
    probability = model.predict_proba(tables)[:, 1]
    target = description["prevalence"] if target_prevalence is None else target_prevalence
    layers = list(model.representation.normalisers_)
    has = {
        layer: tables.profiled(layer) if layer in tables else np.zeros(len(tables), dtype=bool)
        for layer in layers
    }
    used = [", ".join(layer for layer in layers if has[layer][i]) for i in range(len(tables))]
    return pd.DataFrame(
        {
            "patient_id": tables.patients,
            "label": labels.reindex(tables.patients).to_numpy(),
            "probability": probability,
            "probability_at_target_prevalence": shift_prevalence(
                probability, description["prevalence"], target
            ),
            "layers_used": [names or "none" for names in used],
            "n_layers_used": np.sum([has[layer] for layer in layers], axis=0, dtype=int)
            if layers
            else 0,
            "missing_features_share": _missing_share(model, tables, features, has),
        }
    )[PREDICTIONS]


def _missing_share(
    model: RiskModel, tables: LayerTables, features: pd.DataFrame, has: Mapping[str, np.ndarray]
) -> np.ndarray:
    missing = np.zeros(len(tables))
    for row in features.to_dict("records"):
        if row["layer"] in has:
            missing += np.where(has[row["layer"]], row["n_missing"], row["n_expected"])
    columns = model.representation.sheet_columns()
    sheet = tables.aligned(CLINICAL).reindex(columns=columns)
    missing += sheet.isna().sum(axis=1).to_numpy()
    return missing / max(features["n_expected"].sum(), 1)


def scoring_summary(
    predictions: pd.DataFrame,
    features: pd.DataFrame,
    description: Mapping[str, Any],
    *,
    external: bool,
    target_prevalence: float | None,
    n_samples: int,
    seed: int,
) -> dict[str, Any]:
    """Gather the headline numbers, with metrics of validation where labels are known.

    Parameters
    ----------
    predictions, features, description
        Of :func:`score`, :func:`compare_features` and the manifest.
    external : bool
        Whether the model comes from another cohort.
    target_prevalence : float or None
    n_samples, seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        ``external``, ``n_scored``, ``n_scored_reason`` (where nobody was), ``n_labelled``,
        ``mean_probability``, ``mean_probability_at_target_prevalence``, ``target_prevalence``,
        ``metrics_of``, ``feature_set``, ``model``, ``n_training``, ``layers`` (layer → n_expected,
        n_missing, n_superfluous, present), ``metrics`` (metric → value, lower, upper, reason) or
        null with ``metrics_reason``.
    """
    labelled = predictions.dropna(subset=["label"])
    summary: dict[str, Any] = {
        "external": external,
        "n_scored": len(predictions),
        "n_labelled": len(labelled),
        "mean_probability": predictions["probability"].mean(),
        "mean_probability_at_target_prevalence": predictions[
            "probability_at_target_prevalence"
        ].mean(),
        "target_prevalence": target_prevalence,
        "metrics_of": "probability, at the training cohort's prevalence",
        "feature_set": description["feature_set"],
        "model": description["model"],
        "n_training": description["n_training"],
        "layers": {
            row["layer"]: {
                k: row[k] for k in ("n_expected", "n_missing", "n_superfluous", "present")
            }
            for row in features.to_dict("records")
        },
        "metrics": None,
    }
    if predictions.empty:
        summary["n_scored_reason"] = "every patient of the cohort has a label and was trained on"
        summary["metrics_reason"] = summary["mean_probability_reason"] = "no patient was scored"
    elif labelled.empty:
        summary["metrics_reason"] = "no scored patient has a label"
    else:
        table = performance_intervals(
            labelled["label"].astype(float),
            labelled["probability"],
            n_samples=n_samples,
            seed=seed,
        ).set_index("metric")
        summary["metrics"] = {
            metric: table.loc[metric, ["value", "lower", "upper", "reason"]].to_dict()
            for metric in METRICS
        }
    return summary
