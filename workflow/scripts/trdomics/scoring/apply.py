"""Probabilities from a frozen model for unseen patients, and the features used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.config_types import LayerConfig
from trdomics.errors import InputError
from trdomics.evaluation.prevalence import shift_prevalence
from trdomics.frozen_model.model import FrozenModel, FrozenRisk
from trdomics.layers.subsets import joined
from trdomics.layers.transforms import BurdenTransform
from trdomics.tables import CLINICAL, LayerTables

# Number of missing features to name.
SHOWN = 20
PREDICTIONS = ["patient_id", "label", "probability", "probability_lower", "probability_upper"]
AT_TARGET = "probability_at_target_prevalence"
PREDICTIONS += [AT_TARGET, f"{AT_TARGET}_lower", f"{AT_TARGET}_upper", "layers_used"]
PREDICTIONS += ["layers_missing", "n_layers_used", "missing_features_share"]


def check_layers(
    tables: LayerTables, types: Mapping[str, str], description: Mapping[str, Any]
) -> None:
    """Check that a cohort has data that a model can use, of the same types as in training.

    Parameters
    ----------
    types : mapping of str to str
        The cohort's layers and their types.
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


def compare_features(model: FrozenRisk, tables: LayerTables, max_missing: float) -> pd.DataFrame:
    """Compare a cohort's features with those that a model needs.

    Parameters
    ----------
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
    # a sheet without some predictors is still useful; missing ones are reported
    refused = too_much & (table["present"] == 1) & (table["layer"] != CLINICAL)
    return table.assign(refused=refused.astype(int))


def feature_names(table: pd.DataFrame) -> set[str]:
    """Return the features of a raw layer; for variants, their genes."""
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


def assessable(
    frozen: FrozenModel, tables: LayerTables, types: Mapping[str, str], max_missing: float
) -> LayerTables:
    """Return the layers that can be compared with the training patients.

    Layers of the training data, of the same type, with enough of the features, including those that
    the probabilities do not need.
    """
    representation = frozen.representation
    kept = {CLINICAL: tables[CLINICAL]}
    for layer, fitted in representation.normalisers_.items():
        if layer not in tables or tables[layer].empty:
            continue
        share = len(fitted.missing_features(tables[layer])) / len(fitted.get_feature_names_out())
        same = types[layer] == representation.types[layer]
        if same and share <= max_missing:
            kept[layer] = tables[layer]
    return LayerTables(kept, tables.patients)


def with_reference_dosages(
    frozen: FrozenModel, tables: LayerTables, layers: Mapping[str, LayerConfig]
) -> LayerTables:
    """Add dosages of 0 for variants that no patient carries if no call means no variant.

    A MAF lists carriers only, so a variant that the model needs and the file lacks was not found in
    any patient, rather than not examined.
    """
    added = {}
    for name, settings in layers.items():
        fitted = frozen.representation.normalisers_.get(name)
        if not isinstance(fitted, BurdenTransform) or settings.get("no_call") != "reference":
            continue
        table = tables[name]
        found = set(table.columns.get_level_values("variant"))
        absent = [str(v) for v in fitted.dosages_ if v not in found]
        if absent:
            columns = pd.MultiIndex.from_tuples(
                [(variant, "", "") for variant in absent], names=table.columns.names
            )
            zeros = pd.DataFrame(0.0, index=table.index, columns=columns, dtype=np.float32)
            added[name] = pd.concat([table, zeros], axis=1)
    return tables.replace(**added)


def score(
    frozen: FrozenModel,
    description: Mapping[str, Any],
    tables: LayerTables,
    labels: pd.Series,
    features: pd.DataFrame,
    target_prevalence: float | None,
) -> pd.DataFrame:
    """Predict patients.

    Parameters
    ----------
    features : DataFrame
        Of :func:`compare_features`.
    target_prevalence : float or None
        Prevalence where the model is used; None leaves probabilities at the training prevalence.

    Returns
    -------
    DataFrame
        ``patient_id``, ``label``, ``probability`` (at the training prevalence),
        ``probability_lower`` and ``probability_upper`` (its 95 % prediction interval, see
        :meth:`trdomics.frozen_model.uncertainty.Replicates.interval`),
        ``probability_at_target_prevalence`` with its ``_lower`` and ``_upper``,
        ``layers_used`` (those the patient has),
        ``layers_missing`` (those of the model that the patient lacks), ``n_layers_used``,
        ``missing_features_share`` (share of all features that the model uses, in layers and sheet,
        that are missing in this patient).
    """
    if not len(tables):
        return pd.DataFrame(columns=PREDICTIONS)
    model = frozen.risk
    blocks = DenseBlocks.of(model.representation.transform(tables))
    probability = model.classifier.probability(blocks)
    target = description["prevalence"] if target_prevalence is None else target_prevalence
    layers = list(model.representation.normalisers_)
    has = {
        layer: tables.profiled(layer) if layer in tables else np.zeros(len(tables), dtype=bool)
        for layer in layers
    }
    used = [[layer for layer in layers if has[layer][i]] for i in range(len(tables))]
    lacking = [[layer for layer in layers if not has[layer][i]] for i in range(len(tables))]
    lower, upper = frozen.replicates.interval(blocks, probability, lacking)
    moved = [
        shift_prevalence(values, description["prevalence"], target)
        for values in (probability, lower, upper)
    ]
    return pd.DataFrame(
        {
            "patient_id": tables.patients,
            "label": labels.reindex(tables.patients).to_numpy(),
            "probability": probability,
            "probability_lower": lower,
            "probability_upper": upper,
            **dict(
                zip((AT_TARGET, f"{AT_TARGET}_lower", f"{AT_TARGET}_upper"), moved, strict=True)
            ),
            "layers_used": [joined(names) for names in used],
            "layers_missing": [joined(names) for names in lacking],
            "n_layers_used": np.sum([has[layer] for layer in layers], axis=0, dtype=int)
            if layers
            else 0,
            "missing_features_share": _missing_share(model, tables, features, has),
        }
    )[PREDICTIONS]


def _missing_share(
    model: FrozenRisk, tables: LayerTables, features: pd.DataFrame, has: Mapping[str, np.ndarray]
) -> np.ndarray:
    missing = np.zeros(len(tables))
    for row in features.to_dict("records"):
        if row["layer"] in has:
            missing += np.where(has[row["layer"]], row["n_missing"], row["n_expected"])
    columns = model.representation.sheet_columns()
    sheet = tables.aligned(CLINICAL).reindex(columns=columns)
    missing += sheet.isna().sum(axis=1).to_numpy()
    return missing / max(features["n_expected"].sum(), 1)
