"""The part of a config that a fit depends on; changes elsewhere do not rerun a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from trdomics.classification.derived import derived_tables
from trdomics.cohort.config import patient_columns
from trdomics.config_types import CohortConfig, FitConfig, LayerConfig, SearchConfig
from trdomics.layers.types import layer_part
from trdomics.panels.panel import panel_files

# Settings that decide how a layer's file is read; the fit depends on them only through the table.
READING = (
    *("file", "reads", "features", "profiled", "format", "sample_column", "snv_only"),
    *("pass_only", "min_depth", "min_genotype_quality", "min_quality"),
)
SEARCH = ("models", "inner_folds", "regress_out")


def fitted_layers(config: CohortConfig) -> dict[str, LayerConfig]:
    """Return the settings of each layer that matter after reading."""
    return {
        name: layer_part(layer, [key for key in layer if key not in READING])
        for name, layer in config["layers"].items()
    }


def fitting_settings(config: CohortConfig, *more: str) -> FitConfig:
    """Return what :func:`trdomics.classification.run_split.nested_search` and the loading read.

    Parameters
    ----------
    *more : str
        Further keys of its ``classification``.
    """
    samples, clinical = config["samples"], config["clinical"]
    classification = cast("Mapping[str, Any]", config["classification"])
    return {
        "seed": config["seed"],
        "label": config["label"],
        "samples": patient_columns(samples),
        "clinical": {
            "predictors": clinical["predictors"],
            "confounders": clinical["confounders"],
            "circular": clinical["circular"],
        },
        "layers": fitted_layers(config),
        "derived": derived_tables(config),
        "panels": list(panel_files(config["panels"])),
        # a single model is fitted
        "integration": {**config["integration"], "seeds": config["integration"]["seeds"][:1]},
        "classification": cast(
            "SearchConfig", {key: classification[key] for key in (*SEARCH, *more)}
        ),
    }
