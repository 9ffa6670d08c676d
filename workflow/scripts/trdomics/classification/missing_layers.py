"""Predictions for patients with all layers as if some layers were missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trdomics.classification.inner_search import RiskModel
from trdomics.layers.subsets import joined, missing_sets
from trdomics.tables import LayerTables

PREDICTIONS = ["patient_id", "split", "repeat", "fold", "layers_missing", "probability"]


def predict_without_layers(
    model: RiskModel, tables: LayerTables, layers: Sequence[str], where: Mapping[str, Any]
) -> pd.DataFrame:
    """Predict patients with all layers as if some were missing; nothing is refitted.

    Parameters
    ----------
    tables : LayerTables
        Patients to predict; those who lack a layer are left out.
    layers : sequence of str
        All layers of the cohort. The sheet's columns are always kept.
    where : mapping
        ``split``, ``repeat`` and ``fold``, written into every row.

    Returns
    -------
    DataFrame
        ``patient_id``, ``split``, ``repeat``, ``fold``, ``layers_missing`` (names joined by
        ``+``, ``-`` for none), ``probability``.
    """
    absent = np.zeros(len(tables), dtype=bool)
    complete = np.logical_and.reduce(
        [tables.profiled(layer) if layer in tables else absent for layer in layers]
    )
    parts = [pd.DataFrame(columns=PREDICTIONS)]
    if complete.any():
        whole = tables.take(np.flatnonzero(complete))
        used = model.representation.normalisers_
        # sets that differ only in layers that the model does not use give the same
        known: dict[frozenset[str], Any] = {}
        for missing in missing_sets(layers):
            effective = frozenset(missing) & frozenset(used)
            if effective not in known:
                kept = {name: table for name, table in whole.items() if name not in effective}
                known[effective] = model.predict_proba(LayerTables(kept, whole.patients))[:, 1]
            part = {
                "patient_id": whole.patients,
                **where,
                "layers_missing": joined(missing),
                "probability": known[effective],
            }
            parts.append(pd.DataFrame(part)[PREDICTIONS])
    return pd.concat(parts[1:] or parts, ignore_index=True)
