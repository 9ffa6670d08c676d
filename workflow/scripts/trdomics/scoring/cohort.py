"""All results for the patients of a scored cohort."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import pandas as pd

from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.config_types import LayerConfig
from trdomics.frozen_model.model import FrozenModel
from trdomics.scoring.apply import PREDICTIONS, assessable, score, with_reference_dosages
from trdomics.scoring.contributions import contributions, listed
from trdomics.scoring.expected_loss import expected_losses, sentence, with_expected
from trdomics.scoring.external_validation import recalibrate
from trdomics.scoring.feature_names import mapped, read_names
from trdomics.scoring.out_of_distribution import PATIENTS, SHIFT, assess, shift_summary
from trdomics.scoring.terms import CONTRIBUTIONS
from trdomics.tables import LayerTables

SHOWN = 20
log = logging.getLogger("scoring")


@dataclass(frozen=True)
class Scored:
    """Tables of the patients, and parts of the summary."""

    predictions: pd.DataFrame
    contributions: pd.DataFrame
    shift: pd.DataFrame
    shift_headline: dict[str, Any] | None
    expected: list[dict[str, Any]]
    recalibration: dict[str, Any] | None


def rename_features(
    tables: LayerTables, files: Mapping[str, str], types: Mapping[str, str]
) -> tuple[LayerTables, dict[str, Any]]:
    """Give layers the model's feature names if the config has a table of names.

    Returns
    -------
    tables : LayerTables
    found : dict
        Layer → ``n_mapped``, ``n_joined``, ``n_ambiguous``, ``ambiguous`` (the first 20).
    """
    renamed, found = {}, {}
    for layer, path in files.items():
        result = mapped(tables[layer], read_names(path, layer), types[layer])
        renamed[layer] = result.table
        found[layer] = {
            "n_mapped": result.n_mapped,
            "n_joined": result.n_joined,
            "n_ambiguous": len(result.ambiguous),
            "ambiguous": result.ambiguous[:SHOWN],
        }
    return tables.replace(**renamed), found


class ScoringSettings(TypedDict):
    """Settings of a scored cohort; `max_missing` is a share of the features."""

    max_missing: float
    target_prevalence: float | None
    seed: int


def score_cohort(
    frozen: FrozenModel,
    description: Mapping[str, Any],
    tables: LayerTables,
    labels: pd.Series,
    features: pd.DataFrame,
    losses: Mapping[str, Any] | None,
    layers: Mapping[str, LayerConfig],
    settings: ScoringSettings,
) -> Scored:
    """Predict patients and assess the predictions.

    Parameters
    ----------
    features : DataFrame
        Of :func:`trdomics.scoring.apply.compare_features`.
    losses : mapping or None
        Cost of missing layers in the training cohort.

    Returns
    -------
    Scored
        ``predictions`` has the columns of :func:`trdomics.scoring.apply.score`,
        ``probability_recalibrated`` and those of
        :func:`trdomics.scoring.expected_loss.with_expected` and
        :func:`trdomics.scoring.out_of_distribution.assess`, ``contributions`` those of
        :func:`trdomics.scoring.contributions.listed`.
    """
    tables = with_reference_dosages(frozen, tables, layers)
    predictions = score(
        frozen, description, tables, labels, features, settings["target_prevalence"]
    )
    if predictions.empty:
        columns = ["probability_recalibrated", "expected_auroc", "expected_auroc_loss"]
        empty = pd.DataFrame(columns=[*PREDICTIONS, *columns, *PATIENTS[1:]])
        nothing = pd.DataFrame(columns=CONTRIBUTIONS)
        return Scored(empty, nothing, pd.DataFrame(columns=[*SHIFT, "reason"]), None, [], None)
    recalibrated, recalibration = recalibrate(
        predictions["label"], predictions["probability"], settings["seed"]
    )
    predictions = predictions.assign(probability_recalibrated=recalibrated)
    expected = expected_losses(predictions, losses, description)
    types = {name: layer["type"] for name, layer in layers.items()}
    known = assessable(frozen, tables, types, settings["max_missing"])
    patients, shift = assess(frozen, known)
    predictions = with_expected(predictions, expected).merge(patients, on="patient_id")
    risk = frozen.risk
    blocks = DenseBlocks.of(risk.representation.transform(tables))
    explained = listed(contributions(risk, blocks, tables.patients))
    headline = shift_summary(patients, shift)
    return Scored(predictions, explained, shift, headline, expected, recalibration)


def tell(summary: Mapping[str, Any]) -> None:
    """Log what a reader of the tables should know first."""
    for layer, found in summary["feature_names"].items():
        log.info(
            "layer %s: %d features renamed, %d names joined from several, %d ambiguous left out",
            *(layer, found["n_mapped"], found["n_joined"], found["n_ambiguous"]),
        )
    if summary["label_note"]:
        log.warning("warning: %s", summary["label_note"])
    for row in summary["expected"]:
        log.info("%s", sentence(row))
    shift = summary["shift"]
    if shift is None:
        return
    log.info("%d of %d patients are out-of-distribution", shift["n_unlike"], shift["n_checked"])
    if shift["warning"]:
        log.warning("warning: %s", shift["warning"])
