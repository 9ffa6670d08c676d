"""The part of a config that a fit depends on; changes elsewhere do not rerun a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trdomics.classification.derived import derived_tables
from trdomics.panels.panel import panel_files

# Settings that decide how a layer's file is read; the fit depends on them only through the table.
READING = (
    *("file", "reads", "features", "profiled", "format", "sample_column", "snv_only"),
    *("pass_only", "min_depth", "min_genotype_quality", "min_quality"),
)
MOFA = ("factors", "max_iterations", "convergence", "dtype", "fast", "regress_out")
SEARCH = ("models", "inner_folds", "regress_out")


def fitted_layers(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the settings of each layer that matter after reading."""
    return {
        name: {key: value for key, value in layer.items() if key not in READING}
        for name, layer in config["layers"].items()
    }


def fitting_settings(config: Mapping[str, Any], *more: str) -> dict[str, Any]:
    """Return what :func:`trdomics.classification.run_split.nested_search` and the loading read.

    Parameters
    ----------
    *more : str
        Further keys of its ``classification``.
    """
    samples, clinical = config["samples"], config["clinical"]
    return {
        "seed": config["seed"],
        "label": config["label"],
        "samples": {key: samples[key] for key in ("patient_id", "site", "categorical")},
        "clinical": {key: clinical[key] for key in ("predictors", "confounders", "circular")},
        "layers": fitted_layers(config),
        "derived": derived_tables(config),
        "panels": list(panel_files(config["panels"])),
        "integration": {
            **{key: config["integration"][key] for key in MOFA},
            "seeds": config["integration"]["seeds"][:1],
        },
        "classification": {key: config["classification"][key] for key in (*SEARCH, *more)},
    }
