"""From a finished search to the frozen model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trdomics import __version__
from trdomics.classification.families import FAMILIES
from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.classification.fitted_representation import MOFA, FittedRepresentation
from trdomics.classification.inner_search import FoldRepresentations, NestedSearch
from trdomics.classification.stacking import LateFusion
from trdomics.config_types import LabelConfig
from trdomics.frozen_model.freeze_classifiers import frozen_classifiers
from trdomics.frozen_model.half_samples import PAIRS, HalfSampleReplicates
from trdomics.frozen_model.model import FrozenModel, without_rare_variants
from trdomics.frozen_model.training_summaries import TrainingSummaries
from trdomics.layers.subsets import subset_name, subsets
from trdomics.layers.transforms import MIN_CARRIERS
from trdomics.partner_json import format_of
from trdomics.parts import put_together, take_apart
from trdomics.schema import load_schema
from trdomics.tables import LayerTables

LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "pydeseq2", "mofapy2", "safetensors")


def freeze(
    search: NestedSearch,
    representations: FoldRepresentations,
    tables: LayerTables,
    labels: NDArray[Any],
    pairs: int | None = None,
) -> FrozenModel:
    """Return a search's selected model with its training reference and replicates, as arrays.

    It names no variant carried by fewer than five training patients.

    Parameters
    ----------
    pairs : int, optional
        Of the replicates; by default ten, five with a slow family in a stack.
    """
    blocks = list(search.features().blocks)
    risk = search.risk_model()
    layers = list(risk.representation.normalisers_)
    has = [tables.profiled(layer) for layer in layers]
    complete = np.logical_and.reduce(has) if has else np.ones(len(tables), dtype=bool)
    if pairs is None:
        members = risk.model.models_ if isinstance(risk.model, LateFusion) else []
        slow = any(FAMILIES[member.kind].is_slow for member in members)
        pairs = PAIRS // 2 if slow else PAIRS
    replicates = HalfSampleReplicates(pairs, seed=search.seed).fit(
        representations.blocks,
        labels,
        search.refit,
        without=without_layers(risk.representation, tables),
        complete=complete,
    )
    fitted = FrozenModel(
        representation=search.representation_.restricted([*blocks, MOFA]),
        classifier=frozen_classifiers([risk.model], [risk.calibration]),
        blocks=blocks,
        reference=TrainingSummaries().fit(representations, tables),
        replicates=replicates,
    )
    frozen = put_together(FrozenModel, *take_apart(fitted))
    return without_rare_variants(frozen, tables, MIN_CARRIERS)


def without_layers(
    representation: FittedRepresentation, tables: LayerTables
) -> Mapping[str, DenseBlocks]:
    """Return patients' blocks as if layers were missing, by the missing layers."""
    layers = list(representation.normalisers_)
    return {
        subset_name(gone): DenseBlocks.of(
            representation.transform(
                LayerTables({k: v for k, v in tables.items() if k not in gone}, tables.patients)
            )
        )
        for gone in subsets(layers)
    }


def manifest(
    search: NestedSearch, frozen: FrozenModel, *, labels: Any, label: LabelConfig
) -> dict[str, Any]:
    """Describe a search's selected model: what it needs, and what it was fitted on.

    Returns
    -------
    dict
        ``format``, ``version``, ``label``, ``prevalence`` (share of positives in training),
        ``n_training``, ``n_positive``, ``feature_set``, ``model``, ``params``, ``inner_auc``,
        ``layers`` (layer → ``type``, ``features`` that it needs), ``predictors`` (columns of the
        sheet), ``blocks`` (block → features after selection), ``libraries``.
    """
    representation = frozen.risk.representation
    name, kind = search.winner_, search.kind(search.winner_)
    chosen = next(
        row for row in search.candidates_ if (row["feature_set"], row["model"]) == (name, kind)
    )
    total, positive = len(labels), int(sum(labels))
    return {
        "format": format_of(load_schema("model")),
        "version": __version__,
        "label": {key: label[key] for key in ("column", "positive", "negative")},
        "prevalence": positive / total,
        "n_training": total,
        "n_positive": positive,
        "feature_set": name,
        "model": kind,
        "params": json.loads(chosen["params"]),
        "inner_auc": chosen["inner_auc"],
        "layers": {
            layer: {"type": representation.types[layer], "features": list(fitted.features_)}
            for layer, fitted in representation.normalisers_.items()
        },
        "predictors": representation.sheet_columns(),
        "blocks": representation.feature_names_,
        "libraries": {name: version(name) for name in LIBRARIES},
    }
