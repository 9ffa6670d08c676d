"""Self-test: a frozen model must reproduce its probabilities of artificial patients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from trdomics.classification.fitted_representation import FittedRepresentation
from trdomics.frozen_model.model import FrozenRisk
from trdomics.tables import CLINICAL, LayerTables

N_PROBES = 8
SEED = 20251031
TOLERANCE = 1e-9


def probe_tables(representation: FittedRepresentation) -> LayerTables:
    """Draw artificial patients from a seed and the model's features only.

    The first has all layers, the second none, and each of the others lacks one layer.
    """
    rng = np.random.default_rng(SEED)
    patients = pd.Index([f"probe{i}" for i in range(N_PROBES)], name="patient_id")
    tables: dict[str, pd.DataFrame] = {}
    for position, (layer, fitted) in enumerate(sorted(representation.normalisers_.items())):
        lacking = {1, 2 + position % (N_PROBES - 2)}
        there = patients[[i not in lacking for i in range(N_PROBES)]]
        tables[layer] = fitted.made_up(there, rng)
    for name, block in sorted(representation.derived_blocks_.items()):
        columns = {column: 100 * rng.random(N_PROBES) for column in block.numeric_}
        tables[name] = pd.DataFrame(columns, index=patients).drop(index=patients[1])
    sheet = {
        name: _column(representation, name, rng) for name in sorted(representation.sheet_columns())
    }
    tables[CLINICAL] = pd.DataFrame(sheet, index=patients)
    return LayerTables(tables, patients)


def _column(
    representation: FittedRepresentation, name: str, rng: np.random.Generator
) -> Iterable[Any]:
    parts = [*representation.column_blocks_.values(), *(e for _, e in representation.effects())]
    for part in parts:
        if levels := part.levels_.get(name):
            return [str(levels[i]) for i in rng.integers(0, len(levels), size=N_PROBES)]
    return [float(value) for value in 100 * rng.random(N_PROBES)]


def probe_probabilities(model: FrozenRisk) -> list[float]:
    """Return the model's probabilities of the artificial patients."""
    return [float(p) for p in model.predict_proba(probe_tables(model.representation))[:, 1]]


def worst_difference(model: FrozenRisk, expected: Iterable[float]) -> float:
    """Return the largest difference of the artificial patients' probabilities from the expected."""
    found, wanted = np.asarray(probe_probabilities(model)), np.asarray(list(expected))
    return float(np.abs(found - wanted).max()) if found.shape == wanted.shape else np.inf
